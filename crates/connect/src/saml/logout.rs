//! Signing out, both ways (SAML core §3.7). A message counts only if the provider signed it: the names in it are known to
//! many.

use cardea_model::Timestamp;

use super::error::SamlError;
use super::identity::name_id;
use super::names::{ASSERTION, PROTOCOL, SIGNATURE, SUCCESS};
use super::redirect::{REQUEST, RESPONSE, Signed};
use super::time::{self, AGE_MOST, SKEW};
use super::tree::{Node, Xml};
use super::writer::Writer;
use super::{NameId, SamlSettings, conditions, gate, redirect, response, signature};

/// A message about signing out that the provider signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutMessage {
    /// The provider signs somebody out.
    Request(LogoutRequest),
    /// The provider answers our request.
    Response(LogoutResponse),
}

/// Whom the provider signs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutRequest {
    /// The request's id, to be accepted once.
    pub id: String,
    /// Until then the id has to be remembered.
    pub replay_until: Timestamp,
    /// The name that the person was signed in with.
    pub name_id: NameId,
    /// The sessions that end; none named means all of this person's.
    pub sessions: Vec<String>,
    /// To be sent back with the answer.
    pub relay_state: Option<String>,
}

/// What the provider made of our request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutResponse {
    /// The id of our request.
    pub in_response_to: String,
    /// Whether everything was signed out there.
    pub succeeded: bool,
    /// As we sent it.
    pub relay_state: Option<String>,
}

/// What became of a provider's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// Every session is over.
    Done,
    /// It was not understood, or nothing could be done.
    Failed,
}

/// Reads a message out of a raw query.
pub(super) fn by_redirect(settings: &SamlSettings, query: &str, now: Timestamp) -> Result<LogoutMessage, SamlError> {
    let keys = settings.idp.usable(now)?;
    let Signed { parameter, xml, relay_state } = redirect::verified(query, keys)?;
    // The signature is outside; one inside would be another's (SAML bindings §3.4.4.1).
    if xml.count(SIGNATURE, "Signature") != 0 {
        return Err(SamlError::StraySignature);
    }
    message(settings, &xml, parameter, relay_state, now)
}

/// Reads a message out of a form field.
pub(super) fn by_post(
    settings: &SamlSettings,
    parameter: &str,
    field: &str,
    relay_state: Option<String>,
    now: Timestamp,
) -> Result<LogoutMessage, SamlError> {
    let keys = settings.idp.usable(now)?;
    let xml = gate::read(gate::base64(field).ok_or(SamlError::NotBase64)?, &gate::MESSAGE)?;
    if xml.count(SIGNATURE, "Signature") > 1 {
        return Err(SamlError::StraySignature);
    }
    signature::verify(xml.root(), keys)?.ok_or(SamlError::LogoutUnsigned)?;
    message(settings, &xml, parameter, relay_state, now)
}

/// The signed message itself.
fn message(
    settings: &SamlSettings,
    xml: &Xml,
    parameter: &str,
    relay_state: Option<String>,
    now: Timestamp,
) -> Result<LogoutMessage, SamlError> {
    let root = xml.root();
    match parameter {
        REQUEST if root.is(PROTOCOL, "LogoutRequest") => {
            let issued = envelope(settings, root, now)?;
            request(root, relay_state, issued, now).map(LogoutMessage::Request)
        }
        RESPONSE if root.is(PROTOCOL, "LogoutResponse") => {
            envelope(settings, root, now)?;
            let in_response_to = root.attribute("InResponseTo").ok_or(SamlError::InResponseTo)?.to_owned();
            let succeeded = match response::succeeded(root) {
                Ok(()) => true,
                Err(SamlError::Status(_)) => false,
                Err(error) => return Err(error),
            };
            Ok(LogoutMessage::Response(LogoutResponse { in_response_to, succeeded, relay_state }))
        }
        _ => Err(SamlError::Shape("LogoutRequest")),
    }
}

