//! A response in parts: what it says, before anybody signs it. Every part may be wrong or missing.

use super::signature::Unsigned;
use super::xml::{ASSERTION, INSTANCE, PROTOCOL, SCHEMA, SIGNATURE, Space, escaped_text};

/// The status of a sign-in that went well.
pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// Confirmation by whoever bears the assertion.
pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// The prefixes that a product uses.
#[derive(Clone, Copy)]
pub(crate) struct Spaces {
    pub(crate) protocol: Space,
    pub(crate) assertion: Space,
    pub(crate) signature: Space,
}

impl Spaces {
    pub(crate) const fn new(protocol: &'static str, assertion: &'static str, signature: &'static str) -> Spaces {
        Spaces {
            protocol: Space { prefix: protocol, uri: PROTOCOL },
            assertion: Space { prefix: assertion, uri: ASSERTION },
            signature: Space { prefix: signature, uri: SIGNATURE },
        }
    }
}

/// A whole response.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) envelope: Envelope,
    pub(crate) assertion: Assertion,
}

/// The `Response` around an assertion.
#[derive(Clone)]
pub(crate) struct Envelope {
    pub(crate) spaces: Spaces,
    pub(crate) id: String,
    pub(crate) version: Option<String>,
    pub(crate) issued: String,
    pub(crate) destination: Option<String>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) issuer: Option<String>,
    /// Markup between issuer and status.
    pub(crate) extensions: String,
    /// Status codes, the outermost first; none leaves the status out.
    pub(crate) status: Vec<String>,
    /// Markup after the status codes, for example a `StatusDetail`.
    pub(crate) status_detail: String,
}

impl Envelope {
    /// The response around markup.
    pub(crate) fn around(&self, content: &str) -> Unsigned {
        let root = self
            .spaces
            .protocol
            .outer("Response")
            .with("ID", &self.id)
            .with_some("Version", self.version.as_deref())
            .with("IssueInstant", &self.issued)
            .with_some("Destination", self.destination.as_deref())
            .with_some("InResponseTo", self.in_response_to.as_deref());
        let issuer = self.issuer.as_ref().map(|issuer| issuer_of(self.spaces.assertion.outer("Issuer"), issuer));
        let before = format!("{}{}", root.opening(), issuer.unwrap_or_default());
        let after = format!("{}{}{content}{}", self.extensions, self.status(), root.closing());
        Unsigned { id: self.id.clone(), before, after }
    }

    /// The status element, or nothing.
    pub(crate) fn status(&self) -> String {
        if self.status.is_empty() {
            return String::new();
        }
        let space = self.spaces.protocol;
        let codes = self
            .status
            .iter()
            .rev()
            .fold(String::new(), |inner, code| space.inner("StatusCode").with("Value", code).holds(&inner).write());
        space.inner("Status").holds(&codes).holds(&self.status_detail).write()
    }
}

/// The name by which the assertion calls its subject.
#[derive(Clone)]
pub(crate) struct NameId {
    pub(crate) value: String,
    pub(crate) format: Option<String>,
    pub(crate) name_qualifier: Option<String>,
    pub(crate) sp_name_qualifier: Option<String>,
}

/// How the bearer proves to be the subject (SAML core §2.4.1).
#[derive(Clone)]
pub(crate) struct Confirmation {
    pub(crate) method: String,
    pub(crate) recipient: Option<String>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) not_before: Option<String>,
    pub(crate) not_on_or_after: Option<String>,
}

/// The conditions under which the assertion holds (SAML core §2.5).
#[derive(Clone)]
pub(crate) struct Conditions {
    pub(crate) not_before: Option<String>,
    pub(crate) not_on_or_after: Option<String>,
    /// One list an `AudienceRestriction`.
    pub(crate) audiences: Vec<Vec<String>>,
    /// Further conditions as markup.
    pub(crate) further: String,
}

/// How and when the person signed in (SAML core §2.7.2).
#[derive(Clone)]
pub(crate) struct Authentication {
    pub(crate) instant: String,
    pub(crate) session_index: Option<String>,
    pub(crate) session_until: Option<String>,
    pub(crate) class: String,
}

/// How the values of attributes are typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// They are not.
    No,
    /// `xsi:type="xs:…"`; `xs` is declared at the assertion and protected by a prefix list.
    Protected(&'static str),
    /// `xsi:type="xs:…"`; `xs` is declared at each value, where no canonical form sees it.
    Loose(&'static str),
}

/// One attribute.
#[derive(Clone)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) format: Option<String>,
    pub(crate) friendly: Option<String>,
    /// Each as text; escaped when written.
    pub(crate) values: Vec<String>,
}

/// An assertion.
#[derive(Clone)]
pub(crate) struct Assertion {
    pub(crate) spaces: Spaces,
    pub(crate) id: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) issued: String,
    pub(crate) issuer: Option<String>,
    pub(crate) has_subject: bool,
    pub(crate) name_id: Option<NameId>,
    pub(crate) confirmations: Vec<Confirmation>,
    pub(crate) conditions: Option<Conditions>,
    /// Markup between conditions and authentication.
    pub(crate) advice: String,
    pub(crate) authentication: Option<Authentication>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) typed: Typed,
    /// Markup at the end.
    pub(crate) further: String,
}

impl Assertion {
    /// The assertion in text, ready to be signed.
    pub(crate) fn unsigned(&self) -> Unsigned {
        let space = self.spaces.assertion;
        let mut root = space
            .outer("Assertion")
            .with_some("ID", self.id.as_deref())
            .with_some("Version", self.version.as_deref())
            .with("IssueInstant", &self.issued);
        if matches!(self.typed, Typed::Protected(_)) {
            root = root.declares("xs", SCHEMA);
        }
        let issuer = self.issuer.as_ref().map(|issuer| issuer_of(space.inner("Issuer"), issuer));
        let after = [
            self.subject(),
            self.conditions(),
            self.advice.clone(),
            self.authentication(),
            self.attributes(),
            self.further.clone(),
            root.closing(),
        ];
        Unsigned {
            id: self.id.clone().unwrap_or_default(),
            before: format!("{}{}", root.opening(), issuer.unwrap_or_default()),
            after: after.concat(),
        }
    }

