//! Grants, and the tokens of a family.

use cardea_model::chance::base62;
use cardea_model::id::FamilyId;
use cardea_model::{ShownOnce, Timestamp};
use cardea_store::family::{self, Family};
use cardea_store::token::{self, Token};
use cardea_tokens::format::{Prefix, Secret};
use cardea_tokens::jose::Algorithm;
use serde_json::{Value, json};

use super::claims::Subject;
use super::client::audience;
use super::{Client, OAuthError, TOKEN_LIFE, keyring};
use crate::app::App;
use crate::context::Ctx;
use crate::state::{GrantType, TokenFormat};

/// What a client is given.
pub struct Issued {
    /// The access token.
    pub access_token: ShownOnce<String>,
    /// The refresh token, where the client may have one.
    pub refresh_token: Option<ShownOnce<String>>,
    /// The ID token, where somebody signed in with the scope `openid`.
    pub id_token: Option<String>,
    /// For how many seconds the access token is good.
    pub expires_in: u64,
    /// What was granted, with blanks between.
    pub scope: String,
}

/// A token for the client itself (RFC 6749 §4.4). Its scopes are services: all of the client's own, or some of them.
///
/// # Errors
/// [`OAuthError`].
pub async fn client_credentials(
    app: &App,
    ctx: &Ctx,
    client: &Client,
    scope: Option<&str>,
    resource: Option<&str>,
) -> Result<Issued, OAuthError> {
    client.may(GrantType::ClientCredentials)?;
    // RFC 6749 §4.4: whoever cannot prove itself cannot act for itself.
    if !client.is_confidential() {
        return Err(OAuthError::NotGranted);
    }
    let family = Family {
        id: FamilyId::new(ctx.now, &*app.random),
        client: client.0.id,
        member: None,
        session: None,
        offline: false,
        epoch: 0,
        scope: own_scope(&client.services(app, ctx.now).await?, scope)?,
        audience: audience(app, client, resource).await?,
        nonce: None,
        auth_time: ctx.now,
        minted_at: ctx.now,
        expires_at: ctx.now.after(TOKEN_LIFE),
        ended_at: None,
    };
    let (text, access) = access(app, ctx.now, client, &family, None).await?;
    let mut tx = app.db.write().await?;
    family::add(&mut tx, &family).await?;
    token::add(&mut tx, &access).await?;
    tx.commit().await?;
    Ok(Issued {
        access_token: ShownOnce::new(text),
        refresh_token: None,
        id_token: None,
        expires_in: TOKEN_LIFE.as_secs(),
        scope: family.scope,
    })
}

fn own_scope(services: &[String], asked: Option<&str>) -> Result<String, OAuthError> {
    let asked: Vec<&str> = asked.unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()).collect();
    if !asked.iter().all(|scope| services.iter().any(|known| known == scope)) {
        return Err(OAuthError::Scope);
    }
    Ok(if asked.is_empty() { services.join(" ") } else { asked.join(" ") })
}

/// An access token of a family, in the client's format, not yet stored.
pub(super) async fn access(
    app: &App,
    now: Timestamp,
    client: &Client,
    family: &Family,
    subject: Option<&Subject>,
) -> Result<(String, Token), OAuthError> {
    match client.0.declared.token_format {
        TokenFormat::Opaque => Ok(opaque(app, now, Prefix::Access, family)),
        TokenFormat::Jwt => {
            let kid = base62(&*app.random, 12);
            let claims = signed_claims(app, now, client, family, subject, &kid);
            let text = keyring::sign(app, Algorithm::Es256, "at+jwt", &claims).await?;
            let row = row(app, now, &kid, Prefix::Access, &text, family);
            Ok((text, row))
        }
    }
}

/// A token that says nothing by itself.
pub(super) fn opaque(app: &App, now: Timestamp, prefix: Prefix, family: &Family) -> (String, Token) {
    let secret = Secret::generate(prefix, &*app.random);
    let row = row(app, now, secret.kid().as_str(), prefix, secret.expose(), family);
    (secret.expose().to_owned(), row)
}

fn row(app: &App, now: Timestamp, kid: &str, prefix: Prefix, text: &str, family: &Family) -> Token {
    let access = prefix == Prefix::Access;
    Token {
        kid: kid.to_owned(),
        kind: if access { "access" } else { "refresh" }.to_owned(),
        mac: app.peppers.mac(text).to_bytes().to_vec(),
        family: family.id,
        issued_at: now,
        expires_at: if access { now.after(TOKEN_LIFE) } else { family.expires_at },
        used_at: None,
    }
}

/// RFC 9068 §2.2.
fn signed_claims(
    app: &App,
    now: Timestamp,
    client: &Client,
    family: &Family,
    subject: Option<&Subject>,
    kid: &str,
) -> Value {
    let mut claims = json!({
        "iss": app.settings.public_url,
        "sub": subject.map_or_else(|| client.client_id().to_owned(), |person| person.user.to_string()),
        "aud": family.audience,
        "exp": now.after(TOKEN_LIFE).as_seconds(),
        "iat": now.as_seconds(),
        "jti": kid,
        "client_id": client.client_id(),
        "scope": family.scope,
    });
    if let (Some(person), Some(members)) = (subject, claims.as_object_mut()) {
        members.insert("auth_time".to_owned(), family.auth_time.as_seconds().into());
        members.insert("org".to_owned(), person.org.clone().into());
        members.insert("roles".to_owned(), person.roles.clone().into());
    }
    claims
}
