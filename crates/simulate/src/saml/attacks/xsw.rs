//! Signature wrapping (Somorovsky and others, 2012): the signature stays true over an element that was
//! moved, and a forged one stands where the reader looks.

use super::{Case, Make, Setting, rejected};
use crate::saml::document::{Assertion, Envelope};
use crate::saml::signature::{Skeleton, Unsigned};
use crate::saml::xml::DS;

/// A signed response in pieces.
pub(super) struct Pieces {
    /// Around assertions; says nothing that is wrong.
    envelope: Envelope,
    /// The signed assertion, its text without the signature, and the signature.
    original: String,
    bare: String,
    signature: String,
    id: String,
    /// The forged assertion, which has an id of its own.
    forged: Assertion,
    /// The whole signed response, the same without its signature, and that signature.
    response: String,
    bare_response: String,
    response_signature: String,
    /// A response around the forged assertion, with its own id.
    forged_response: Unsigned,
    /// A second assertion that the provider truly signed.
    another: String,
}

impl Pieces {
    pub(super) fn new(setting: &Setting<'_>) -> Pieces {
        let signer = setting.signer();
        let draft = setting.draft();
        let unsigned = draft.assertion.unsigned();
        let signature = Skeleton::over(&unsigned, &signer).signed(&signer);
        let response = draft.envelope.around(&unsigned.plain());
        let response_signature = Skeleton::over(&response, &signer).signed(&signer);
        let forged = setting.forged();
        Pieces {
            envelope: draft.envelope.clone(),
            original: unsigned.holding(&signature),
            bare: unsigned.plain(),
            signature,
            id: unsigned.id.clone(),
            forged_response: forged.envelope.around(&forged.assertion.unsigned().plain()),
            forged: forged.assertion,
            response: response.holding(&response_signature),
            bare_response: response.plain(),
            response_signature,
            another: setting.draft().assertion.unsigned().signed(&signer),
        }
    }

    /// The response around these.
    fn around(&self, content: &[&str]) -> String {
        self.envelope.around(&content.concat()).plain()
    }

    /// The forged assertion without a signature.
    fn evil(&self) -> String {
        self.forged.unsigned().plain()
    }

    /// The forged assertion with this where its signature would be.
    fn evil_holding(&self, signature: &str) -> String {
        self.forged.unsigned().holding(signature)
    }

    /// The forged assertion with its `ID` replaced.
    fn evil_as(&self, attribute: &str) -> String {
        let id = format!(" ID=\"{}\"", self.forged.id.clone().unwrap_or_default());
        self.evil().replacen(&id, &format!(" {attribute}=\"{}\"", self.id), 1)
    }

    /// The response with this between issuer and status.
    fn extended(&self, extension: &str, content: &[&str]) -> String {
        let mut envelope = self.envelope.clone();
        envelope.extensions = format!("<samlp:Extensions>{extension}</samlp:Extensions>");
        envelope.around(&content.concat()).plain()
    }
}

/// The signature with something as its last child.
fn with_last(signature: &str, last: &str) -> String {
    signature.replacen("</ds:Signature>", &format!("{last}</ds:Signature>"), 1)
}

fn object(content: &str) -> String {
    DS.inner("Object").holds(content).write()
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("xsw", classic());
    all.extend(rejected("xsw", moved()));
    all.extend(rejected("xsw", confused()));
    all
}

