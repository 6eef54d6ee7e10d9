//! A person comes from a service, signs in where that is needed, and goes back with a code (RFC 6749 §4.1, OpenID Connect
//! Core §3.1.2). Nobody is asked for consent: the services behind the gateway are the org's own.
//!
//! ```text
//! client and redirect address proven ─► the request itself ─► who is signed in, and since when ─► code ─► back
//!   else a page here, never a redirect    else back with an error   else /login, and here again
//! ```

use std::time::Duration;

use cardea_model::chance::base62;
use cardea_model::id::FamilyId;
use cardea_model::{Caller, Fault as _, Person, Timestamp};
use cardea_store::code::{self, Code};
use cardea_store::family::{self, Family};
use cardea_store::member;
use cardea_store::session::Session;
use cardea_tokens::hash::sha256;
use serde_json::json;
use url::Url;

use super::client::audience;
use super::{Client, OAuthError, TOKEN_LIFE, keyring};
use crate::app::App;
use crate::audit;
use crate::check;
use crate::context::Ctx;
use crate::session;
use crate::state::GrantType;
use crate::tries;

/// How long a code is good.
pub const CODE_LIFE: Duration = Duration::from_secs(60);
/// For one sign-in a browser comes here about so often: before it, after it, and for each further service.
const PER_SIGN_IN: u32 = 8;
/// How long what outlives its session goes on at the most.
pub const OFFLINE_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// What can be granted of a person; what else is asked for is passed over (OpenID Connect Core §3.1.2.1).
pub const SCOPES: [&str; 6] = ["openid", "profile", "email", "groups", "offline_access", "org"];

/// What a service asks for, as it stands in the address.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The client.
    pub client_id: Option<String>,
    /// Where the answer goes.
    pub redirect_uri: Option<String>,
    /// `code`.
    pub response_type: Option<String>,
    /// `query`, if given.
    pub response_mode: Option<String>,
    /// What is asked for, with blanks between.
    pub scope: Option<String>,
    /// Comes back as it is.
    pub state: Option<String>,
    /// Comes back in the ID token.
    pub nonce: Option<String>,
    /// SHA-256 of the verifier (RFC 7636 §4.3).
    pub code_challenge: Option<String>,
    /// `S256`.
    pub code_challenge_method: Option<String>,
    /// `none`, or `login`, `select_account` and `consent`.
    pub prompt: Option<String>,
    /// How many seconds ago the person may have signed in.
    pub max_age: Option<String>,
    /// An ID token of ours for the person who is expected.
    pub id_token_hint: Option<String>,
    /// Whom access tokens are for.
    pub resource: Option<String>,
    /// A request object, which is not supported.
    pub request: Option<String>,
    /// Where one is, which is not supported.
    pub request_uri: Option<String>,
    /// Since when they must have signed in, in microseconds: our own note, once they were sent to the door.
    pub signed_in_after: Option<i64>,
}

/// Where the browser goes now.
#[derive(Debug)]
pub enum Outcome {
    /// Back to the service.
    Back(Url),
    /// To the door, and then here again.
    SignIn,
}

/// What was asked for, and found good.
struct Wanted<'r> {
    client: &'r Client,
    redirect_uri: &'r str,
    challenge: &'r str,
    scope: String,
    audience: String,
    nonce: Option<String>,
}

/// Answers.
///
/// # Errors
/// [`OAuthError`] where client or redirect address are not proven, or a network asks more than people do, and the
/// database's: shown here, never sent on.
pub async fn authorize(app: &App, ctx: &Ctx, request: &Request) -> Result<Outcome, OAuthError> {
    let most = app.settings.sign_ins_per_minute.saturating_mul(PER_SIGN_IN);
    tries::crowd(app, ctx, "authorize", most).map_err(OAuthError::Crowded)?;
    let client_id = request.client_id.as_deref().ok_or(OAuthError::Request("`client_id` is missing"))?;
    let entry = check::known_client(app, client_id).await?;
    let client = entry.map(Client).ok_or(OAuthError::Request("there is no such client"))?;
    let redirect_uri = request.redirect_uri.as_deref().ok_or(OAuthError::Request("`redirect_uri` is missing"))?;
    // RFC 9700 §2.1: compared as it is, so that no clever spelling leads elsewhere.
    if !is_registered(&client, redirect_uri) {
        return Err(OAuthError::Request("this `redirect_uri` is not one of the client's"));
    }
    let mut back = Url::parse(redirect_uri).map_err(|_| OAuthError::Request("`redirect_uri` is no address"))?;
    let answer = match decide(app, ctx, &client, redirect_uri, request).await {
        Ok(Some(code)) => ("code", code, None),
        Ok(None) => return Ok(Outcome::SignIn),
        Err(OAuthError::Other(error)) => return Err(error.into()),
        Err(error) => ("error", error.code().to_owned(), Some(error.to_string())),
    };
    let (name, value, description) = answer;
    let mut pairs = back.query_pairs_mut();
    pairs.append_pair(name, &value);
    if let Some(description) = &description {
        pairs.append_pair("error_description", description);
    }
    if let Some(state) = &request.state {
        pairs.append_pair("state", state);
    }
    // RFC 9207 §2: whoever uses several providers must see which of them answers.
    pairs.append_pair("iss", &app.settings.public_url);
    drop(pairs);
    Ok(Outcome::Back(back))
}

