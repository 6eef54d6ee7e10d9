use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn judge(password: &str, about: &[&str]) -> Result<(), Weakness> {
    let about: Vec<String> = about.iter().map(|text| (*text).to_owned()).collect();
    form(password)?;
    strength(password, &own_words(&about))
}

#[test]
fn a_password_has_nine_characters_of_four_kinds() {
    assert_eq!(judge("Tr0ub4-x", &[]), Err(Weakness::Short));
    assert_eq!(judge("Äö7-Äö7-", &[]), Err(Weakness::Short), "characters are counted, not bytes");
    assert_eq!(judge(&format!("A1-{}", "a".repeat(LONGEST - 2)), &[]), Err(Weakness::Long));
    for (password, missing) in [
        ("correct-horse-7", "an upper-case letter"),
        ("CORRECT-HORSE-7", "a lower-case letter"),
        ("Correct-horse-x", "a digit"),
        ("CorrectHorse77x", "a special character"),
        ("correcthorse", "an upper-case letter and a digit and a special character"),
    ] {
        assert_eq!(judge(password, &[]), Err(Weakness::Kinds(missing.to_owned())), "{password}");
    }
    for good in ["Correct-horse-7", "Ünter den Linden 77", "x7$Kq!mZs", "Пароль из-за 9 слонов"] {
        assert_eq!(judge(good, &[]), Ok(()), "{good}");
    }
}

#[test]
fn what_many_people_have_is_refused_with_its_reason() {
    for (password, reason) in [
        ("Password1!", "many people have it, or one like it"),
        ("P@ssw0rd1", "many people have it, or one like it"),
        ("Qwertyuiop1!", "many people have it, or one like it"),
        ("Zxcvbnm,./1", "it follows the keys of a keyboard"),
        ("Aa1!Aa1!Aa1!", "it repeats itself"),
    ] {
        let refused = judge(password, &[]).unwrap_err();
        assert_eq!(refused, Weakness::Guessable(reason), "{password}");
        let text = refused.to_string();
        assert!(text.contains("take three or four words"), "{text}");
    }
}

#[test]
fn what_belongs_to_its_person_is_refused_for_them_alone() {
    let yours = Err(Weakness::Guessable("it has your name, your address or your account's name in it"));
    for (password, about) in [
        ("Wiltshaugen1!", ["wiltshaugen@acme.test", "", ""]),
        ("Brontovision-1", ["ana@brontovision.example", "", ""]),
        ("Zyntharok#2026", ["a@b.example", "Ana Zyntharok", ""]),
        ("Qorvelanto.99", ["a@b.example", "", "qorvelanto"]),
        ("Olga@acme.test1", ["olga@acme.test", "", ""]),
    ] {
        assert_eq!(judge(password, &about), yours, "{password}");
        assert_eq!(judge(password, &["someone@else.example"]), Ok(()), "{password}");
    }
    assert!(judge("Cardea-2026", &[]).is_err(), "our own name is everybody's");
}

#[test]
fn hostile_passwords_and_names_take_no_endless_work() {
    let about = [format!("{}@corp.example", "ab-".repeat(20)), "x y z ".repeat(10_000), "é".repeat(5_000)];
    let words = own_words(&about);
    assert!(words.len() <= MOST_WORDS, "{}", words.len());
    for unit in ["4@8({[<3691!|705$7%2", "aA1-", "abcdefgh", "1/1/2011", "qwerty", "pässwörd", "\u{0}", "🦀", "1"] {
        let password: String = unit.repeat(LONGEST).chars().take(LONGEST / 4).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let took = zxcvbn(&password, &words).calculation_time();
        assert!(took < Duration::from_secs(5), "{unit}: {took:?}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_judge(password in "\\PC{0,60}", about in proptest::collection::vec("\\PC{0,30}", 0..4)) {
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        if judge(&password, &about).is_ok() {
            prop_assert!(password.chars().count() >= SHORTEST && password.len() <= LONGEST);
        }
    }
}
