//! From attributes to a person.

use super::world::*;
use crate::connector::GroupClaims;
use crate::saml::*;

fn with_subject(subject: &str, forge: Forge) -> Result<SignedStatement, SamlError> {
    let mut settings = settings();
    settings.attributes.subject = subject.into();
    finish_with(settings, &forge.xml())
}

fn present(groups: &[&str]) -> GroupClaims {
    GroupClaims::Present(groups.iter().map(|group| (*group).to_owned()).collect())
}

#[test]
fn a_person_is_the_name_id_or_an_attribute() {
    let id = attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", &["alice@a.example"]);
    let by_attribute = |forge: Forge| with_subject("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", forge);
    assert_eq!(by_attribute(Forge::new().with(&id)).unwrap().identity.subject, "alice@a.example");
    assert_eq!(by_attribute(Forge::new()).unwrap_err(), SamlError::SubjectMissing);
    assert_eq!(by_attribute(Forge::new().with(&id).with(&id)).unwrap_err(), SamlError::SubjectUnusable);
    // Then there may be no NameID, or another one each time.
    let without = by_attribute(Forge::new().with(&id).cut("<saml:NameID", "</saml:NameID>", "")).unwrap();
    assert_eq!((without.name_id, without.identity.preferred_username), (None, None));
    let transient = Forge::new().in_assertion(":persistent", ":transient");
    assert_eq!(transient.finish().unwrap_err(), SamlError::SubjectTransient);
    let statement = by_attribute(transient.with(&id)).unwrap();
    assert_eq!(statement.identity.preferred_username, None);
    assert_eq!(statement.name_id.unwrap().value, "alice-1");
}

#[test]
fn a_subject_is_taken_to_the_letter_or_not_at_all() {
    let subject = |value: &str| Forge::new().in_assertion(">alice-1<", &format!(">{value}<")).finish();
    assert_eq!(subject("  Ali Ce&amp;1  ").unwrap().identity.subject, "  Ali Ce&1  ");
    assert_eq!(subject(&"x".repeat(255)).unwrap().identity.subject.len(), 255);
    for bad in ["", "  ", "a\nb", "a\tb", "a\u{85}b", &"x".repeat(256)] {
        assert_eq!(subject(bad).unwrap_err(), SamlError::SubjectUnusable, "{bad:?}");
    }
    let nested = Forge::new().in_assertion(">alice-1<", "><saml:X></saml:X>alice-1<").finish();
    assert_eq!(nested.unwrap_err(), SamlError::Shape("NameID"));
    let encrypted =
        Forge::new().cut("<saml:NameID", "</saml:NameID>", "<saml:EncryptedID></saml:EncryptedID>").finish();
    assert_eq!(encrypted.unwrap_err(), SamlError::SubjectEncrypted);
}

#[test]
fn an_e_mail_address_is_one_and_plain() {
    let mail = |value: &str| {
        let forge = Forge::new().in_assertion(">alice@a.example<", &format!(">{value}<"));
        forge.finish().map(|statement| statement.identity.email.unwrap().address)
    };
    assert_eq!(mail("Alice.O'Neil+x@A.example").unwrap(), "Alice.O'Neil+x@A.example");
    let bad = [
        "",
        "alice",
        "alice@",
        "@a.example",
        "a@b@a.example",
        "\"a\"@a.example",
        "a@b.example,c@a.example",
        "a@a.example ",
        "a b@a.example",
        "a@a.example\n",
        "a@a.ex\u{fb03}ample",
        "a@\u{ff41}.example",
        "a@a.exam\u{ad}ple",
        "a@a\u{3002}example",
        "\u{212a}@a.example",
        "a@\u{430}.example",
        "a@a",
        "a@[127.0.0.1]",
        "a@a.example.",
        " a@a.example",
    ];
    for bad in bad {
        assert_eq!(mail(bad).unwrap_err(), SamlError::EmailUnusable, "{bad:?}");
    }
    let twice = attribute("mail", &["mallory@a.example"]);
    assert_eq!(Forge::new().with(&twice).finish().unwrap_err(), SamlError::EmailAmbiguous);
    let same = Forge::new().in_assertion(
        "<saml:AttributeValue>alice@a.example</saml:AttributeValue>",
        "<saml:AttributeValue>a@a.example</saml:AttributeValue><saml:AttributeValue>a@a.example</saml:AttributeValue>",
    );
    assert_eq!(same.finish().unwrap_err(), SamlError::EmailAmbiguous);
    let none = Forge::new().in_assertion("Name=\"mail\"", "Name=\"Mail\"").finish().unwrap();
    assert_eq!(none.identity.email, None);
    assert_eq!(none.identity.remarks, ["the attribute of the e-mail address is missing"]);
}

