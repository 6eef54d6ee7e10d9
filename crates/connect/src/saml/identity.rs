//! From a checked assertion to an identity, each value looked at. Nothing in it is read before its signature was.

use std::borrow::Cow;

use cardea_model::name::Email;
use unicode_normalization::UnicodeNormalization as _;

use super::certificate::Certificate;
use super::conditions::{Checked, is_token};
use super::error::SamlError;
use super::names::{ASSERTION, ENTRA_GROUPS_LINK, SCHEMA_INSTANCE, TRANSIENT, UPN};
use super::response::Placement;
use super::time::{self, SKEW};
use super::tree::Node;
use super::{Attribute, NameId, SamlSettings, SignedStatement};
use crate::connector::{ClaimedEmail, GroupClaims, Identity};
use crate::oidc::gather;

/// What a connection calls the NameID where it names attributes.
const NAME_ID: &str = "name_id";
/// A longer subject is refused, a longer name left out.
const SUBJECT_MOST: usize = 255;
const NAME_MOST: usize = 256;

/// The statement of a response in which everything else was found right.
pub(super) fn statement(
    settings: &SamlSettings,
    assertion: Node<'_>,
    checked: Checked,
    placement: Placement,
    by: &Certificate,
    now: cardea_model::Timestamp,
) -> Result<SignedStatement, SamlError> {
    let name_id = name_id(assertion.only(ASSERTION, "Subject")?)?;
    let mut said = Said { attributes: attributes(assertion)?, name_id: name_id.as_ref(), remarks: Vec::new() };
    let identity = identity(settings, &mut said, &checked)?;
    let attributes = said.attributes.into_iter().map(Raw::shown).collect();
    Ok(SignedStatement {
        identity,
        assertion_id: checked.id,
        replay_until: checked.ends.after(SKEW),
        session_until: checked.session_until,
        name_id,
        one_time_use: checked.one_time,
        authn_context: checked.context,
        placement,
        signed_by: by.clone(),
        clock_offset: time::seconds(now, checked.issued_at),
        attributes,
    })
}

fn identity(settings: &SamlSettings, said: &mut Said<'_>, checked: &Checked) -> Result<Identity, SamlError> {
    let names = &settings.attributes;
    let subject = said.subject(&names.subject)?;
    let email = said.email(names.email.as_deref())?;
    let groups = said.groups(names.groups.as_deref(), settings.groups_split)?;
    let claims = settings.claims.iter().map(|name| (name.clone(), said.further(name, settings.groups_split))).collect();
    let stable = said.name_id.filter(|name| name.format.as_deref() != Some(TRANSIENT));
    Ok(Identity {
        subject,
        issuer: settings.idp.entity_id.clone(),
        email,
        name: None,
        given_name: said.name(names.given_name.as_deref()),
        family_name: said.name(names.family_name.as_deref()),
        preferred_username: stable.map(|name| name.value.clone()),
        upn: said.name(Some(UPN)),
        groups,
        claims,
        auth_time: Some(checked.authenticated_at),
        issued_at: checked.issued_at,
        sid: checked.session.clone(),
        amr: Vec::new(),
        once: None,
        session_until: None,
        name_id: None,
        remarks: std::mem::take(&mut said.remarks),
    })
}

/// The name of the subject, if it has one.
pub(super) fn name_id(holder: Node<'_>) -> Result<Option<NameId>, SamlError> {
    if holder.named(ASSERTION, "EncryptedID").next().is_some() {
        return Err(SamlError::SubjectEncrypted);
    }
    let Some(node) = holder.optional(ASSERTION, "NameID")? else { return Ok(None) };
    let value = node.text().ok_or(SamlError::Shape("NameID"))?.into_owned();
    if !is_subject(&value) {
        return Err(SamlError::SubjectUnusable);
    }
    let of = |name| node.attribute(name).filter(|text| is_token(text)).map(str::to_owned);
    Ok(Some(NameId {
        value,
        format: of("Format"),
        name_qualifier: of("NameQualifier"),
        sp_name_qualifier: of("SPNameQualifier"),
    }))
}

fn is_subject(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= SUBJECT_MOST && !text.chars().any(char::is_control)
}

/// One attribute, all its statements together.
struct Raw<'d> {
    name: &'d str,
    /// A value that holds elements is nothing.
    values: Vec<Option<Cow<'d, str>>>,
}

impl Raw<'_> {
    fn shown(self) -> Attribute {
        let values = self.values.into_iter().map(|value| value.map(Cow::into_owned)).collect();
        Attribute { name: self.name.to_owned(), values }
    }
}

