//! Signing out, by query and by form, read and written.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::world::*;
use crate::saml::*;

const REQUEST: &str = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
     Destination=\"https://cardea.example/saml/okta/slo\" ID=\"_l1\" IssueInstant=\"2026-11-21T09:59:59Z\" \
     NotOnOrAfter=\"2026-11-21T10:05:00Z\" Version=\"2.0\"><saml:Issuer \
     xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example/metadata</saml:Issuer><saml:NameID \
     xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">alice-1</saml:NameID>\
     <samlp:SessionIndex>_s1</samlp:SessionIndex><samlp:SessionIndex>_s2</samlp:SessionIndex></samlp:LogoutRequest>";

fn packed(xml: &str) -> String {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(xml.as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A query of these parts, each as it is to be written, and the signature over them.
fn query(parts: &[(&str, &str)]) -> String {
    signed(parts, Who::Idp)
}

fn signed(parts: &[(&str, &str)], who: Who) -> String {
    let said: Vec<String> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let said = said.join("&");
    let signature = STANDARD.encode(who.sign(RSA_SHA256, said.as_bytes()));
    format!("{said}&Signature={}", escaped(&signature))
}

fn read(query: &str) -> Result<LogoutMessage, SamlError> {
    SamlConnector::new(settings()).logout_by_redirect(query, now())
}

fn request(message: LogoutMessage) -> LogoutRequest {
    match message {
        LogoutMessage::Request(request) => request,
        LogoutMessage::Response(_) => panic!("a response"),
    }
}

#[test]
fn a_request_by_query_names_its_sessions() {
    let good = query(&[
        ("SAMLRequest", &escaped(&packed(REQUEST))),
        ("RelayState", "a%20b"),
        ("SigAlg", &escaped(RSA_SHA256)),
    ]);
    let read = request(read(&good).unwrap());
    assert_eq!((read.id.as_str(), read.name_id.value.as_str()), ("_l1", "alice-1"));
    assert_eq!(read.sessions, ["_s1", "_s2"]);
    assert_eq!(read.relay_state.as_deref(), Some("a b"));
    assert_eq!(read.replay_until, Timestamp::parse("2026-11-21T10:12:59Z").unwrap());
}

/// One text has many spellings, and the signature is over the one that was sent.
#[test]
fn a_query_is_verified_as_it_was_written() {
    let (message, method) = (packed(REQUEST), RSA_SHA256);
    let lower = |text: &str| {
        let mut text = escaped(text).into_bytes();
        for at in 0..text.len() {
            if at >= 2 && (text[at - 1] == b'%' || text[at - 2] == b'%') {
                text[at].make_ascii_lowercase();
            }
        }
        String::from_utf8(text).unwrap()
    };
    let bare =
        |text: &str| escaped(text).replace("%2F", "/").replace("%3A", ":").replace("%2B", "+").replace("%3D", "=");
    let rows = [
        query(&[("SAMLRequest", &lower(&message)), ("RelayState", "x%2fy"), ("SigAlg", &lower(method))]),
        query(&[("SAMLRequest", &bare(&message)), ("RelayState", "a=b"), ("SigAlg", &bare(method))]),
        query(&[("SAMLRequest", &escaped(&message)), ("SigAlg", &escaped(method))]),
        query(&[("SAMLRequest", &escaped(&message)), ("RelayState", ""), ("SigAlg", &escaped(method))]),
    ];
    for row in &rows {
        assert!(read(row).is_ok(), "{row}");
        // Parameters that are not SAML's are nobody's business, and the order in the address is not the signature's.
        assert!(read(&format!("{row}&utm=1")).is_ok());
        let mut turned: Vec<&str> = row.split('&').collect();
        turned.reverse();
        assert!(read(&turned.join("&")).is_ok());
    }
    assert_eq!(read(&rows[0].replace("%2fy", "%2Fy")).unwrap_err(), SamlError::Signature);
    assert_eq!(read(&rows[1].replace("a=b", "a%3Db")).unwrap_err(), SamlError::Signature);
    assert_eq!(read(&rows[3].replace("&RelayState=", "")).unwrap_err(), SamlError::Signature);
    let encoding = "SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:";
    assert!(read(&format!("{}&{encoding}DEFLATE", rows[2])).is_ok());
    assert_eq!(read(&format!("{}&{encoding}LZMA", rows[2])).unwrap_err(), SamlError::Packing);
}

#[test]
fn a_query_that_two_readers_could_read_differently_is_refused() {
    let message = escaped(&packed(REQUEST));
    let method = escaped(RSA_SHA256);
    let good = query(&[("SAMLRequest", &message), ("RelayState", "r"), ("SigAlg", &method)]);
    let sha1 = escaped("http://www.w3.org/2000/09/xmldsig#rsa-sha1");
    let unsigned = format!("SAMLRequest={message}&RelayState=r");
    let cut = |name: &str| good.split('&').filter(|pair| !pair.starts_with(name)).collect::<Vec<_>>().join("&");
    let bomb = packed(&format!("<a>{}</a>", " ".repeat(50_000_000)));
    let large = packed(&format!("<a>{}</a>", " ".repeat(200_000)));
    let with = |message: &str| query(&[("SAMLRequest", &escaped(message)), ("SigAlg", &method)]);
    let rows = [
        (format!("{good}&RelayState=r"), SamlError::ParameterRepeated("RelayState")),
        (format!("SAMLRequest=x&{good}"), SamlError::ParameterRepeated("SAMLRequest")),
        (format!("{good}&%53AMLRequest=x"), SamlError::ParameterRepeated("SAMLRequest")),
        (format!("{good}&SAMLResponse={message}"), SamlError::ParameterRepeated("SAMLRequest")),
        (good.replace("RelayState=r", "Relay%53tate=r"), SamlError::ParameterRepeated("RelayState")),
        (String::new(), SamlError::ParameterMissing("SAMLRequest")),
        (unsigned, SamlError::LogoutUnsigned),
        (cut("SigAlg"), SamlError::ParameterMissing("SigAlg")),
        (cut("RelayState"), SamlError::Signature),
        (good.replace("RelayState=r", "RelayState=s"), SamlError::Signature),
        (good.replace("Signature=", "Signature=*"), SamlError::NotBase64),
        (query(&[("SAMLRequest", &message), ("SigAlg", &sha1)]), SamlError::Sha1),
        (signed(&[("SAMLRequest", &message), ("SigAlg", &method)], Who::Stranger), SamlError::Signature),
        (with(&bomb), SamlError::TooLarge),
        (with(&large), SamlError::TooLarge),
        (with(&STANDARD.encode(REQUEST)), SamlError::Packing),
        (with("*"), SamlError::NotBase64),
        (with(&packed(&sign(REQUEST, Who::Idp, How::default()))), SamlError::StraySignature),
        (with(&packed(&Forge::new().xml().replace(&Forge::new().inner(), ""))), SamlError::Shape("LogoutRequest")),
        (query(&[("SAMLResponse", &message), ("SigAlg", &method)]), SamlError::Shape("LogoutRequest")),
        (format!("{good}{}", "&x=y".repeat(20_000)), SamlError::TooLarge),
    ];
    for (number, (query, expected)) in rows.into_iter().enumerate() {
        assert_eq!(read(&query).unwrap_err(), expected, "{number}");
    }
}

#[test]
fn a_request_has_to_be_for_us_and_of_now() {
    let rows = [
        ("https://cardea.example/saml/okta/slo", "https://cardea.example/saml/other/slo", SamlError::Destination),
        (" Destination=\"https://cardea.example/saml/okta/slo\"", "", SamlError::Destination),
        (IDP, "https://other.example", SamlError::Issuer),
        ("Version=\"2.0\"", "Version=\"1.0\"", SamlError::Version),
        ("09:59:59Z", "09:49:59Z", SamlError::TooOld(601)),
        ("10:05:00Z", "09:57:00Z", SamlError::Expired(180)),
        (" ID=\"_l1\"", " ID=\"\"", SamlError::Shape("ID")),
        (">_s2<", "><", SamlError::Shape("SessionIndex")),
        (">alice-1<", "><", SamlError::SubjectUnusable),
        ("saml:NameID", "saml:BaseID", SamlError::SubjectMissing),
        ("saml:NameID", "saml:EncryptedID", SamlError::SubjectEncrypted),
    ];
    for (old, new, expected) in rows {
        assert!(REQUEST.contains(old));
        let xml = packed(&REQUEST.replace(old, new));
        let query = query(&[("SAMLRequest", &escaped(&xml)), ("SigAlg", &escaped(RSA_SHA256))]);
        assert_eq!(read(&query).unwrap_err(), expected, "{new}");
    }
}

#[test]
fn a_posted_request_is_signed_inside() {
    let post = |xml: &str| {
        let connector = SamlConnector::new(settings());
        connector.logout_by_post("SAMLRequest", &STANDARD.encode(xml), Some("r".into()), now())
    };
    let good = sign(REQUEST, Who::Next, How::default());
    assert_eq!(request(post(&good).unwrap()).relay_state.as_deref(), Some("r"));
    assert_eq!(post(REQUEST).unwrap_err(), SamlError::LogoutUnsigned);
    assert_eq!(post(&sign(REQUEST, Who::Stranger, How::default())).unwrap_err(), SamlError::Signature);
    assert_eq!(post(&good.replace("_s1", "_s3")).unwrap_err(), SamlError::Digest);
    assert_eq!(post(&sign(&good, Who::Idp, How::default())).unwrap_err(), SamlError::StraySignature);
}

#[test]
fn what_we_send_is_what_a_reader_expects() {
    let connector = SamlConnector::new(settings());
    let name = NameId {
        value: "alice&1".into(),
        format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
        name_qualifier: None,
        sp_name_qualifier: Some(SP.into()),
    };
    let parameter =
        |url: &Url, name: &str| url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
    let unpacked = |url: &Url, name| {
        let packed = STANDARD.decode(parameter(url, name).unwrap()).unwrap();
        std::io::read_to_string(flate2::read::DeflateDecoder::new(packed.as_slice())).unwrap()
    };
    let url = connector.log_out("state", &name, Some("_s1"), now()).unwrap();
    assert!(url.as_str().starts_with("https://idp.example/slo?SAMLRequest="));
    assert_eq!(parameter(&url, "RelayState").as_deref(), Some("state"));
    let expected = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         Destination=\"https://idp.example/slo\" ID=\"_state\" IssueInstant=\"2026-11-21T10:00:00Z\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{SP}</saml:Issuer><saml:NameID \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" SPNameQualifier=\"{SP}\">alice&amp;1\
         </saml:NameID><samlp:SessionIndex>_s1</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    assert_eq!(unpacked(&url, "SAMLRequest"), expected);

    let good =
        query(&[("SAMLRequest", &escaped(&packed(REQUEST))), ("RelayState", "r"), ("SigAlg", &escaped(RSA_SHA256))]);
    let request = request(read(&good).unwrap());
    let url = connector.logged_out("state", &request, LogoutOutcome::Failed, now()).unwrap();
    assert_eq!(parameter(&url, "RelayState").as_deref(), Some("r"));
    let expected = format!(
        "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         Destination=\"https://idp.example/slo\" ID=\"_state\" InResponseTo=\"_l1\" \
         IssueInstant=\"2026-11-21T10:00:00Z\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{SP}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"></samlp:StatusCode></samlp:Status>\
         </samlp:LogoutResponse>"
    );
    assert_eq!(unpacked(&url, "SAMLResponse"), expected);
}

#[test]
fn an_answer_of_the_provider_is_read() {
    let answer = |code: &str| {
        let xml = format!(
            "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{SLO}\" ID=\"_l2\" \
             InResponseTo=\"_state\" IssueInstant=\"2026-11-21T09:59:59Z\" Version=\"2.0\"><saml:Issuer \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer><samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:{code}\"/></samlp:Status></samlp:LogoutResponse>"
        );
        read(&query(&[("SAMLResponse", &escaped(&packed(&xml))), ("SigAlg", &escaped(RSA_SHA256))])).unwrap()
    };
    let expected = |succeeded| {
        LogoutMessage::Response(LogoutResponse { in_response_to: "_state".into(), succeeded, relay_state: None })
    };
    assert_eq!(answer("Success"), expected(true));
    assert_eq!(answer("Responder"), expected(false));
}

#[test]
fn answers_go_where_the_provider_wants_them() {
    let mut settings = settings();
    let xml = metadata(&[Who::Idp]).replace("/slo\"/>", "/slo\" ResponseLocation=\"https://idp.example/answers\"/>");
    settings.idp = Arc::new(IdpMetadata::read(&xml, None, Reach::Https, now()).unwrap());
    let connector = SamlConnector::new(settings);
    let good = query(&[("SAMLRequest", &escaped(&packed(REQUEST))), ("SigAlg", &escaped(RSA_SHA256))]);
    let request = request(read(&good).unwrap());
    let url = connector.logged_out("state", &request, LogoutOutcome::Done, now()).unwrap();
    assert!(url.as_str().starts_with("https://idp.example/answers?SAMLResponse="));
}
