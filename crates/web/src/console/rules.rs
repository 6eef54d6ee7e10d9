//! Membership rules: written, previewed as a difference person by person, activated, undone, and tried on claims.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::people::PersonLink;
use super::{Part, Problems, Tone, count};

/// How a group is compared: the choices of the form, with the word that is posted as `operation`.
pub const OPERATIONS: &[(&str, &str)] = &[
    ("equals", "equals"),
    ("one_of", "is one of"),
    ("starts_with", "starts with"),
    ("ends_with", "ends with"),
    ("regex", "matches the expression"),
    ("external_id", "has the id"),
];

/// The word of [`OPERATIONS`] for a matcher that the form cannot edit; it is posted back as it was.
pub const KEPT: &str = "kept";

/// A condition in words, its values apart: `equals`, `NGC_AIE_PR_Admin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<(Part, String)>);

/// A role where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleWords {
    /// What people call it: `Private Registry Admin`.
    pub title: String,
    /// Where: `in the org`, `in team vision`.
    pub place: String,
}

/// One rule in the list.
#[derive(Clone, Debug)]
pub struct RuleRow {
    /// Its id.
    pub id: String,
    /// Its name, unique in the org.
    pub name: String,
    /// The connection whose groups it reads.
    pub connection: String,
    /// Whether it counts at all.
    pub enabled: bool,
    /// It applies if any of these is met.
    pub conditions: Vec<Words>,
    /// What it gives.
    pub gives: Vec<RoleWords>,
    /// Why it gives less, a sentence each.
    pub broken: Vec<String>,
}

/// Whether the rules of the page are those that give roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesState {
    /// They do.
    InForce,
    /// Rules are in force, and these differ from them.
    Edited,
    /// No rules are in force.
    Out,
}

impl RulesState {
    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InForce => "In force",
            Self::Edited => "Edited, not activated",
            Self::Out => "Not in force",
        }
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::InForce => "These rules give roles.",
            Self::Edited => "The rules as they were before the edits give roles, until these are activated.",
            Self::Out => "No rule gives a role. Roles given by hand count.",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::InForce => Tone::Good,
            Self::Edited => Tone::Warning,
            Self::Out => Tone::Neutral,
        }
    }
}

/// `GET /o/{org}/rules`.
#[derive(Template)]
#[template(path = "rules/index.html")]
pub struct RulesPage {
    /// The frame.
    pub frame: Frame,
    /// Whether the rules below are in force.
    pub state: RulesState,
    /// When what is in force was last changed; `None` if no rules ever were.
    pub since: Option<Timestamp>,
    /// Whether an identity provider is connected whose groups rules can read.
    pub linked: bool,
    /// The rules, in their order.
    pub rules: Vec<RuleRow>,
}

impl RulesPage {
    /// Whether a preview has something to say.
    #[must_use]
    pub fn can_preview(&self) -> bool {
        match self.state {
            RulesState::InForce => false,
            RulesState::Edited => true,
            RulesState::Out => !self.rules.is_empty(),
        }
    }
}

/// One group to look for, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatcherRow {
    /// A word of [`OPERATIONS`], or [`KEPT`].
    pub operation: String,
    /// The group, or one on each line.
    pub value: String,
    /// The claim that it reads; empty for the connection's own.
    pub claim: String,
    /// Whether letters count the same in either case.
    pub ignore_case: bool,
    /// What it says, if the form cannot edit it.
    pub kept: Option<Words>,
}

/// One role to give, as chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantRow {
    /// The team; empty for the whole org.
    pub team: String,
    /// The service and the role, `registry/admin`; empty for none yet.
    pub role: String,
}

/// The roles of one service, to choose from.
#[derive(Clone, Debug)]
pub struct ServiceRoles {
    /// What people call the service.
    pub title: String,
    /// What is posted as `role`, and what people call it.
    pub roles: Vec<(String, String)>,
}

/// The form of a rule. Posts `name`, `connection`, `enabled`, `account_role`; for each group `operation`, `value`, `claim` and
/// its number as `ignore_case`; for each role `team` and `role`. A button posts `edit` beside them to add or remove a row.
#[derive(Clone, Debug)]
pub struct RuleForm {
    /// Its name, as typed.
    pub name: String,
    /// The chosen connection.
    pub connection: String,
    /// Those that can be chosen.
    pub connections: Vec<String>,
    /// Whether it counts at all.
    pub enabled: bool,
    /// The groups, at least one row.
    pub matchers: Vec<MatcherRow>,
    /// `member` or `admin`.
    pub account_role: String,
    /// The roles.
    pub grants: Vec<GrantRow>,
    /// The teams that can be chosen.
    pub teams: Vec<String>,
    /// The roles that can be chosen.
    pub services: Vec<ServiceRoles>,
    /// What is wrong (`name`, `connection`, `groups`, `roles`).
    pub problems: Problems,
}

impl RuleForm {
    /// Whether the role stands in the list.
    #[must_use]
    pub fn knows(&self, role: &str) -> bool {
        role.is_empty() || self.services.iter().flat_map(|service| &service.roles).any(|(value, _)| value == role)
    }
}

