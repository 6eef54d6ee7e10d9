//! Secrets of a document against those that stand: equal ones change nothing, and none is ever said back.

use std::collections::BTreeMap;

use cardea_model::id::{AccountId, UserId};
use cardea_model::name::Email;
use cardea_store::db::Conn;
use cardea_store::{password, person};
use cardea_tokens::format::{Prefix, parse};
use cardea_tokens::hash::same;
use cardea_tokens::pepper::Mac;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::DeclareError;
use crate::accounts::DIRECTORY_SECRET;
use crate::app::App;
use crate::check;
use crate::factors;
use crate::login::connector;
use crate::password::{PasswordError, Weakness};
use crate::state::{Account, Problem, Secret, State, Thing, Withheld};

/// Somebody of the document who signs in by password.
struct Local<'a> {
    /// Below the account.
    path: String,
    email: Email,
    given: Option<&'a SecretString>,
}

fn locals<'a>(account: &'a Account) -> Vec<Local<'a>> {
    let owner = account.owner.iter().map(|owner| ("owner".to_owned(), Some(&owner.email), owner.password.as_ref()));
    let users = account.users.iter().flatten().enumerate();
    let users = users.map(|(index, user)| (format!("users[{index}]"), user.email.as_ref(), user.password.as_ref()));
    let read = |(path, email, secret): (String, Option<&'a String>, Option<&'a Secret>)| {
        Some(Local { path, email: Email::parse(email?)?, given: secret.and_then(Secret::given) })
    };
    owner.chain(users).filter_map(read).collect()
}

/// What the document's passwords mean for those that stand. Computed before any transaction is open.
pub(super) struct Passwords(BTreeMap<String, Compared>);

/// One of them.
struct Compared {
    path: String,
    /// The hash that stood then.
    standing: Option<(UserId, Option<String>)>,
    /// The new hash, if the password is another.
    hash: Option<String>,
    weak: Option<Weakness>,
}

impl Passwords {
    /// Verifies each given password against the standing hash, and hashes it only if it does not fit.
    pub(super) async fn compare(app: &App, declared: &Account) -> Result<Self, DeclareError> {
        let mut all = BTreeMap::new();
        for local in locals(declared) {
            let normal = local.email.normal.clone();
            all.insert(normal, compare(app, &declared.name, local).await?);
        }
        Ok(Self(all))
    }

