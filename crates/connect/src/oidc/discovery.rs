//! What a provider says about itself (OpenID Connect Discovery §4), read and checked.

use std::time::Duration;

use openidconnect::core::CoreJwsSigningAlgorithm as Algorithm;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::error::{ConnectError, Step};
use crate::fetch::{Fetch, FetchError};

/// The algorithms that are accepted, whatever a provider offers: no symmetric ones, for the client secret is known to
/// more than the signer; no `none`.
const ACCEPTED: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RsaSsaPkcs1V15Sha256),
    ("PS256", Algorithm::RsaSsaPssSha256),
    ("ES256", Algorithm::EcdsaP256Sha256),
    ("ES384", Algorithm::EcdsaP384Sha384),
    ("EdDSA", Algorithm::EdDsa),
];

/// What we use of a provider's metadata, checked.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) jwks_uri: Url,
    /// The provider's algorithms that we accept, with their names; at least one.
    pub(super) algorithms: Vec<(&'static str, Algorithm)>,
    /// Whether every answer names its issuer (RFC 9207 §3).
    pub(super) promises_issuer: bool,
    /// The algorithms by which clients may sign to prove themselves; empty if it does not say.
    pub(super) assertion_algorithms: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Option<Url>,
    end_session_endpoint: Option<Url>,
    jwks_uri: Url,
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Reads the document that should describe `issuer`.
    fn read(body: &[u8], issuer: &str, fetch: &Fetch) -> Result<Self, ConnectError> {
        let value: Value = serde_json::from_slice(body).map_err(|_| ConnectError::MetadataUnreadable)?;
        // Exact, as Discovery §4.3 demands: anything looser lets one tenant of a provider speak for another.
        match value.get("issuer").and_then(Value::as_str) {
            None => return Err(ConnectError::MetadataIncomplete("issuer")),
            Some(stated) if stated != issuer => return Err(ConnectError::MetadataIssuer),
            Some(_) => {}
        }
        let needed = ["authorization_endpoint", "token_endpoint", "jwks_uri", "id_token_signing_alg_values_supported"];
        if let Some(name) = needed.into_iter().find(|name| value.get(*name).is_none_or(Value::is_null)) {
            return Err(ConnectError::MetadataIncomplete(name));
        }
        let document = Document::deserialize(value).map_err(|_| ConnectError::MetadataUnreadable)?;
        document.guard(fetch)?;
        let offered = &document.id_token_signing_alg_values_supported;
        let algorithms: Vec<_> = ACCEPTED.into_iter().filter(|(name, _)| offered.iter().any(|o| o == name)).collect();
        if algorithms.is_empty() {
            return Err(ConnectError::NoAlgorithm);
        }
        Ok(Self {
            authorization_endpoint: document.authorization_endpoint,
            token_endpoint: document.token_endpoint,
            userinfo_endpoint: document.userinfo_endpoint,
            jwks_uri: document.jwks_uri,
            algorithms,
            promises_issuer: document.authorization_response_iss_parameter_supported,
            assertion_algorithms: document.token_endpoint_auth_signing_alg_values_supported,
        })
    }
}

impl Document {
    /// A good document may name bad addresses. Those that only the browser visits are held to the same guard:
    /// it also keeps out `javascript:`.
    fn guard(&self, fetch: &Fetch) -> Result<(), ConnectError> {
        let addresses = [
            (Step::Discovery, Some(&self.authorization_endpoint)),
            (Step::Discovery, self.end_session_endpoint.as_ref()),
            (Step::Token, Some(&self.token_endpoint)),
            (Step::Keys, Some(&self.jwks_uri)),
            (Step::Userinfo, self.userinfo_endpoint.as_ref()),
        ];
        for (step, address) in addresses {
            let Some(address) = address else { continue };
            fetch.check(address).map_err(|bad| ConnectError::outward(step, FetchError::Forbidden(bad)))?;
        }
        Ok(())
    }
}

