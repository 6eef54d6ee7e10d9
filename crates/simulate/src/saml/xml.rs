//! XML written in exclusive canonical form from the start (Exclusive XML Canonicalization 1.0), so
//! that a digest is taken over what is written and no canonicalizer is needed: namespaces are
//! declared where they are first used, then come attributes in order, and nothing is self-closing.

/// The protocol of SAML 2.0.
pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// Assertions of SAML 2.0.
pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Metadata of SAML 2.0.
pub(crate) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// XML signatures.
pub(crate) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML encryption.
pub(crate) const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML encryption 1.1.
pub(crate) const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
/// Exclusive canonicalization: a namespace and an algorithm at once.
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The enveloped-signature transform.
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// XML Schema.
pub(crate) const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
/// `xsi:type`.
pub(crate) const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A namespace and the prefix by which it goes; an empty prefix makes it the default one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) prefix: &'static str,
    pub(crate) uri: &'static str,
}

/// The usual prefix of signatures.
pub(crate) const DS: Space = Space { prefix: "ds", uri: SIGNATURE };
/// The usual prefix of encryption.
pub(crate) const XENC: Space = Space { prefix: "xenc", uri: ENCRYPTION };

impl Space {
    /// An element whose namespace an ancestor has declared.
    pub(crate) fn inner(self, local: &str) -> Element {
        let name = if self.prefix.is_empty() { local.to_owned() } else { format!("{}:{local}", self.prefix) };
        Element { name, namespaces: Vec::new(), attributes: Vec::new(), content: String::new() }
    }

    /// An element that declares its namespace itself.
    pub(crate) fn outer(self, local: &str) -> Element {
        self.inner(local).declares(self.prefix, self.uri)
    }
}

/// An element that becomes canonical text.
#[derive(Clone)]
pub(crate) struct Element {
    name: String,
    namespaces: Vec<(String, String)>,
    attributes: Vec<(String, String)>,
    content: String,
}

impl Element {
    /// Declares a namespace here.
    pub(crate) fn declares(mut self, prefix: &str, uri: &str) -> Element {
        self.namespaces.push((prefix.to_owned(), uri.to_owned()));
        self
    }

    /// An attribute with this value.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Element {
        self.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An attribute if there is a value.
    pub(crate) fn with_some(self, name: &str, value: Option<&str>) -> Element {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Character data.
    pub(crate) fn text(mut self, text: &str) -> Element {
        self.content.push_str(&escaped_text(text));
        self
    }

    /// Markup that is canonical already.
    pub(crate) fn holds(mut self, markup: &str) -> Element {
        self.content.push_str(markup);
        self
    }

    /// The whole element.
    pub(crate) fn write(&self) -> String {
        format!("{}{}{}", self.opening(), self.content, self.closing())
    }

    /// The start tag: namespaces by prefix, then attributes by name, prefixed ones last.
    pub(crate) fn opening(&self) -> String {
        let mut namespaces = self.namespaces.clone();
        namespaces.sort();
        let mut attributes = self.attributes.clone();
        attributes.sort_by_key(|(name, _)| (name.contains(':'), name.clone()));
        let mut tag = format!("<{}", self.name);
        for (prefix, uri) in namespaces {
            let colon = if prefix.is_empty() { "" } else { ":" };
            tag.push_str(&format!(" xmlns{colon}{prefix}=\"{}\"", escaped_value(&uri)));
        }
        for (name, value) in attributes {
            tag.push_str(&format!(" {name}=\"{}\"", escaped_value(&value)));
        }
        tag.push('>');
        tag
    }

    /// The end tag.
    pub(crate) fn closing(&self) -> String {
        format!("</{}>", self.name)
    }
}

/// Character data as Canonical XML 1.0 §2.3 writes it.
pub(crate) fn escaped_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// An attribute's value as Canonical XML 1.0 §2.3 writes it.
pub(crate) fn escaped_value(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\t', "&#x9;")
        .replace('\n', "&#xA;")
        .replace('\r', "&#xD;")
}