#[test]
fn the_name_id_can_be_the_e_mail_address() {
    let mut settings = settings();
    settings.attributes.email = Some("name_id".into());
    let xml = Forge::new().in_assertion(">alice-1<", ">alice@b.example<").xml();
    let identity = finish_with(settings, &xml).unwrap().identity;
    assert_eq!(
        (identity.subject.as_str(), identity.email.unwrap().address.as_str()),
        ("alice@b.example", "alice@b.example")
    );
}

#[test]
fn absent_empty_and_cut_groups_are_three_things() {
    let groups = |forge: Forge| forge.finish().unwrap().identity.groups;
    let without = || Forge::new().in_assertion("Name=\"memberOf\"", "Name=\"other\"");
    assert_eq!(groups(without()), GroupClaims::Missing);
    assert_eq!(groups(without().with(&attribute("memberOf", &[]))), present(&[]));
    assert_eq!(groups(without().with(&attribute("memberOf", &[""]))), present(&[]));
    let link = attribute("http://schemas.microsoft.com/claims/groups.link", &["https://graph.windows.net/x"]);
    assert_eq!(groups(without().with(&link)), GroupClaims::Overage);
    assert_eq!(groups(Forge::new().with(&link)), present(&["CN=a,OU=b", "admins"]));
    let many: Vec<String> = (0..2_001).map(|i| format!("g{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(groups(without().with(&attribute("memberOf", &many))), GroupClaims::Overage);
    assert!(matches!(groups(without().with(&attribute("memberOf", &many[..2_000]))), GroupClaims::Present(_)));
    assert_eq!(groups(without().with(&attribute("memberOf", &[&"x".repeat(513)]))), GroupClaims::Overage);
}

#[test]
fn groups_are_joined_from_all_elements_and_split_only_where_it_is_said() {
    let forge = Forge::new()
        .with(&attribute("memberOf", &["x; y ;z", "admins", "Caf\u{65}\u{301}"]))
        .with("<saml:Attribute Name=\"nil\"><saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"></saml:AttributeValue></saml:Attribute>");
    let whole = forge.finish().unwrap();
    assert_eq!(whole.identity.groups, present(&["CN=a,OU=b", "admins", "x; y ;z", "Caf\u{e9}"]));
    assert_eq!(whole.attributes.last().unwrap(), &Attribute { name: "nil".into(), values: Vec::new() });
    let split = SamlSettings { groups_split: Some(';'), ..settings() };
    let split = finish_with(split, &forge.xml()).unwrap().identity.groups;
    assert_eq!(split, present(&["CN=a,OU=b", "admins", "x", "y", "z", "Caf\u{e9}"]));
}

#[test]
fn what_rules_ask_for_never_fails_a_sign_in_and_what_the_connection_asks_for_holds_text() {
    let nested =
        "<saml:Attribute Name=\"N\"><saml:AttributeValue><saml:X></saml:X></saml:AttributeValue></saml:Attribute>";
    let forge = Forge::new().with(nested).with(&attribute("role", &["a", "b"]));
    let settings = SamlSettings { claims: vec!["role".into(), "N".into(), "absent".into()], ..settings() };
    let statement = finish_with(settings, &forge.xml()).unwrap();
    let claims = &statement.identity.claims;
    assert_eq!(claims["role"], present(&["a", "b"]));
    assert_eq!((&claims["N"], &claims["absent"]), (&GroupClaims::Missing, &GroupClaims::Missing));
    assert_eq!(statement.identity.remarks.len(), 1);
    assert!(statement.attributes.contains(&Attribute { name: "N".into(), values: vec![None] }));
    for name in ["mail", "memberOf"] {
        let forge = Forge::new()
            .in_assertion(&format!("Name=\"{name}\""), "Name=\"x\"")
            .with(&nested.replace("\"N\"", &format!("\"{name}\"")));
        assert_eq!(forge.finish().unwrap_err(), SamlError::AttributeUnusable, "{name}");
    }
    let forge = Forge::new().in_assertion("Name=\"sn\"", "Name=\"x\"").with(&nested.replace("\"N\"", "\"sn\""));
    assert_eq!(forge.finish().unwrap().identity.family_name, None);
}

#[test]
fn the_principal_name_of_microsoft_is_known() {
    let upn = attribute("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", &["alice@corp.example"]);
    assert_eq!(Forge::new().with(&upn).finish().unwrap().identity.upn.as_deref(), Some("alice@corp.example"));
}

#[test]
fn nothing_of_a_person_is_printed() {
    let shown = format!("{:?}", Forge::new().finish().unwrap().name_id.unwrap());
    assert!(!shown.contains("alice"), "{shown}");
    let shown = format!("{:?}", Forge::new().finish().unwrap().attributes);
    assert!(!shown.to_lowercase().contains("alice"), "{shown}");
    assert_eq!(format!("{:?}", own_keys()), "SpKeys");
}
