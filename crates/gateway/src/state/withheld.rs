//! Secrets that the document does not carry, and that only something which exists already can do without.

use super::{Account, Client, Connection, GrantType, Kind, Secret, Signal, State, TokenAuth};

/// A secret that is not given here. If its thing does not exist yet, that is an error naming `path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld<'a> {
    /// Where it would stand, such as `accounts[0].connections[1].client_secret`.
    pub path: String,
    /// Whose secret it is.
    pub of: Thing<'a>,
}

/// What has a secret, by its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// An operator token.
    Operator(&'a str),
    /// The owner of this account.
    Owner(&'a str),
    /// The user with this address, in this account.
    User {
        /// The account.
        account: &'a str,
        /// The address.
        email: &'a str,
    },
    /// A connection.
    Connection(&'a str),
    /// A token of a connection's directory.
    DirectoryToken {
        /// The connection.
        connection: &'a str,
        /// The token.
        token: &'a str,
    },
    /// A stream of security events.
    Signal(&'a str),
    /// A client.
    Client(&'a str),
    /// A webhook of a client.
    Webhook {
        /// The client.
        client: &'a str,
        /// The address.
        url: &'a str,
    },
}

/// What a missing secret means for something new.
enum Need {
    /// It cannot be without one.
    Always,
    /// Without one it simply has none; only one that is said to be kept is missed.
    IfKept,
}

impl State {
    /// Every secret that something new would miss.
    #[must_use]
    pub fn withheld(&self) -> Vec<Withheld<'_>> {
        let mut all = Vec::new();
        for (index, operator) in self.operators.iter().enumerate() {
            note(
                &mut all,
                format!("operators[{index}].token"),
                operator.token.as_ref(),
                Need::Always,
                Thing::Operator(&operator.name),
            );
        }
        for (index, account) in self.accounts.iter().enumerate() {
            of_account(&mut all, &format!("accounts[{index}]"), account);
        }
        of_clients(&mut all, "clients", self.clients.as_deref());
        all
    }
}

fn note<'a>(all: &mut Vec<Withheld<'a>>, path: String, secret: Option<&Secret>, need: Need, of: Thing<'a>) {
    let missed = match (secret, need) {
        (Some(Secret::Given(_)), _) | (None, Need::IfKept) => false,
        (Some(Secret::Kept), _) | (None, Need::Always) => true,
    };
    if missed {
        all.push(Withheld { path, of });
    }
}

fn of_account<'a>(all: &mut Vec<Withheld<'a>>, path: &str, account: &'a Account) {
    if let Some(owner) = &account.owner {
        note(all, format!("{path}.owner.password"), owner.password.as_ref(), Need::IfKept, Thing::Owner(&account.name));
    }
    for (index, user) in account.users.iter().flatten().enumerate() {
        let of = Thing::User { account: &account.name, email: user.email.as_deref().unwrap_or_default() };
        note(all, format!("{path}.users[{index}].password"), user.password.as_ref(), Need::IfKept, of);
    }
    for (index, connection) in account.connections.iter().flatten().enumerate() {
        of_connection(all, format!("{path}.connections[{index}].client_secret"), connection);
    }
    for (index, directory) in account.directories.iter().flatten().enumerate() {
        for (number, token) in directory.tokens.iter().flatten().enumerate() {
            let of = Thing::DirectoryToken { connection: &directory.connection, token: &token.name };
            note(
                all,
                format!("{path}.directories[{index}].tokens[{number}].secret"),
                token.secret.as_ref(),
                Need::Always,
                of,
            );
        }
    }
    for (index, signal) in account.signals.iter().flatten().enumerate() {
        of_signal(all, &format!("{path}.signals[{index}]"), signal);
    }
    of_clients(all, &format!("{path}.clients"), account.clients.as_deref());
}

fn of_connection<'a>(all: &mut Vec<Withheld<'a>>, path: String, connection: &'a Connection) {
    let need = match (connection.kind, connection.token_auth.unwrap_or_default()) {
        (Kind::Oidc, TokenAuth::Basic | TokenAuth::Post) => Need::Always,
        (Kind::Oidc, TokenAuth::PrivateKeyJwt) | (Kind::Saml, _) => Need::IfKept,
    };
    note(all, path, connection.client_secret.as_ref(), need, Thing::Connection(&connection.name));
}

fn of_signal<'a>(all: &mut Vec<Withheld<'a>>, path: &str, signal: &'a Signal) {
    let of = Thing::Signal(&signal.name);
    note(all, format!("{path}.authorization"), signal.authorization.as_ref(), Need::IfKept, of);
    let need = if signal.client_id.is_some() { Need::Always } else { Need::IfKept };
    note(all, format!("{path}.client_secret"), signal.client_secret.as_ref(), need, of);
}

fn of_clients<'a>(all: &mut Vec<Withheld<'a>>, path: &str, clients: Option<&'a [Client]>) {
    for (index, client) in clients.into_iter().flatten().enumerate() {
        // A public client may send people to sign in; whoever checks keys or acts for itself must prove who it is.
        // One that signs does so without a secret.
        let proves = client.resource_server || client.grants.contains(&GrantType::ClientCredentials);
        let confidential = proves && !client.has_keys();
        let need = if confidential { Need::Always } else { Need::IfKept };
        note(all, format!("{path}[{index}].secret"), client.secret.as_ref(), need, Thing::Client(&client.client_id));
        for (number, webhook) in client.webhooks.iter().flatten().enumerate() {
            let of = Thing::Webhook { client: &client.client_id, url: &webhook.url };
            note(all, format!("{path}[{index}].webhooks[{number}].secret"), webhook.secret.as_ref(), Need::Always, of);
        }
    }
}
