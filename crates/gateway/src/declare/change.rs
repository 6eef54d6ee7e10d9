//! What differs between a document and the instance: in words for people, and as the step that makes it so.

use std::fmt;

use cardea_model::entitlement::Entitlement;
use cardea_model::id::{InvitationId, MemberId};
use cardea_model::rule::{AccountRole, RuleGrant};
use secrecy::SecretString;
use serde::Serialize;

use crate::keys::Policy;
use crate::state::{Client, Connection, Invitation, Problem, Rule, Team, User};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is about, by names, such as `accounts[acme].connections[okta]`.
    pub path: String,
    /// What happens to it.
    pub action: Action,
    /// Which of its settings change; none for what is added or removed whole.
    pub fields: Vec<Field>,
}

/// What happens to the thing at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Added,
    /// It gets other settings.
    Changed,
    /// It goes.
    Removed,
}

/// One setting that changes. A secret has neither value: it is given anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its key in the document.
    pub name: String,
    /// What stood there, as JSON, cut when it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What stands there then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Something that the operator should know and that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is about.
    pub path: String,
    /// What to know, lower case, no full stop.
    pub what: String,
}

impl Action {
    /// The word in the audit log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

impl Field {
    /// A secret that is given anew.
    pub(super) fn secret(name: &str) -> Self {
        Self { name: name.to_owned(), before: None, after: None }
    }

    /// A setting that becomes another.
    pub(super) fn moved(name: &str, before: Option<&str>, after: Option<&str>) -> Self {
        Self { name: name.to_owned(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (None, None) => write!(f, "{}: given anew", self.name),
            (None, Some(after)) => write!(f, "{}: {after}", self.name),
            (Some(before), None) => write!(f, "{}: {before} → nothing", self.name),
            (Some(before), Some(after)) => write!(f, "{}: {before} → {after}", self.name),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.action {
            Action::Added => '+',
            Action::Changed => '~',
            Action::Removed => '-',
        };
        write!(f, "{mark} {}", self.path)?;
        for (index, field) in self.fields.iter().enumerate() {
            write!(f, "{}{field}", if index == 0 { "  " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// A change with the write that makes it.
pub(super) struct Step {
    pub(super) change: Change,
    /// What it is about, in the glossary's word; with the action it names the audit event.
    pub(super) noun: &'static str,
    /// Its name.
    pub(super) name: String,
    pub(super) work: Work,
}

/// A write, by names: what is new gets its id when it is written. The thing's own name is the step's.
pub(super) enum Work {
    /// The account and its org.
    Account {
        org: String,
        kind: &'static str,
    },
    /// The account's or the org's own columns.
    Column(Column),
    Owner(Ownership),
    ByHand(ByHand),
    Invitation(Asking),
    Service(ServiceWork),
    KeyPolicy(Policy),
    Team(TeamWork),
    /// What belongs to a connection.
    Upstream {
        connection: String,
        work: Upstream,
    },
    Client(ClientWork),
    /// Gives the operator this token.
    Operator(SecretString),
    /// Is written with its whole section.
    InSection,
}

pub(super) enum Column {
    Description(String),
    Recovery(Option<String>),
    OrgKind(&'static str),
}

/// What happens to the person with the address.
pub(super) enum Ownership {
    Added { email: String, hash: Option<String> },
    Password { email: String, hash: String },
}

/// What happens to somebody who is somebody here by hand.
pub(super) enum ByHand {
    Add { user: Box<User>, hash: Option<String> },
    Change { member: MemberId, account_role: Option<AccountRole>, give: Vec<RuleGrant>, take: Vec<RuleGrant> },
}

/// What happens to an invitation.
pub(crate) enum Asking {
    /// It is sent, in the place of another one that stood.
    Send {
        wanted: Invitation,
        instead: Option<InvitationId>,
    },
    /// It gives other roles.
    Roles {
        id: InvitationId,
        roles: Vec<RuleGrant>,
    },
    Withdraw(InvitationId),
}

pub(super) enum ServiceWork {
    Put(Entitlement),
    Remove,
}

pub(super) enum TeamWork {
    Add(Team),
    Describe(Team),
    End,
}

pub(super) enum Upstream {
    Put { declared: Box<Connection>, secret: Option<SecretString> },
    ReleaseDomain,
    TakeDomain,
    PutToken(SecretString),
    RemoveToken,
    PutRule { rule: Rule, position: usize },
    RemoveRule,
}

pub(super) enum ClientWork {
    Put { declared: Box<Client>, secret: Option<SecretString> },
    Remove,
}

/// A section that is kept as it was written.
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) document: String,
    pub(super) secrets: super::secrets::Vault,
}

/// What a comparison found.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) problems: Vec<Problem>,
    pub(super) steps: Vec<Step>,
    pub(super) sections: Vec<Kept>,
    /// The rules that are to be in force, if that changes; none for no rules.
    pub(super) in_force: Option<Option<Vec<Rule>>>,
    pub(super) warnings: Vec<Warning>,
}

impl Outcome {
    pub(super) fn join(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.steps.extend(other.steps);
        self.warnings.extend(other.warnings);
    }
}