/// Exactly one of the client's addresses; a program on the person's own machine may choose its port (RFC 8252 §7.3).
fn is_registered(client: &Client, redirect_uri: &str) -> bool {
    let mut known = client.0.declared.redirect_uris.iter();
    known.any(|known| known == redirect_uri || !client.is_confidential() && same_but_port(known, redirect_uri))
}

fn same_but_port(known: &str, given: &str) -> bool {
    let portless = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        // What another spelling of an address hides is refused with it.
        let plain = url.as_str() == text && url.scheme() == "http" && url.username().is_empty();
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]"));
        (plain && loopback).then(|| url.set_port(None).ok().map(|()| url))?
    };
    portless(known).is_some_and(|known| portless(given) == Some(known))
}

/// The code; `None` if somebody has to sign in first.
async fn decide(
    app: &App,
    ctx: &Ctx,
    client: &Client,
    redirect_uri: &str,
    request: &Request,
) -> Result<Option<String>, OAuthError> {
    let wanted = read(app, client, redirect_uri, request).await?;
    let prompts: Vec<&str> = words(request.prompt.as_deref()).collect();
    let silent = prompts.contains(&"none");
    if silent && prompts.len() > 1 {
        return Err(OAuthError::Request("`prompt=none` stands alone"));
    }
    let max_age = request.max_age.as_deref().map(str::parse::<u64>).transpose();
    let max_age = max_age.map_err(|_| OAuthError::Request("`max_age` is a number of seconds"))?;
    let expected = match &request.id_token_hint {
        Some(hint) => Some(subject_of(app, hint).await?),
        None => None,
    };
    let sign_in = || if silent { Err(OAuthError::LoginRequired) } else { Ok(None) };
    let Caller::Person(person) = &ctx.caller else { return sign_in() };
    let living = session::living(app, &mut app.db.read().await?, person.session, ctx.now).await?;
    let Some(row) = living else { return sign_in() };
    let auth_time = session::signed_in_at(app, &row);
    // Who comes back from the door brings neither of the two again, and a note instead.
    let old = max_age.is_some_and(|most| ctx.now.since(auth_time) > Duration::from_secs(most));
    let asked = prompts.iter().any(|prompt| matches!(*prompt, "login" | "select_account"));
    if old || asked || request.signed_in_after.is_some_and(|after| auth_time.as_micros() < after) {
        return sign_in();
    }
    if expected.is_some_and(|expected| expected != person.user.to_string()) {
        // Whoever has just signed in and is still another person will not become the right one by doing so again.
        return if request.signed_in_after.is_some() { Err(OAuthError::LoginRequired) } else { sign_in() };
    }
    // A client of one account sees that account's people only.
    if client.0.account.is_some_and(|account| account != person.account) {
        return Err(OAuthError::AccessDenied);
    }
    grant(app, ctx, (person, &row), auth_time, &wanted).await.map(Some)
}