/// Fetches and reads the document of `issuer`; with how long it may be remembered.
pub(super) async fn load(issuer: &str, fetch: &Fetch) -> Result<(Metadata, Duration), ConnectError> {
    let unreachable = |source| ConnectError::outward(Step::Discovery, source);
    let url = address(issuer).ok_or(ConnectError::IssuerUnusable)?;
    let answer = fetch.get(&url, "application/json").await.map_err(unreachable)?;
    if answer.status != 200 {
        return Err(unreachable(FetchError::Status(answer.status)));
    }
    if !answer.is_json() {
        return Err(ConnectError::MetadataUnreadable);
    }
    Ok((Metadata::read(&answer.body, issuer, fetch)?, answer.life()))
}

/// Where the metadata of `issuer` is (Discovery §4.1): a final slash is removed before the path is added.
fn address(issuer: &str) -> Option<Url> {
    let url = Url::parse(issuer).ok()?;
    if url.query().is_some() || url.fragment().is_some() {
        return None;
    }
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}/.well-known/openid-configuration")).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::fetch::OutboundPolicy;
    use cardea_model::Fault as _;
    use serde_json::json;

    static FETCH: LazyLock<Fetch> = LazyLock::new(|| Fetch::new(OutboundPolicy::default()).unwrap());

    fn document() -> Value {
        json!({
            "issuer": "https://idp.example/t",
            "authorization_endpoint": "https://idp.example/t/authorize?tenant=t",
            "token_endpoint": "https://idp.example/t/token",
            "jwks_uri": "https://keys.example/t",
            "id_token_signing_alg_values_supported": ["HS256", "none", "ES512", "ES256", "RS256"],
        })
    }

    fn read(change: impl FnOnce(&mut Value)) -> Result<Metadata, ConnectError> {
        let mut document = document();
        change(&mut document);
        Metadata::read(document.to_string().as_bytes(), "https://idp.example/t", &FETCH)
    }

    #[test]
    fn only_accepted_algorithms_are_kept() {
        let names: Vec<_> = read(|_| {}).unwrap().algorithms.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["RS256", "ES256"]);
        let none = read(|d| d["id_token_signing_alg_values_supported"] = json!(["HS256", "none"]));
        assert_eq!(none.unwrap_err().reason(), "no_common_algorithm");
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        for issuer in ["https://idp.example/t/", "https://IDP.example/t", "https://idp.example/{tenantid}", ""] {
            assert_eq!(read(|d| d["issuer"] = json!(issuer)).unwrap_err().reason(), "discovery_issuer_mismatch");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in document().as_object().unwrap().keys() {
            let error = read(|d| {
                d.as_object_mut().unwrap().remove(name);
            });
            assert!(matches!(error, Err(ConnectError::MetadataIncomplete(missing)) if missing == name), "{name}");
        }
    }

    #[test]
    fn no_address_of_a_good_document_escapes_the_guard() {
        let bad = [
            "https://10.0.0.1/x",
            "http://idp.example/x",
            "javascript:alert(1)",
            "https://u@idp.example/x",
            "file:///x",
        ];
        for name in
            ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"]
        {
            for address in bad {
                let error = read(|d| d[name] = json!(address)).unwrap_err();
                assert_eq!(error.reason(), "outbound_forbidden", "{name} {address}");
                assert_eq!(error.kind(), cardea_model::Kind::Unprocessable);
            }
            assert_eq!(read(|d| d[name] = json!("no address")).unwrap_err().reason(), "discovery_unreadable");
        }
    }

    #[test]
    fn the_document_stands_under_the_issuer() {
        let at = |issuer| address(issuer).map(String::from);
        let want = |text: &str| Some(text.to_owned());
        assert_eq!(at("https://a.example"), want("https://a.example/.well-known/openid-configuration"));
        assert_eq!(at("https://a.example/"), want("https://a.example/.well-known/openid-configuration"));
        assert_eq!(at("https://a.example/r/x/"), want("https://a.example/r/x/.well-known/openid-configuration"));
        for issuer in ["", "a.example", "https://a.example/?x", "https://a.example/#x"] {
            assert_eq!(at(issuer), None, "{issuer}");
        }
    }
}
