//! The resolver of the HTTP client: a name is good only if *every* address that it has is.
//! A name with one public and one private address is an attack or a mistake, and both are refused.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;
use super::failure::{Forbidden, Unresolved};

/// Which addresses a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Public and listed ones.
    Public,
    /// Listed ones only.
    Listed,
}

#[cfg(test)]
type Table = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

/// Where names are looked up.
#[derive(Clone)]
pub(crate) enum Lookup {
    /// The operating system's resolver.
    System,
    /// A table that a test provides.
    #[cfg(test)]
    Table(Arc<Table>),
}

impl Lookup {
    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        match self {
            Self::System => tokio::net::lookup_host((name, 0))
                .await
                .map(|found| found.map(|a| a.ip()).collect())
                .unwrap_or_default(),
            #[cfg(test)]
            Self::Table(table) => table(name),
        }
    }
}

pub(super) struct Resolver(Arc<Parts>);

struct Parts {
    allow: Vec<IpNet>,
    reach: Reach,
    lookup: Lookup,
}

impl Resolver {
    pub(super) fn new(allow: Vec<IpNet>, reach: Reach, lookup: Lookup) -> Self {
        Self(Arc::new(Parts { allow, reach, lookup }))
    }
}

impl Parts {
    async fn resolve(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let found = self.lookup.addresses(name).await;
        if found.is_empty() {
            return Err(Unresolved::Name);
        }
        for ip in &found {
            self.check(*ip).map_err(Unresolved::Forbidden)?;
        }
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect())
    }

    fn check(&self, ip: IpAddr) -> Result<(), Forbidden> {
        if address::is_listed(ip, &self.allow) {
            return Ok(());
        }
        match (address::is_public(ip), self.reach) {
            (true, Reach::Public) => Ok(()),
            (true, Reach::Listed) => Err(Forbidden::Port),
            (false, _) => Err(Forbidden::Address(ip)),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let parts = Arc::clone(&self.0);
        Box::pin(async move {
            let found = parts.resolve(name.as_str()).await?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}
