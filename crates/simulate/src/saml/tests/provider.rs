//! The provider driven from outside, as a gateway and a browser do.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use reqwest::{Client, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::judge::{attribute, decoded, elements, first_text, parsed, signed_ids};
use super::shapes::{ACS, NOW, SERVICE, request};
use crate::oidc::OldKeys;
use crate::saml::keys::Key;
use crate::saml::logout::Redirect;
use crate::saml::request::{LogoutSeen, RequestError};
use crate::saml::{
    KeyKind, MetadataMode, RequestSeen, ResponseMode, SamlProvider, SamlProviderSettings, Service, Shape,
    SignatureMethod,
};

/// How a wrong document is known.
type Mark = fn(&str) -> bool;

const SLO: &str = "https://gw.example/saml/corp/slo";

struct Running {
    provider: SamlProvider,
    base: String,
    http: Client,
    server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn start() -> Running {
    start_with(|_| {}).await
}

#[expect(clippy::disallowed_methods, reason = "a test's own client; simulators depend on nothing of ours")]
async fn start_with(change: impl FnOnce(&mut SamlProviderSettings)) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/idp", listener.local_addr().unwrap());
    let mut settings = SamlProviderSettings::new("https://idp.corp.example/saml", &base, Arc::new(|| NOW));
    settings.key = KeyKind::P256;
    settings.service = Some(Service { entity_id: SERVICE.to_owned(), acs: ACS.to_owned(), slo: Some(SLO.to_owned()) });
    change(&mut settings);
    let provider = SamlProvider::new(settings).unwrap();
    let router = provider.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Running { provider, base, http, server }
}

impl Running {
    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    fn asked(&self, further: &str) -> String {
        asking(&self.base, further)
    }
}

/// An authentication request with these further attributes.
fn asking(base: &str, further: &str) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r1\" Version=\"2.0\" \
         Destination=\"{base}/sso\" AssertionConsumerServiceURL=\"{ACS}\"{further}>\
         <saml:Issuer>{SERVICE}</saml:Issuer><samlp:NameIDPolicy Format=\"urn:x&amp;y\"/></samlp:AuthnRequest>"
    )
}

fn redirect(xml: &str) -> String {
    let redirect = Redirect::new("SAMLRequest", xml, Some("a b/c"), SignatureMethod::RsaSha256);
    redirect.pairs()[..2].join("&")
}

fn field(html: &str, name: &str) -> String {
    let begin = format!("name=\"{name}\" value=\"");
    html.split_once(&begin).unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_redirect_signs_somebody_in_with_or_without_a_page() {
    let idp = start().await;
    let query = redirect(&idp.asked(" ForceAuthn=\"true\""));
    let page = idp.get(&format!("/sso?{query}")).await.text().await.unwrap();
    assert!(page.contains("Ana Ruiz") && page.contains(SERVICE), "{page}");
    let number = field(&page, "request");
    let chosen = idp
        .http
        .post(format!("{}/sso/choose", idp.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("request={number}&person=ana"));
    let html = chosen.send().await.unwrap().text().await.unwrap();
    assert!(html.contains(&format!("action=\"{ACS}\"")) && html.contains("<button>Continue</button>"));
    assert_eq!(field(&html, "RelayState"), "a b/c");
    let xml = decoded(&field(&html, "SAMLResponse"));
    assert_eq!(signed_ids(&xml, &idp.provider.certificates()).len(), 2);
    let at_once = idp.get(&format!("/sso?{query}&simulate_user=bo")).await;
    let policy = at_once.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'"));
    assert!(decoded(&field(&at_once.text().await.unwrap(), "SAMLResponse")).contains("bo@corp.example"));
    let seen = idp.provider.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].id.as_str(), seen[0].issuer.as_str(), seen[0].force_authn), ("_r1", SERVICE, true));
    assert_eq!(seen[0].name_id_format.as_deref(), Some("urn:x&y"));
    assert!(!seen[0].signed && !seen[0].is_passive && !seen[0].asks_for_context);
    assert!(idp.get("/submit.js").await.text().await.unwrap().contains("submit()"));
}

