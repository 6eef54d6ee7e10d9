//! The authority that vouches for the keys that sign: made once in the life of an instance, sealed, and given to registries
//! as a file.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::{Caller, Permission, Place, Timestamp};
use cardea_store::setting;
use cardea_tokens::certificate::{Authority, Span, pem};
use cardea_tokens::hash::{base64url, from_base64url};
use cardea_tokens::jose::{Algorithm, SigningKey};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::oauth::keyring;

/// Under which it is stored: the pair, sealed, a full stop, and the certificate.
const SETTING: &str = "registry.root";
const PURPOSE: &str = "registry_root";
const NAME: &str = "Cardea registry authority";
const DAY: Duration = Duration::from_secs(86_400);
/// How long it is good: whoever replaces it must go to every registry.
const LIFE: Duration = Duration::from_secs(30 * 365 * 86_400);
/// How far clocks may be apart, on either side of the moment for which a certificate is made.
const SKEW: Duration = Duration::from_secs(3600);
/// How long a key stands in the bundle for: longer than it signs.
const PUBLISHED: Duration = Duration::from_secs(90 * 86_400);
const UNREADABLE: GatewayError = GatewayError::Corrupt("registry authority");

/// The certificate of a key for the moment of one token.
pub(super) async fn certificate_of(app: &App, key: &SigningKey, now: Timestamp) -> Result<Vec<u8>, GatewayError> {
    let authority = authority(app).await?;
    certify(app, &authority, key, (now.before(SKEW), now.after(SKEW)))
}

/// What a registry is given to trust (`rootcertbundle`), as text: the authority, and every key that signs or is to, for
/// tokens that carry no certificate.
///
/// # Errors
/// Refusals and the database's.
pub async fn trust_bundle(app: &App, ctx: &Ctx) -> Result<String, GatewayError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let (authority, ring) = (authority(app).await?, keyring::ring(app).await?);
    let mut bundle = pem(authority.certificate());
    for key in ring.published(Algorithm::Es256) {
        let span = (ctx.now.before(DAY), ctx.now.after(PUBLISHED));
        bundle.push_str(&pem(&certify(app, &authority, key, span)?));
    }
    Ok(bundle)
}

fn certify(app: &App, authority: &Authority, key: &SigningKey, span: Span) -> Result<Vec<u8>, GatewayError> {
    authority.certify(key, span, &*app.random).map_err(|_| UNREADABLE)
}

/// The authority; made if there is none yet.
async fn authority(app: &App) -> Result<Arc<Authority>, GatewayError> {
    if let Some(known) = app.registry_root.load_full() {
        return Ok(known);
    }
    let stored = setting::get(&mut app.db.read().await?, SETTING).await?;
    let stored = match stored {
        Some(stored) => stored,
        None => make(app).await?,
    };
    let authority = Arc::new(open(app, &stored).ok_or(UNREADABLE)?);
    app.registry_root.store(Some(Arc::clone(&authority)));
    Ok(authority)
}

/// Makes one, unless another node was faster: then that one's it is.
async fn make(app: &App) -> Result<String, GatewayError> {
    let now = app.clock.now();
    let pkcs8 = SigningKey::generate(Algorithm::Es256).map_err(|_| UNREADABLE)?;
    let span = (now.before(DAY), now.after(LIFE));
    let made = Authority::found(&pkcs8, NAME, span, &*app.random).map_err(|_| UNREADABLE)?;
    let sealed = app.peppers.sealer().seal(&*app.random, PURPOSE, &pkcs8);
    let text = format!("{}.{}", base64url(&sealed), base64url(made.certificate()));
    let mut tx = app.db.write().await?;
    let stored = setting::claim(&mut tx, SETTING, &text).await?;
    if stored == text {
        let ctx = app.ctx(Caller::System("registry"));
        audit::record(app, &mut tx, &ctx, None, "registry.root.made", SETTING, json!({})).await?;
    }
    tx.commit().await?;
    Ok(stored)
}

fn open(app: &App, stored: &str) -> Option<Authority> {
    let (sealed, certificate) = stored.split_once('.')?;
    let pkcs8 = app.peppers.sealer().open(PURPOSE, &from_base64url(sealed)?).ok()?;
    Authority::read(&pkcs8, NAME, from_base64url(certificate)?).ok()
}
