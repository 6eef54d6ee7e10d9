//! GitHub's secret scanning as its partners meet it: keys that it publishes, and reports that it signs.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::chance::source;

/// The part of a P-256 public key in DER that is always the same (RFC 5480).
const SPKI: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

/// A key pair of its own, with the name that it is published under.
pub struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// A fresh one.
    pub fn generate(id: &str) -> Result<SigningKey, Unspecified> {
        Ok(SigningKey { id: id.to_owned(), pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)? })
    }

    /// The headers that go with these bytes: the key's name, and its signature.
    pub fn sign(&self, body: &[u8]) -> Result<[(&'static str, String); 2], Unspecified> {
        let signature = self.pair.sign(&source(), body)?;
        Ok([
            ("Github-Public-Key-Identifier", self.id.clone()),
            ("Github-Public-Key-Signature", STANDARD.encode(signature)),
        ])
    }

    /// As it is published.
    pub fn published(&self, is_current: bool) -> Value {
        // The fixed part is 27 bytes with the point's first one, which is 36 characters of base 64 without a rest.
        let point = self.pair.public_key().as_ref().get(1..).unwrap_or_default();
        let key = format!("-----BEGIN PUBLIC KEY-----\n{SPKI}{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(point));
        json!({"key_identifier": self.id, "key": key, "is_current": is_current})
    }
}

#[derive(Default)]
struct Shared {
    published: Vec<Value>,
    asked: u64,
}

/// Where it publishes its keys; dropping it stops it.
pub struct Github {
    shared: Arc<Mutex<Shared>>,
    /// The address of the keys.
    pub keys_url: String,
    server: JoinHandle<()>,
}

impl Github {
    /// Serves on `listener`, which should be bound to loopback.
    pub fn start(listener: TcpListener) -> std::io::Result<Github> {
        let keys_url = format!("http://{}/meta/public_keys/secret_scanning", listener.local_addr()?);
        let shared = Arc::<Mutex<Shared>>::default();
        let router =
            Router::new().route("/meta/public_keys/secret_scanning", get(publish)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // Serving ends only with the task.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Github { shared, keys_url, server })
    }

    /// Publishes these keys and no others from now on.
    pub fn publish(&self, keys: &[Value]) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).published = keys.to_vec();
    }

    /// How often somebody asked for them.
    pub fn asked(&self) -> u64 {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).asked
    }
}

impl Drop for Github {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn publish(State(shared): State<Arc<Mutex<Shared>>>) -> Json<Value> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shared.asked += 1;
    Json(json!({"public_keys": shared.published}))
}
