//! The catalogue as it is written: `config/catalogue.yaml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::{KeyKind, Span};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this format: 1.
    pub version: u32,
    /// Limits of orgs and people.
    #[serde(default)]
    pub limits: Limits,
    /// The roles of the gateway itself; written out for readers, not to be changed.
    #[serde(default)]
    pub builtin_roles: BuiltinRoles,
    /// The grammar of entities; written out for readers, not to be changed.
    #[serde(default)]
    pub entity_grammar: EntityGrammar,
    /// The services by name.
    pub services: BTreeMap<String, ServiceEntry>,
    /// The topics that people can subscribe to.
    #[serde(default)]
    pub notifications: Vec<String>,
}

/// Limits of orgs and people; what is not given is as the product says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Owners of an org, pending invitations included.
    pub org_owners: u32,
    /// Personal keys of a user that are not deleted.
    pub personal_keys_per_user: u32,
    /// Service keys of an org.
    pub service_keys_per_org: u32,
    /// Legacy keys of a user.
    pub legacy_keys_per_user: u32,
    /// External user groups of an org.
    pub eug_per_org: u32,
    /// People in an external user group.
    pub users_per_eug: u32,
    /// How long an invitation is good if nobody says.
    pub invitation_default: Span,
    /// The shortest life of an invitation.
    pub invitation_min: Span,
    /// The longest life of an invitation.
    pub invitation_max: Span,
    /// The shortest life of an invitation to an external user group.
    pub eug_invitation_min: Span,
    /// The longest life of an invitation to an external user group.
    pub eug_invitation_max: Span,
    /// The shortest life of a share.
    pub share_min: Span,
    /// The longest life of a share.
    pub share_max: Span,
}

impl Default for Limits {
    fn default() -> Self {
        let minutes = |n: u64| Span::from_seconds(n * 60);
        let days = |n: u64| Span::from_seconds(n * 86_400);
        Self {
            org_owners: 3,
            personal_keys_per_user: 8,
            service_keys_per_org: 64,
            legacy_keys_per_user: 1,
            eug_per_org: 500,
            users_per_eug: 1000,
            invitation_default: minutes(360),
            invitation_min: minutes(5),
            invitation_max: days(30),
            eug_invitation_min: minutes(60),
            eug_invitation_max: days(31),
            share_min: minutes(5),
            share_max: minutes(1440),
        }
    }
}

/// The roles of the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltinRoles {
    /// The owner of an org.
    pub owner: BuiltinRole,
    /// Who manages users, roles, rules and service keys.
    pub user_admin: BuiltinRole,
}

impl Default for BuiltinRoles {
    fn default() -> Self {
        let permissions = [
            "users.read",
            "users.write",
            "roles.write",
            "keys.revoke",
            "teams.write@org",
            "rules.write@org",
            "service_keys.write@org",
            "eug.create@org",
        ];
        Self {
            owner: BuiltinRole {
                level: Levels::One(Level::Org),
                implies: Some("all_services_admin".to_owned()),
                permissions: Vec::new(),
            },
            user_admin: BuiltinRole {
                level: Levels::Several(vec![Level::Org, Level::Team]),
                implies: None,
                permissions: permissions.map(str::to_owned).to_vec(),
            },
        }
    }
}

/// A role of the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltinRole {
    /// Where it can be held.
    pub level: Levels,
    /// What comes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implies: Option<String>,
    /// What it allows; `@org` where it must be held in the org.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
}

/// One level or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "is neither a level nor a list of levels")]
pub enum Levels {
    /// `level: org`
    One(Level),
    /// `level: [org, team]`
    Several(Vec<Level>),
}

/// Where a role can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In the whole org.
    Org,
    /// In a team.
    Team,
}

/// The grammar of entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityGrammar {
    /// A regular expression.
    pub segment: String,
    /// How many segments there may be.
    pub depth: Vec<u8>,
}

impl Default for EntityGrammar {
    fn default() -> Self {
        Self { segment: "[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?".to_owned(), depth: vec![2, 3] }
    }
}

/// The kind of an org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgKind {
    /// One person.
    Individual,
    /// A company.
    Enterprise,
}

impl OrgKind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Enterprise => "enterprise",
        }
    }
}

/// A service behind the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceEntry {
    /// What people read.
    pub title: Option<String>,
    /// The kinds of keys that it takes.
    pub key_kinds: Vec<KeyKind>,
    /// The kinds of orgs that have it from the start.
    pub default_on: Vec<OrgKind>,
    /// Whether people of other orgs can be given roles in it.
    pub external_ok: bool,
    /// Whether activating it makes an individual org an enterprise.
    pub premium: bool,
    /// What service keys cannot do in it yet.
    pub service_key_denied_operations: Vec<String>,
    /// What its scopes act on.
    pub entity_types: BTreeMap<String, EntityTypeEntry>,
    /// Whether `org/*/*` reaches `org/name`.
    pub team_wildcard_includes_root: bool,
    /// Orgs that publish for everybody.
    pub publisher_orgs: Vec<String>,
    /// What can be done in it.
    pub scopes: BTreeMap<String, ScopeEntry>,
    /// Sets of scopes of which a service key needs at least one.
    pub minimum: Vec<Vec<String>>,
    /// Named sets of scopes.
    pub roles: BTreeMap<String, RoleEntry>,
    /// Ready-made grants of service keys.
    pub recipes: BTreeMap<String, RecipeEntry>,
    /// What having it opens in another service.
    pub unlocks: Option<UnlockEntry>,
}

/// What scopes act on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntityTypeEntry {
    /// Its name in docker's tokens: `repository`.
    pub docker: Option<String>,
}

/// Something that can be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScopeEntry {
    /// What people read.
    pub title: Option<String>,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// The docker actions that it allows: `pull`, `push`, `delete`.
    pub docker: Vec<String>,
    /// Whether it allows docker's `registry:catalog:*`.
    pub docker_catalog: bool,
    /// Scopes without which it is of no use.
    pub requires: Vec<String>,
}

/// A named set of scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleEntry {
    /// What people read.
    pub title: Option<String>,
    /// A role of the same service whose scopes it has too.
    pub inherits: Option<String>,
    /// Scopes, or several by a final `*`.
    pub scopes: Vec<String>,
    /// Roles of other services that come with it, by service.
    pub confers: BTreeMap<String, String>,
    /// The role that took its place; it has then no scopes of its own.
    pub replaced_by: Option<String>,
}

/// A ready-made grant of a service key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeEntry {
    /// What the scopes act on.
    pub entity_type: String,
    /// Patterns, with `{org}` for the org's name.
    pub entity_values: Vec<String>,
    /// What the key may do.
    pub scopes: Vec<String>,
}

/// What having a service opens in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlockEntry {
    /// The other service.
    pub service: String,
    /// The label of what is restricted there.
    pub label: String,
}

impl Document {
    /// The catalogue as bytes that are the same for the same content, whatever the file's order and comments;
    /// their SHA-256 is the catalogue's digest.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "text, numbers, lists and maps by text always have a JSON form")]
        serde_json::to_vec(self).expect("a catalogue has a JSON form")
    }
}
