//! Queries for the service's single-logout address, each while the person is signed in.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::document::NameId;
use crate::saml::keys::{Key, SignatureMethod};
use crate::saml::logout::{LogoutRequest, Redirect, encoded};
use crate::saml::provider::SamlProvider;
use crate::saml::time::instant;

/// Whose session is to be ended, and where.
#[derive(Clone, Copy)]
pub struct LogoutSetting<'a> {
    /// The provider of the connection.
    pub provider: &'a SamlProvider,
    /// Another tenant's provider.
    pub other: &'a SamlProvider,
    /// The single-logout address of the connection, as published.
    pub slo: &'a str,
    /// The NameID of the signed-in person.
    pub name_id: &'a str,
    /// Its format.
    pub name_id_format: Option<&'a str>,
    /// The `SessionIndex` of the session.
    pub session_index: Option<&'a str>,
    /// A valid base64 `SAMLResponse` that would sign somebody in.
    pub response: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// One query.
pub struct LogoutCase {
    /// A unique name in kebab-case.
    pub name: &'static str,
    /// Whether the person is signed out afterwards.
    pub ends: bool,
    query: fn(&LogoutSetting<'_>) -> String,
}

impl LogoutCase {
    /// The raw query, without the question mark.
    pub fn query(&self, setting: &LogoutSetting<'_>) -> String {
        (self.query)(setting)
    }
}

const RSA_SHA256: SignatureMethod = SignatureMethod::RsaSha256;

/// Every query.
pub fn logouts() -> Vec<LogoutCase> {
    let ending = good().map(|(name, query)| LogoutCase { name, ends: true, query });
    let refused = bad().map(|(name, query)| LogoutCase { name, ends: false, query });
    ending.into_iter().chain(refused).collect()
}

type Query = fn(&LogoutSetting<'_>) -> String;

/// The signature is over the characters of the query, whatever another encoder would have written.
fn good() -> [(&'static str, Query); 5] {
    [
        ("signed", |s| signed(s, &s.request(), None)),
        ("signed-with-relay-state", |s| signed(s, &s.request(), Some("token"))),
        ("lower-case-escapes", |s| spelled(s, lower)),
        ("unescaped-slashes", |s| spelled(s, |text| encoded(text).replace("%2F", "/"))),
        ("parameters-in-another-order", |s| {
            let redirect = redirect(&s.request(), Some("token"));
            let mut pairs = redirect.pairs();
            pairs.push(redirect.signature(&s.key(), RSA_SHA256, encoded));
            pairs.reverse();
            pairs.join("&")
        }),
    ]
}

fn bad() -> [(&'static str, Query); 11] {
    [
        ("unsigned", |s| redirect(&s.request(), None).pairs().into_iter().take(1).collect()),
        ("signature-without-algorithm", |s| without(&signed(s, &s.request(), None), "SigAlg")),
        ("algorithm-without-signature", |s| redirect(&s.request(), None).pairs().join("&")),
        ("sha1", |s| {
            let sha1 = SignatureMethod::RsaSha1;
            Redirect::new("SAMLRequest", &s.request().xml(), None, sha1).signed(&s.key(), sha1)
        }),
        ("relay-state-tampered", |s| {
            signed(s, &s.request(), Some("token")).replace("RelayState=token", "RelayState=other")
        }),
        // Whoever verifies the first and reads the last, or the other way round, is fooled.
        ("parameter-twice", |s| {
            let forged = LogoutRequest { session_index: None, ..s.request() };
            let (_, message) = redirect(&forged, None).message;
            format!("{}&SAMLRequest={message}", signed(s, &s.request(), None))
        }),
        ("expired", |s| {
            let issued = instant(s.now - 7_200);
            signed(s, &LogoutRequest { issued, not_on_or_after: Some(instant(s.now - 3_600)), ..s.request() }, None)
        }),
        ("destination-of-another", |s| {
            let destination = "https://other-service.example/slo".to_owned();
            signed(s, &LogoutRequest { destination, ..s.request() }, None)
        }),
        ("issuer-of-another", |s| {
            signed(s, &LogoutRequest { issuer: s.other.entity_id().to_owned(), ..s.request() }, None)
        }),
        ("other-tenants-key", |s| redirect(&s.request(), None).signed(&current(s.other), RSA_SHA256)),
        // A response that signs in comes by form only (SAML profiles §4.1.2).
        ("sign-in-by-redirect", |s| {
            let xml = STANDARD.decode(s.response).map(String::from_utf8);
            let xml = xml.ok().and_then(Result::ok).unwrap_or_default();
            Redirect::new("SAMLResponse", &xml, Some("token"), RSA_SHA256).signed(&s.key(), RSA_SHA256)
        }),
    ]
}

impl LogoutSetting<'_> {
    fn request(&self) -> LogoutRequest {
        LogoutRequest {
            id: self.provider.shared.fresh_id(),
            issued: instant(self.now),
            destination: self.slo.to_owned(),
            issuer: self.provider.entity_id().to_owned(),
            not_on_or_after: Some(instant(self.now + 300)),
            name_id: NameId {
                value: self.name_id.to_owned(),
                format: self.name_id_format.map(str::to_owned),
                name_qualifier: None,
                sp_name_qualifier: None,
            },
            session_index: self.session_index.map(str::to_owned),
        }
    }

    fn key(&self) -> Arc<Key> {
        current(self.provider)
    }
}

fn current(provider: &SamlProvider) -> Arc<Key> {
    provider.shared.memory().keys.current.clone()
}

fn redirect(request: &LogoutRequest, relay_state: Option<&str>) -> Redirect {
    Redirect::new("SAMLRequest", &request.xml(), relay_state, RSA_SHA256)
}

fn signed(setting: &LogoutSetting<'_>, request: &LogoutRequest, relay_state: Option<&str>) -> String {
    redirect(request, relay_state).signed(&setting.key(), RSA_SHA256)
}

/// The signed query as another encoder writes it.
fn spelled(setting: &LogoutSetting<'_>, encode: fn(&str) -> String) -> String {
    let plain = redirect(&setting.request(), None);
    let (name, message) = plain.message.clone();
    let again = |text: &str| encode(&decoded(text));
    let redirect = Redirect { message: (name, again(&message)), relay_state: None, algorithm: again(&plain.algorithm) };
    format!("{}&{}", redirect.pairs().join("&"), redirect.signature(&setting.key(), RSA_SHA256, encode))
}

/// AD FS and other products of .NET write `%2f`.
fn lower(text: &str) -> String {
    let mut out = String::new();
    let encoded = encoded(text);
    let mut pieces = encoded.split('%');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (escape, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        out.push_str(&format!("%{}{rest}", escape.to_ascii_lowercase()));
    }
    out
}

fn decoded(text: &str) -> String {
    let pair = format!("x={text}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn without(query: &str, name: &str) -> String {
    let begin = format!("{name}=");
    query.split('&').filter(|pair| !pair.starts_with(&begin)).collect::<Vec<&str>>().join("&")
}