#[tokio::test]
async fn a_form_signs_somebody_in_as_well() {
    let idp = start().await;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", &crate::saml::answer::posted(idp.asked("")))
        .append_pair("RelayState", "token")
        .finish();
    let answer = idp
        .http
        .post(format!("{}/sso?simulate_user=ana", idp.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let html = answer.send().await.unwrap().text().await.unwrap();
    assert_eq!(field(&html, "RelayState"), "token");
    assert!(decoded(&field(&html, "SAMLResponse")).contains("ana@corp.example"));
}

#[tokio::test]
async fn a_request_for_elsewhere_is_refused() {
    let idp = start().await;
    let good = idp.asked("");
    for (from, to) in [
        (ACS, "https://evil.example/acs"),
        (SERVICE, "https://evil.example/metadata"),
        ("/idp/sso", "/other/sso"),
        ("AuthnRequest", "LogoutRequest"),
    ] {
        let answer = idp.get(&format!("/sso?{}&simulate_user=ana", redirect(&good.replace(from, to)))).await;
        assert_eq!(answer.status(), 400, "{to}");
        assert!(!answer.text().await.unwrap().contains("SAMLResponse"));
    }
    let passive = idp.get(&format!("/sso?{}", redirect(&idp.asked(" IsPassive=\"1\"")))).await;
    let xml = decoded(&field(&passive.text().await.unwrap(), "SAMLResponse"));
    assert!(xml.contains("status:NoPassive") && !xml.contains("Assertion>"));
    assert_eq!(signed_ids(&xml, &idp.provider.certificates()).len(), 1);
}

#[test]
fn the_signature_of_a_redirect_is_over_the_query_as_it_came() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let other = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let key = Key::generate(KeyKind::Rsa2048, "gateway", NOW).unwrap();
    let redirect = Redirect::new("SAMLRequest", &asking("http://idp", ""), Some("r"), SignatureMethod::RsaSha256);
    let url = format!("http://idp/sso?{}", redirect.signed(&key, SignatureMethod::RsaSha256));
    let seen = RequestSeen::of_url(&url).unwrap();
    assert!(seen.signed && seen.is_signed_by(&key.certificate) && seen.is_signed_by(&key.public));
    assert!(!seen.is_signed_by(&other));
    let changed = RequestSeen::of_url(&url.replace("RelayState=r", "RelayState=s")).unwrap();
    assert!(changed.signed && !changed.is_signed_by(&key.certificate));
    assert_eq!(RequestSeen::of_url("http://idp/sso"), Err(RequestError::Missing));
    assert_eq!(RequestSeen::of_url("http://idp/sso?SAMLRequest=!"), Err(RequestError::Encoding));
    assert_eq!(RequestSeen::of_url("http://idp/sso?SAMLRequest=AAAA"), Err(RequestError::Compression));
}

#[tokio::test]
async fn a_logout_request_is_answered_and_one_is_sent() {
    let idp = start_with(|settings| settings.key = KeyKind::Rsa2048).await;
    assert_eq!(idp.provider.logout_url(SLO, "ana"), None);
    let xml = decoded(&idp.provider.respond(&request(), "ana"));
    let url = idp.provider.logout_url(SLO, "ana").unwrap();
    let sent = LogoutSeen::of_url(&url).unwrap();
    assert!(sent.is_signed_by(&idp.provider.certificates()[0]));
    assert_eq!(sent.name_id, first_text(&xml, "NameID"));
    let document = parsed(&xml);
    let index = attribute(&document, elements(&document, "AuthnStatement")[0], "SessionIndex");
    assert_eq!(sent.session_index.as_deref(), index);
    // Sent to the provider itself, the same message is a service's request.
    let query = url.split_once('?').unwrap().1;
    let answer = idp.get(&format!("/slo?{query}")).await;
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(SLO));
    let response = LogoutSeen::of_url(location).unwrap();
    assert_eq!((response.kind.as_str(), response.in_response_to), ("LogoutResponse", Some(sent.id)));
    assert!(response.status.unwrap().ends_with(":Success"));
    let noted = idp.get(&format!("/slo?{}", location.split_once('?').unwrap().1)).await;
    assert!(noted.text().await.unwrap().contains("signed out"));
    assert_eq!(idp.provider.logouts().len(), 2);
}