fn attributes(assertion: Node<'_>) -> Result<Vec<Raw<'_>>, SamlError> {
    let mut all: Vec<Raw<'_>> = Vec::new();
    for statement in assertion.named(ASSERTION, "AttributeStatement") {
        for attribute in statement.named(ASSERTION, "Attribute") {
            let name = attribute.attribute("Name").ok_or(SamlError::Shape("Attribute"))?;
            let nil = |value: &Node<'_>| matches!(value.attribute_of(SCHEMA_INSTANCE, "nil"), Some("true" | "1"));
            let values = attribute.named(ASSERTION, "AttributeValue").filter(|value| !nil(value)).map(Node::text);
            match all.iter_mut().find(|known| known.name == name) {
                Some(known) => known.values.extend(values),
                None => all.push(Raw { name, values: values.collect() }),
            }
        }
    }
    Ok(all)
}

/// Everything that was said about one person.
struct Said<'d> {
    attributes: Vec<Raw<'d>>,
    name_id: Option<&'d NameId>,
    remarks: Vec<String>,
}

impl Said<'_> {
    /// The values of an attribute, if it is there; one that is asked for has to hold text.
    fn values(&self, name: &str) -> Result<Option<Vec<&str>>, SamlError> {
        if name == NAME_ID {
            return Ok(self.name_id.map(|name| vec![name.value.as_str()]));
        }
        let Some(found) = self.attributes.iter().find(|attribute| attribute.name == name) else { return Ok(None) };
        let texts: Option<Vec<&str>> = found.values.iter().map(Option::as_deref).collect();
        texts.map(Some).ok_or(SamlError::AttributeUnusable)
    }

    fn subject(&self, from: &str) -> Result<String, SamlError> {
        if from == NAME_ID && self.name_id.is_some_and(|name| name.format.as_deref() == Some(TRANSIENT)) {
            return Err(SamlError::SubjectTransient);
        }
        let values = self.values(from)?.unwrap_or_default();
        match values.as_slice() {
            [] => Err(SamlError::SubjectMissing),
            [one] if is_subject(one) => Ok((*one).to_owned()),
            _ => Err(SamlError::SubjectUnusable),
        }
    }

    /// One address, written as plainly as addresses are: what looks like another one after it was normalised, or is read
    /// differently by different readers, is refused.
    fn email(&mut self, from: Option<&str>) -> Result<Option<ClaimedEmail>, SamlError> {
        let Some(from) = from else { return Ok(None) };
        let Some(values) = self.values(from)? else {
            self.remarks.push("the attribute of the e-mail address is missing".to_owned());
            return Ok(None);
        };
        let address = match values.as_slice() {
            [] => return Ok(None),
            [one] => *one,
            _ => return Err(SamlError::EmailAmbiguous),
        };
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let as_written = |email: Email| email.domain.eq_ignore_ascii_case(domain);
        let plain = address.trim() == address && address.nfkc().eq(address.chars());
        if !plain || !Email::parse(address).is_some_and(as_written) {
            return Err(SamlError::EmailUnusable);
        }
        // SAML has no word for "verified"; the domain decides.
        Ok(Some(ClaimedEmail { address: address.to_owned(), verified: None }))
    }

    /// A name that can be shown and stored; one that cannot is left out.
    fn name(&mut self, from: Option<&str>) -> Option<String> {
        let values = self.values(from?);
        let good =
            |text: &str| !text.trim().is_empty() && text.len() <= NAME_MOST && !text.chars().any(char::is_control);
        match values.as_ref().map(Option::as_deref) {
            Ok(None | Some([])) => None,
            Ok(Some([one])) if good(one) => Some((*one).to_owned()),
            Ok(Some(_)) | Err(_) => {
                self.remarks.push("the attribute of a name is not usable and was left out".to_owned());
                None
            }
        }
    }

    fn groups(&mut self, from: Option<&str>, split: Option<char>) -> Result<GroupClaims, SamlError> {
        let Some(from) = from else { return Ok(GroupClaims::Missing) };
        let mut remarks = Vec::new();
        let groups = match self.values(from)? {
            Some(values) => list(&values, split, &mut remarks),
            None if self.attributes.iter().any(|other| other.name == ENTRA_GROUPS_LINK) => GroupClaims::Overage,
            None => GroupClaims::Missing,
        };
        self.remarks.extend(remarks);
        Ok(groups)
    }

    /// An attribute that only rules ask for: no sign-in fails for its sake.
    fn further(&mut self, name: &str, split: Option<char>) -> GroupClaims {
        let mut remarks = Vec::new();
        let said = match self.values(name) {
            Ok(Some(values)) => list(&values, split, &mut remarks),
            Ok(None) => GroupClaims::Missing,
            Err(_) => {
                remarks.push("an attribute that rules ask for does not hold text and was left out".to_owned());
                GroupClaims::Missing
            }
        };
        self.remarks.extend(remarks);
        said
    }
}

fn list(values: &[&str], split: Option<char>, remarks: &mut Vec<String>) -> GroupClaims {
    let names = values.iter().map(|text| Some(*text).filter(|text| !text.contains(char::is_control)));
    gather(names, split, remarks)
}
