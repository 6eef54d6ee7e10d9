//! What the API answers, in words.

use crate::complaint::{Complaint, nearest};
use serde_json::{Map, Value};
use std::str::FromStr;

/// What stands under a name, as text; nothing for null.
pub(super) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The list under a name.
pub(super) fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Whether the word under a name is `true`.
pub(super) fn is(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// Who somebody is to people: the address, or else the name.
pub(super) fn who(person: &Value) -> String {
    let email = text(person, "email");
    if email.is_empty() { text(person, "name") } else { email }
}

/// The roles under a name as they are typed, such as `vision/catalog:read`.
pub(super) fn roles(value: &Value, name: &str) -> String {
    items(value, name).map(|role| RoleName::of(role).to_string()).collect::<Vec<_>>().join(", ")
}

/// A complaint about a name that is not there; tells the nearest that is.
pub(super) fn unknown(place: &str, noun: &str, name: &str, known: &[String]) -> Complaint {
    let complaint = Complaint::new(place, format!("there is no {noun} `{name}`"));
    let near = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    near.into_iter().fold(complaint, Complaint::hint)
}

/// The id of what is called by its name or id, among those that are known.
pub(super) fn id_of<'a>(noun: &str, called: &str, known: impl Iterator<Item = &'a Value>) -> Result<String, Complaint> {
    let known: Vec<(String, String)> = known.map(|one| (text(one, "name"), text(one, "id"))).collect();
    match known.iter().find(|(name, id)| name == called || id == called) {
        Some((_, id)) => Ok(id.clone()),
        None => {
            let names: Vec<String> = known.into_iter().map(|(name, _)| name).collect();
            Err(unknown(&format!("{noun}s"), noun, called, &names))
        }
    }
}

/// A role as people type it: `SERVICE:ROLE`, `TEAM/SERVICE:ROLE`, and `user_admin` or `TEAM/user_admin`, which is a role in
/// the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleName {
    team: Option<String>,
    service: String,
    role: String,
}

/// The service whose roles are the gateway's own.
const GATEWAY: &str = "gateway";

impl RoleName {
    /// The role that the API tells.
    pub(super) fn of(value: &Value) -> Self {
        let team = Some(text(value, "team")).filter(|team| !team.is_empty());
        Self { team, service: text(value, "service"), role: text(value, "role") }
    }

    /// The role as the API is told it.
    pub(super) fn json(&self) -> Value {
        self.fields().map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
    }

    /// Its fields; none for the team of an org's role.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let team = self.team.as_deref().map(|team| ("team", team));
        team.into_iter().chain([("service", self.service.as_str()), ("role", self.role.as_str())])
    }
}

impl FromStr for RoleName {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let (team, rest) = word.split_once('/').map_or((None, word), |(team, rest)| (Some(team), rest));
        let (service, role) = rest.split_once(':').unwrap_or((GATEWAY, rest));
        let is_known = rest.contains(':') || role == "user_admin";
        if !is_known || service.is_empty() || role.is_empty() || team.is_some_and(str::is_empty) {
            return Err("a role is written `SERVICE:ROLE`, `TEAM/SERVICE:ROLE` or `user_admin`");
        }
        Ok(Self { team: team.map(str::to_owned), service: service.to_owned(), role: role.to_owned() })
    }
}

impl std::fmt::Display for RoleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(team) = &self.team {
            write!(f, "{team}/")?;
        }
        write!(f, "{}:{}", self.service, self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn roles_are_typed_as_they_are_printed() {
        for (typed, said) in [
            ("registry:admin", json!({"service": "registry", "role": "admin"})),
            ("vision/catalog:read", json!({"team": "vision", "service": "catalog", "role": "read"})),
            ("gateway:user_admin", json!({"service": "gateway", "role": "user_admin"})),
        ] {
            let role: RoleName = typed.parse().unwrap();
            assert_eq!((role.json(), role.to_string()), (said.clone(), typed.to_owned()));
            assert_eq!(RoleName::of(&said), role);
        }
        let short: RoleName = "vision/user_admin".parse().unwrap();
        assert_eq!(short.to_string(), "vision/gateway:user_admin");
        for wrong in ["registry", "registry:", ":admin", "/registry:admin", ""] {
            assert!(wrong.parse::<RoleName>().is_err(), "{wrong}");
        }
    }
}
