use std::collections::HashSet;

use super::*;

#[test]
fn no_two_questions_are_remembered_under_one_digest() {
    let plain = Question { key: "k", service: "s", action: "a", ..Question::default() };
    let all = [
        plain,
        Question { key: "ks", service: "", ..plain },
        Question { service: "sa", action: "", ..plain },
        Question { entity_type: Some(""), ..plain },
        Question { entity: Some(""), ..plain },
        Question { entity_type: Some("x"), ..plain },
        Question { entity: Some("x"), ..plain },
        Question { operation: Some("x"), ..plain },
        Question { labels: &["x"], ..plain },
        Question { labels: &["x", "x"], ..plain },
        Question { labels: &["xx"], ..plain },
        Question { labels: &[""], ..plain },
    ];
    let digests: HashSet<Box<[u8]>> = all.iter().map(Question::digest).collect();
    assert_eq!(digests.len(), all.len());
    assert!(digests.iter().all(|digest| digest.len() == 32));
    assert_eq!(plain.digest(), plain.digest());
}

#[test]
fn a_question_is_shown_without_its_key() {
    let shown = format!("{:?}", Question { key: "cdap_secret", service: "registry", ..Question::default() });
    assert!(shown.contains("registry") && !shown.contains("cdap"), "{shown}");
}

#[test]
fn half_an_answer_is_none() {
    for text in [r#"{"allowed":true}"#, r#"{"allowed":true,"key_id":"k","org":"o"}"#, r#"{"allowed":false}"#] {
        let answer: Answer = serde_json::from_str(text).unwrap();
        assert!(answer.read().is_none(), "{text}");
    }
    assert!(serde_json::from_str::<Answer>(r#"{"reason":"expired"}"#).is_err());
}
