//! The service keys of an org: see them, make one in two steps, give one another secret or other grants, end one.

use askama::Template;
use cardea_model::Timestamp;

use super::Problems;
use super::frame::Frame;
use super::keys::{CreatedKey, ExpiryField, KeyRow};

/// What a key was granted of one service.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// What people call the service.
    pub service: String,
    /// The entities, as patterns.
    pub entities: Vec<String>,
}

impl GrantRow {
    /// The entities in short: the first two, and how many more there are.
    #[must_use]
    pub fn short(&self) -> String {
        let first = self.entities.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
        match self.entities.len() {
            0..=2 => first,
            more => format!("{first} and {} more", more.saturating_sub(2)),
        }
    }
}

/// One service key in a table.
#[derive(Clone, Debug)]
pub struct ServiceKeyRow {
    /// The key.
    pub key: KeyRow,
    /// What it was granted.
    pub grants: Vec<GrantRow>,
}

/// A part of what a key reaches.
#[derive(Clone, Debug)]
pub struct ReachRow {
    /// What people call the service.
    pub service: String,
    /// Only entities of this type; empty for any.
    pub entity_type: String,
    /// The entities, as a pattern; `None` where the service is asked without.
    pub entities: Option<String>,
    /// What the pattern says, in words; empty for a single entity.
    pub words: String,
    /// What may be done with them.
    pub scopes: Vec<String>,
    /// Whether it reaches what is not there yet as well.
    pub future: bool,
    /// The teams that stand now, where it is in every team.
    pub teams: Vec<String>,
}

/// A scope that can be ticked.
#[derive(Clone, Debug)]
pub struct ScopeChoice {
    /// Its name; `{part}/{name}` is posted as `scope`.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// What the key is to have of one service.
#[derive(Clone, Debug)]
pub struct PartForm {
    /// Its place in the form, from 0.
    pub number: usize,
    /// The service's name, posted as `part`.
    pub service: String,
    /// What people call it.
    pub title: String,
    /// Its scopes.
    pub scopes: Vec<ScopeChoice>,
    /// The types of its entities; none if it has no entities.
    pub types: Vec<String>,
    /// The chosen type; empty for any.
    pub entity_type: String,
    /// The entities as typed, one a line.
    pub entities: String,
}

/// Something that can be chosen: the value that is posted and what people read.
pub type Choice = (String, String);

/// The form of a service key.
///
/// Posts `name`, for a new one `expiry` and `expires_on`, and for each part `part`, `type`, `entities` and its `scope`…;
/// `edit` asks for a part more or less, `confirm` does what the review has shown.
#[derive(Clone, Debug)]
pub struct ServiceKeyForm {
    /// As typed before.
    pub name: String,
    /// When it is to expire; `None` for one that stands.
    pub expiry: Option<ExpiryField>,
    /// What it is to have.
    pub parts: Vec<PartForm>,
    /// The services that can be added.
    pub services: Vec<Choice>,
    /// The ready-made grants that can be added.
    pub recipes: Vec<Choice>,
    /// The version that the form was made of; 0 for a new key.
    pub version: i64,
    /// What is wrong (`name`, `expiry`, `expires_on`, `parts`).
    pub problems: Problems,
}

/// `GET /o/{org}/service-keys`, and the answer to a creation: the secret with `Cache-Control: no-store`.
#[derive(Template)]
#[template(path = "service_keys/index.html")]
pub struct ServiceKeysPage {
    /// The frame.
    pub frame: Frame,
    /// The keys, newest first.
    pub keys: Vec<ServiceKeyRow>,
    /// How many apps there are, which share the places.
    pub apps: usize,
    /// How many keys and apps an org may have.
    pub limit: usize,
    /// The key that was just made.
    pub created: Option<CreatedKey>,
}

impl ServiceKeysPage {
    /// Whether no more key can be made before one is revoked.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.keys.len().saturating_add(self.apps) >= self.limit
    }

    /// How many places are taken, in words.
    #[must_use]
    pub fn taken(&self) -> String {
        let keys = super::count(self.keys.len(), "service key", "service keys");
        match self.apps {
            0 => format!("{keys} of {}", self.limit),
            apps => format!("{keys} and {} of {}", super::count(apps, "app", "apps"), self.limit),
        }
    }
}

