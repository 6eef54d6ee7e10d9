//! The gateway that runs, over its API, as the person who signed in by `cardea login` or as whoever the token is.

use crate::complaint::Complaint;
use crate::environment::Environment;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// Where the gateway is, for whoever has not signed in.
const URL: &str = "CARDEA_URL";
/// Who asks, for whoever has not signed in.
const TOKEN: &str = "CARDEA_TOKEN";
/// A preview of a million people takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A gateway and who asks it.
pub(super) struct Remote {
    client: Client,
    url: String,
    token: SecretString,
}

/// What `cardea login` leaves behind.
#[derive(Deserialize, Serialize)]
struct Saved {
    url: String,
    token: String,
}

impl Remote {
    /// The gateway that `CARDEA_URL` and `CARDEA_TOKEN` name, or the one that was signed in to.
    pub(super) fn open(environment: &Environment) -> anyhow::Result<Self> {
        let (url, token) = match (environment.get(URL), environment.get(TOKEN)) {
            (Some(url), Some(token)) => (url.to_owned(), token.to_owned()),
            _ => {
                let saved = read(environment)?;
                (saved.url, environment.get(TOKEN).map_or(saved.token, str::to_owned))
            }
        };
        Ok(Self { client: client()?, url, token: token.into() })
    }

    /// Its address, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What a GET answers.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// Every page of a list as one: its `items`.
    pub(super) async fn all(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = [query, &[("limit", "200"), ("cursor", &cursor)]].concat();
            let mut page = self.get(&asking(path, &page)).await?;
            if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            match page.get("cursor").and_then(Value::as_str) {
                Some(next) if next != cursor => next.clone_into(&mut cursor),
                Some(_) | None => return Ok(json!({"items": items})),
            }
        }
    }

    /// What a request with a body answers; null for an answer without one.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        self.ask(method, path, body).await.map(|(answer, _)| answer)
    }

    /// Moves the session that `cardea login` left to another org, and keeps it for the commands that follow.
    pub(super) async fn switch(&self, environment: &Environment, org: &str) -> anyhow::Result<Value> {
        if environment.get(TOKEN).is_some() {
            let hint = "unset it and sign in with `cardea login`";
            return Err(Complaint::new(TOKEN, "speaks for one org and cannot be moved").hint(hint).into());
        }
        let (answer, session) = self.ask(Method::POST, "/api/v1/me/switch", Some(&json!({"org": org}))).await?;
        if let Some(token) = session {
            save(environment, &Saved { url: self.url.clone(), token })?;
        }
        Ok(answer)
    }

    /// An answer, and the session that came with it.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<(Value, Option<String>)> {
        let request =
            self.client.request(method, format!("{}{path}", self.url)).bearer_auth(self.token.expose_secret());
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(serde_json::to_vec(body).unwrap_or_default())
            }
            None => request,
        };
        let operator = self.token.expose_secret().starts_with("cdao_");
        answer(request, &self.url, if operator { Speaker::Operator } else { Speaker::Person }).await
    }
}

/// What a service behind the gateway is answered, by its client id and secret: nobody needs to have signed in, if
/// `CARDEA_URL` says where the gateway is.
pub(super) async fn ask_as_client(
    environment: &Environment,
    (id, secret): (&str, &str),
    path: &str,
    question: &Value,
) -> anyhow::Result<Value> {
    let url = match environment.get(URL) {
        Some(url) => url.to_owned(),
        None => read(environment)?.url,
    };
    let request = client()?.post(format!("{url}{path}")).basic_auth(id, Some(secret));
    let request = request.header("content-type", "application/json").body(serde_json::to_vec(question)?);
    answer(request, &url, Speaker::Client).await.map(|(answer, _)| answer)
}

/// What a request is answered, and the session that came with it.
async fn answer(request: RequestBuilder, url: &str, speaker: Speaker) -> anyhow::Result<(Value, Option<String>)> {
    let answer = request.send().await.map_err(|error| silent(url, &error))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await?;
    if status.is_success() {
        return Ok((serde_json::from_str(&text).unwrap_or(Value::Null), session_in(&headers)));
    }
    Err(refused(status, &headers, &text, speaker).into())
}

/// Who was refused, as far as the token tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Client,
    Operator,
    Person,
}

