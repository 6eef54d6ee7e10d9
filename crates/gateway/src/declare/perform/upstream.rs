//! Writes of connections, their domains, directory tokens and rules.

use cardea_model::id::{ConnectionId, DirectoryTokenId, RuleId};
use cardea_store::connection::{self, Connection as ConnectionRow};
use cardea_store::db::{DbError, Tx};
use secrecy::{ExposeSecret as _, SecretString};

use super::super::change::Upstream;
use super::super::{DeclareError, canonical};
use super::Hand;
use crate::accounts::DIRECTORY_SECRET;
use crate::login::connector;
use crate::state::{Connection, Rule};

impl Hand<'_> {
    /// What happens to the thing `name` of a connection.
    pub(super) async fn upstream(
        &mut self,
        tx: &mut Tx,
        name: &str,
        connection: &str,
        work: &Upstream,
    ) -> Result<(), DeclareError> {
        let now = self.ctx.now;
        match work {
            Upstream::Put { declared, secret } => self.put_connection(tx, declared, secret.as_ref()).await?,
            Upstream::ReleaseDomain => {
                connection::remove_domain(tx, self.id_of(connection)?, name).await?;
            }
            Upstream::TakeDomain => connection::add_domain(tx, self.id_of(connection)?, name, now).await?,
            Upstream::PutToken(secret) => {
                let id = DirectoryTokenId::new(now, &*self.app.random);
                let mac = self.app.peppers.mac_secret(DIRECTORY_SECRET, "", secret.expose_secret()).to_bytes();
                connection::put_directory_token(tx, id, self.id_of(connection)?, name, &mac, now).await?;
            }
            Upstream::RemoveToken => {
                connection::remove_directory_token(tx, self.id_of(connection)?, name).await?;
            }
            Upstream::PutRule { rule, position } => self.put_rule(tx, rule, *position).await?,
            Upstream::RemoveRule => {
                connection::remove_rule(tx, self.row.org, name).await?;
            }
        }
        Ok(())
    }

    fn id_of(&self, connection: &str) -> Result<ConnectionId, DeclareError> {
        self.connections.get(connection).copied().ok_or(DeclareError::Corrupt("connection"))
    }

    async fn put_connection(
        &mut self,
        tx: &mut Tx,
        declared: &Connection,
        secret: Option<&SecretString>,
    ) -> Result<(), DeclareError> {
        let app = self.app;
        let fresh = ConnectionId::new(self.ctx.now, &*app.random);
        let id = *self.connections.entry(declared.name.clone()).or_insert(fresh);
        let seal = |secret: &SecretString| {
            let plain = secret.expose_secret().as_bytes();
            app.peppers.sealer().seal(&*app.random, connector::CLIENT_SECRET, plain)
        };
        let row = ConnectionRow {
            id,
            account: self.row.id,
            name: declared.name.clone(),
            kind: word(&declared.kind)?,
            stage: word(&declared.stage)?,
            settings: canonical::connection_settings(declared)?,
            secret: secret.map(seal),
            last_login_at: None,
            version: 1,
        };
        // Its name was looked at under the lock; whoever took it meanwhile came by another way.
        if !connection::put(tx, &row, self.ctx.now).await? {
            return Err(DbError::Conflict.into());
        }
        // What sign-ins have said of groups may count no more, or again.
        self.news.org |= connection::set_groups_from(tx, id, &word(&declared.groups.from)?).await?;
        Ok(())
    }

    async fn put_rule(&mut self, tx: &mut Tx, rule: &Rule, position: usize) -> Result<(), DeclareError> {
        let standing = connection::rules(tx, self.row.org).await?.into_iter().find(|known| known.name == rule.name);
        let row = connection::Rule {
            id: standing.map_or_else(|| RuleId::new(self.ctx.now, &*self.app.random), |known| known.id),
            connection: self.id_of(&rule.connection)?,
            name: rule.name.clone(),
            document: canonical::json(&rule.body())?.to_string(),
        };
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        Ok(connection::put_rule(tx, self.row.org, &row, position).await?)
    }
}

/// The stored word of an enum that is written as one.
fn word(value: &impl serde::Serialize) -> Result<String, DeclareError> {
    canonical::json(value)?.as_str().map(str::to_owned).ok_or(DeclareError::Corrupt("word"))
}
