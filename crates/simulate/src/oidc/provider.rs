//! The provider as its owner sees it: started, told what to do, asked what it saw, stopped.

use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::keys::{Algorithm, Key, KeyRing, OldKeys};
use super::modes::Mode;
use super::requests::RequestSeen;
use super::router::router;
use super::settings::ProviderSettings;
use super::sign::compact;
use super::state::Shared;
use crate::people::Person;

/// Why a provider could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The issuer is no plain http or https URL.
    #[error("the issuer `{0}` is not an http or https URL without query and fragment")]
    Issuer(String),
    /// The cryptographic library failed.
    #[error("making a key or a signature failed")]
    Crypto,
}

impl From<Unspecified> for SimulateError {
    fn from(_: Unspecified) -> SimulateError {
        SimulateError::Crypto
    }
}

/// A running simulated provider; dropping it stops it.
pub struct OidcProvider {
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
}

impl OidcProvider {
    /// Makes the keys and serves on `listener`, which should be bound to loopback.
    pub async fn start(listener: TcpListener, settings: ProviderSettings) -> Result<OidcProvider, SimulateError> {
        let prefix = issuer_path(&settings.issuer)?;
        let key = make_key(settings.algorithm).await?;
        let (stop, stopped) = watch::channel(());
        let shared = Arc::new(Shared::new(settings, KeyRing::new(key), stopped));
        let service = router(&prefix, shared.clone());
        let until = shared.clone();
        let server = tokio::spawn(async move {
            let serving =
                axum::serve(listener, service).with_graceful_shutdown(async move { until.until_stopped().await });
            // Serving ends only by the stop; a failed accept is retried by axum.
            let _ = serving.await;
        });
        Ok(OidcProvider { shared, stop, server })
    }

    /// Stops and returns when the port is free and every connection closed.
    pub async fn stop(self) {
        drop(self.stop);
        // Fails only if the server task panicked, and then it is stopped as well.
        let _ = self.server.await;
    }

    /// The issuer as stated in metadata and tokens.
    pub fn issuer(&self) -> &str {
        &self.shared.settings.issuer
    }

    /// The people who can sign in, as they are now.
    pub fn people(&self) -> Vec<Person> {
        self.shared.memory().people.clone()
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

    /// Registers one more redirect URI, for clients whose port is known late.
    pub fn register_redirect_uri(&self, redirect_uri: &str) {
        self.shared.memory().redirect_uris.push(redirect_uri.to_owned());
    }

    /// From now on the client proves itself with these keys, a JSON Web Key Set, and with nothing else.
    pub fn trust_keys_of_client(&self, keys: Value) {
        self.shared.memory().client_keys = Some(keys);
    }

    /// Misbehaves in this way too from now on.
    pub fn misbehave(&self, mode: impl Into<Mode>) {
        self.shared.memory().modes.0.push(mode.into());
    }

    /// Keeps every rule again.
    pub fn behave(&self) {
        self.shared.memory().modes.0.clear();
    }

    /// Signs with a new key from now on.
    pub async fn rotate(&self, algorithm: Algorithm, old: OldKeys) -> Result<(), SimulateError> {
        let next = make_key(algorithm).await?;
        self.shared.memory().keys.rotate(next, old);
        Ok(())
    }

    /// The `kid` that signs now.
    pub fn kid(&self) -> String {
        self.shared.memory().keys.current.kid.clone()
    }

    /// The public half of the key that signs now, as PEM.
    pub fn public_key_pem(&self) -> Result<String, SimulateError> {
        Ok(self.shared.memory().keys.current.pem()?)
    }

    /// Signs any claims under this `typ`, for logout tokens and forgeries of them; the modes of the
    /// header apply.
    pub fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Result<String, SimulateError> {
        let mut memory = self.shared.memory();
        Ok(compact(&self.shared.settings, &mut memory, typ, claims)?)
    }

    /// Every request since the start or [`Self::forget_requests`], oldest first.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.memory().requests.clone()
    }

    /// How many requests asked for this path, for example `/jwks`.
    pub fn count(&self, path: &str) -> usize {
        self.shared.memory().requests.iter().filter(|request| request.path == path).count()
    }

    /// Empties the log of requests.
    pub fn forget_requests(&self) {
        self.shared.memory().requests.clear();
    }
}

/// The path of an issuer without its last slash, under which the routes stand.
fn issuer_path(issuer: &str) -> Result<String, SimulateError> {
    let refused = || SimulateError::Issuer(issuer.to_owned());
    let url = Url::parse(issuer).map_err(|_| refused())?;
    // A segment that begins with `:` or `*` makes the router panic.
    let plain = matches!(url.scheme(), "http" | "https")
        && url.query().is_none()
        && url.fragment().is_none()
        && !url.path().contains(['*', ':']);
    if !plain {
        return Err(refused());
    }
    Ok(url.path().trim_end_matches('/').to_owned())
}

/// An RSA key takes some tens of milliseconds, too long for the runtime's own threads.
async fn make_key(algorithm: Algorithm) -> Result<Key, SimulateError> {
    let made = tokio::task::spawn_blocking(move || Key::generate(algorithm)).await;
    Ok(made.map_err(|_| SimulateError::Crypto)??)
}