/// A refusal in the gateway's own words, with the id by which its log knows the request, and what to do.
fn refused(status: StatusCode, headers: &HeaderMap, text: &str, speaker: Speaker) -> Complaint {
    let problem: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let word = |name: &str| problem.get(name).and_then(Value::as_str);
    let mut what = word("detail").map_or_else(|| format!("it answered {status}"), str::to_owned);
    if let Some(request) = word("request_id") {
        what = format!("{what} (request {request})");
    }
    let complaint = Complaint::new("the gateway", what);
    let seconds = headers.get("retry-after").and_then(|value| value.to_str().ok());
    match (status, word("code"), seconds) {
        (StatusCode::UNAUTHORIZED, ..) if speaker == Speaker::Client => {
            complaint.hint("check the client's id and secret")
        }
        (StatusCode::UNAUTHORIZED, ..) => complaint.hint("sign in with `cardea login`"),
        (_, Some("reauthentication_required"), _) => {
            complaint.hint("sign in again with `cardea login`, then repeat it")
        }
        (StatusCode::FORBIDDEN, ..) if speaker == Speaker::Operator => {
            complaint.hint("an operator has no say over an org's people; sign in as one of its owners or user_admins")
        }
        (_, _, Some(seconds)) => complaint.hint(format!("try again in {seconds} s")),
        _ => complaint,
    }
}

fn silent(url: &str, error: &reqwest::Error) -> Complaint {
    let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let hint = "is it running, and is that its address? `cardea login --url` and CARDEA_URL say which is asked";
    Complaint::new(url, format!("it does not answer: {why}")).hint(hint)
}

/// An address below `/api/v1`: each part is one segment of it, whatever stands in it.
pub(super) fn path(parts: &[&str]) -> anyhow::Result<String> {
    let mut path = "/api/v1".to_owned();
    for part in parts {
        // As a segment it would be another address.
        anyhow::ensure!(!matches!(*part, "" | "." | ".."), "`{part}` is nobody's and nothing's name");
        let segment: String = url::form_urlencoded::byte_serialize(part.as_bytes()).collect();
        path.extend(["/", &segment.replace('+', "%20")]);
    }
    Ok(path)
}

/// The address with a query.
pub(super) fn asking(path: &str, query: &[(&str, &str)]) -> String {
    let query: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

#[expect(clippy::disallowed_methods, reason = "the program's own gateway, at the address that its user typed")]
fn client() -> anyhow::Result<Client> {
    Ok(Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build()?)
}

/// Signs in by password and keeps the session for the commands that follow; its address in the file.
pub(super) async fn sign_in(
    environment: &Environment,
    url: &str,
    email: &str,
    password: &SecretString,
) -> anyhow::Result<PathBuf> {
    let url = url.trim_end_matches('/').to_owned();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("email", email)
        .append_pair("password", password.expose_secret())
        .finish();
    let request = client()?.post(format!("{url}/login/password")).header("origin", &url);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = request.send().await.map_err(|error| silent(&url, &error))?;
    let Some(token) = session_in(answer.headers()) else {
        let hint = "only people with a password of their own sign in here; a token can be given in CARDEA_TOKEN";
        return Err(Complaint::new("login", "the address or the password is wrong").hint(hint).into());
    };
    save(environment, &Saved { url, token })
}

/// The session that an answer opened.
fn session_in(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('=')).find_map(|(name, value)| {
        matches!(name, "cardea" | "__Host-cardea").then(|| value.to_owned()).filter(|value| !value.is_empty())
    })
}

/// Forgets who signed in; whether anybody had.
pub(super) fn forget(environment: &Environment) -> anyhow::Result<bool> {
    match std::fs::remove_file(file(environment)?) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn file(environment: &Environment) -> anyhow::Result<PathBuf> {
    let folder = match (environment.get("XDG_CONFIG_HOME"), environment.get("HOME")) {
        (Some(folder), _) if !folder.is_empty() => PathBuf::from(folder),
        (_, Some(home)) => PathBuf::from(home).join(".config"),
        (_, None) => anyhow::bail!("neither HOME nor XDG_CONFIG_HOME says where to keep who signed in"),
    };
    Ok(folder.join("cardea").join("login.json"))
}

fn read(environment: &Environment) -> anyhow::Result<Saved> {
    let nobody = || Complaint::new("login", "nobody has signed in").hint("sign in with `cardea login --url …`");
    let text = std::fs::read_to_string(file(environment)?).map_err(|_| nobody())?;
    Ok(serde_json::from_str(&text).map_err(|_| nobody())?)
}

/// Readable by its owner only, from the moment it is there.
fn save(environment: &Environment, saved: &Saved) -> anyhow::Result<PathBuf> {
    let path = file(environment)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("new");
    let _absent = std::fs::remove_file(&fresh);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(&serde_json::to_vec(saved)?)?;
    std::fs::rename(&fresh, &path)?;
    Ok(path)
}