/// `GET /o/{org}/service-keys/new` and `…/{id}/edit`; posts to itself.
#[derive(Template)]
#[template(path = "service_keys/form.html")]
pub struct ServiceKeyFormPage {
    /// The frame.
    pub frame: Frame,
    /// The key that stands, if it is one.
    pub id: Option<String>,
    /// The form.
    pub form: ServiceKeyForm,
    /// Whether somebody else has changed the key since the form was made.
    pub stale: bool,
}

impl ServiceKeyFormPage {
    /// Where the form posts to.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.frame, self.id.as_deref())
    }
}

/// What a key would be, before it is made or changed: the answer to the form. Posts what was typed to the form's address.
#[derive(Template)]
#[template(path = "service_keys/review.html")]
pub struct ReviewPage {
    /// The frame.
    pub frame: Frame,
    /// The key that stands, if it is one.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// When it will expire; `None` is never.
    pub expires: Option<Timestamp>,
    /// What was typed, as hidden fields.
    pub kept: Vec<(&'static str, String)>,
    /// What it would reach.
    pub reaches: Vec<ReachRow>,
    /// What is missing for it to be of use, in words.
    pub warnings: Vec<String>,
    /// Whether the owners hear of it.
    pub tells_owners: bool,
}

impl ReviewPage {
    /// Where the form posts to.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.frame, self.id.as_deref())
    }
}

fn address(frame: &Frame, id: Option<&str>) -> String {
    let part = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let org = part(&frame.org.name);
    match id {
        Some(id) => format!("/o/{org}/service-keys/{}/edit", part(id)),
        None => format!("/o/{org}/service-keys/new"),
    }
}

/// The secret before the current one, in its grace.
#[derive(Clone, Debug)]
pub struct OldSecret {
    /// Until when it works.
    pub until: Timestamp,
    /// When it was last used; `None` is never.
    pub last_used: Option<Timestamp>,
}

/// `GET /o/{org}/service-keys/{id}`, and the answer to a rotation.
#[derive(Template)]
#[template(path = "service_keys/key.html")]
pub struct ServiceKeyPage {
    /// The frame.
    pub frame: Frame,
    /// The key.
    pub key: KeyRow,
    /// Who made it; empty if nobody of that id is known here.
    pub maker: String,
    /// What it reaches now.
    pub reaches: Vec<ReachRow>,
    /// What it was granted of services that it does not reach now, in words.
    pub missing: Vec<String>,
    /// What is missing for it to be of use, in words.
    pub warnings: Vec<String>,
    /// The secret before this one, while it works beside it.
    pub old: Option<OldSecret>,
    /// The secret that was just made.
    pub created: Option<CreatedKey>,
}

/// How long an old secret works beside the new one: the choices of the form, with the value that is posted as `grace`.
pub const GRACES: &[(&str, &str)] =
    &[("1h", "1 hour"), ("24h", "1 day"), ("7d", "7 days"), (LEAKED, "Not at all: somebody else knows it")];

/// The choice of a secret that somebody else knows.
pub const LEAKED: &str = "leaked";

/// `GET /o/{org}/service-keys/{id}/rotate`: what another secret does. Posts `grace`, `expiry` and `expires_on` to itself.
#[derive(Template)]
#[template(path = "service_keys/rotate.html")]
pub struct RotatePage {
    /// The frame.
    pub frame: Frame,
    /// The key.
    pub key: KeyRow,
    /// The chosen one of [`GRACES`].
    pub grace: String,
    /// When it is to expire from now on.
    pub expiry: ExpiryField,
    /// Whether a secret before the current one still works; it ends.
    pub oldest_ends: bool,
    /// What is wrong (`expiry`, `expires_on`, `grace`).
    pub problems: Problems,
}

impl RotatePage {
    /// The choice that keeps the expiry; none for a key that has expired.
    #[must_use]
    pub fn keeps(&self) -> String {
        if self.key.state == super::keys::KeyState::Expired {
            return String::new();
        }
        match &self.key.expires {
            Some(at) => format!("As now, {}", super::time::relative(at, &self.frame.now)),
            None => "Never, as now".to_owned(),
        }
    }
}

/// `GET /o/{org}/service-keys/{id}/revoke`: what ends. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "service_keys/revoke.html")]
pub struct RevokePage {
    /// The frame.
    pub frame: Frame,
    /// The key.
    pub key: KeyRow,
    /// What it reaches now.
    pub reaches: Vec<ReachRow>,
    /// The secret before the current one, which ends with it.
    pub old: Option<OldSecret>,
}
