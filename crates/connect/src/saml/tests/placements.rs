//! Every legal place of a signature, and every way to sign that is accepted.

use super::world::*;
use crate::connector::GroupClaims;
use crate::saml::*;

fn placement(response: bool, assertion: bool) -> Placement {
    Placement { response, assertion, encrypted: false }
}

#[test]
fn a_signed_assertion_says_who_it_is() {
    let statement = Forge::new().finish().unwrap();
    assert_eq!(statement.placement, placement(false, true));
    assert_eq!(statement.assertion_id, "_a1");
    assert_eq!(statement.signed_by.der, Who::Idp.certificate());
    assert_eq!(statement.clock_offset, -2);
    assert!(!statement.one_time_use);
    // Five minutes by the bearer, six by the conditions, three for the clocks.
    assert_eq!(statement.replay_until, Timestamp::parse("2026-11-21T10:08:00Z").unwrap());
    assert_eq!(statement.session_until, Timestamp::parse("2026-11-21T18:00:00Z"));
    let context = statement.authn_context.unwrap();
    assert_eq!(context, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    let name_id = statement.name_id.unwrap();
    assert_eq!(name_id.value, "alice-1");
    assert!(name_id.format.unwrap().ends_with(":persistent"));
    let identity = statement.identity;
    assert_eq!((identity.subject.as_str(), identity.issuer.as_str()), ("alice-1", IDP));
    assert_eq!(identity.email.unwrap(), crate::ClaimedEmail { address: "alice@a.example".into(), verified: None });
    assert_eq!((identity.given_name.as_deref(), identity.family_name.as_deref()), (Some("Alice"), Some("Adams")));
    assert_eq!(identity.groups, GroupClaims::Present(vec!["CN=a,OU=b".into(), "admins".into()]));
    assert_eq!(identity.sid.as_deref(), Some("_s1"));
    assert_eq!(identity.auth_time, Timestamp::parse("2026-11-21T09:59:50.123Z"));
    assert_eq!(identity.issued_at, Timestamp::parse("2026-11-21T09:59:58Z").unwrap());
    assert_eq!(identity.remarks, Vec::<String>::new());
}

#[test]
fn the_response_or_the_assertion_or_both_may_be_signed() {
    for (assertion, response) in [(None, Some(Who::Idp)), (Some(Who::Idp), Some(Who::Idp)), (Some(Who::Idp), None)] {
        let statement = Forge::new().signed(assertion, response).finish().unwrap();
        assert_eq!(statement.placement, placement(response.is_some(), assertion.is_some()));
        assert_eq!(statement.identity.subject, "alice-1");
    }
    assert_eq!(Forge::new().signed(None, None).finish().unwrap_err(), SamlError::Unsigned);
}

#[test]
fn any_key_of_the_metadata_may_sign_and_no_other() {
    let by = |who, method: &'static str, digest: &'static str| {
        let forge = Forge::new().signed(Some(who), Some(who)).how(How { method, digest });
        forge.finish().map(|statement| statement.signed_by.kind)
    };
    const MORE: [&str; 5] = [
        RSA_SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    ];
    const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
    assert_eq!(by(Who::Next, MORE[0], SHA256).unwrap(), "RSA 2048");
    assert_eq!(by(Who::Idp, MORE[1], SHA384).unwrap(), "RSA 2048");
    assert_eq!(by(Who::Idp, MORE[2], SHA512).unwrap(), "RSA 2048");
    assert_eq!(by(Who::P256, MORE[3], SHA256).unwrap(), "P-256");
    assert_eq!(by(Who::P384, MORE[4], SHA256).unwrap(), "P-384");
    assert_eq!(by(Who::Stranger, MORE[0], SHA256).unwrap_err(), SamlError::Signature);
    // A key of one kind under the name of another.
    assert_eq!(by(Who::P384, MORE[3], SHA256).unwrap_err(), SamlError::Signature);
}

#[test]
fn one_bad_signature_spoils_a_good_one() {
    let both = |assertion, response| Forge::new().signed(Some(assertion), Some(response)).finish();
    assert_eq!(both(Who::Idp, Who::Stranger).unwrap_err(), SamlError::Signature);
    assert_eq!(both(Who::Stranger, Who::Idp).unwrap_err(), SamlError::Signature);
}

#[test]
fn white_space_and_other_spellings_of_the_same_text_are_the_same() {
    let xml = Forge::new().signed(None, Some(Who::Idp)).xml();
    let spelled = xml.replace(">alice-1<", "><![CDATA[alice]]>&#45;1<").replace(
        "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
        "<samlp:StatusCode\n Value='urn:oasis:names:tc:SAML:2.0:status:Success' />",
    );
    assert_ne!(xml, spelled);
    let with_declaration = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n{spelled}\n");
    assert_eq!(finish(&with_declaration).unwrap().identity.subject, "alice-1");
    // Base64 as some providers break it.
    let field = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &xml);
    let broken: Vec<&str> = field.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let posted = Posted::read(&broken.join("\r\n")).unwrap();
    assert_eq!(posted.in_response_to(), Some(format!("_{STATE}").as_str()));
    assert_eq!(posted.issuer().as_deref(), Some(IDP));
    assert!(SamlConnector::new(settings()).finish(&flow(), &posted, now()).is_ok());
}

#[test]
fn a_pretty_printed_response_is_read() {
    let forge = Forge::new();
    let spaced = |xml: &str| xml.replace("><saml:", ">\n  <saml:").replace("><samlp:", ">\n  <samlp:");
    let assertion = spaced(&forge.assertion).replace("</saml:Issuer>\n  ", "</saml:Issuer>");
    let forge = Forge { assertion, envelope: spaced(&forge.envelope), ..forge };
    assert_eq!(forge.finish().unwrap().identity.family_name.as_deref(), Some("Adams"));
}
