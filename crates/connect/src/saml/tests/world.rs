//! A provider that signs what it is told to, a connection to it, and one moment in time.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_model::Timestamp;

use crate::connector::Flow;
use crate::saml::*;

pub(crate) const IDP: &str = "https://idp.example/metadata";
pub(crate) const SP: &str = "https://cardea.example/saml/okta/metadata";
pub(crate) const ACS: &str = "https://cardea.example/saml/okta/acs";
pub(crate) const SLO: &str = "https://cardea.example/saml/okta/slo";
pub(crate) const SSO: &str = "https://idp.example/sso?tenant=1";
pub(crate) const STATE: &str = "0tate-of-43-url_safe-characters-xxxxxxxxxxxx";
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// 2026-11-21T10:00:00Z
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_255_200)
}

pub(crate) fn flow() -> Flow {
    Flow { state: STATE.into(), nonce: String::new(), pkce_verifier: "".into(), login_hint: None, prompt: None }
}

/// What stands between the lines of a PEM file.
pub(crate) fn pem(text: &str) -> Vec<u8> {
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The key of the provider's first certificate.
    Idp,
    /// The key of its second certificate.
    Next,
    /// On the curve P-256.
    P256,
    /// On the curve P-384.
    P384,
    /// A key of nobody's: ours, which is not in the metadata.
    Stranger,
}

impl Who {
    pub(crate) fn certificate(self) -> Vec<u8> {
        pem(match self {
            Self::Idp => include_str!("keys/idp.crt"),
            Self::Next => include_str!("keys/next.crt"),
            Self::P256 => include_str!("keys/p256.crt"),
            Self::P384 => include_str!("keys/p384.crt"),
            Self::Stranger => include_str!("keys/service.crt"),
        })
    }

    fn pkcs8(self) -> Vec<u8> {
        pem(match self {
            Self::Idp => include_str!("keys/idp.key"),
            Self::Next => include_str!("keys/next.key"),
            Self::P256 => include_str!("keys/p256.key"),
            Self::P384 => include_str!("keys/p384.key"),
            Self::Stranger => include_str!("keys/service.key"),
        })
    }

    /// The signature over `message` by the method of this name.
    pub(crate) fn sign(self, method: &str, message: &[u8]) -> Vec<u8> {
        if matches!(self, Self::P256 | Self::P384) {
            let curve =
                if self == Self::P256 { &ECDSA_P256_SHA256_FIXED_SIGNING } else { &ECDSA_P384_SHA384_FIXED_SIGNING };
            let key = EcdsaKeyPair::from_pkcs8(curve, &self.pkcs8()).unwrap();
            return key.sign(&random(), message).unwrap().as_ref().to_vec();
        }
        let key = KeyPair::from_pkcs8(&self.pkcs8()).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        let padding = match method.rsplit_once('-').unwrap().1 {
            "sha384" => &RSA_PKCS1_SHA384,
            "sha512" => &RSA_PKCS1_SHA512,
            _ => &RSA_PKCS1_SHA256,
        };
        key.sign(padding, &random(), message, &mut signature).unwrap();
        signature
    }
}

#[expect(clippy::disallowed_methods, reason = "a test draws real randomness")]
pub(crate) fn random() -> SystemRandom {
    SystemRandom::new()
}

/// How something is signed, by the names that stand in it.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) method: &'static str,
    pub(crate) digest: &'static str,
}

impl Default for How {
    fn default() -> Self {
        Self { method: RSA_SHA256, digest: SHA256 }
    }
}

/// The signature over canonical XML with this id, as an element.
pub(crate) fn signature(xml: &str, id: &str, who: Who, how: How) -> String {
    let hash = match how.digest.rsplit_once("sha").unwrap().1 {
        "1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "384" => &digest::SHA384,
        "512" => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let value = STANDARD.encode(digest::digest(hash, xml.as_bytes()));
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"{DS}\">\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{value}</ds:DigestValue></ds:Reference>\
         </ds:SignedInfo>",
        how.method, how.digest
    );
    let value = STANDARD.encode(who.sign(how.method, info.as_bytes()));
    let info = info.replacen(&format!(" xmlns:ds=\"{DS}\""), "", 1);
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\
         <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        STANDARD.encode(who.certificate())
    )
}

/// Puts a signature behind the first issuer.
pub(crate) fn sign(xml: &str, who: Who, how: How) -> String {
    let id = xml.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap();
    let (head, tail) = xml.split_once("</saml:Issuer>").unwrap();
    format!("{head}</saml:Issuer>{}{tail}", signature(xml, id, who, how))
}

/// A response in the making; its parts are canonical.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) assertion: String,
    pub(crate) envelope: String,
    pub(crate) assertion_by: Option<Who>,
    pub(crate) response_by: Option<Who>,
    pub(crate) how: How,
}

