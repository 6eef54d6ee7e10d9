//! The people of one simulated company, `corp.example`: the identity provider signs them in and the
//! provisioning client creates and deactivates them, so both sides mean the same person.

use serde_json::{Map, Value};

/// Administrators of the registry, the group of the gateway's own guide.
pub const REGISTRY_ADMINS: &str = "NGC_AIE_PR_Admin";
/// People who may pull from the registry.
pub const REGISTRY_READERS: &str = "NGC_AIE_PR_Reader";
/// The machine-learning researchers.
pub const RESEARCH: &str = "ml-research";
/// Everyone of the company.
pub const STAFF: &str = "corp-staff";

/// One simulated person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The short name by which tests and `simulate_user` call the person, for example `ana`; also
    /// what Entra ID sends as `externalId` (its `mailNickname`).
    pub name: String,
    /// The OpenID subject; also what Okta sends as `externalId`.
    pub subject: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Address, `preferred_username` and SCIM `userName` at once, as in most companies.
    pub email: String,
    /// The claim `email_verified`; `None` leaves it out, as Entra ID does.
    pub email_verified: Option<bool>,
    /// Group names, exactly as the provider states them.
    pub groups: Vec<String>,
    /// The claim that carries the groups; `None` takes the provider's setting.
    pub groups_claim: Option<String>,
    /// Claims laid over all others at last, of any shape; `null` removes a claim.
    pub claims: Map<String, Value>,
}

impl Person {
    /// A person at `corp.example` with a verified address and no groups.
    pub fn new(name: &str, given_name: &str, family_name: &str) -> Person {
        Person {
            name: name.to_owned(),
            subject: okta_id(name),
            given_name: given_name.to_owned(),
            family_name: family_name.to_owned(),
            email: format!("{name}@corp.example"),
            email_verified: Some(true),
            groups: Vec::new(),
            groups_claim: None,
            claims: Map::new(),
        }
    }

    /// The same person in these groups and no others.
    #[must_use]
    pub fn in_groups(mut self, groups: &[&str]) -> Person {
        self.groups = groups.iter().map(|&group| group.to_owned()).collect();
        self
    }

    /// First and last name, as people read it.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// Whether `hint` means this person: the short name, or the address in any case.
    pub fn is_called(&self, hint: &str) -> bool {
        self.name == hint || self.email.eq_ignore_ascii_case(hint)
    }
}

/// Everyone at `corp.example`: an administrator, a reader, a researcher and someone without roles.
pub fn everyone() -> Vec<Person> {
    vec![
        Person::new("ana", "Ana", "Ruiz").in_groups(&[REGISTRY_ADMINS, RESEARCH, STAFF]),
        Person::new("bo", "Bo", "Chen").in_groups(&[REGISTRY_READERS, STAFF]),
        Person::new("chika", "Chika", "Obi").in_groups(&[RESEARCH, STAFF]),
        Person::new("dana", "Dana", "Levi").in_groups(&[STAFF]),
    ]
}

/// An id in the form that Okta gives people: `00u` and 17 more characters.
fn okta_id(name: &str) -> String {
    format!("00u{name:0>17}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_shares_a_name_a_subject_or_an_address() {
        let people = everyone();
        for field in [
            |person: &Person| person.name.clone(),
            |person: &Person| person.subject.clone(),
            |person: &Person| person.email.clone(),
        ] {
            let different: BTreeSet<String> = people.iter().map(field).collect();
            assert_eq!(different.len(), people.len());
        }
        assert!(people.iter().all(|person| person.subject.len() == 20));
    }

    #[test]
    fn a_person_answers_to_name_and_address() {
        let ana = Person::new("ana", "Ana", "Ruiz");
        assert!(ana.is_called("ana"));
        assert!(ana.is_called("ANA@corp.example"));
        assert!(!ana.is_called("ana@corp.example.evil"));
        assert_eq!(ana.display_name(), "Ana Ruiz");
    }
}
