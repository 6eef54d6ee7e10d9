//! Apps: clients that an account makes for its scripts; see them, make one, switch one off, give one another secret, delete one.

use askama::Template;
use cardea_model::Timestamp;

use super::Problems;
use super::frame::Frame;
use super::keys::CreatedKey;

/// One app in a table.
#[derive(Clone, Debug)]
pub struct AppRow {
    /// Its id.
    pub id: String,
    /// Its name, unique in the account.
    pub name: String,
    /// The name that it authenticates with.
    pub client_id: String,
    /// Whether anything of it works.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// The form for a new app. Posts `name` to `/o/{org}/apps`.
#[derive(Clone, Debug)]
pub struct AppForm {
    /// As typed before.
    pub name: String,
    /// What is wrong (`name`).
    pub problems: Problems,
}

/// `GET /o/{org}/apps` (no form), `GET /o/{org}/apps/new` (form), and the answers to a creation and to another secret: the
/// secret with `Cache-Control: no-store`.
#[derive(Template)]
#[template(path = "apps/index.html")]
pub struct AppsPage {
    /// The frame.
    pub frame: Frame,
    /// The apps, newest first.
    pub apps: Vec<AppRow>,
    /// How many service keys there are, which share the places.
    pub keys: usize,
    /// How many keys and apps an org may have.
    pub limit: usize,
    /// Where tokens are asked for.
    pub token_url: String,
    /// The form, when one is to be made.
    pub form: Option<AppForm>,
    /// The secret that was just made.
    pub created: Option<CreatedKey>,
}

impl AppsPage {
    /// Whether no more app can be made before one is deleted.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.apps.len().saturating_add(self.keys) >= self.limit
    }

    /// How many places are taken, in words.
    #[must_use]
    pub fn taken(&self) -> String {
        let apps = super::count(self.apps.len(), "app", "apps");
        match self.keys {
            0 => format!("{apps} of {}", self.limit),
            keys => format!("{apps} and {} of {}", super::count(keys, "service key", "service keys"), self.limit),
        }
    }
}

/// How long an old secret works beside the new one, with the seconds that are posted as `grace`.
pub const GRACES: &[(&str, &str)] = &[("0", "Not at all"), ("3600", "1 hour"), ("86400", "1 day")];

/// `GET /o/{org}/apps/{id}/secret`: what another secret does. Posts `grace` to itself.
#[derive(Template)]
#[template(path = "apps/secret.html")]
pub struct AppSecretPage {
    /// The frame.
    pub frame: Frame,
    /// The app.
    pub app: AppRow,
}

/// `GET /o/{org}/apps/{id}/delete`: what ends. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "apps/delete.html")]
pub struct DeleteAppPage {
    /// The frame.
    pub frame: Frame,
    /// The app.
    pub app: AppRow,
}
