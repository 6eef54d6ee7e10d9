//! The simulated provisioning client of the demo, and what it and the gateway said to each other.

use super::scene::ACCOUNT;
use anyhow::{Context as _, bail};
use cardea_gateway::{App, accounts, revocation};
use cardea_model::Caller;
use cardea_simulate::people::Person;
use cardea_simulate::scim_client::{Dialect, Exchange, ScimClient};

/// What a directory does to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Switches them off.
    Deactivate,
    /// Switches them on again.
    Reactivate,
}

/// The directory of the simulated company.
pub(super) struct Directory {
    app: App,
    base: String,
    token: String,
    people: Vec<Person>,
}

/// What was said, and what came of it.
pub(super) struct Conversation {
    /// In words.
    pub(super) title: String,
    /// Each request and its answer.
    pub(super) exchanges: Vec<Exchange>,
    /// The address of the receipt, if access ended.
    pub(super) receipt: Option<String>,
}

impl Directory {
    /// The directory of these people.
    pub(super) fn new(app: App, token: &str, people: Vec<Person>) -> anyhow::Result<Self> {
        let base = format!("{}/scim/v2", app.settings.public_url);
        Ok(Self { app, base, token: token.to_owned(), people })
    }

    /// Looks the person up, creates them if the gateway does not know them yet, and switches them off or on.
    pub(super) async fn does(&self, deed: Deed, user: &str, dialect: Dialect) -> anyhow::Result<Conversation> {
        let called = || self.people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ");
        let person = self.people.iter().find(|person| person.is_called(user));
        let person = person.with_context(|| format!("there is no `{user}` in the directory, only {}", called()))?;
        let client = ScimClient::new(dialect, &self.base, &self.token)?;
        let before = self.newest_receipt().await?;
        let mut exchanges = vec![client.find(&person.email).await?];
        let mut id = exchanges.last().and_then(Exchange::resource_id);
        if id.is_none() {
            exchanges.push(client.create(person).await?);
            id = exchanges.last().and_then(Exchange::resource_id);
        }
        let Some(id) = id else {
            let answer = exchanges.last().map(|last| format!("{} {}", last.status, last.response_body));
            bail!("the gateway answered {}", answer.unwrap_or_default());
        };
        exchanges.push(match deed {
            Deed::Deactivate => client.deactivate(&id).await?,
            Deed::Reactivate => client.reactivate(&id).await?,
        });
        let receipt = self.newest_receipt().await?.filter(|newest| before.as_ref() != Some(newest));
        let verb = if deed == Deed::Deactivate { "deactivates" } else { "reactivates" };
        let title = format!("The directory, speaking as {}, {verb} {}", name(dialect), person.display_name());
        Ok(Conversation { title, exchanges, receipt })
    }

    async fn newest_receipt(&self) -> anyhow::Result<Option<String>> {
        let ctx = self.app.ctx(Caller::System("demo"));
        let account = accounts::named(&self.app, &ctx, ACCOUNT).await?;
        let newest = revocation::receipts(&self.app, &ctx, account.id, None, 1).await?.pop();
        let url = &self.app.settings.public_url;
        Ok(newest.map(|receipt| format!("{url}/o/{}/revocations/{}", account.org_name, receipt.id)))
    }
}

/// The dialect as its maker calls it.
const fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Okta => "Okta",
        Dialect::EntraDefault => "Entra ID",
        Dialect::EntraCompliant => "Entra ID with aadOptscim062020",
    }
}
