//! A service sends a person here to sign out (OpenID Connect RP-Initiated Logout 1.0 §2).
//!
//! | what the service shows | what happens |
//! |---|---|
//! | an ID token of ours about whoever is signed in | their session ends, and they go back |
//! | one about somebody else, or none | they are asked |
//! | an address that the client has not registered | nothing, and they are told so (§3) |
//!
//! Nobody goes back anywhere unless a client is known, by an ID token for it or by its name, and the address is one of its own.

use cardea_model::Caller;
use url::Url;

use super::{Client, OAuthError, keyring};
use crate::app::App;
use crate::check;
use crate::context::Ctx;
use crate::session;

/// What a service asks for, as it stands in the address.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// An ID token of ours, however old.
    pub id_token_hint: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Where the person goes afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Comes back as it is.
    pub state: Option<String>,
}

/// What the browser is shown.
#[derive(Debug)]
pub enum Left {
    /// The session is over, if there was one.
    Gone(Option<Url>),
    /// The person has to say so; they go back then, if this client is known to ask.
    Ask(Option<String>),
}

/// Whom an ID token was about, and for which client it was.
struct Hint {
    subject: String,
    client_id: String,
}

/// Ends the session of whoever is signed in, if the request shows that it is meant by them.
///
/// # Errors
/// [`OAuthError::Request`] for an address that is not the client's, and the database's.
pub async fn logout(app: &App, ctx: &Ctx, leaving: &Leaving) -> Result<Left, OAuthError> {
    let hint = match &leaving.id_token_hint {
        Some(text) => read(app, text).await?,
        None => None,
    };
    if let (Some(hint), Some(client_id)) = (&hint, &leaving.client_id)
        && hint.client_id != *client_id
    {
        return Err(OAuthError::Request("`id_token_hint` is not for the client of `client_id`"));
    }
    let client_id = hint.as_ref().map(|hint| hint.client_id.clone()).or_else(|| leaving.client_id.clone());
    let back = way_back(app, client_id.as_deref(), leaving).await?;
    let Caller::Person(person) = &ctx.caller else { return Ok(Left::Gone(back.filter(|_| hint.is_some()))) };
    // §2: whoever can make a browser go here must not be able to sign its person out.
    if hint.is_none_or(|hint| hint.subject != person.user.to_string()) {
        return Ok(Left::Ask(client_id));
    }
    session::sign_out(app, ctx).await?;
    Ok(Left::Gone(back))
}

/// Ends the session of whoever was asked and said yes; where they go.
///
/// # Errors
/// As [`logout`].
pub async fn confirmed(app: &App, ctx: &Ctx, leaving: &Leaving) -> Result<Option<Url>, OAuthError> {
    let back = way_back(app, leaving.client_id.as_deref(), leaving).await?;
    session::sign_out(app, ctx).await?;
    Ok(back)
}

/// What an ID token of ours says; nothing if it is none.
async fn read(app: &App, text: &str) -> Result<Option<Hint>, OAuthError> {
    let Some(payload) = keyring::ring(app).await?.payload(text) else { return Ok(None) };
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap_or_default();
    let claim = |name: &str| claims.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    // An access token that we signed names its client too; only an ID token is about somebody who is leaving.
    let is_id_token = claim("client_id").is_none() && claim("iss").is_some_and(|iss| iss == app.settings.public_url);
    Ok(claim("sub").zip(claim("aud")).filter(|_| is_id_token).map(|(subject, client_id)| Hint { subject, client_id }))
}

/// The address to which the person goes back; nothing if none is asked for, or no client is known to ask.
async fn way_back(app: &App, client_id: Option<&str>, leaving: &Leaving) -> Result<Option<Url>, OAuthError> {
    let (Some(client_id), Some(wanted)) = (client_id, &leaving.post_logout_redirect_uri) else { return Ok(None) };
    let client = check::known_client(app, client_id).await?.map(Client);
    let client = client.ok_or(OAuthError::Request("there is no such client"))?;
    // §3: compared as it is, so that no clever spelling leads elsewhere.
    if !client.0.declared.post_logout_redirect_uris.contains(wanted) {
        return Err(OAuthError::Request("this `post_logout_redirect_uri` is not one of the client's"));
    }
    let mut back = Url::parse(wanted).map_err(|_| OAuthError::Request("`post_logout_redirect_uri` is no address"))?;
    if let Some(state) = &leaving.state {
        back.query_pairs_mut().append_pair("state", state);
    }
    Ok(Some(back))
}
