//! What we send is written in its canonical form at once: it can be signed as it stands.
//!
//! The caller keeps the rules of Exclusive XML Canonicalization that the writer cannot see: a namespace is declared
//! where its prefix is first used, declarations stand before attributes, attributes in the order of their names.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::SamlError;
use super::keys::SpKeys;
use super::names::{ENVELOPED, EXCLUSIVE, RSA_SHA256, SHA256, SIGNATURE};

/// Canonical XML in the making.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    /// A start tag; an attribute without a value is left out.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, Option<&str>)]) -> &mut Self {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            let Some(value) = value else { continue };
            // Writing to a string cannot fail.
            let _written = write!(self.0, " {name}=\"");
            self.escaped(value, true);
            self.0.push('"');
        }
        self.0.push('>');
        self
    }

    /// An end tag.
    pub(super) fn close(&mut self, name: &str) -> &mut Self {
        let _written = write!(self.0, "</{name}>");
        self
    }

    /// An element that holds text only, or nothing.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, Option<&str>)], text: &str) -> &mut Self {
        self.open(name, attributes).escaped(text, false);
        self.close(name)
    }

    fn escaped(&mut self, text: &str, in_attribute: bool) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '\r' => self.0.push_str("&#xD;"),
                '>' if !in_attribute => self.0.push_str("&gt;"),
                '"' if in_attribute => self.0.push_str("&quot;"),
                '\t' if in_attribute => self.0.push_str("&#x9;"),
                '\n' if in_attribute => self.0.push_str("&#xA;"),
                other => self.0.push(other),
            }
        }
    }

    /// What was written.
    pub(super) fn done(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// Puts an enveloped signature behind the issuer of a canonical message with this id.
pub(super) fn signed(message: &str, id: &str, keys: &SpKeys) -> Result<String, SamlError> {
    const BEHIND: &str = "</saml:Issuer>";
    let (head, tail) = message.split_once(BEHIND).ok_or(SamlError::Shape("Issuer"))?;
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, message.as_bytes()));
    // By itself it is canonical with the declaration, in its place without.
    let info = signed_info(id, &digest, Some(SIGNATURE));
    let value = STANDARD.encode(keys.sign(info.as_bytes())?);
    let info = signed_info(id, &digest, None);
    Ok(format!(
        "{head}{BEHIND}<ds:Signature xmlns:ds=\"{SIGNATURE}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>{tail}"
    ))
}

fn signed_info(id: &str, digest: &str, declared: Option<&str>) -> String {
    let algorithm = |uri: &'static str| [("Algorithm", Some(uri))];
    let mut xml = Writer::default();
    xml.open("ds:SignedInfo", &[("xmlns:ds", declared)])
        .leaf("ds:CanonicalizationMethod", &algorithm(EXCLUSIVE), "")
        .leaf("ds:SignatureMethod", &algorithm(RSA_SHA256), "")
        .open("ds:Reference", &[("URI", Some(&format!("#{id}")))])
        .open("ds:Transforms", &[])
        .leaf("ds:Transform", &algorithm(ENVELOPED), "")
        .leaf("ds:Transform", &algorithm(EXCLUSIVE), "")
        .close("ds:Transforms")
        .leaf("ds:DigestMethod", &algorithm(SHA256), "")
        .leaf("ds:DigestValue", &[], digest)
        .close("ds:Reference")
        .close("ds:SignedInfo")
        .done()
}
