//! My API keys: see them, make one, switch one off, delete one.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::{Problems, Tone};

/// What a key is good for at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// Its owner switched it off.
    Disabled,
    /// Ended by a receipt that can be restored.
    Suspended,
    /// Past its time.
    Expired,
    /// Ended for good.
    Revoked,
}

impl KeyState {
    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Disabled => "Disabled",
            Self::Suspended => "Suspended",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Active => Tone::Good,
            Self::Disabled | Self::Expired => Tone::Neutral,
            Self::Suspended => Tone::Warning,
            Self::Revoked => Tone::Danger,
        }
    }

    /// Whether its owner can switch it off or on.
    #[must_use]
    pub const fn can_be_switched(self) -> bool {
        matches!(self, Self::Active | Self::Disabled)
    }
}

/// One key in a table.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Its id.
    pub id: String,
    /// Its name, unique among its owner's keys.
    pub name: String,
    /// What of it may be shown: `cdap_Ab3dEf6hIj9L`.
    pub shown: String,
    /// The services it is for, by the catalogue's names.
    pub services: Vec<String>,
    /// Its state.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires; `None` is never.
    pub expires: Option<Timestamp>,
    /// When it was used last; `None` is never.
    pub last_used: Option<Timestamp>,
}

/// When a key is to expire, as typed. Posts `expiry` and `expires_on` (`YYYY-MM-DD`).
#[derive(Clone, Debug, Default)]
pub struct ExpiryField {
    /// The chosen one of [`EXPIRIES`]; empty where the key keeps the expiry that it has.
    pub choice: String,
    /// The date for `custom`.
    pub on: String,
}

/// How long a new key lives: the choices of the form, with the value that is posted as `expiry`.
pub const EXPIRIES: &[(&str, &str)] = &[
    ("1h", "1 hour"),
    ("1d", "1 day"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("1y", "1 year"),
    ("custom", "On a date"),
    ("never", "Never"),
];

/// A service that can stand on a key, or cannot.
#[derive(Clone, Debug)]
pub struct ServiceChoice {
    /// The catalogue's name; it is posted as `service`, once for each that is chosen.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What the person's roles allow there now, in words; empty if nothing.
    pub allows: String,
    /// Why it cannot be chosen (`you have no role there`); `None` if it can.
    pub unavailable: Option<String>,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// The form for a new key. Posts `name`, `expiry`, `expires_on` (`YYYY-MM-DD`) and `service`… to `/me/keys`.
#[derive(Clone, Debug)]
pub struct KeyForm {
    /// As typed before.
    pub name: String,
    /// When it is to expire; `30d` at first.
    pub expiry: ExpiryField,
    /// Every service of the org.
    pub services: Vec<ServiceChoice>,
    /// What is wrong (`name`, `expiry`, `expires_on`, `service`).
    pub problems: Problems,
}

/// A secret that was made in this very request. It has no `Debug`: the secret is in it.
pub struct CreatedKey {
    /// The name of the key or app.
    pub name: String,
    /// The name that an app authenticates with.
    pub client_id: Option<String>,
    /// The whole key; it is never shown again.
    pub secret: String,
    /// Until when the secret before it works.
    pub old_until: Option<Timestamp>,
}

impl CreatedKey {
    /// The first secret of a key.
    #[must_use]
    pub const fn first(name: String, secret: String) -> Self {
        Self { name, client_id: None, secret, old_until: None }
    }
}

/// `GET /me/keys` (no form), `GET /me/keys/new` (form), and the answer to `POST /me/keys`
/// (the secret with `Cache-Control: no-store`, or the form with its problems).
///
/// Buttons post to `/me/keys/{id}/disable` and `/me/keys/{id}/enable`; deleting leads to [`DeleteKeyPage`].
#[derive(Template)]
#[template(path = "keys/index.html")]
pub struct KeysPage {
    /// The frame.
    pub frame: Frame,
    /// The keys, newest first.
    pub keys: Vec<KeyRow>,
    /// How many keys the person may have at once.
    pub limit: usize,
    /// The form, when one is to be made; give it also when there is no key yet.
    pub form: Option<KeyForm>,
    /// The key that was just made.
    pub created: Option<CreatedKey>,
}

impl KeysPage {
    /// Whether no more key can be made before one is deleted.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.keys.len() >= self.limit
    }
}

/// `GET /me/keys/{id}/delete`: what deleting does. Posts nothing but itself to the same address.
#[derive(Template)]
#[template(path = "keys/delete.html")]
pub struct DeleteKeyPage {
    /// The frame.
    pub frame: Frame,
    /// The key.
    pub key: KeyRow,
}
