//! What docker asks a token for: the scopes of the registry's token specification.
//!
//! ```text
//! repository:acme/team/app:pull,push      type up to the first `:`, actions after the last one
//! repository:host:5000/acme/app:pull      so a name may hold a port
//! registry:catalog:*                      the list of all names
//! ```
//! What is no such scope asks for nothing. Nothing here stands for more than it says: there are no wildcards in names, and
//! `*` is no action of a repository.

use crate::catalogue::DockerAction;

/// The most scopes of one request.
pub const MOST_SCOPES: usize = 32;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// To act on one repository.
    Repository {
        /// Its name, as it stands there.
        name: &'a str,
        /// The actions, each once, in the order in which they were asked for.
        actions: Vec<DockerAction>,
    },
    /// To list the names of all repositories.
    Catalog,
}

/// More than [`MOST_SCOPES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ask for at most {MOST_SCOPES} scopes at once")]
pub struct TooMany;

/// Reads the scopes of a request: several parameters, each with several scopes with blanks between. What is asked for twice
/// stands there once, with the actions of both. `hosts` are ours, with their ports, and mean nothing before a name.
///
/// # Errors
/// [`TooMany`].
pub fn wanted<'a>(parameters: &[&'a str], hosts: &[&str]) -> Result<Vec<Wanted<'a>>, TooMany> {
    let scopes = parameters.iter().flat_map(|parameter| parameter.split(' ')).filter(|scope| !scope.is_empty());
    if scopes.clone().count() > MOST_SCOPES {
        return Err(TooMany);
    }
    let mut all: Vec<Wanted<'a>> = Vec::new();
    for fresh in scopes.filter_map(|scope| read(scope, hosts)) {
        match all.iter_mut().find(|known| known.is_about(&fresh)) {
            Some(known) => known.add(fresh),
            None => all.push(fresh),
        }
    }
    Ok(all)
}

impl Wanted<'_> {
    fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Catalog, Self::Catalog) => true,
            (Self::Repository { name, .. }, Self::Repository { name: other, .. }) => name == other,
            (Self::Catalog, Self::Repository { .. }) | (Self::Repository { .. }, Self::Catalog) => false,
        }
    }

    fn add(&mut self, other: Self) {
        if let (Self::Repository { actions, .. }, Self::Repository { actions: more, .. }) = (self, other) {
            let fresh: Vec<DockerAction> = more.into_iter().filter(|action| !actions.contains(action)).collect();
            actions.extend(fresh);
        }
    }
}

fn read<'a>(scope: &'a str, hosts: &[&str]) -> Option<Wanted<'a>> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, asked) = rest.rsplit_once(':')?;
    match (without_class(kind)?, name, asked) {
        ("registry", "catalog", "*") => Some(Wanted::Catalog),
        ("repository", name, asked) => {
            let name = without_host(name, hosts);
            let mut wanted = Wanted::Repository { name, actions: Vec::new() };
            for action in asked.split(',') {
                let known = DockerAction::ALL.into_iter().find(|known| known.as_str() == action);
                wanted.add(Wanted::Repository { name, actions: known.into_iter().collect() });
            }
            Some(wanted)
        }
        _ => None,
    }
}

/// `repository(plugin)` is `repository`: the class is of old and says nothing.
fn without_class(kind: &str) -> Option<&str> {
    match kind.split_once('(') {
        None => Some(kind),
        Some((kind, class)) => class.strip_suffix(')').is_some().then_some(kind),
    }
}

/// Another host's name stays where it is, and then is no repository of ours.
fn without_host<'a>(name: &'a str, hosts: &[&str]) -> &'a str {
    match name.split_once('/') {
        Some((host, rest)) if hosts.contains(&host) => rest,
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests;
