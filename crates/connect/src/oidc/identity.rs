//! From claims to an identity. The ID token is signed, so it stands above userinfo wherever both speak.

use cardea_model::Timestamp;
use serde_json::{Map, Value};

use super::verify::{Verified, instant};
use super::{GroupsClaim, OidcSettings, groups};
use crate::connector::{ClaimedEmail, GroupClaims, Identity};
use crate::error::ConnectError;

/// A longer name is left out.
const NAME_MOST: usize = 256;

/// Everything that the provider said about one person.
pub(super) struct Claims {
    id_token: Verified,
    /// Nothing if it could not be had.
    userinfo: Option<Map<String, Value>>,
    remarks: Vec<String>,
}

impl Claims {
    pub(super) fn new(id_token: Verified) -> Self {
        Self { id_token, userinfo: Some(Map::new()), remarks: Vec::new() }
    }

    pub(super) fn sub(&self) -> &str {
        &self.id_token.subject
    }

    /// Adds the userinfo. If there is none, the ID token alone will do when it has all that the connection asks for.
    pub(super) fn add_userinfo(
        &mut self,
        answer: Result<Map<String, Value>, ConnectError>,
        settings: &OidcSettings,
    ) -> Result<(), ConnectError> {
        match answer {
            Ok(claims) => self.userinfo = Some(claims),
            Err(ConnectError::UserinfoSubject) => return Err(ConnectError::UserinfoSubject),
            Err(error) if !self.suffices(settings) => return Err(error),
            Err(error) => {
                self.userinfo = None;
                self.remarks.push(format!("the userinfo was left out: {error}"));
            }
        }
        Ok(())
    }

    fn suffices(&self, settings: &OidcSettings) -> bool {
        let claims = &self.id_token.claims;
        let email = claims.contains_key("email") || !settings.scopes.iter().any(|scope| scope == "email");
        let grouped = settings.groups.claim.is_some() || settings.groups.pointer.is_some();
        let groups = !grouped || groups::read(claims, &settings.groups, &mut Vec::new()) != GroupClaims::Missing;
        email && groups
    }

    /// The identity, each value of it checked.
    pub(super) fn identity(mut self, settings: &OidcSettings) -> Result<Identity, ConnectError> {
        let subject = self.subject(settings)?;
        let groups = self.groups(&settings.groups);
        let claims = settings.claims.iter().map(|name| (name.clone(), self.further(name))).collect();
        let email = self.email();
        Ok(Identity {
            subject,
            issuer: settings.issuer.clone(),
            email,
            name: self.text("name"),
            given_name: self.text("given_name"),
            family_name: self.text("family_name"),
            preferred_username: self.text("preferred_username"),
            upn: self.text("upn"),
            groups,
            claims,
            auth_time: self.auth_time(),
            issued_at: self.id_token.issued_at,
            sid: self.id_token.claims.get("sid").and_then(Value::as_str).map(str::to_owned),
            amr: strings(self.id_token.claims.get("amr")),
            once: None,
            session_until: None,
            name_id: None,
            remarks: self.remarks,
        })
    }

    /// Who it is comes from the signed token alone.
    fn subject(&self, settings: &OidcSettings) -> Result<String, ConnectError> {
        let value = self.id_token.claims.get(&settings.subject_claim).and_then(Value::as_str);
        let good = |value: &&str| !value.is_empty() && value.len() <= 255 && !value.chars().any(char::is_control);
        value.filter(good).map(str::to_owned).ok_or(ConnectError::SubjectClaim)
    }

    fn groups(&mut self, at: &GroupsClaim) -> GroupClaims {
        let signed = groups::read(&self.id_token.claims, at, &mut self.remarks);
        if matches!(signed, GroupClaims::Present(_)) {
            return signed;
        }
        let Some(userinfo) = &self.userinfo else { return signed };
        let other = groups::read(userinfo, at, &mut self.remarks);
        if other == GroupClaims::Missing { signed } else { other }
    }

    /// A claim that only rules ask for: no sign-in fails for its sake, and without the userinfo nobody knows that it is
    /// missing.
    fn further(&mut self, name: &str) -> GroupClaims {
        let said = self.groups(&GroupsClaim::named(name));
        if said == GroupClaims::Missing && self.userinfo.is_none() { GroupClaims::Overage } else { said }
    }

    /// The address and whether it is verified must be said about the same address: one taken from the token and the
    /// other from userinfo would verify what nobody verified.
    fn email(&mut self) -> Option<ClaimedEmail> {
        let address = self.text("email")?;
        let about = |claims: &&Map<String, Value>| claims.get("email").and_then(Value::as_str) == Some(&address);
        let verified = [&self.id_token.claims].into_iter().chain(&self.userinfo).filter(about).find_map(verified);
        Some(ClaimedEmail { address, verified })
    }

    /// A name that can be shown and stored: no control characters, not endless.
    fn text(&mut self, claim: &str) -> Option<String> {
        let other = || self.userinfo.as_ref().and_then(|claims| claims.get(claim));
        let value = self.id_token.claims.get(claim).or_else(other).filter(|v| !v.is_null())?;
        let good =
            |text: &&str| !text.trim().is_empty() && text.len() <= NAME_MOST && !text.chars().any(char::is_control);
        let text = value.as_str().filter(good).map(str::to_owned);
        if text.is_none() {
            self.remarks.push(format!("the claim `{claim}` is not usable and was left out"));
        }
        text
    }

    fn auth_time(&self) -> Option<Timestamp> {
        instant(&self.id_token.claims, "auth_time").ok()
    }
}

/// Whether the provider says that the address is verified. Microsoft Entra has a word of its own for it.
fn verified(claims: &Map<String, Value>) -> Option<bool> {
    let said = claims.get("email_verified").filter(|value| !value.is_null()).or_else(|| claims.get("xms_edov"))?;
    match said {
        Value::Bool(said) => Some(*said),
        Value::String(said) => said.to_ascii_lowercase().parse().ok().or_else(|| digit(said)),
        Value::Number(said) => digit(&said.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `xms_edov` has been seen as 1 and "1".
fn digit(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
