//! The provider as its owner sees it: told what to do, asked what it saw.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_lc_rs::error::Unspecified;
use axum::Router;
use url::Url;

use super::answer::{Manner, posted};
use super::document::{Draft, NameId};
use super::keys::{Key, KeyKind, KeyRing};
use super::logout::{LogoutRequest, Redirect};
use super::metadata::metadata;
use super::modes::{MetadataMode, Mode, ResponseMode};
use super::request::{LogoutSeen, RequestSeen};
use super::router::router;
use super::settings::{Encrypt, SamlProviderSettings, Service, Sign};
use super::shapes::{Occasion, Shape, draft, hash};
use super::signature::Signer;
use super::time::instant;
use crate::chance::random_text;
use crate::oidc::OldKeys;
use crate::people::Person;

/// Why a provider cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SamlProviderError {
    /// The base is no plain http or https URL.
    #[error("the base is not an http or https URL without query and fragment")]
    Base,
    /// The cryptographic library failed.
    #[error("making a key failed")]
    Crypto,
}

impl From<Unspecified> for SamlProviderError {
    fn from(_: Unspecified) -> SamlProviderError {
        SamlProviderError::Crypto
    }
}

/// A simulated SAML identity provider. Clones are the same provider.
#[derive(Clone)]
pub struct SamlProvider {
    pub(crate) shared: Arc<Shared>,
}

/// What every handler has at hand.
pub(crate) struct Shared {
    pub(crate) settings: SamlProviderSettings,
    /// The path of the base, under which the routes stand.
    path: String,
    memory: Mutex<Memory>,
    /// What makes ids unguessable, and how many were made.
    seed: String,
    made: AtomicU64,
}

/// What changes while the provider runs.
pub(crate) struct Memory {
    pub(crate) people: Vec<Person>,
    pub(crate) keys: KeyRing,
    pub(crate) shape: Shape,
    sign: Sign,
    encrypt: Option<Encrypt>,
    service: Option<Service>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) requests: Vec<RequestSeen>,
    pub(crate) logouts: Vec<LogoutSeen>,
    /// The latest session of each person, by the short name.
    sessions: HashMap<String, Session>,
}

/// A session as the assertion named it.
#[derive(Clone)]
struct Session {
    name_id: NameId,
    index: Option<String>,
}

impl SamlProvider {
    /// Makes the keys; an RSA key takes some tens of milliseconds.
    pub fn new(settings: SamlProviderSettings) -> Result<SamlProvider, SamlProviderError> {
        let path = base_path(&settings.base)?;
        let now = (settings.now)();
        let make = |kind: KeyKind| Key::generate(kind, &settings.entity_id, now).map(Arc::new);
        let current = make(settings.key)?;
        let others = settings.further_keys.iter().copied().map(make).collect::<Result<Vec<_>, _>>()?;
        let memory = Memory {
            people: settings.people.clone(),
            keys: KeyRing { current, others, rogue: Arc::new(OnceLock::new()) },
            shape: settings.shape,
            sign: settings.sign,
            encrypt: settings.encrypt.clone(),
            service: settings.service.clone(),
            modes: Vec::new(),
            requests: Vec::new(),
            logouts: Vec::new(),
            sessions: HashMap::new(),
        };
        let shared =
            Shared { settings, path, memory: Mutex::new(memory), seed: random_text()?, made: AtomicU64::new(0) };
        Ok(SamlProvider { shared: Arc::new(shared) })
    }

    /// The routes, under the path of the base.
    pub fn router(&self) -> Router {
        router(&self.shared.path, self.shared.clone())
    }

    /// The entity id.
    pub fn entity_id(&self) -> &str {
        &self.shared.settings.entity_id
    }

    /// The metadata as served now.
    pub fn metadata(&self) -> String {
        self.shared.metadata()
    }

