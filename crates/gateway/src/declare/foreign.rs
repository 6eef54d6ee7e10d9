//! What only the database can object to: names, domains and secrets that are somebody else's, or that were used up.

use std::collections::BTreeSet;

use cardea_model::name::{Email, domain};
use cardea_store::db::Conn;
use cardea_store::{account, client, connection, member, person, section};
use secrecy::ExposeSecret as _;

use super::standing::{SIGNALS, Services, Standing};
use super::{DeclareError, canonical, secrets};
use crate::accounts::{AccountError, DIRECTORY_SECRET};
use crate::app::App;
use crate::entitlements;
use crate::saml::providers;
use crate::state::{Account, Client, DirectoryToken, Org, OrgKind, Problem, Secret, Signal};

/// What earlier accounts of the document let go or took.
#[derive(Clone, Default)]
pub(super) struct Seen {
    free_domains: BTreeSet<String>,
    free_clients: BTreeSet<String>,
    free_signals: BTreeSet<String>,
    tokens: BTreeSet<Vec<u8>>,
}

/// What stands in the way of this account.
pub(super) async fn of_account(
    app: &App,
    conn: &mut Conn,
    (index, declared): (usize, &Account),
    standing: &Standing,
    seen: &mut Seen,
) -> Result<Vec<Problem>, DeclareError> {
    let path = format!("accounts[{index}]");
    let mut problems = Vec::new();
    match &declared.org {
        Some(org) => of_org(&mut problems, conn, &path, org, standing).await?,
        // The org of a new account takes the account's name.
        None if standing.row.is_none() && account::of_org(conn, &declared.name).await?.is_some() => {
            say(&mut problems, format!("{path}.org.name"), format!("`{}` is another account's", declared.name));
        }
        None => {}
    }
    of_owners(&mut problems, &path, declared, &standing.owners, app.settings.org_owners);
    of_addresses(&mut problems, conn, &path, declared, standing).await?;
    of_connections(&mut problems, (app, conn), &path, declared, standing, seen).await?;
    of_tokens(&mut problems, (app, conn), &path, declared, standing, seen).await?;
    of_signals(&mut problems, conn, &path, declared, standing, seen).await?;
    let list = declared.clients.as_deref();
    problems.extend(of_clients(conn, &format!("{path}.clients"), list, &standing.services, seen).await?);
    Ok(problems)
}

fn say(problems: &mut Vec<Problem>, path: String, what: impl Into<String>) {
    problems.push(Problem { path, what: what.into() });
}

async fn of_org(
    problems: &mut Vec<Problem>,
    conn: &mut Conn,
    path: &str,
    org: &Org,
    standing: &Standing,
) -> Result<(), DeclareError> {
    let Some(row) = &standing.row else {
        if account::of_org(conn, &org.name).await?.is_some() {
            say(problems, format!("{path}.org.name"), format!("`{}` is another account's", org.name));
        }
        return Ok(());
    };
    if row.org_name != org.name {
        let what = format!("an org keeps its name, because keys name it; this one is `{}`", row.org_name);
        say(problems, format!("{path}.org.name"), what);
    }
    let ended = account::ended_teams(conn, row.org).await?;
    for (number, team) in org.teams.iter().flatten().enumerate().filter(|(_, team)| ended.contains(&team.name)) {
        let what =
            format!("`{}` was a team that has ended; its name is never given again, because keys name it", team.name);
        say(problems, format!("{path}.org.teams[{number}].name"), what);
    }
    Ok(())
}

