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
use crate::state::{Account, Owner, Problem, Secret, State, Thing, Withheld};

/// What the document's password of an owner means for the one that stands. Computed before any transaction is open.
pub(super) struct OwnerPassword {
    /// The hash that stood then.
    standing: Option<(UserId, Option<String>)>,
    /// The new hash, if the password is another.
    pub(super) hash: Option<String>,
    weak: Option<Weakness>,
}

impl OwnerPassword {
    /// Verifies the given password against the standing hash, and hashes it only if it does not fit.
    pub(super) async fn compare(app: &App, declared: &Account) -> Result<Self, DeclareError> {
        let owner = declared.owner.as_ref();
        let standing = stored(&mut app.db.read().await?, owner).await?;
        let mut compared = Self { standing, hash: None, weak: None };
        let Some(Secret::Given(given)) = owner.and_then(|owner| owner.password.as_ref()) else { return Ok(compared) };
        let known = compared.standing.as_ref().and_then(|(_, hash)| hash.clone());
        if known.is_some() && app.passwords.verify(known, given.clone()).await.map_err(DeclareError::Password)? {
            return Ok(compared);
        }
        let about = match owner.and_then(|owner| Email::parse(&owner.email)) {
            Some(email) => factors::about(&mut app.db.read().await?, &email, Some(&declared.name)).await?,
            None => Vec::new(),
        };
        match app.passwords.hash(&*app.random, given.clone(), &about).await {
            Ok(hash) => compared.hash = Some(hash),
            Err(PasswordError::Weak(weakness)) => compared.weak = Some(weakness),
            Err(error @ (PasswordError::Busy | PasswordError::Failed)) => return Err(DeclareError::Password(error)),
        }
        Ok(compared)
    }

    /// Whether the hash that was compared still stands.
    pub(super) async fn stands(&self, conn: &mut Conn, owner: Option<&Owner>) -> Result<bool, DeclareError> {
        Ok(stored(conn, owner).await? == self.standing)
    }

    /// Whether the owner has a password already.
    pub(super) fn has_hash(&self) -> bool {
        self.standing.as_ref().is_some_and(|(_, hash)| hash.is_some())
    }

    /// What is wrong with the given password.
    pub(super) fn problem(&self, index: usize) -> Option<Problem> {
        let path = format!("accounts[{index}].owner.password");
        self.weak.as_ref().map(|weakness| Problem { path, what: weakness.to_string() })
    }
}

async fn stored(conn: &mut Conn, owner: Option<&Owner>) -> Result<Option<(UserId, Option<String>)>, DeclareError> {
    let Some(email) = owner.and_then(|owner| Email::parse(&owner.email)) else { return Ok(None) };
    let Some(person) = person::with_email(conn, &email.normal).await? else { return Ok(None) };
    Ok(Some((person.id, password::find(conn, person.id).await?)))
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

/// Owners who are given one password here and another there: each apply would set both in turn.
pub(super) fn wrong_passwords(state: &State) -> Vec<Problem> {
    let person = |account: &Account| account.owner.as_ref().and_then(|owner| Email::parse(&owner.email));
    let password = |account: &Account| account.owner.as_ref().and_then(|owner| owner.password.clone());
    let mut problems = Vec::new();
    for (index, account) in state.accounts.iter().enumerate() {
        let (Some(email), Some(given @ Secret::Given(_))) = (person(account), password(account)) else { continue };
        let clashes = |other: &&Account| {
            let same = person(other).is_some_and(|known| known.normal == email.normal);
            same && matches!(password(other), Some(known @ Secret::Given(_)) if known != given)
        };
        if let Some(other) = state.accounts.iter().take(index).find(clashes) {
            let what = format!("is another than for the same owner of `{}`; a person has one password", other.name);
            problems.push(Problem { path: format!("accounts[{index}].owner.password"), what });
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
