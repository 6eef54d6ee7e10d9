//! The provider's memory, behind one lock.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::error::Unspecified;
use serde_json::Value;
use tokio::sync::watch;

use super::code::{CODE_LIFE, Grant, Issued};
use super::keys::KeyRing;
use super::modes::Modes;
use super::requests::RequestSeen;
use super::settings::ProviderSettings;
use crate::chance::random_text;
use crate::people::Person;

/// What every handler has at hand.
pub(crate) struct Shared {
    pub(crate) settings: ProviderSettings,
    memory: Mutex<Memory>,
    stopped: watch::Receiver<()>,
}

/// What changes while the provider runs.
pub(crate) struct Memory {
    pub(crate) people: Vec<Person>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) modes: Modes,
    pub(crate) keys: KeyRing,
    pub(crate) codes: HashMap<String, Issued>,
    /// Redeemed codes and the access token that each one made.
    pub(crate) redeemed: HashMap<String, String>,
    pub(crate) access_tokens: HashMap<String, Issued>,
    pub(crate) requests: Vec<RequestSeen>,
    pub(crate) earlier_id_token: Option<String>,
    /// The keys of a client that proves itself by assertions.
    pub(crate) client_keys: Option<Value>,
    /// The ids of assertions that were shown.
    pub(crate) assertions: HashSet<String>,
}

impl Shared {
    pub(crate) fn new(settings: ProviderSettings, keys: KeyRing, stopped: watch::Receiver<()>) -> Shared {
        let memory = Memory {
            people: settings.people.clone(),
            redirect_uris: settings.redirect_uris.clone(),
            modes: Modes::default(),
            keys,
            codes: HashMap::new(),
            redeemed: HashMap::new(),
            access_tokens: HashMap::new(),
            requests: Vec::new(),
            earlier_id_token: None,
            client_keys: None,
            assertions: HashSet::new(),
        };
        Shared { settings, memory: Mutex::new(memory), stopped }
    }

    /// The memory; a panic elsewhere while it was held leaves it usable.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> i64 {
        (self.settings.now)()
    }

    /// Returns when the provider is stopped.
    pub(crate) async fn until_stopped(&self) {
        let mut stopped = self.stopped.clone();
        while stopped.changed().await.is_ok() {}
    }
}

impl Memory {
    pub(crate) fn person(&self, hint: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.is_called(hint))
    }

    /// A fresh code for what was granted.
    pub(crate) fn issue_code(&mut self, grant: Grant) -> Result<String, Unspecified> {
        let code = random_text()?;
        let expires_at = grant.auth_time.saturating_add(CODE_LIFE);
        self.codes.insert(code.clone(), Issued { grant, expires_at });
        Ok(code)
    }
}