    fn subject(&self) -> String {
        if !self.has_subject {
            return String::new();
        }
        let space = self.spaces.assertion;
        let mut subject = space.inner("Subject");
        if let Some(name_id) = &self.name_id {
            let written = space
                .inner("NameID")
                .with_some("Format", name_id.format.as_deref())
                .with_some("NameQualifier", name_id.name_qualifier.as_deref())
                .with_some("SPNameQualifier", name_id.sp_name_qualifier.as_deref())
                .text(&name_id.value);
            subject = subject.holds(&written.write());
        }
        for confirmation in &self.confirmations {
            let data = space
                .inner("SubjectConfirmationData")
                .with_some("Recipient", confirmation.recipient.as_deref())
                .with_some("InResponseTo", confirmation.in_response_to.as_deref())
                .with_some("NotBefore", confirmation.not_before.as_deref())
                .with_some("NotOnOrAfter", confirmation.not_on_or_after.as_deref());
            let written = space.inner("SubjectConfirmation").with("Method", &confirmation.method).holds(&data.write());
            subject = subject.holds(&written.write());
        }
        subject.write()
    }

    fn conditions(&self) -> String {
        let Some(conditions) = &self.conditions else {
            return String::new();
        };
        let space = self.spaces.assertion;
        let mut written = space
            .inner("Conditions")
            .with_some("NotBefore", conditions.not_before.as_deref())
            .with_some("NotOnOrAfter", conditions.not_on_or_after.as_deref());
        for restriction in &conditions.audiences {
            let audiences: String =
                restriction.iter().map(|audience| space.inner("Audience").text(audience).write()).collect();
            written = written.holds(&space.inner("AudienceRestriction").holds(&audiences).write());
        }
        written.holds(&conditions.further).write()
    }

    fn authentication(&self) -> String {
        let Some(authentication) = &self.authentication else {
            return String::new();
        };
        let space = self.spaces.assertion;
        let class = space.inner("AuthnContextClassRef").text(&authentication.class).write();
        space
            .inner("AuthnStatement")
            .with("AuthnInstant", &authentication.instant)
            .with_some("SessionIndex", authentication.session_index.as_deref())
            .with_some("SessionNotOnOrAfter", authentication.session_until.as_deref())
            .holds(&space.inner("AuthnContext").holds(&class).write())
            .write()
    }

    /// The attribute statement, or nothing.
    pub(crate) fn attributes(&self) -> String {
        if self.attributes.is_empty() {
            return String::new();
        }
        let space = self.spaces.assertion;
        let mut statement = space.inner("AttributeStatement");
        for attribute in &self.attributes {
            let mut written = space
                .inner("Attribute")
                .with("Name", &attribute.name)
                .with_some("NameFormat", attribute.format.as_deref())
                .with_some("FriendlyName", attribute.friendly.as_deref());
            for value in &attribute.values {
                written = written.holds(&self.value(value));
            }
            statement = statement.holds(&written.write());
        }
        statement.write()
    }

    fn value(&self, value: &str) -> String {
        let element = self.spaces.assertion.inner("AttributeValue").text(value);
        match self.typed {
            Typed::No => element.write(),
            Typed::Protected(name) | Typed::Loose(name) => {
                element.declares("xsi", INSTANCE).with("xsi:type", &format!("xs:{name}")).write()
            }
        }
    }

    /// The text as it travels: what the canonical form leaves out is put in again.
    pub(crate) fn loosened(&self, text: &str) -> String {
        match self.typed {
            Typed::No | Typed::Protected(_) => text.to_owned(),
            Typed::Loose(_) => text.replace(" xmlns:xsi=", &format!(" xmlns:xs=\"{SCHEMA}\" xmlns:xsi=")),
        }
    }
}

impl Draft {
    /// Changes the conditions, if there are any.
    pub(crate) fn conditions(&mut self, change: impl FnOnce(&mut Conditions)) {
        self.assertion.conditions.as_mut().map(change);
    }

    /// Changes the first confirmation, if there is one.
    pub(crate) fn confirmation(&mut self, change: impl FnOnce(&mut Confirmation)) {
        self.assertion.confirmations.first_mut().map(change);
    }

    /// Changes the statement of how the person signed in, if there is one.
    pub(crate) fn authentication(&mut self, change: impl FnOnce(&mut Authentication)) {
        self.assertion.authentication.as_mut().map(change);
    }

    /// Calls the subject so.
    pub(crate) fn rename(&mut self, name: &str) {
        if let Some(name_id) = &mut self.assertion.name_id {
            name.clone_into(&mut name_id.value);
        }
    }

    /// Gives an attribute these values.
    pub(crate) fn say(&mut self, attribute: &str, values: &[&str]) {
        for said in self.assertion.attributes.iter_mut().filter(|said| said.name == attribute) {
            said.values = values.iter().map(|&value| value.to_owned()).collect();
        }
    }

    /// Makes the response answer this request, or none.
    pub(crate) fn answer(&mut self, request: Option<&str>) {
        self.envelope.in_response_to = request.map(str::to_owned);
        for confirmation in &mut self.assertion.confirmations {
            confirmation.in_response_to = request.map(str::to_owned);
        }
    }
}

fn issuer_of(element: super::xml::Element, issuer: &str) -> String {
    element.holds(&escaped_text(issuer)).write()
}