impl Forge {
    /// A good response with a signed assertion.
    pub(crate) fn new() -> Self {
        let assertion = format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a1\" \
             IssueInstant=\"2026-11-21T09:59:58Z\" Version=\"2.0\"><saml:Issuer>{IDP}</saml:Issuer><saml:Subject>\
             <saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">alice-1</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
             InResponseTo=\"_{STATE}\" NotOnOrAfter=\"2026-11-21T10:05:00Z\" Recipient=\"{ACS}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"2026-11-21T09:55:00Z\" NotOnOrAfter=\"2026-11-21T10:06:00Z\">\
             <saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"2026-11-21T09:59:50.123Z\" SessionIndex=\"_s1\" \
             SessionNotOnOrAfter=\"2026-11-21T18:00:00Z\"><saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{}{}{}{}</saml:AttributeStatement>\
             </saml:Assertion>",
            attribute("mail", &["alice@a.example"]),
            attribute("givenName", &["Alice"]),
            attribute("sn", &["Adams"]),
            attribute("memberOf", &["CN=a,OU=b", "admins"]),
        );
        let envelope = format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{ACS}\" ID=\"_r1\" \
             InResponseTo=\"_{STATE}\" IssueInstant=\"2026-11-21T09:59:59Z\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer><samlp:Status>\
             <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
             {{assertion}}</samlp:Response>"
        );
        Self { assertion, envelope, assertion_by: Some(Who::Idp), response_by: None, how: How::default() }
    }

    pub(crate) fn in_assertion(mut self, old: &str, new: &str) -> Self {
        assert!(self.assertion.contains(old), "{old}");
        self.assertion = self.assertion.replacen(old, new, 1);
        self
    }

    pub(crate) fn in_envelope(mut self, old: &str, new: &str) -> Self {
        assert!(self.envelope.contains(old), "{old}");
        self.envelope = self.envelope.replacen(old, new, 1);
        self
    }

    /// Everything from `from` to the first `to` behind it, both included, becomes `new`.
    pub(crate) fn cut(mut self, from: &str, to: &str, new: &str) -> Self {
        let begin = self.assertion.find(from).unwrap();
        let end = begin + self.assertion[begin..].find(to).unwrap() + to.len();
        self.assertion.replace_range(begin..end, new);
        self
    }

    pub(crate) fn with(self, attributes: &str) -> Self {
        self.in_assertion("</saml:AttributeStatement>", &format!("{attributes}</saml:AttributeStatement>"))
    }

    pub(crate) fn signed(mut self, assertion: Option<Who>, response: Option<Who>) -> Self {
        (self.assertion_by, self.response_by) = (assertion, response);
        self
    }

    pub(crate) fn how(mut self, how: How) -> Self {
        self.how = how;
        self
    }

    /// The assertion, signed if it is to be.
    pub(crate) fn inner(&self) -> String {
        self.assertion_by.map_or_else(|| self.assertion.clone(), |who| sign(&self.assertion, who, self.how))
    }

    /// The envelope around this, signed if it is to be.
    pub(crate) fn around(&self, inner: &str) -> String {
        let whole = self.envelope.replacen("{assertion}", inner, 1);
        self.response_by.map_or_else(|| whole.clone(), |who| sign(&whole, who, self.how))
    }

    pub(crate) fn xml(&self) -> String {
        self.around(&self.inner())
    }

    pub(crate) fn finish(&self) -> Result<SignedStatement, SamlError> {
        finish(&self.xml())
    }
}

pub(crate) fn attribute(name: &str, values: &[&str]) -> String {
    let values = values.iter().map(|v| format!("<saml:AttributeValue>{v}</saml:AttributeValue>"));
    format!("<saml:Attribute Name=\"{name}\">{}</saml:Attribute>", values.collect::<String>())
}

/// Metadata with the certificates of these.
pub(crate) fn metadata(keys: &[Who]) -> String {
    let keys = keys.iter().map(|who| {
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>{}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
            STANDARD.encode(who.certificate())
        )
    });
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}<md:SingleLogoutService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/slo\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{SSO}\"/>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{SSO}\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        keys.collect::<String>()
    )
}

pub(crate) fn own_keys() -> SpKeys {
    let key = Who::Stranger.pkcs8();
    SpKeys::read(&key, &[&key], vec![Who::Stranger.certificate()], Who::Stranger.certificate()).unwrap()
}

pub(crate) fn settings() -> SamlSettings {
    let idp = metadata(&[Who::Idp, Who::Next, Who::P256, Who::P384]);
    let some = |name: &str| Some(name.to_owned());
    SamlSettings {
        connection: "okta".into(),
        entity_id: SP.into(),
        acs: ACS.into(),
        slo: SLO.into(),
        idp: Arc::new(IdpMetadata::read(&idp, None, Reach::Https, now()).unwrap()),
        attributes: AttributeNames {
            subject: "name_id".into(),
            email: some("mail"),
            given_name: some("givenName"),
            family_name: some("sn"),
            groups: some("memberOf"),
        },
        groups_split: None,
        claims: Vec::new(),
        name_id_format: None,
        keys: Arc::new(own_keys()),
    }
}

pub(crate) fn posted(xml: &str) -> Result<Posted, SamlError> {
    Posted::read(&STANDARD.encode(xml))
}

pub(crate) fn finish(xml: &str) -> Result<SignedStatement, SamlError> {
    finish_with(settings(), xml)
}

pub(crate) fn finish_with(settings: SamlSettings, xml: &str) -> Result<SignedStatement, SamlError> {
    SamlConnector::new(settings).finish(&flow(), &posted(xml)?, now())
}
