//! A request that its caller calls by a name is done once. The answer to its repetition has no secret: that was shown.

use cardea_model::id::{KeyId, MemberId};
use cardea_model::key::Expiry;
use cardea_model::{Caller, Denied};
use cardea_store::db::Tx;
use cardea_store::idempotency::{self, Made};
use cardea_store::key as rows;
use cardea_tokens::hash::sha256;
use serde_json::{Value, json};

use super::{KeyError, view};
use crate::context::Ctx;

/// The longest name of a request, in bytes.
const LONGEST: usize = 255;

/// What the caller calls a request, and what it asked for.
pub(super) struct Once {
    token: String,
    hash: [u8; 32],
}

impl Once {
    /// Reads the name of a request: printable ASCII.
    pub(super) fn read(
        token: Option<&str>,
        name: &str,
        expiry: Expiry,
        asked: &Value,
    ) -> Result<Option<Self>, KeyError> {
        let Some(token) = token else { return Ok(None) };
        let printable = token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if token.is_empty() || token.len() > LONGEST || !printable {
            return Err(KeyError::Token);
        }
        let asked = json!({"name": name, "expiry": expiry.to_string(), "asked": asked});
        Ok(Some(Self { token: token.to_owned(), hash: sha256(asked.to_string().as_bytes()) }))
    }
}

fn speaker(ctx: &Ctx) -> Result<MemberId, Denied> {
    match &ctx.caller {
        Caller::Person(person) => Ok(person.member),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => {
            Err(Denied::Refused)
        }
    }
}

/// Looks whether it has been done; the caller holds the lock of whoever speaks.
///
/// # Errors
/// [`KeyError::Replayed`] if it has, and [`KeyError::OtherRequest`] if something else has been under this name.
pub(super) async fn seek(tx: &mut Tx, ctx: &Ctx, once: Option<&Once>) -> Result<(), KeyError> {
    let Some(once) = once else { return Ok(()) };
    let Some(made) = idempotency::find(tx, speaker(ctx)?, &once.token).await? else { return Ok(()) };
    if made.request_hash != once.hash {
        return Err(KeyError::OtherRequest);
    }
    let key = rows::any(tx, &made.key.to_string()).await?.ok_or(KeyError::Missing)?;
    Err(KeyError::Replayed(Box::new(view(key, ctx.now, None))))
}

/// Notes what came of it.
pub(super) async fn note(tx: &mut Tx, ctx: &Ctx, once: Option<Once>, key: KeyId) -> Result<(), KeyError> {
    let Some(once) = once else { return Ok(()) };
    let made = Made { request_hash: once.hash.to_vec(), key };
    Ok(idempotency::add(tx, speaker(ctx)?, &once.token, &made, ctx.now).await?)
}