/// `GET /o/{org}/rules/new` and `GET /o/{org}/rules/{rule}`; the form posts to `/o/{org}/rules/new` or the rule.
#[derive(Template)]
#[template(path = "rules/form.html")]
pub struct RuleFormPage {
    /// The frame.
    pub frame: Frame,
    /// The rule's id; `None` for a new one.
    pub id: Option<String>,
    /// Why the rule gives less than it says, a sentence each.
    pub broken: Vec<String>,
    /// The form.
    pub form: RuleForm,
}

impl RuleFormPage {
    /// Where the form posts to: from its own page, and from over another one.
    #[must_use]
    pub fn address(&self) -> String {
        let last = self.id.as_deref().unwrap_or("new");
        format!("/o/{}/rules/{last}", self.frame.org.name)
    }
}

/// `GET /o/{org}/rules/{rule}/delete`: what deleting does. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "rules/delete.html")]
pub struct DeleteRulePage {
    /// The frame.
    pub frame: Frame,
    /// The rule.
    pub rule: RuleRow,
    /// Whether rules are in force.
    pub active: bool,
}

/// A figure and what it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub number: u64,
    /// Of what: `gain a role`.
    pub words: String,
    /// How it is coloured where it is not nought.
    pub tone: Tone,
}

/// One person whom it changes.
#[derive(Clone, Debug)]
pub struct PersonChange {
    /// Who.
    pub person: PersonLink,
    /// Whether their roles came by hand and come from rules afterwards.
    pub migrated: bool,
    /// What they gain.
    pub added: Vec<RoleWords>,
    /// What they lose.
    pub removed: Vec<RoleWords>,
}

/// What a change of the rules in force would do.
#[derive(Clone, Debug)]
pub struct Difference {
    /// How many people, by what becomes of them.
    pub figures: Vec<Figure>,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
    /// Whom it changes, those who lose most first.
    pub people: Vec<PersonChange>,
    /// How many more it changes.
    pub more: u64,
}

/// `GET /o/{org}/rules/preview`; posts `digest` and `confirm` to `/o/{org}/rules/activate`.
#[derive(Template)]
#[template(path = "rules/preview.html")]
pub struct PreviewPage {
    /// The frame.
    pub frame: Frame,
    /// Names what was previewed; activation takes it.
    pub digest: String,
    /// How many rules would be in force.
    pub rules: usize,
    /// What it does.
    pub difference: Difference,
    /// Why the org's name is asked for, a sentence each; empty if it is not.
    pub guards: Vec<String>,
    /// Rules that name a team which has ended.
    pub broken: Vec<String>,
    /// Rules that read a claim which no sign-in has told, each with that claim.
    pub unasked: Vec<(String, String)>,
    /// What is wrong (`confirm`).
    pub problems: Problems,
}

impl PreviewPage {
    /// The button says the effect: `Activate 3 rules`.
    #[must_use]
    pub fn button(&self) -> String {
        format!("Activate {}", count(self.rules, "rule", "rules"))
    }
}

/// `GET /o/{org}/rules/in-force`: what was done last, with the way back. Posts to `/o/{org}/rules/undo`.
#[derive(Template)]
#[template(path = "rules/in_force.html")]
pub struct InForcePage {
    /// The frame.
    pub frame: Frame,
    /// What was done: `3 rules are in force`.
    pub title: String,
    /// The number of the change.
    pub generation: i64,
    /// Whether rules give roles now.
    pub active: bool,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The names of the rules.
    pub rules: Vec<String>,
    /// How many people, by what became of them.
    pub figures: Vec<Figure>,
    /// Until when it can be undone.
    pub undo_until: Option<Timestamp>,
}

/// `GET /o/{org}/rules/off`: who loses what, or with `?how=freeze` who keeps it. Posts `how` and `confirm` to the same
/// address.
#[derive(Template)]
#[template(path = "rules/off.html")]
pub struct OffPage {
    /// The frame.
    pub frame: Frame,
    /// Whether everybody keeps what the rules gave.
    pub freeze: bool,
    /// How many people have their roles from rules.
    pub managed: usize,
    /// What it does.
    pub difference: Difference,
    /// What is wrong (`confirm`).
    pub problems: Problems,
}

/// A group with the rules that it meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// As the connection says it.
    pub value: String,
    /// The names of the rules.
    pub rules: Vec<String>,
}

/// A rule that looks for nearly what somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearRow {
    /// The rule's name.
    pub rule: String,
    /// What it looks for.
    pub wanted: String,
    /// What there is.
    pub group: String,
}

/// What the rules make of claims.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the claims say about groups, in a sentence.
    pub said: String,
    /// The groups.
    pub groups: Vec<GroupRow>,
    /// What each other claim says that rules read, in a sentence, and the groups.
    pub claims: Vec<(String, Vec<GroupRow>)>,
    /// The roles that somebody with these claims would have.
    pub roles: Vec<RoleWords>,
    /// Rules that nearly match.
    pub near: Vec<NearRow>,
    /// What was strange in the claims.
    pub remarks: Vec<String>,
}

/// `GET /o/{org}/rules/test`; posts `connection` and `claims` to the same address.
#[derive(Template)]
#[template(path = "rules/test.html")]
pub struct TestPage {
    /// The frame.
    pub frame: Frame,
    /// The connections that could have said the claims.
    pub connections: Vec<String>,
    /// The chosen one.
    pub connection: String,
    /// The claims, as pasted.
    pub claims: String,
    /// What is wrong (`connection`, `claims`).
    pub problems: Problems,
    /// What came of it.
    pub outcome: Option<Outcome>,
}
