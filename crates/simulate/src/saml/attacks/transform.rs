//! References that lead elsewhere and transforms that compute, fetch or leave out. Where a signature has
//! to be true for the attack to work, the provider made it: some providers can be told to sign so.

use super::{Case, Make, Setting, rejected};
use crate::saml::signature::{
    Digest, Skeleton, Unsigned, enveloped, exclusive, reference, reference_to, transform, transforms,
};
use crate::saml::xml::{DS, EXCLUSIVE};

const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
const XPATH_FILTER: &str = "http://www.w3.org/2002/06/xmldsig-filter2";
const XSLT: &str = "http://www.w3.org/TR/1999/REC-xslt-19991116";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

pub(super) fn cases() -> Vec<Case> {
    let mut all = rejected("reference-transform", external());
    all.extend(rejected("reference-transform", computing()));
    all.extend(rejected("reference-transform", references()));
    all.extend(rejected("reference-transform", canonical_forms()));
    all
}

/// Whoever resolves these before checking the signature reaches out for the attacker.
fn external() -> [(&'static str, Make); 5] {
    [
        ("reference-http", Make::Forged(|s, element| leading(s, element, &format!("{}/reference", s.listener)))),
        ("reference-file", Make::Forged(|s, element| leading(s, element, "file:///etc/passwd"))),
        ("reference-ftp", Make::Forged(|s, element| leading(s, element, "ftp://127.0.0.1/x"))),
        ("reference-cid", Make::Forged(|s, element| leading(s, element, "cid:assertion@corp.example"))),
        ("reference-endless-device", Make::Forged(|s, element| leading(s, element, "file:///dev/zero"))),
    ]
}

fn computing() -> [(&'static str, Make); 7] {
    [
        (
            "xslt-document",
            Make::Forged(|s, element| {
                let select = format!("document('{}/xslt')", s.listener);
                transformed(s, element, &transform(DS, XSLT, &stylesheet(&select)))
            }),
        ),
        ("xslt-loop", Make::Forged(|s, element| transformed(s, element, &transform(DS, XSLT, &endless_stylesheet())))),
        (
            "xpath-leaves-out-the-subject",
            Make::Xml(|s| {
                without_subject(s, XPATH, "<ds:XPath>not(ancestor-or-self::*[local-name()='NameID'])</ds:XPath>")
            }),
        ),
        (
            "xpath-heavy",
            Make::Forged(|s, element| {
                let heavy = "<ds:XPath>count(//*[count(//*[count(//*[count(//*) > 1]) > 1]) > 1]) > 1</ds:XPath>"
                    .replace(" > ", " &gt; ");
                transformed(s, element, &transform(DS, XPATH, &heavy))
            }),
        ),
        (
            "xpath-filter-subtracts-the-subject",
            Make::Xml(|s| {
                let filter = "<f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" \
                    Filter=\"subtract\">//*[local-name()='NameID']</f:XPath>";
                without_subject(s, XPATH_FILTER, filter)
            }),
        ),
        (
            "base64-transform",
            Make::Forged(|s, element| {
                transformed(s, element, &transform(DS, "http://www.w3.org/2000/09/xmldsig#base64", ""))
            }),
        ),
        (
            "two-thousand-transforms",
            Make::Forged(|s, element| transformed(s, element, &exclusive(&s.attacker()).repeat(2_000))),
        ),
    ]
}

fn references() -> [(&'static str, Make); 7] {
    [
        ("reference-empty", Make::Xml(|s| whole_document(s, Some("")))),
        ("reference-without-uri", Make::Xml(|s| whole_document(s, None))),
        ("reference-xpointer-root", Make::Xml(|s| whole_document(s, Some("#xpointer(/)")))),
        (
            "reference-xpointer-id",
            Make::Xml(|s| {
                genuine(s, |element, plain| vec![plain.replace(&format!("#{}", element.id), &pointer(&element.id))])
            }),
        ),
        ("reference-twice", Make::Xml(|s| genuine(s, |_, plain| vec![plain.to_owned(), plain.to_owned()]))),
        (
            "reference-to-manifest",
            Make::Xml(|s| {
                let signer = s.signer();
                let draft = s.draft();
                let element = draft.assertion.unsigned();
                let listed = reference_to(&element, &signer);
                let manifest = DS.outer("Manifest").with("Id", "_manifest").holds(&listed).write();
                let chain = transforms(DS, &[&exclusive(&signer)]);
                let value = Digest::Sha256.of(&manifest);
                let over = reference(DS, Some("#_manifest"), &chain, Digest::Sha256, &value);
                let mut skeleton = Skeleton::with_references(vec![over], &signer);
                skeleton.rest.push_str(&DS.inner("Object").holds(&manifest).write());
                draft.envelope.around(&element.holding(&skeleton.signed(&signer))).plain()
            }),
        ),
        (
            "reference-to-response-from-assertion",
            Make::Xml(|s| {
                let signer = s.signer();
                let draft = s.draft();
                let whole = draft.envelope.around(&draft.assertion.unsigned().plain());
                let signature = Skeleton::over(&whole, &signer).signed(&signer);
                draft.envelope.around(&draft.assertion.unsigned().holding(&signature)).plain()
            }),
        ),
    ]
}

/// True signatures with other transforms than the two of SAML core §5.4.4.
fn canonical_forms() -> [(&'static str, Make); 4] {
    [
        // Right only for a reader that transforms without being told to.
        (
            "no-transforms",
            Make::Xml(|s| {
                genuine(s, |element, _| {
                    let uri = format!("#{}", element.id);
                    vec![reference(DS, Some(&uri), "", Digest::Sha256, &Digest::Sha256.of(&element.plain()))]
                })
            }),
        ),
        ("enveloped-transform-only", Make::Xml(|s| chained(s, &[&enveloped(DS)]))),
        (
            "canonical-form-with-comments",
            Make::Xml(|s| chained(s, &[&enveloped(DS), &transform(DS, &format!("{EXCLUSIVE}WithComments"), "")])),
        ),
        ("inclusive-canonical-form", Make::Xml(|s| chained(s, &[&enveloped(DS), &transform(DS, INCLUSIVE, "")]))),
    ]
}

/// A signature of the attacker whose reference leads there.
fn leading(setting: &Setting<'_>, element: &Unsigned, uri: &str) -> String {
    let signer = setting.attacker();
    let over = reference(DS, Some(uri), "", Digest::Sha256, &Digest::Sha256.of(&element.plain()));
    Skeleton::with_references(vec![over], &signer).signed(&signer)
}

/// A signature of the attacker with one more transform at the end.
fn transformed(setting: &Setting<'_>, element: &Unsigned, last: &str) -> String {
    let signer = setting.attacker();
    let chain = transforms(DS, &[&enveloped(DS), last]);
    let uri = format!("#{}", element.id);
    let over = reference(DS, Some(&uri), &chain, Digest::Sha256, &Digest::Sha256.of(&element.plain()));
    Skeleton::with_references(vec![over], &signer).signed(&signer)
}

/// The provider's assertion signed over references made from the usual one.
fn genuine(setting: &Setting<'_>, make: impl FnOnce(&Unsigned, &str) -> Vec<String>) -> String {
    let signer = setting.signer();
    let draft = setting.draft();
    let element = draft.assertion.unsigned();
    let references = make(&element, &reference_to(&element, &signer));
    let signature = Skeleton::with_references(references, &signer).signed(&signer);
    draft.envelope.around(&element.holding(&signature)).plain()
}

/// The response signed by its id with these transforms. At the root of a document all canonical forms are
/// the same, so that the digest is right.
fn chained(setting: &Setting<'_>, chain: &[&str]) -> String {
    over_response(setting, |element| Some(format!("#{}", element.id)), chain)
}

/// The response signed as a whole, but not by its id.
fn whole_document(setting: &Setting<'_>, uri: Option<&str>) -> String {
    over_response(setting, |_| uri.map(str::to_owned), &[&enveloped(DS), &exclusive(&setting.signer())])
}

fn over_response(setting: &Setting<'_>, uri: impl Fn(&Unsigned) -> Option<String>, chain: &[&str]) -> String {
    let signer = setting.signer();
    let draft = setting.draft();
    let element = draft.envelope.around(&draft.assertion.unsigned().plain());
    let (uri, value) = (uri(&element), Digest::Sha256.of(&element.plain()));
    let over = reference(DS, uri.as_deref(), &transforms(DS, chain), Digest::Sha256, &value);
    element.holding(&Skeleton::with_references(vec![over], &signer).signed(&signer))
}

/// Signed by the provider with a transform that takes the subject's name away, and then renamed: the
/// digest is still right for whoever obeys the transform.
fn without_subject(setting: &Setting<'_>, algorithm: &str, content: &str) -> String {
    let signer = setting.signer();
    let mut draft = setting.draft();
    let mut nameless = draft.clone();
    nameless.assertion.name_id = None;
    let element = draft.assertion.unsigned();
    let chain = transforms(DS, &[&enveloped(DS), &transform(DS, algorithm, content), &exclusive(&signer)]);
    let value = Digest::Sha256.of(&nameless.assertion.unsigned().plain());
    let over = reference(DS, Some(&format!("#{}", element.id)), &chain, Digest::Sha256, &value);
    let signature = Skeleton::with_references(vec![over], &signer).signed(&signer);
    draft.rename("admin@corp.example");
    draft.envelope.around(&draft.assertion.unsigned().holding(&signature)).plain()
}

fn pointer(id: &str) -> String {
    format!("#xpointer(id('{id}'))")
}

fn stylesheet(select: &str) -> String {
    format!(
        "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\"><xsl:copy-of select=\"{select}\"></xsl:copy-of></xsl:template></xsl:stylesheet>"
    )
}

/// Calls itself twice, forty deep.
fn endless_stylesheet() -> String {
    let call = "<xsl:call-template name=\"twice\"><xsl:with-param name=\"depth\" select=\"$depth - 1\">\
        </xsl:with-param></xsl:call-template>";
    format!(
        "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\" name=\"twice\"><xsl:param name=\"depth\" select=\"40\"></xsl:param>\
         <xsl:if test=\"$depth &gt; 0\">{call}{call}</xsl:if></xsl:template></xsl:stylesheet>"
    )
}