#[tokio::test]
async fn metadata_name_keys_and_addresses_and_know_their_tag() {
    let idp = start_with(|settings| {
        settings.shape = Shape::AdFs;
        settings.further_keys = vec![KeyKind::P256];
    })
    .await;
    let first = idp.get("/metadata").await;
    let tag = first.headers()["etag"].clone();
    let xml = first.text().await.unwrap();
    let document = parsed(&xml);
    assert_eq!(elements(&document, "X509Certificate").len(), 2);
    assert_eq!(elements(&document, "RoleDescriptor").len(), 1);
    let addresses: Vec<&str> = elements(&document, "SingleSignOnService")
        .into_iter()
        .map(|node| attribute(&document, node, "Location").unwrap())
        .collect();
    assert_eq!(addresses, [format!("{}/sso", idp.base), format!("{}/sso", idp.base)]);
    let again = idp.http.get(format!("{}/metadata", idp.base)).header("if-none-match", &tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    idp.provider.rotate(OldKeys::Published).unwrap();
    assert_ne!(idp.get("/metadata").await.headers()["etag"], tag);
}

#[tokio::test]
async fn metadata_are_wrong_as_told() {
    let idp = start().await;
    let cases: [(MetadataMode, Mark); 9] = [
        (MetadataMode::NoKeys, |xml| !xml.contains("KeyDescriptor")),
        (MetadataMode::WeakKey, |xml| (550..750).contains(&first_text(xml, "X509Certificate").unwrap().len())),
        (MetadataMode::KeysWithoutUse, |xml| xml.contains("<md:KeyDescriptor>")),
        (MetadataMode::EncryptionKeysOnly, |xml| {
            !xml.contains("use=\"signing\"") && xml.contains("use=\"encryption\"")
        }),
        (MetadataMode::ScriptUrl, |xml| xml.contains("Location=\"javascript:")),
        (MetadataMode::Expired, |xml| xml.contains("validUntil=\"2026-10-2")),
        (MetadataMode::Doctype, |xml| xml.contains("<!DOCTYPE")),
        (MetadataMode::Entity("urn:other".to_owned()), |xml| xml.contains("entityID=\"urn:other\"")),
        (MetadataMode::Aggregate, |xml| elements(&parsed(xml), "EntityDescriptor").len() == 2),
    ];
    for (mode, holds) in cases {
        assert!(!holds(&idp.provider.metadata()), "{mode:?}");
        idp.provider.misbehave(mode.clone());
        assert!(holds(&idp.provider.metadata()), "{mode:?}");
        idp.provider.behave();
    }
    idp.provider.misbehave(MetadataMode::Status(503));
    assert_eq!(idp.get("/metadata").await.status(), 503);
    idp.provider.behave();
    idp.provider.misbehave(MetadataMode::Huge);
    assert!(idp.provider.metadata().len() > 50 * 1024 * 1024);
}

#[test]
fn responses_are_wrong_as_told() {
    let settings = SamlProviderSettings { key: KeyKind::P256, ..super::shapes::settings() };
    let provider = SamlProvider::new(settings).unwrap();
    let good = |xml: &str| signed_ids(xml, &provider.certificates()).len() == 2;
    let cases: Vec<(ResponseMode, &str, bool)> = vec![
        (ResponseMode::WrongIssuer, "https://other-idp.example", true),
        (ResponseMode::WrongAudience, "<saml:Audience>https://other-service.example<", true),
        (ResponseMode::WrongRecipient, "Recipient=\"https://other-service.example/acs\"", true),
        (ResponseMode::WrongDestination, "Destination=\"https://other-service.example/acs\"", true),
        (ResponseMode::WrongInResponseTo, "InResponseTo=\"_a-request-that-nobody-made\"", true),
        (ResponseMode::ClockBehindBy(3_600), "IssueInstant=\"2026-10-26T06:33:20Z\"", true),
        (ResponseMode::OldSession(7_200), "AuthnInstant=\"2026-10-26T05:33:20Z\"", true),
        (ResponseMode::SessionEndsIn(60), "SessionNotOnOrAfter=", true),
        (ResponseMode::Overage, "claims/groups.link", true),
        (ResponseMode::RogueKey, "rsa-sha256", false),
        (ResponseMode::TamperedNameId, "-forged</saml:NameID>", false),
    ];
    for (mode, marked, genuine) in cases {
        assert!(!decoded(&provider.respond(&request(), "ana")).contains(marked), "{mode:?}");
        provider.misbehave(mode.clone());
        let xml = decoded(&provider.respond(&request(), "ana"));
        assert!(xml.contains(marked), "{mode:?}\n{xml}");
        assert_eq!(good(&xml), genuine, "{mode:?}");
        provider.behave();
    }
    for (mode, missing) in [
        (ResponseMode::Unsigned, "Signature"),
        (ResponseMode::Unsolicited, "InResponseTo"),
        (ResponseMode::NoNameId, "NameID"),
        (ResponseMode::NoGroups, "\"groups\""),
        (ResponseMode::Refuses(vec!["urn:x".to_owned()]), "Assertion "),
    ] {
        assert!(decoded(&provider.respond(&request(), "ana")).contains(missing));
        provider.misbehave(mode.clone());
        assert!(!decoded(&provider.respond(&request(), "ana")).contains(missing), "{mode:?}");
        provider.behave();
    }
}

#[test]
fn sha1_is_truly_sha1() {
    let provider = SamlProvider::new(super::shapes::settings()).unwrap();
    provider.misbehave(ResponseMode::Sha1);
    let xml = decoded(&provider.respond(&request(), "ana"));
    assert!(xml.contains("xmldsig#rsa-sha1") && !xml.contains("sha256"));
    assert_eq!(signed_ids(&xml, &provider.certificates()).len(), 2);
}

#[tokio::test]
async fn switches_choose_the_product_and_what_goes_wrong() {
    let idp = start().await;
    let press = |form: &'static str| {
        let request = idp.http.post(format!("{}/switches", idp.base)).body(form);
        request.header("content-type", "application/x-www-form-urlencoded").send()
    };
    let answered = press("shape=Okta").await.unwrap();
    assert_eq!(answered.status(), 303);
    assert_eq!(answered.headers()["location"], format!("{}/switches", idp.base));
    assert!(decoded(&idp.provider.respond(&request(), "ana")).contains("<saml2p:Response"));
    let page = idp.get("/switches").await.text().await.unwrap();
    assert_eq!(page.matches("aria-pressed=\"true\"").count(), 1);
    assert_eq!(page.matches("<button").count(), Shape::ALL.len() + 21);
    press("mode=unsigned").await.unwrap();
    press("mode=nothing-known").await.unwrap();
    assert!(!decoded(&idp.provider.respond(&request(), "ana")).contains("SignatureValue"));
    let page = idp.get("/switches").await.text().await.unwrap();
    assert_eq!(page.matches("aria-pressed=\"true\"").count(), 2);
    press("mode=unsigned").await.unwrap();
    assert!(decoded(&idp.provider.respond(&request(), "ana")).contains("SignatureValue"));
}
