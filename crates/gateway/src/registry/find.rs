//! Which registry is meant: a client by its id, or whichever client runs a service of the catalogue.

use cardea_model::catalogue::{Service, ServiceSet};
use cardea_model::id::AccountId;
use cardea_store::db::DbError;
use url::Url;

use crate::app::App;
use crate::check::{self, Sight};
use crate::memory::ClientEntry;
use crate::state::KidStyle;

/// A registry that tokens are for.
pub(super) struct Registry {
    /// Whose keys are good there, and for which services.
    pub(super) sight: Sight,
    pub(super) kid_style: KidStyle,
    pub(super) x5c: bool,
    services: ServiceSet,
    resources: Vec<String>,
}

/// The registry of this name for a key of this account, if there is one.
pub(super) async fn registry(app: &App, name: &str, account: Option<AccountId>) -> Result<Option<Registry>, DbError> {
    if let Some(client) = check::known_client(app, name).await? {
        return Ok(Some(Registry::of(&client, client.services)).filter(|registry| registry.has_containers(app)));
    }
    let Some(service) = app.catalogue.service_named(name) else { return Ok(None) };
    let clients = check::clients_of(app, service).await?;
    // Under the name of a service each account finds its own client, or else the operator's.
    let client = clients.iter().find(|client| client.account.is_none() || client.account == account);
    let found = client.map(|client| Registry::of(client, ServiceSet::NONE.with(service)));
    Ok(found.filter(|registry| registry.has_containers(app)))
}

impl Registry {
    fn of(client: &ClientEntry, services: ServiceSet) -> Self {
        Self {
            sight: Sight { account: client.account, services: Some(services) },
            kid_style: client.declared.kid_style,
            x5c: client.declared.x5c,
            services,
            resources: client.declared.resources.clone(),
        }
    }

    /// The services that hold containers, with the type of entity that those are.
    pub(super) fn containers<'a>(&self, app: &'a App) -> impl Iterator<Item = (&'a Service, &'a str)> {
        let services = self.services;
        let own = app.catalogue.services().filter(move |(index, _)| services.has(*index));
        own.flat_map(|(_, service)| {
            let types = service.entity_types.iter().filter(|kind| kind.docker_repository);
            types.map(move |kind| (service, &*kind.name))
        })
    }

    fn has_containers(&self, app: &App) -> bool {
        self.containers(app).next().is_some()
    }

    /// The hosts that may stand before a name: ours and the registry's, with their ports.
    pub(super) fn hosts(&self, app: &App) -> Vec<String> {
        let addresses = self.resources.iter().chain([&app.settings.public_url]);
        let host = |address: &String| {
            let address = Url::parse(address).ok()?;
            let host = address.host_str()?.to_owned();
            Some(address.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
        };
        addresses.filter_map(host).collect()
    }
}