    /// The published certificates, DER, the signing one first.
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        self.shared.memory().keys.published().iter().map(|key| key.certificate.clone()).collect()
    }

    /// Signs with a new key of the same kind from now on.
    pub fn rotate(&self, old: OldKeys) -> Result<(), SamlProviderError> {
        let settings = &self.shared.settings;
        let next = Arc::new(Key::generate(settings.key, &settings.entity_id, self.shared.now())?);
        let mut memory = self.shared.memory();
        let previous = std::mem::replace(&mut memory.keys.current, next);
        match old {
            OldKeys::Published => memory.keys.others.push(previous),
            OldKeys::Dropped => memory.keys.others.clear(),
        }
        Ok(())
    }

    /// Misbehaves in this way too from now on.
    pub fn misbehave(&self, mode: impl Into<Mode>) {
        self.shared.memory().modes.push(mode.into());
    }

    /// Keeps every rule again.
    pub fn behave(&self) {
        self.shared.memory().modes.clear();
    }

    /// Imitates another product from now on.
    pub fn imitate(&self, shape: Shape) {
        self.shared.memory().shape = shape;
    }

    /// Signs so from now on.
    pub fn sign(&self, sign: Sign) {
        self.shared.memory().sign = sign;
    }

    /// Encrypts so from now on, or no longer; a service's key is often known late.
    pub fn encrypt(&self, encrypt: Option<Encrypt>) {
        self.shared.memory().encrypt = encrypt;
    }

    /// Serves this service and no other from now on.
    pub fn register(&self, service: Service) {
        self.shared.memory().service = Some(service);
    }

    /// Replaces everyone who can sign in.
    pub fn set_people(&self, people: Vec<Person>) {
        self.shared.memory().people = people;
    }

    /// Changes one person, found by name or address; false when nobody is called so.
    pub fn person(&self, name: &str, change: impl FnOnce(&mut Person)) -> bool {
        let mut memory = self.shared.memory();
        let found = memory.people.iter_mut().find(|person| person.is_called(name));
        found.map(change).is_some()
    }

    /// The value of `SAMLResponse` for a request; empty when nobody is called so.
    pub fn respond(&self, request: &RequestSeen, person: &str) -> String {
        let person = self.shared.memory().person(person);
        person.map(|person| self.shared.respond(request, &person)).unwrap_or_default()
    }

    /// The NameID and the `SessionIndex` of the person's latest session.
    pub fn session(&self, person: &str) -> Option<(String, Option<String>)> {
        let memory = self.shared.memory();
        memory.sessions.get(person).map(|session| (session.name_id.value.clone(), session.index.clone()))
    }

    /// The address by which this provider ends the person's latest session at the service's `slo`;
    /// nothing when there is none.
    pub fn logout_url(&self, slo: &str, person: &str) -> Option<String> {
        let shared = &self.shared;
        let session = shared.memory().sessions.get(person).cloned()?;
        let request = LogoutRequest {
            id: shared.fresh_id(),
            issued: instant(shared.now()),
            destination: slo.to_owned(),
            issuer: shared.settings.entity_id.clone(),
            not_on_or_after: Some(instant(shared.now() + 300)),
            name_id: session.name_id,
            session_index: session.index,
        };
        let key = shared.memory().keys.current.clone();
        let query = Redirect::new("SAMLRequest", &request.xml(), None, key.method()).signed(&key, key.method());
        Some(format!("{slo}?{query}"))
    }

    /// Every authentication request since the start, oldest first.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.memory().requests.clone()
    }

    /// Every logout message since the start, oldest first.
    pub fn logouts(&self) -> Vec<LogoutSeen> {
        self.shared.memory().logouts.clone()
    }
}