fn of_owners(problems: &mut Vec<Problem>, path: &str, declared: &Account, owners: &[String], most: usize) {
    let mut known: Vec<Email> = owners.iter().filter_map(|text| Email::parse(text)).collect();
    let first = declared.owner.iter().map(|owner| ("owner".to_owned(), &owner.email));
    let users = declared.users.iter().flatten().enumerate().filter(|(_, user)| user.owner);
    let others = users.filter_map(|(index, user)| Some((format!("users[{index}]"), user.email.as_ref()?)));
    for (place, text) in first.chain(others) {
        let Some(email) = Email::parse(text) else { continue };
        if known.iter().any(|other| other.normal == email.normal) {
            continue;
        }
        if known.len() >= most {
            say(problems, format!("{path}.{place}.email"), AccountError::Owners.to_string());
        } else if let Some(other) = known.iter().find(|other| other.domain != email.domain) {
            let error = AccountError::OwnerDomain(other.domain.clone());
            say(problems, format!("{path}.{place}.email"), error.to_string());
        } else {
            known.push(email);
        }
    }
}

/// Whoever is here by an address that only another account's admins say is theirs has a password that these may know.
async fn of_addresses(
    problems: &mut Vec<Problem>,
    conn: &mut Conn,
    path: &str,
    declared: &Account,
    standing: &Standing,
) -> Result<(), DeclareError> {
    let owner = declared.owner.iter().map(|owner| ("owner".to_owned(), Some(&owner.email)));
    let users = declared.users.iter().flatten().enumerate();
    let users = users.map(|(index, user)| (format!("users[{index}]"), user.email.as_ref()));
    for (place, text) in owner.chain(users) {
        let Some(email) = text.and_then(|text| Email::parse(text)) else { continue };
        let Some(person) = person::with_email(conn, &email.normal).await?.filter(|person| !person.email_proven) else {
            continue;
        };
        let here = match &standing.row {
            Some(row) => member::of_user(conn, row.id, person.id).await?.is_some(),
            None => false,
        };
        if !here {
            let what =
                "is held by a user of another account who has not proven it; have them choose a password by mail";
            say(problems, format!("{path}.{place}.email"), what.to_owned());
        }
    }
    Ok(())
}

async fn of_connections(
    problems: &mut Vec<Problem>,
    (app, conn): (&App, &mut Conn),
    path: &str,
    declared: &Account,
    standing: &Standing,
    seen: &mut Seen,
) -> Result<(), DeclareError> {
    let Some(list) = &declared.connections else { return Ok(()) };
    let mut wanted = BTreeSet::new();
    for (number, declared) in list.iter().enumerate() {
        let path = format!("{path}.connections[{number}]");
        let known = standing.connection(&declared.name).is_some();
        if !known && connection::named(conn, &declared.name).await?.is_some() {
            say(problems, format!("{path}.name"), format!("`{}` is another account's connection", declared.name));
        }
        let unusable =
            declared.metadata.as_deref().and_then(|text| providers::problem(app, text, declared.issuer.as_deref()));
        problems.extend(unusable.map(|what| Problem { path: format!("{path}.metadata"), what }));
        for (place, text) in declared.domains.iter().enumerate() {
            let Some(name) = domain(text) else { continue };
            if let Some(holder) = connection::of_domain(conn, &name).await?
                && standing.connection(&holder.name).is_none()
                && !seen.free_domains.contains(&name)
            {
                let what = format!("`{name}` belongs to the connection `{}` of another account", holder.name);
                say(problems, format!("{path}.domains[{place}]"), what);
            }
            wanted.insert(name);
        }
    }
    let had = standing.connections.iter().flat_map(|linked| &linked.domains);
    seen.free_domains.extend(had.filter(|name| !wanted.contains(*name)).cloned());
    Ok(())
}

