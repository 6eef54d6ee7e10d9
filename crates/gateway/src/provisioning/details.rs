//! What a record says about its person: the name and the address that people are shown, and where else to find it.

use cardea_model::name::{Email, fold};
use cardea_scim::User;
use cardea_store::connection;
use cardea_store::db::{Conn, DbError};
use cardea_store::person;
use cardea_store::record::Record;

use super::Directory;

/// The name and address of a person.
pub(super) struct Details {
    pub(super) name: String,
    /// The address that is shown.
    pub(super) shown: Option<String>,
    /// The same address for comparing, if it is trusted to be this person's own.
    pub(super) normal: Option<String>,
}

/// Of a person who is about to be created.
pub(super) async fn fresh(conn: &mut Conn, directory: &Directory, user: &User) -> Result<Details, DbError> {
    let email = user.primary_email();
    let normal = match email.and_then(Email::parse) {
        Some(email) => trusted(conn, directory, email, None).await?,
        None => None,
    };
    Ok(Details { name: name(user), shown: email.map(str::to_owned), normal })
}

/// Of a person whose record was `before` (nothing: it was not the directory's) and is now `user`; nothing if the person
/// stays as they are.
pub(super) async fn changed(
    conn: &mut Conn,
    directory: &Directory,
    record: &Record,
    before: Option<&User>,
    user: &User,
) -> Result<Option<Details>, DbError> {
    let same = |before: &User| name(before) == name(user) && before.primary_email() == user.primary_email();
    if before.is_some_and(same) {
        return Ok(None);
    }
    let Some(person) = person::find(conn, record.identity.user).await? else { return Ok(None) };
    let current = person.email.as_deref().filter(|_| person.email_trusted).and_then(Email::parse);
    // An address that was proven elsewhere is not this directory's to take away.
    if let Some(current) = current
        && !is_of(conn, directory, &current).await?
    {
        return Ok(Some(Details { name: name(user), shown: person.email, normal: Some(current.normal) }));
    }
    let email = user.primary_email();
    let normal = match email.and_then(Email::parse) {
        Some(email) => trusted(conn, directory, email, Some(record)).await?,
        None => None,
    };
    Ok(Some(Details { name: name(user), shown: email.map(str::to_owned), normal }))
}

/// The address for comparing, if its domain is this connection's and nobody else has it.
async fn trusted(
    conn: &mut Conn,
    directory: &Directory,
    email: Email,
    whose: Option<&Record>,
) -> Result<Option<String>, DbError> {
    if !is_of(conn, directory, &email).await? {
        return Ok(None);
    }
    let holder = person::with_email(conn, &email.normal).await?;
    let free = holder.is_none_or(|holder| whose.is_some_and(|record| record.identity.user == holder.id));
    Ok(free.then_some(email.normal))
}

async fn is_of(conn: &mut Conn, directory: &Directory, email: &Email) -> Result<bool, DbError> {
    let owner = connection::of_domain(conn, &email.domain).await?;
    Ok(owner.is_some_and(|owner| owner.id == directory.connection))
}

fn name(user: &User) -> String {
    let parts = [user.given_name(), user.family_name()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let whole = Some(parts.as_str()).filter(|parts| !parts.is_empty());
    let first = user.display_name().or(user.formatted_name()).or(whole).or(user.primary_email());
    first.unwrap_or(user.user_name()).to_owned()
}

/// An address as records are found by it, also if it is none by the rules.
pub(super) fn normal(address: &str) -> String {
    Email::parse(address).map_or_else(|| fold(address), |email| email.normal)
}

/// The primary address, as records are found by it.
pub(super) fn primary(user: &User) -> Option<String> {
    user.primary_email().map(normal)
}

/// All other addresses, as records are found by them.
pub(super) fn others(user: &User) -> Vec<String> {
    let primary = primary(user);
    let mut others: Vec<_> = user.emails().iter().map(|email| normal(email.value)).collect();
    others.retain(|other| Some(other) != primary.as_ref());
    others.sort();
    others.dedup();
    others
}