impl Shared {
    /// The memory; a panic elsewhere while it was held leaves it usable.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> i64 {
        (self.settings.now)()
    }

    /// An id that no other document of this provider has.
    pub(crate) fn fresh_id(&self) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("_{}", hash(&format!("{} {number}", self.seed)))
    }

    pub(crate) fn metadata(&self) -> String {
        let (shape, keys) = {
            let memory = self.memory();
            (memory.shape, memory.keys.published())
        };
        metadata(&self.settings, shape, &keys, &self.metadata_modes())
    }

    pub(crate) fn metadata_modes(&self) -> Vec<MetadataMode> {
        let modes = self.memory().modes.clone();
        modes.into_iter().filter_map(|mode| if let Mode::Metadata(mode) = mode { Some(mode) } else { None }).collect()
    }

    fn response_modes(&self) -> Vec<ResponseMode> {
        let modes = self.memory().modes.clone();
        modes.into_iter().filter_map(|mode| if let Mode::Response(mode) = mode { Some(mode) } else { None }).collect()
    }

    /// Where an answer to this request goes.
    pub(crate) fn service(&self, request: &RequestSeen) -> Service {
        self.memory().service.clone().unwrap_or_else(|| Service {
            entity_id: request.issuer.clone(),
            acs: request.acs.clone().unwrap_or_default(),
            slo: None,
        })
    }

    /// What this provider says about the person, in any shape, at any time.
    pub(crate) fn draft(
        &self,
        shape: Shape,
        service: &Service,
        request: Option<&str>,
        person: &Person,
        now: i64,
    ) -> Draft {
        let occasion = Occasion {
            issuer: &self.settings.entity_id,
            audience: &service.entity_id,
            acs: &service.acs,
            request_id: request,
            now,
            ids: [self.fresh_id(), self.fresh_id(), self.fresh_id()],
        };
        draft(shape, &occasion, person)
    }

    /// Where logout messages to the service go.
    pub(crate) fn slo(&self) -> Option<String> {
        self.memory().service.as_ref().and_then(|service| service.slo.clone())
    }

    /// A key that nobody published.
    pub(crate) fn rogue(&self) -> Arc<Key> {
        let (cell, current) = {
            let memory = self.memory();
            (memory.keys.rogue.clone(), memory.keys.current.clone())
        };
        cell.get_or_init(|| match Key::generate(KeyKind::Rsa2048, &self.settings.entity_id, self.now()) {
            Ok(key) => Arc::new(key),
            Err(_) => current,
        })
        .clone()
    }

    /// A response that says nobody signed in.
    pub(crate) fn refuse(&self, request: &RequestSeen, person: &Person, codes: &[String]) -> String {
        let service = self.service(request);
        let shape = self.memory().shape;
        let mut draft = self.draft(shape, &service, Some(&request.id), person, self.now());
        draft.envelope.status = codes.to_vec();
        let signer = draft.signer(Signer::new(self.memory().keys.current.clone()));
        posted(draft.envelope.around("").signed(&signer))
    }

    /// The value of `SAMLResponse`.
    pub(crate) fn respond(&self, request: &RequestSeen, person: &Person) -> String {
        let modes = self.response_modes();
        if let Some(codes) = modes.iter().find_map(ResponseMode::refusal) {
            return self.refuse(request, person, codes);
        }
        let behind: i64 = modes.iter().map(ResponseMode::clock_behind).sum();
        let service = self.service(request);
        let (shape, now) = (self.memory().shape, self.now());
        let mut draft = self.draft(shape, &service, Some(&request.id), person, now - behind);
        let mut signer = Signer::new(self.memory().keys.current.clone());
        for mode in &modes {
            mode.spoil_draft(&mut draft, now);
            mode.spoil_signer(&mut signer);
        }
        if modes.contains(&ResponseMode::RogueKey) {
            signer = Signer::new(self.rogue());
        }
        self.remember(person, &draft);
        let (sign, encrypt) = {
            let memory = self.memory();
            (memory.sign, memory.encrypt.clone())
        };
        let sign = (!modes.contains(&ResponseMode::Unsigned)).then_some(sign);
        let text = draft.compose(&Manner { sign, signer, encrypt: encrypt.as_ref() });
        let end = draft.assertion.spaces.assertion.inner("NameID").closing();
        let tampered = modes.contains(&ResponseMode::TamperedNameId);
        posted(if tampered { text.replacen(&end, &format!("-forged{end}"), 1) } else { text })
    }

    /// Keeps what a later logout must name.
    fn remember(&self, person: &Person, draft: &Draft) {
        let Some(name_id) = draft.assertion.name_id.clone() else {
            return;
        };
        let index = draft.assertion.authentication.as_ref().and_then(|said| said.session_index.clone());
        self.memory().sessions.insert(person.name.clone(), Session { name_id, index });
    }
}

impl Memory {
    pub(crate) fn person(&self, hint: &str) -> Option<Person> {
        self.people.iter().find(|person| person.is_called(hint)).cloned()
    }
}

/// The path of the base without its last slash, under which the routes stand.
fn base_path(base: &str) -> Result<String, SamlProviderError> {
    let url = Url::parse(base).map_err(|_| SamlProviderError::Base)?;
    // A segment that begins with `:` or `*`, or holds a brace, makes the router panic.
    let plain = matches!(url.scheme(), "http" | "https")
        && url.query().is_none()
        && url.fragment().is_none()
        && !url.path().contains(['*', ':', '{', '}']);
    if plain { Ok(url.path().trim_end_matches('/').to_owned()) } else { Err(SamlProviderError::Base) }
}