    /// Whether the hashes that were compared still stand.
    pub(super) async fn stand(&self, conn: &mut Conn) -> Result<bool, DeclareError> {
        for (normal, compared) in &self.0 {
            if stored(conn, normal).await? != compared.standing {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The new hash for the person with this address.
    pub(super) fn hash(&self, normal: &str) -> Option<&String> {
        self.0.get(normal)?.hash.as_ref()
    }

    /// Whether the person of the document with this address has a password already.
    pub(super) fn has(&self, email: &str) -> bool {
        let compared = Email::parse(email).and_then(|email| self.0.get(&email.normal));
        compared.is_some_and(|compared| compared.standing.as_ref().is_some_and(|(_, hash)| hash.is_some()))
    }

    /// What is wrong with the given passwords.
    pub(super) fn problems(&self, index: usize) -> impl Iterator<Item = Problem> {
        let weak = self.0.values().filter_map(|compared| Some((&compared.path, compared.weak.as_ref()?)));
        weak.map(move |(path, weakness)| Problem {
            path: format!("accounts[{index}].{path}.password"),
            what: weakness.to_string(),
        })
    }
}

async fn compare(app: &App, account: &str, local: Local<'_>) -> Result<Compared, DeclareError> {
    let standing = stored(&mut app.db.read().await?, &local.email.normal).await?;
    let mut compared = Compared { path: local.path, standing, hash: None, weak: None };
    let Some(given) = local.given else { return Ok(compared) };
    let known = compared.standing.as_ref().and_then(|(_, hash)| hash.clone());
    if known.is_some() && app.passwords.verify(known, given.clone()).await.map_err(DeclareError::Password)? {
        return Ok(compared);
    }
    let about = factors::about(&mut app.db.read().await?, &local.email, Some(account)).await?;
    match app.passwords.hash(&*app.random, given.clone(), &about).await {
        Ok(hash) => compared.hash = Some(hash),
        Err(PasswordError::Weak(weakness)) => compared.weak = Some(weakness),
        Err(error @ (PasswordError::Busy | PasswordError::Failed)) => return Err(DeclareError::Password(error)),
    }
    Ok(compared)
}

async fn stored(conn: &mut Conn, normal: &str) -> Result<Option<(UserId, Option<String>)>, DeclareError> {
    let Some(person) = person::with_email(conn, normal).await? else { return Ok(None) };
    let password = password::find(conn, person.id).await?;
    Ok(Some((person.id, password.map(|password| password.hash))))
}

/// The given secret of a client, if it is not the one that stands.
pub(super) fn new_for_client(app: &App, id: &str, mac: Option<&[u8]>, given: Option<&Secret>) -> Option<SecretString> {
    let given = given?.given()?;
    let mac = mac.and_then(Mac::from_bytes);
    let stands =
        mac.is_some_and(|mac| app.peppers.verify_secret(&mac, check::CLIENT_SECRET, id, given.expose_secret()));
    (!stands).then(|| given.clone())
}

/// The given secret of a connection, if it is not the one that stands.
pub(super) fn new_for_connection(app: &App, sealed: Option<&[u8]>, given: Option<&Secret>) -> Option<SecretString> {
    let given = given?.given()?;
    let stands = sealed.is_some_and(|sealed| {
        // A secret that no longer opens is replaced by the given one.
        let opened = app.peppers.sealer().open(connector::CLIENT_SECRET, sealed);
        opened.is_ok_and(|plain| same(&plain, given.expose_secret().as_bytes()))
    });
    (!stands).then(|| given.clone())
}

/// Whether the given secret of a directory token is the one that stands.
pub(super) fn is_token(app: &App, mac: &[u8], given: &SecretString) -> bool {
    Mac::from_bytes(mac).is_some_and(|mac| app.peppers.verify_secret(&mac, DIRECTORY_SECRET, "", given.expose_secret()))
}

/// The problems of secrets that are not given and do not stand either.
pub(super) fn missing(withheld: &[Withheld<'_>], has: impl Fn(&Thing<'_>, &str) -> bool) -> Vec<Problem> {
    let missing = withheld.iter().filter(|secret| !has(&secret.of, &secret.path));
    let what = "must be given: there is none here that could be kept";
    missing.map(|secret| Problem { path: secret.path.clone(), what: what.to_owned() }).collect()
}

/// Operators' tokens reach the control plane, so only our own form, with its 256 random bits, will do.
pub(super) fn wrong_operator_tokens(state: &State) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, operator) in state.operators.iter().enumerate() {
        let Some(Secret::Given(token)) = &operator.token else { continue };
        let mut say = |what: String| problems.push(Problem { path: format!("operators[{index}].token"), what });
        if !parse(token.expose_secret()).is_ok_and(|parsed| parsed.prefix == Prefix::Operator) {
            say("is no operator token; make one with `cardea operator create --print-only`".to_owned());
        } else if let Some(first) = state.operators.iter().take(index).find(|other| other.token == operator.token) {
            say(format!("is the token of the operator `{}`", first.name));
        }
    }
    problems
}

/// People who are given one password here and another there: each apply would set both in turn.
pub(super) fn wrong_passwords(state: &State) -> Vec<Problem> {
    let mut given: BTreeMap<String, (&SecretString, &str)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (index, account) in state.accounts.iter().enumerate() {
        for local in locals(account) {
            let Some(password) = local.given else { continue };
            let (first, whose) = given.entry(local.email.normal).or_insert((password, &account.name));
            if !same(first.expose_secret().as_bytes(), password.expose_secret().as_bytes()) {
                let what = format!("is another than for the same person of `{whose}`; a person has one password");
                problems.push(Problem { path: format!("accounts[{index}].{}.password", local.path), what });
            }
        }
    }
    problems
}

/// Secrets that nothing uses yet, by name. It prints nothing of them.
#[derive(Default)]
pub(super) struct Vault(BTreeMap<String, SecretString>);

impl Vault {
    /// Opens the sealed secrets of a section.
    pub(super) fn open(
        app: &App,
        account: Option<AccountId>,
        section: &str,
        sealed: Option<&[u8]>,
    ) -> Result<Self, DeclareError> {
        let Some(sealed) = sealed else { return Ok(Self::default()) };
        let plain = app.peppers.sealer().open(&purpose(account, section), sealed);
        let plain = plain.map_err(|_| DeclareError::Corrupt("section's secrets"))?;
        let texts: BTreeMap<String, String> =
            serde_json::from_slice(&plain).map_err(|_| DeclareError::Corrupt("section's secrets"))?;
        Ok(Self(texts.into_iter().map(|(name, text)| (name, text.into())).collect()))
    }

    /// All of them, sealed for their section; nothing if there is none.
    pub(super) fn seal(
        &self,
        app: &App,
        account: Option<AccountId>,
        section: &str,
    ) -> Result<Option<Vec<u8>>, DeclareError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let texts: BTreeMap<&str, &str> =
            self.0.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret())).collect();
        let plain = serde_json::to_vec(&texts).map_err(|_| DeclareError::Corrupt("section's secrets"))?;
        let plain: SecretSlice<u8> = plain.into();
        Ok(Some(app.peppers.sealer().seal(&*app.random, &purpose(account, section), plain.expose_secret())))
    }

    /// What an export says of the secret of this name.
    pub(super) fn kept(&self, name: &str) -> Option<Secret> {
        self.0.get(name).map(|_| Secret::Kept)
    }

    /// Takes the given secret, or else the one that `before` has; whether that is another than before.
    pub(super) fn take(&mut self, name: String, given: Option<&Secret>, before: &Self) -> bool {
        let standing = before.0.get(&name);
        let given = given.and_then(Secret::given);
        let changed = given.is_some_and(|given| {
            !standing.is_some_and(|known| same(known.expose_secret().as_bytes(), given.expose_secret().as_bytes()))
        });
        if let Some(secret) = given.or(standing) {
            self.0.insert(name, secret.clone());
        }
        changed
    }
}

fn purpose(account: Option<AccountId>, section: &str) -> String {
    format!("state_section/{}/{section}", account.map(|id| id.to_string()).unwrap_or_default())
}