/// The eight of SAML Raider.
fn classic() -> [(&'static str, Make); 8] {
    [
        (
            "xsw-1-response-in-signature",
            Make::Wrapped(|p| p.forged_response.holding(&with_last(&p.response_signature, &p.bare_response))),
        ),
        (
            "xsw-2-response-before-signature",
            Make::Wrapped(|p| p.forged_response.holding(&format!("{}{}", p.bare_response, p.response_signature))),
        ),
        ("xsw-3-forged-before", Make::Wrapped(|p| p.around(&[&p.evil(), &p.original]))),
        (
            "xsw-4-original-within-forged",
            Make::Wrapped(|p| {
                let forged = Assertion { further: p.original.clone(), ..p.forged.clone() };
                p.around(&[&forged.unsigned().plain()])
            }),
        ),
        ("xsw-5-signature-in-forged", Make::Wrapped(|p| p.around(&[&p.evil_holding(&p.signature), &p.bare]))),
        (
            "xsw-6-original-in-forged-signature",
            Make::Wrapped(|p| p.around(&[&p.evil_holding(&with_last(&p.signature, &p.bare))])),
        ),
        ("xsw-7-forged-in-extensions", Make::Wrapped(|p| p.extended(&p.evil_as("ID"), &[&p.original]))),
        (
            "xsw-8-original-in-object",
            Make::Wrapped(|p| p.around(&[&p.evil_holding(&with_last(&p.signature, &object(&p.bare)))])),
        ),
    ]
}

/// The original goes where no assertion belongs.
fn moved() -> [(&'static str, Make); 9] {
    [
        ("xsw-original-in-extensions", Make::Wrapped(|p| p.extended(&p.original, &[&p.evil()]))),
        (
            "xsw-original-in-status-detail",
            Make::Wrapped(|p| {
                let mut envelope = p.envelope.clone();
                envelope.status_detail = format!("<samlp:StatusDetail>{}</samlp:StatusDetail>", p.original);
                envelope.around(&p.evil()).plain()
            }),
        ),
        (
            "xsw-original-in-advice",
            Make::Wrapped(|p| {
                let advice = format!("<saml:Advice>{}</saml:Advice>", p.original);
                p.around(&[&Assertion { advice, ..p.forged.clone() }.unsigned().plain()])
            }),
        ),
        (
            "xsw-original-in-foreign-element",
            Make::Wrapped(|p| {
                p.around(&["<evil:Wrapper xmlns:evil=\"urn:evil\">", &p.original, "</evil:Wrapper>", &p.evil()])
            }),
        ),
        (
            "xsw-original-in-attribute-value",
            Make::Wrapped(|p| {
                let value = format!("<saml:AttributeValue>{}", p.original);
                p.around(&[&p.evil().replacen("<saml:AttributeValue>", &value, 1)])
            }),
        ),
        (
            "xsw-original-in-key-info",
            Make::Wrapped(|p| {
                let info = format!("{}</ds:KeyInfo>", p.bare);
                p.around(&[&p.evil_holding(&p.signature.replacen("</ds:KeyInfo>", &info, 1))])
            }),
        ),
        (
            "xsw-signature-at-response",
            Make::Wrapped(|p| p.envelope.around(&p.evil()).holding(&with_last(&p.signature, &object(&p.bare)))),
        ),
        (
            "xsw-response-after-forged",
            Make::Wrapped(|p| {
                let end = "</samlp:Response>";
                p.forged_response.plain().replacen(end, &format!("{}{end}", p.response), 1)
            }),
        ),
        ("xsw-response-in-extensions", Make::Wrapped(|p| p.extended(&p.response, &[&p.evil()]))),
    ]
}

/// Two elements of which the reader may take the wrong one.
fn confused() -> [(&'static str, Make); 9] {
    [
        ("xsw-duplicate-id-before", Make::Wrapped(|p| p.around(&[&p.evil_as("ID"), &p.original]))),
        ("xsw-duplicate-id-after", Make::Wrapped(|p| p.around(&[&p.original, &p.evil_as("ID")]))),
        ("xsw-xml-id", Make::Wrapped(|p| p.around(&[&p.evil_as("xml:id"), &p.original]))),
        (
            "xsw-id-in-other-case",
            Make::Wrapped(|p| {
                p.around(&[&p.evil_as("Id").replacen("Assertion ", "Assertion id=\"_x\" ", 1), &p.original])
            }),
        ),
        ("xsw-assertion-id", Make::Wrapped(|p| p.around(&[&p.evil_as("AssertionID"), &p.original]))),
        ("xsw-two-signed-assertions", Make::Wrapped(|p| p.around(&[&p.original, &p.another]))),
        ("xsw-bare-assertion", Make::Wrapped(|p| p.original.clone())),
        (
            "xsw-foreign-namespace-clone",
            Make::Wrapped(|p| p.around(&[&p.evil().replace("SAML:2.0:assertion", "SAML:1.0:assertion"), &p.original])),
        ),
        (
            "xsw-forged-response-beside",
            Make::Wrapped(|p| {
                format!("<evil:Both xmlns:evil=\"urn:evil\">{}{}</evil:Both>", p.forged_response.plain(), p.response)
            }),
        ),
    ]
}