async fn of_tokens(
    problems: &mut Vec<Problem>,
    (app, conn): (&App, &mut Conn),
    path: &str,
    declared: &Account,
    standing: &Standing,
    seen: &mut Seen,
) -> Result<(), DeclareError> {
    for (number, directory) in declared.directories.iter().flatten().enumerate() {
        let own = standing.connection(&directory.connection);
        let tokens = directory.tokens.as_deref().unwrap_or_default();
        for (place, token) in tokens.iter().enumerate() {
            let Some(Secret::Given(secret)) = &token.secret else { continue };
            let mac = app.peppers.mac_secret(DIRECTORY_SECRET, "", secret.expose_secret()).to_bytes();
            let mut taken = !seen.tokens.insert(mac.to_vec());
            for mac in app.peppers.macs_secret(DIRECTORY_SECRET, "", secret.expose_secret()) {
                let holder = connection::of_directory_token(conn, &mac.to_bytes()).await?;
                // The token that has it may be this one, or one that the document no longer lists.
                taken |= holder.is_some_and(|holder| {
                    let own = own.filter(|own| own.row.id == holder.id);
                    let names = own.iter().flat_map(|own| &own.tokens);
                    let mut same = names.filter(|(_, mac)| secrets::is_token(app, mac, secret));
                    !same.any(|(name, _)| *name == token.name || !lists(tokens, name))
                });
            }
            if taken {
                let path = format!("{path}.directories[{number}].tokens[{place}].secret");
                say(problems, path, "is another directory token's; a token alone must tell its directory");
            }
        }
    }
    Ok(())
}

fn lists(tokens: &[DirectoryToken], name: &str) -> bool {
    tokens.iter().any(|token| token.name == name)
}

async fn of_signals(
    problems: &mut Vec<Problem>,
    conn: &mut Conn,
    path: &str,
    declared: &Account,
    standing: &Standing,
    seen: &mut Seen,
) -> Result<(), DeclareError> {
    let Some(list) = &declared.signals else { return Ok(()) };
    let mut taken = BTreeSet::new();
    for section in section::of_others(conn, standing.row.as_ref().map(|row| row.id), SIGNALS).await? {
        let signals: Vec<Signal> = canonical::read(&section.document, SIGNALS)?;
        taken.extend(signals.into_iter().map(|signal| signal.name));
    }
    for (number, signal) in list.iter().enumerate() {
        if taken.contains(&signal.name) && !seen.free_signals.contains(&signal.name) {
            let what = format!("`{}` is another account's stream", signal.name);
            say(problems, format!("{path}.signals[{number}].name"), what);
        }
    }
    let gone = standing.signals().iter().filter(|was| !list.iter().any(|signal| signal.name == was.name));
    seen.free_signals.extend(gone.map(|signal| signal.name.clone()));
    Ok(())
}

/// Clients that are another account's or the operator's.
pub(super) async fn of_clients(
    conn: &mut Conn,
    path: &str,
    list: Option<&[Client]>,
    standing: &Services,
    seen: &mut Seen,
) -> Result<Vec<Problem>, DeclareError> {
    let mut problems = Vec::new();
    let Some(list) = list else { return Ok(problems) };
    for (number, declared) in list.iter().enumerate() {
        let id = &declared.client_id;
        let own = standing.clients.iter().any(|row| row.client_id == *id);
        if !own && !seen.free_clients.contains(id) && client::find(conn, id).await?.is_some() {
            let what = format!("`{id}` is a client of another account or of the operator");
            say(&mut problems, format!("{path}[{number}].client_id"), what);
        }
    }
    let gone = standing.clients.iter().filter(|row| !list.iter().any(|client| client.client_id == row.client_id));
    seen.free_clients.extend(gone.map(|row| row.client_id.clone()));
    Ok(problems)
}

/// An enterprise stays one, and whoever has a premium service is one.
pub(super) fn of_kind(app: &App, index: usize, standing: &Standing, after: &Account) -> Vec<Problem> {
    let Some(org) = after.org.as_ref().filter(|org| org.kind == OrgKind::Individual) else { return Vec::new() };
    let was_enterprise = standing.row.as_ref().is_some_and(|row| row.org_kind != OrgKind::Individual.as_str());
    let given = org.services.iter().flatten();
    let premium =
        given.filter(|given| entitlements::is_premium(app, &given.service)).map(|given| given.service.clone());
    let because = premium.map(|service| format!("must be `enterprise` for the service `{service}`"));
    let stays = was_enterprise.then(|| "is `enterprise`, and an org never becomes individual again".to_owned());
    let path = format!("accounts[{index}].org.kind");
    because.chain(stays).map(|what| Problem { path: path.clone(), what }).collect()
}
