//! What has to hold of a response for it to be an answer, to us, to this request, now (SAML profiles §4.1.4.3).

use cardea_model::Timestamp;

use super::error::SamlError;
use super::names::{ASSERTION, BEARER};
use super::response::succeeded;
use super::time::{self, LIFE_MOST};
use super::tree::Node;

/// What this sign-in expects.
pub(super) struct Expected<'a> {
    /// Our entity id.
    pub(super) audience: &'a str,
    /// Where the browser posts to.
    pub(super) acs: &'a str,
    /// The provider's entity id.
    pub(super) issuer: &'a str,
    /// The id of our request.
    pub(super) request: &'a str,
    /// Whether the person had to sign in anew.
    pub(super) forced: bool,
    pub(super) now: Timestamp,
}

/// What the assertion says about itself, checked.
pub(super) struct Checked {
    pub(super) id: String,
    pub(super) issued_at: Timestamp,
    /// From then on nobody accepts it; clocks may differ besides.
    pub(super) ends: Timestamp,
    pub(super) one_time: bool,
    pub(super) authenticated_at: Timestamp,
    pub(super) session: Option<String>,
    pub(super) session_until: Option<Timestamp>,
    pub(super) context: Option<String>,
}

/// The response around the assertion.
pub(super) fn envelope(response: Node<'_>, expected: &Expected<'_>, signed: bool) -> Result<(), SamlError> {
    version(response)?;
    match response.attribute("Destination") {
        Some(destination) if destination == expected.acs => {}
        // A signature may be carried elsewhere, so what is signed names its address (SAML bindings §3.5.5.2).
        None if !signed => {}
        _ => return Err(SamlError::Destination),
    }
    time::fresh(time::needed(response, "IssueInstant")?, expected.now)?;
    if let Some(issuer) = response.text_if(ASSERTION, "Issuer")?
        && issuer != expected.issuer
    {
        return Err(SamlError::Issuer);
    }
    succeeded(response)?;
    if response.attribute("InResponseTo") != Some(expected.request) {
        return Err(SamlError::InResponseTo);
    }
    Ok(())
}

pub(super) fn version(message: Node<'_>) -> Result<(), SamlError> {
    if message.attribute("Version") == Some("2.0") { Ok(()) } else { Err(SamlError::Version) }
}

/// The assertion itself.
pub(super) fn assertion(assertion: Node<'_>, expected: &Expected<'_>) -> Result<Checked, SamlError> {
    version(assertion)?;
    let id = assertion.attribute("ID").filter(|id| !id.is_empty() && id.len() <= 256);
    let id = id.ok_or(SamlError::Shape("ID"))?.to_owned();
    let issued_at = time::needed(assertion, "IssueInstant")?;
    time::fresh(issued_at, expected.now)?;
    if assertion.text_of(ASSERTION, "Issuer")? != expected.issuer {
        return Err(SamlError::Issuer);
    }
    let confirmed = confirmation(assertion.only(ASSERTION, "Subject")?, expected)?;
    let limits = assertion.only(ASSERTION, "Conditions")?;
    let ends = conditions(limits, expected)?.map_or(confirmed, |ends| ends.min(confirmed));
    let one_time = limits.optional(ASSERTION, "OneTimeUse")?.is_some();
    let session = authentication(assertion, expected)?;
    Ok(Checked {
        id,
        issued_at,
        ends: ends.min(issued_at.after(LIFE_MOST)),
        one_time,
        authenticated_at: session.at,
        session: session.index,
        session_until: session.until,
        context: session.context,
    })
}

/// Until when the subject is confirmed by one bearer or another.
fn confirmation(subject: Node<'_>, expected: &Expected<'_>) -> Result<Timestamp, SamlError> {
    let mut wrong = None;
    let mut latest: Option<Timestamp> = None;
    for confirmation in subject.named(ASSERTION, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        match bearer(confirmation, expected) {
            Ok(until) => latest = latest.max(Some(until)),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    latest.ok_or_else(|| wrong.unwrap_or(SamlError::SubjectConfirmation))
}

fn bearer(confirmation: Node<'_>, expected: &Expected<'_>) -> Result<Timestamp, SamlError> {
    let data = confirmation.optional(ASSERTION, "SubjectConfirmationData")?.ok_or(SamlError::SubjectConfirmation)?;
    if data.attribute("Recipient") != Some(expected.acs) {
        return Err(SamlError::Recipient);
    }
    if data.attribute("InResponseTo") != Some(expected.request) {
        return Err(SamlError::InResponseTo);
    }
    if data.attribute("NotBefore").is_some() {
        return Err(SamlError::SubjectConfirmation);
    }
    let until = time::of(data, "NotOnOrAfter")?.ok_or(SamlError::SubjectConfirmation)?;
    time::not_over(until, expected.now)?;
    Ok(until)
}

/// Every condition, and the end that one of them sets.
fn conditions(limits: Node<'_>, expected: &Expected<'_>) -> Result<Option<Timestamp>, SamlError> {
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    if !limits.elements().all(|condition| known.iter().any(|name| condition.is(ASSERTION, name))) {
        return Err(SamlError::Condition);
    }
    if let Some(begin) = time::of(limits, "NotBefore")? {
        time::begun(begin, expected.now)?;
    }
    let end = time::of(limits, "NotOnOrAfter")?;
    if let Some(end) = end {
        time::not_over(end, expected.now)?;
    }
    // Several restrictions hold all at once, several audiences in one hold each by itself (SAML core §2.5.1.4).
    let mut restrictions = limits.named(ASSERTION, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(SamlError::Audience);
    }
    for restriction in restrictions {
        let mut ours = false;
        for audience in restriction.named(ASSERTION, "Audience") {
            ours |= audience.text().ok_or(SamlError::Shape("Audience"))? == expected.audience;
        }
        if !ours {
            return Err(SamlError::Audience);
        }
    }
    Ok(end)
}

struct Session {
    at: Timestamp,
    index: Option<String>,
    until: Option<Timestamp>,
    context: Option<String>,
}

/// That somebody signed in, when, and for how long.
fn authentication(assertion: Node<'_>, expected: &Expected<'_>) -> Result<Session, SamlError> {
    let mut whole: Option<Session> = None;
    for statement in assertion.named(ASSERTION, "AuthnStatement") {
        let at = time::needed(statement, "AuthnInstant")?;
        time::begun(at, expected.now)?;
        // The request was made at most as long ago as an answer may be old.
        if expected.forced && time::fresh(at, expected.now).is_err() {
            return Err(SamlError::StaleAuthentication);
        }
        let until = time::of(statement, "SessionNotOnOrAfter")?;
        if let Some(until) = until {
            time::not_over(until, expected.now)?;
        }
        let said = whole.get_or_insert(Session { at, index: None, until: None, context: None });
        said.at = said.at.min(at);
        said.until = [said.until, until].into_iter().flatten().min();
        if said.index.is_none() {
            said.index = statement.attribute("SessionIndex").filter(|text| is_token(text)).map(str::to_owned);
        }
        if said.context.is_none()
            && let Some(context) = statement.optional(ASSERTION, "AuthnContext")?
            && let Some(class) = context.text_if(ASSERTION, "AuthnContextClassRef")?
        {
            said.context = Some(class.into_owned()).filter(|text| is_token(text));
        }
    }
    whole.ok_or(SamlError::NoAuthentication)
}

/// Text that can be stored and sent back.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1_024 && !text.chars().any(char::is_control)
}
