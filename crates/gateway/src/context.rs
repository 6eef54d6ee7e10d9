//! What every use case is told about the request or job it works for.

use std::net::IpAddr;

use cardea_model::id::{AccountId, ConnectionId, RequestId};
use cardea_model::{Caller, Denied, Permission, Place, Timestamp};

/// One request or one job: who asks, when, under which id, from where.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who asks.
    pub caller: Caller,
    /// The one instant of this request.
    pub now: Timestamp,
    /// Its id, in every log line, audit event and error.
    pub request: RequestId,
    /// The network address it came from, if it came over the network.
    pub ip: Option<IpAddr>,
}

impl Ctx {
    /// The same request, with a caller who has been made out.
    #[must_use]
    pub fn with(&self, caller: Caller) -> Self {
        Self { caller, ..self.clone() }
    }

    /// Whether the caller may do this in this account.
    ///
    /// # Errors
    /// [`Denied`], by how much the caller may learn.
    pub fn may(&self, permission: Permission, account: AccountId) -> Result<(), Denied> {
        self.caller.may(permission, &Place::Account(account))
    }

    /// The connection of a provisioning client that may provision, with its account.
    ///
    /// # Errors
    /// [`Denied`] for every other caller.
    pub fn directory(&self) -> Result<(ConnectionId, AccountId), Denied> {
        match self.caller {
            Caller::Directory { connection, account } => {
                self.may(Permission::Provision, account)?;
                Ok((connection, account))
            }
            Caller::Nobody => Err(Denied::Unknown),
            Caller::Person(_) | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => Err(Denied::Refused),
        }
    }

    /// Who asks, as the audit log writes it.
    #[must_use]
    pub fn actor(&self) -> String {
        match &self.caller {
            Caller::Nobody => "nobody".to_owned(),
            Caller::Person(person) => format!("person:{}", person.user),
            Caller::Directory { connection, .. } => format!("directory:{connection}"),
            Caller::Client(client) => format!("client:{client}"),
            Caller::Operator(operator) => format!("operator:{operator}"),
            Caller::System(job) => format!("system:{job}"),
        }
    }
}