/// When it was made, if it is for us, from the provider, and of now.
fn envelope(settings: &SamlSettings, root: Node<'_>, now: Timestamp) -> Result<Timestamp, SamlError> {
    conditions::version(root)?;
    if root.attribute("Destination") != Some(&settings.slo) {
        return Err(SamlError::Destination);
    }
    if root.text_of(ASSERTION, "Issuer")? != settings.idp.entity_id {
        return Err(SamlError::Issuer);
    }
    let issued = time::needed(root, "IssueInstant")?;
    time::fresh(issued, now)?;
    Ok(issued)
}

fn request(
    root: Node<'_>,
    relay_state: Option<String>,
    issued: Timestamp,
    now: Timestamp,
) -> Result<LogoutRequest, SamlError> {
    let id = root.attribute("ID").filter(|id| conditions::is_token(id)).ok_or(SamlError::Shape("ID"))?;
    if let Some(end) = time::of(root, "NotOnOrAfter")? {
        time::not_over(end, now)?;
    }
    let mut sessions = Vec::new();
    for index in root.named(PROTOCOL, "SessionIndex") {
        let index = index.text().filter(|text| conditions::is_token(text)).ok_or(SamlError::Shape("SessionIndex"))?;
        sessions.push(index.into_owned());
    }
    Ok(LogoutRequest {
        id: id.to_owned(),
        replay_until: issued.after(AGE_MOST).after(SKEW),
        name_id: name_id(root)?.ok_or(SamlError::SubjectMissing)?,
        sessions,
        relay_state,
    })
}

/// Our request to sign somebody out there, canonical.
pub(super) fn our_request(
    settings: &SamlSettings,
    id: &str,
    whom: (&NameId, Option<&str>),
    destination: &str,
    now: Timestamp,
) -> String {
    let (name, session) = whom;
    let mut xml = Writer::default();
    head(&mut xml, settings, "samlp:LogoutRequest", &[("Destination", Some(destination)), ("ID", Some(id))], now);
    let attributes = [
        ("xmlns:saml", Some(ASSERTION)),
        ("Format", name.format.as_deref()),
        ("NameQualifier", name.name_qualifier.as_deref()),
        ("SPNameQualifier", name.sp_name_qualifier.as_deref()),
    ];
    xml.leaf("saml:NameID", &attributes, &name.value);
    if let Some(session) = session {
        xml.leaf("samlp:SessionIndex", &[], session);
    }
    xml.close("samlp:LogoutRequest").done()
}

/// Our answer to a provider's request, canonical.
pub(super) fn our_response(
    settings: &SamlSettings,
    id: &str,
    request: &str,
    outcome: LogoutOutcome,
    destination: &str,
    now: Timestamp,
) -> String {
    const FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    let code = match outcome {
        LogoutOutcome::Done => SUCCESS,
        LogoutOutcome::Failed => FAILED,
    };
    let attributes = [("Destination", Some(destination)), ("ID", Some(id)), ("InResponseTo", Some(request))];
    let mut xml = Writer::default();
    head(&mut xml, settings, "samlp:LogoutResponse", &attributes, now);
    xml.open("samlp:Status", &[]).leaf("samlp:StatusCode", &[("Value", Some(code))], "").close("samlp:Status");
    xml.close("samlp:LogoutResponse").done()
}

/// The start tag and the issuer; the attributes given come before `IssueInstant` and `Version` in their order.
fn head(xml: &mut Writer, settings: &SamlSettings, name: &str, attributes: &[(&str, Option<&str>)], now: Timestamp) {
    let at = time::written(now);
    let mut all = vec![("xmlns:samlp", Some(PROTOCOL))];
    all.extend_from_slice(attributes);
    all.extend([("IssueInstant", Some(at.as_str())), ("Version", Some("2.0"))]);
    xml.open(name, &all).leaf("saml:Issuer", &[("xmlns:saml", Some(ASSERTION))], &settings.entity_id);
}
