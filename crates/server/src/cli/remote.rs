//! The gateway that runs, over its API, as the person who signed in by `cardea login` or as whoever the token is.

use crate::complaint::Complaint;
use crate::environment::Environment;
use anyhow::Context as _;
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

    /// What a GET answers.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// What a request with a body answers; null for an answer without one.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let request =
            self.client.request(method, format!("{}{path}", self.url)).bearer_auth(self.token.expose_secret());
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(serde_json::to_vec(body).unwrap_or_default())
            }
            None => request,
        };
        answer(request, &self.url).await
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
    let body = serde_json::to_vec(question).unwrap_or_default();
    answer(request.header("content-type", "application/json").body(body), &url).await
}

async fn answer(request: RequestBuilder, url: &str) -> anyhow::Result<Value> {
    let answer = request.send().await.with_context(|| format!("{url} does not answer"))?;
    let (status, text) = (answer.status(), answer.text().await?);
    if status.is_success() {
        return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
    }
    Err(refused(status, &text).into())
}

/// A refusal in the gateway's own words.
fn refused(status: StatusCode, text: &str) -> Complaint {
    let problem: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let word = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
    let complaint = Complaint::new("the gateway", word("detail").unwrap_or_else(|| format!("it answered {status}")));
    match status {
        StatusCode::UNAUTHORIZED => complaint.hint("sign in with `cardea login`"),
        _ => complaint,
    }
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
    let answer = request.send().await.with_context(|| format!("{url} does not answer"))?;
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let session = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('=')).find_map(|(name, value)| {
        matches!(name, "cardea" | "__Host-cardea").then(|| value.to_owned()).filter(|value| !value.is_empty())
    });
    let Some(token) = session else {
        let hint = "only people with a password of their own sign in here; a token can be given in CARDEA_TOKEN";
        return Err(Complaint::new("login", "the address or the password is wrong").hint(hint).into());
    };
    save(environment, &Saved { url, token })
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
