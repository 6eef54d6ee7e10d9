//! Simulated SAML providers beside the OpenID one: three companies whose providers are three products.

use std::sync::Arc;

use cardea_model::Clock;
use cardea_simulate::people::{self, Person};
use cardea_simulate::saml::{SamlProvider, SamlProviderSettings, Service, Shape};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::lifecycle;

/// A company: the connection, the domain of its people, and the product that its provider imitates.
const COMPANIES: [(&str, &str, Shape); 3] = [
    ("entra", "entra.example", Shape::Entra),
    ("okta-saml", "okta.example", Shape::Okta),
    ("adfs", "adfs.example", Shape::AdFs),
];

/// The running providers.
pub(super) struct Providers {
    all: Vec<Simulated>,
    serving: JoinHandle<()>,
}

/// One of them.
pub(super) struct Simulated {
    /// The connection's name.
    pub(super) connection: &'static str,
    /// The domain of its people.
    pub(super) domain: &'static str,
    /// Its address; `/switches` below it is the page on which it is told what to do wrong.
    pub(super) base: String,
    shape: Shape,
    provider: SamlProvider,
}

impl Providers {
    /// Starts them for a gateway at this address.
    pub(super) async fn start(public_url: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let listener = lifecycle::bind(super::scene::loopback(0)).await?;
        let address = listener.local_addr()?;
        let (mut all, mut router) = (Vec::new(), axum::Router::new());
        for (connection, domain, shape) in COMPANIES {
            let (base, clock) = (format!("http://{address}/{connection}"), Arc::clone(&clock));
            let now = Arc::new(move || clock.now().as_seconds());
            let mut settings = SamlProviderSettings::new(&format!("{base}/metadata"), &base, now);
            settings.people = of_domain(domain);
            settings.shape = shape;
            settings.service = Some(Service {
                entity_id: format!("{public_url}/saml/{connection}/metadata"),
                acs: format!("{public_url}/saml/{connection}/acs"),
                slo: Some(format!("{public_url}/saml/{connection}/slo")),
            });
            let provider = tokio::task::spawn_blocking(move || SamlProvider::new(settings)).await??;
            router = router.merge(provider.router());
            all.push(Simulated { connection, domain, base, shape, provider });
        }
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the simulated SAML providers have ended");
            }
        });
        Ok(Self { all, serving })
    }

    /// Each of them.
    pub(super) fn each(&self) -> impl Iterator<Item = &Simulated> {
        self.all.iter()
    }

    /// Ends them.
    pub(super) fn stop(&self) {
        self.serving.abort();
    }
}

impl Simulated {
    /// The connection as an operator would write it.
    pub(super) fn connection(&self) -> Value {
        let names = self.shape.attributes();
        json!({"name": self.connection, "kind": "saml", "metadata": self.provider.metadata(),
            "attributes": {"subject": names.subject, "email": names.email, "given_name": names.given_name,
                "family_name": names.family_name, "groups": names.groups},
            "trust_email": "domain_verified", "domains": [self.domain], "jit": true, "stage": "live"})
    }

    /// The rule for administrators of the registry.
    pub(super) fn rule(&self) -> Value {
        let group = self.shape.group(people::REGISTRY_ADMINS);
        json!({"name": format!("Registry admins of {}", self.domain), "connection": self.connection,
            "any_of": [{"equals": group}], "grants": [{"service": "registry", "role": "admin"}]})
    }
}

fn of_domain(domain: &str) -> Vec<Person> {
    let mut people = people::everyone();
    for person in &mut people {
        person.email = format!("{}@{domain}", person.name);
    }
    people
}
