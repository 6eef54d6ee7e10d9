//! One row for each rule of what has to hold for a response to be an answer.

use super::world::*;
use crate::saml::*;

fn error(forge: Forge) -> SamlError {
    forge.finish().unwrap_err()
}

#[test]
fn the_envelope_has_to_fit() {
    let both = || Forge::new().signed(Some(Who::Idp), Some(Who::Idp));
    let success = " Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"";
    let answered = format!(" InResponseTo=\"_{STATE}\"");
    let destination = format!(" Destination=\"{ACS}\"");
    let rows: [(&str, &str, SamlError); 12] = [
        ("Version=\"2.0\"", "Version=\"1.1\"", SamlError::Version),
        (" Version=\"2.0\"", "", SamlError::Version),
        (&destination, " Destination=\"https://cardea.example/saml/okta/acs/\"", SamlError::Destination),
        (&destination, "", SamlError::Destination),
        ("2026-11-21T09:59:59Z", "2026-11-21T09:49:59Z", SamlError::TooOld(601)),
        ("2026-11-21T09:59:59Z", "2026-11-21T10:03:01Z", SamlError::NotYetValid(181)),
        ("2026-11-21T09:59:59Z", "2026-11-21T10:59:59+01:00", SamlError::Time("IssueInstant")),
        (IDP, "https://idp.example/metadata/", SamlError::Issuer),
        (success, " Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"", SamlError::Status("Responder".into())),
        (success, "", SamlError::Status(String::new())),
        (&answered, " InResponseTo=\"_other\"", SamlError::InResponseTo),
        (&answered, "", SamlError::InResponseTo),
    ];
    for (old, new, expected) in rows {
        assert_eq!(error(both().in_envelope(old, new)), expected, "{new}");
        // What nobody signed has to fit as well, but for an address that is not there.
        let alone = Forge::new().in_envelope(old, new).finish();
        assert_eq!(alone.err(), Some(expected).filter(|_| old != destination || !new.is_empty()), "{new}");
    }
    assert!(Forge::new().in_envelope("2026-11-21T09:59:59Z", "2026-11-21T10:02:59.999Z").finish().is_ok());
}

#[test]
fn a_refusal_of_the_provider_is_told() {
    let nested = "Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
                  Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\"></samlp:StatusCode>";
    let forge = Forge::new()
        .in_envelope("Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">", nested)
        .in_envelope("{assertion}", "");
    assert_eq!(error(forge), SamlError::Status("AuthnFailed".into()));
    assert_eq!(error(Forge::new().in_envelope("{assertion}", "")), SamlError::AssertionCount);
}

#[test]
fn the_assertion_has_to_fit() {
    let answered = format!(" InResponseTo=\"_{STATE}\"");
    let recipient = format!(" Recipient=\"{ACS}\"");
    let restriction =
        format!("<saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction>");
    let other = "<saml:AudienceRestriction><saml:Audience>https://other</saml:Audience></saml:AudienceRestriction>";
    let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    let rows: [(&str, &str, SamlError); 24] = [
        ("Version=\"2.0\"", "Version=\"2.00\"", SamlError::Version),
        ("09:59:58Z", "09:49:59Z", SamlError::TooOld(601)),
        ("09:59:58Z", "10:03:01Z", SamlError::NotYetValid(181)),
        (" IssueInstant=\"2026-11-21T09:59:58Z\"", "", SamlError::Time("IssueInstant")),
        (IDP, "https://idp.example/Metadata", SamlError::Issuer),
        (bearer, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", SamlError::SubjectConfirmation),
        (&recipient, " Recipient=\"https://cardea.example/saml/other/acs\"", SamlError::Recipient),
        (&recipient, "", SamlError::Recipient),
        (&answered, " InResponseTo=\"_other\"", SamlError::InResponseTo),
        (&answered, "", SamlError::InResponseTo),
        ("10:05:00Z", "09:57:00Z", SamlError::Expired(180)),
        (" NotOnOrAfter=\"2026-11-21T10:05:00Z\"", "", SamlError::SubjectConfirmation),
        (
            " NotOnOrAfter=\"2026-11-21T10:05",
            " NotBefore=\"2026-11-21T09:00:00Z\" NotOnOrAfter=\"2026-11-21T10:05",
            SamlError::SubjectConfirmation,
        ),
        ("10:06:00Z", "09:57:00Z", SamlError::Expired(180)),
        ("09:55:00Z", "10:03:01Z", SamlError::NotYetValid(181)),
        ("09:55:00Z", "09:55:00", SamlError::Time("NotBefore")),
        (&restriction, "", SamlError::Audience),
        (&restriction, other, SamlError::Audience),
        (&restriction, &format!("{restriction}{other}"), SamlError::Audience),
        (&restriction, &format!("{restriction}<saml:Condition></saml:Condition>"), SamlError::Condition),
        ("09:59:50.123Z", "10:03:01Z", SamlError::NotYetValid(181)),
        ("18:00:00Z", "09:57:00Z", SamlError::Expired(180)),
        (" AuthnInstant=\"2026-11-21T09:59:50.123Z\"", "", SamlError::Time("AuthnInstant")),
        (SP, "https://cardea.example/saml/okta/metadata ", SamlError::Audience),
    ];
    for (old, new, expected) in rows {
        assert_eq!(error(Forge::new().in_assertion(old, new)), expected, "{new}");
    }
}

#[test]
fn parts_of_the_assertion_may_not_be_missing() {
    let cut = |from, to| error(Forge::new().cut(from, to, ""));
    assert_eq!(cut("<saml:Subject>", "</saml:Subject>"), SamlError::Shape("Subject"));
    assert_eq!(cut("<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>"), SamlError::SubjectConfirmation);
    assert_eq!(cut("<saml:Conditions", "</saml:Conditions>"), SamlError::Shape("Conditions"));
    assert_eq!(cut("<saml:AuthnStatement", "</saml:AuthnStatement>"), SamlError::NoAuthentication);
    assert_eq!(cut("<saml:NameID", "</saml:NameID>"), SamlError::SubjectMissing);
}

#[test]
fn clocks_may_differ_by_three_minutes_and_one_good_confirmation_is_enough() {
    assert!(Forge::new().in_assertion("10:05:00Z", "09:57:01Z").finish().is_ok());
    assert!(Forge::new().in_assertion("09:55:00Z", "10:03:00Z").finish().is_ok());
    let bad = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"></saml:SubjectConfirmation>";
    let forge = Forge::new().in_assertion("<saml:SubjectConfirmation ", &format!("{bad}<saml:SubjectConfirmation "));
    assert!(forge.finish().is_ok());
    let audiences = format!("<saml:Audience>https://other</saml:Audience><saml:Audience>{SP}");
    assert!(Forge::new().in_assertion(&format!("<saml:Audience>{SP}"), &audiences).finish().is_ok());
}

#[test]
fn one_time_use_is_told_and_a_long_life_is_cut_short() {
    let forge = Forge::new()
        .in_assertion("10:05:00Z", "23:05:00Z")
        .in_assertion("10:06:00Z", "23:06:00Z")
        .in_assertion("</saml:Conditions>", "<saml:OneTimeUse></saml:OneTimeUse></saml:Conditions>");
    let statement = forge.finish().unwrap();
    assert!(statement.one_time_use);
    // An hour after it was made, and three minutes for the clocks.
    assert_eq!(statement.replay_until, Timestamp::parse("2026-11-21T11:02:58Z").unwrap());
}

#[test]
fn whoever_was_to_sign_in_again_has_to() {
    let forced = Flow { prompt: Some("login"), ..flow() };
    let finish = |forge: Forge| SamlConnector::new(settings()).finish(&forced, &posted(&forge.xml()).unwrap(), now());
    assert!(finish(Forge::new()).is_ok());
    let stale = Forge::new().in_assertion("09:59:50.123Z", "09:20:00Z");
    assert!(stale.finish().is_ok());
    assert_eq!(finish(stale).unwrap_err(), SamlError::StaleAuthentication);
}

#[test]
fn without_keys_or_after_its_time_metadata_vouches_for_nothing() {
    let with = |change: fn(&mut IdpMetadata)| {
        let mut settings = settings();
        change(Arc::make_mut(&mut settings.idp));
        finish_with(settings, &Forge::new().signed(None, None).xml()).unwrap_err()
    };
    assert_eq!(with(|idp| idp.certificates.clear()), SamlError::NoKeys);
    assert_eq!(with(|idp| idp.valid_until = Some(now())), MetadataError::Expired.into());
}