/// Everything about the request that does not depend on who is signed in.
async fn read<'r>(
    app: &App,
    client: &'r Client,
    redirect_uri: &'r str,
    request: &'r Request,
) -> Result<Wanted<'r>, OAuthError> {
    // OpenID Connect Core §6.1 and §6.2.
    if request.request.is_some() {
        return Err(OAuthError::RequestObject);
    }
    if request.request_uri.is_some() {
        return Err(OAuthError::RequestUri);
    }
    match request.response_type.as_deref() {
        Some("code") => {}
        Some(_) => return Err(OAuthError::ResponseType),
        None => return Err(OAuthError::Request("`response_type` is missing")),
    }
    if !matches!(request.response_mode.as_deref(), None | Some("query")) {
        return Err(OAuthError::Request("only `response_mode=query` is served"));
    }
    client.may(GrantType::AuthorizationCode)?;
    // RFC 9700 §2.1.1: PKCE for every client, and never `plain`.
    let challenge = request.code_challenge.as_deref().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if request.code_challenge_method.as_deref() != Some("S256")
        || challenge.len() != 43
        || !challenge.bytes().all(plain)
    {
        return Err(OAuthError::Request("`code_challenge` with `code_challenge_method=S256` is needed"));
    }
    let refreshes = client.may(GrantType::RefreshToken).is_ok();
    let scope: Vec<&str> = words(request.scope.as_deref())
        // Any program of the person's machine can pretend to be a client that proves nothing.
        .filter(|scope| SCOPES.contains(scope) && (refreshes && client.is_confidential() || *scope != "offline_access"))
        .collect();
    Ok(Wanted {
        client,
        redirect_uri,
        challenge,
        scope: scope.join(" "),
        audience: audience(app, client, request.resource.as_deref()).await?,
        nonce: request.nonce.clone(),
    })
}

fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(' ').filter(|word| !word.is_empty())
}

/// Whom an ID token of ours was about, however old it is.
async fn subject_of(app: &App, hint: &str) -> Result<String, OAuthError> {
    let wrong = OAuthError::Request("`id_token_hint` is no ID token of ours");
    let Some(payload) = keyring::ring(app).await?.payload(hint) else { return Err(wrong) };
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap_or_default();
    claims.get("sub").and_then(serde_json::Value::as_str).map(str::to_owned).ok_or(wrong)
}

/// Writes down what is granted, and the code for it.
async fn grant(
    app: &App,
    ctx: &Ctx,
    (person, row): (&Person, &Session),
    auth_time: Timestamp,
    wanted: &Wanted<'_>,
) -> Result<String, OAuthError> {
    let offline = words(Some(&wanted.scope)).any(|scope| scope == "offline_access");
    let refreshes = wanted.client.may(GrantType::RefreshToken).is_ok();
    let expires_at = match (offline, refreshes) {
        (true, _) => ctx.now.after(OFFLINE_LIFE),
        (false, true) => row.expires_at,
        (false, false) => ctx.now.after(CODE_LIFE + TOKEN_LIFE),
    };
    let family = Family {
        id: FamilyId::new(ctx.now, &*app.random),
        client: wanted.client.0.id,
        member: Some(person.member),
        session: Some(person.session),
        offline,
        epoch: row.epoch,
        scope: wanted.scope.clone(),
        audience: wanted.audience.clone(),
        nonce: wanted.nonce.clone(),
        auth_time,
        minted_at: ctx.now,
        expires_at,
        ended_at: None,
    };
    let text = base62(&*app.random, 43);
    let code = Code {
        hash: sha256(text.as_bytes()).to_vec(),
        family: family.id,
        redirect_uri: wanted.redirect_uri.to_owned(),
        challenge: wanted.challenge.to_owned(),
        expires_at: ctx.now.after(CODE_LIFE),
        used_at: None,
    };
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(OAuthError::LoginRequired)?;
    if !member::touch(&mut tx, person.member, row.epoch).await? {
        return Err(OAuthError::LoginRequired);
    }
    family::add(&mut tx, &family).await?;
    code::add(&mut tx, &code).await?;
    let detail = json!({"client": wanted.client.client_id(), "scope": wanted.scope});
    audit::record(app, &mut tx, &ctx, Some(person.account), "sign_on.granted", &person.user.to_string(), detail)
        .await?;
    tx.commit().await?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::same_but_port;

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        let known = "http://127.0.0.1/cb";
        for given in ["http://127.0.0.1:4711/cb", "http://127.0.0.1/cb"] {
            assert!(same_but_port(known, given), "{given}");
        }
        for given in [
            "http://127.0.0.1:4711/other",
            "http://127.0.0.1:4711/cb/",
            "http://127.0.0.1:4711/cb?x=1",
            "http://x@127.0.0.1:4711/cb",
            "http://127.1:4711/cb",
            "https://127.0.0.1:4711/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:4711/a/../cb",
            "http:\\\\127.0.0.1\\cb",
        ] {
            assert!(!same_but_port(known, given), "{given}");
        }
        assert!(!same_but_port("http://portal.example/cb", "http://portal.example:81/cb"));
    }
}
