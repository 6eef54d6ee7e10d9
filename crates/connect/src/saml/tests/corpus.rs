//! The fuzzer's corpus, replayed: it holds the good shapes and what attackers made of them.

use std::collections::BTreeMap;
use std::path::Path;

use super::world::*;
use crate::saml::*;

/// What the corpus was made of; the encrypted ones differ each time and are kept as they were.
fn made() -> BTreeMap<&'static str, String> {
    let idp = Some(Who::Idp);
    let forge = Forge::new();
    let evil = forge.assertion.replace("_a1", "_evil").replace(">alice-1<", ">mallory<");
    let signed = forge.inner();
    let advice = format!("<saml:Advice>{signed}</saml:Advice></saml:Assertion>");
    BTreeMap::from([
        ("assertion_signed", forge.xml()),
        ("response_signed", forge.clone().signed(None, idp).xml()),
        ("both_signed", forge.clone().signed(idp, idp).xml()),
        ("unsigned", forge.clone().signed(None, None).xml()),
        ("comment", forge.xml().replace("alice-1", "alice-1<!---->.evil")),
        ("sections", forge.xml().replace("alice-1", "al<![CDATA[ice]]>&#45;1")),
        ("two_assertions", forge.around(&format!("{evil}{signed}"))),
        ("wrapped_in_advice", forge.around(&evil.replace("</saml:Assertion>", &advice))),
        ("doctype", format!("<!DOCTYPE r [<!ENTITY e \"alice-1\">]>{}", forge.xml())),
        ("refused", forge.xml().replace("status:Success", "status:Responder")),
        ("many_groups", forge.clone().with(&attribute("memberOf", &["a"; 40])).xml()),
    ])
}

#[test]
fn nothing_in_the_corpus_gives_another_identity() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/saml_response");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap());
    }
    for (name, xml) in made() {
        assert_eq!(found.get(name).map(Vec::as_slice), Some(xml.as_bytes()), "{name}");
    }
    let mut good = Vec::new();
    for (name, xml) in &found {
        let posted = Posted::read(&base64::Engine::encode(&base64::engine::general_purpose::STANDARD, xml));
        let said = posted.and_then(|posted| SamlConnector::new(settings()).finish(&flow(), &posted, now()));
        if let Ok(said) = said {
            assert_eq!((said.identity.subject.as_str(), said.assertion_id.as_str()), ("alice-1", "_a1"), "{name}");
            good.push(name.as_str());
        }
    }
    let expected = [
        "assertion_signed",
        "both_signed",
        "encrypted_cbc",
        "encrypted_gcm",
        "many_groups",
        "response_signed",
        "sections",
    ];
    assert_eq!(good, expected);
}
