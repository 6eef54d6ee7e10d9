//! Writes of people by hand and of invitations.

use cardea_model::id::{IdentityId, MemberId, UserId};
use cardea_model::name::{Email, fold};
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_store::db::{DbError, Tx};
use cardea_store::grant::{self, Role};
use cardea_store::identity::{self, Identity as Row};
use cardea_store::{member, password, person};

use super::super::DeclareError;
use super::super::change::{Asking, ByHand};
use super::Hand;
use crate::invitations::{InvitationError, declared};
use crate::rules;
use crate::state::Problem;
use crate::state::person::{Identity, User};

impl Hand<'_> {
    pub(super) async fn by_hand(&mut self, tx: &mut Tx, work: &ByHand) -> Result<(), DeclareError> {
        match work {
            ByHand::Add { user, hash } => {
                let member = self.add(tx, user, hash.as_deref()).await?;
                self.give(tx, member, user.roles.as_deref().unwrap_or_default()).await?;
                self.changed.insert(member);
            }
            ByHand::Change { member, account_role, give, take } => {
                self.is_as_compared(tx, *member).await?;
                if let Some(role) = account_role {
                    member::set_account_role(tx, *member, role.as_str()).await?;
                }
                for role in take {
                    let team = self.team_id(role)?;
                    let row = Role { team_id: &team, service: &role.service, role: &role.role };
                    grant::remove(tx, *member, row).await?;
                }
                self.give(tx, *member, give).await?;
                self.changed.insert(*member);
            }
        }
        Ok(())
    }

    /// Refuses if somebody has left since the account was read, or what rules left to them was written since.
    async fn is_as_compared(&self, tx: &mut Tx, id: MemberId) -> Result<(), DeclareError> {
        let row = member::find(tx, id).await?.ok_or(DeclareError::Corrupt("member"))?;
        let written = row.frozen;
        let row = rules::keep(self.app, tx, row).await?;
        let is_out = row.numbers.held || row.left_org_at.is_some() || row.left_account_at.is_some();
        if is_out || row.frozen != written { Err(DbError::Conflict.into()) } else { Ok(()) }
    }

    /// A new member; the person may be known from another account.
    async fn add(&self, tx: &mut Tx, user: &User, hash: Option<&str>) -> Result<MemberId, DeclareError> {
        let (app, now) = (self.app, self.ctx.now);
        let email = user.email.as_deref().and_then(Email::parse);
        let known = match &email {
            Some(email) => person::with_email(tx, &email.normal).await?.map(|person| person.id),
            None => None,
        };
        let id = match known {
            Some(id) => id,
            None => {
                let id = UserId::new(now, &*app.random);
                let (shown, normal) =
                    (email.as_ref().map(|it| it.shown.as_str()), email.as_ref().map(|it| &*it.normal));
                let fallback = user.identities.first().map(|identity| identity.user_name.as_str());
                let name = user.name.as_deref().or(shown).or(fallback).unwrap_or_default();
                person::add(tx, id, name, shown, normal, now).await?;
                id
            }
        };
        if member::of_user(tx, self.row.id, id).await?.is_some() {
            // They came since the account was read.
            return Err(DbError::Conflict.into());
        }
        let member = MemberId::new(now, &*app.random);
        let role = user.account_role.unwrap_or(AccountRole::Member);
        member::add(tx, member, self.row.id, id, role.as_str(), now).await?;
        if let Some(hash) = hash {
            password::put(tx, id, hash, now).await?;
        }
        for wanted in &user.identities {
            self.link(tx, (id, member), wanted, email.as_ref()).await?;
        }
        Ok(member)
    }

    /// What the directory says of them it says again; until then only who they are is known.
    async fn link(
        &self,
        tx: &mut Tx,
        (user, member): (UserId, MemberId),
        wanted: &Identity,
        email: Option<&Email>,
    ) -> Result<(), DeclareError> {
        let now = self.ctx.now;
        let row = Row {
            id: IdentityId::new(now, &*self.app.random),
            connection: self.connections.get(&wanted.connection).copied().ok_or(DeclareError::Corrupt("connection"))?,
            user,
            member,
            issuer: None,
            subject: wanted.subject.clone(),
            user_name: wanted.user_name.clone(),
            external_id: wanted.external_id.clone(),
            email_normal: email.map(|email| email.normal.clone()),
            managed: false,
            active: true,
            document: "{}".to_owned(),
            created_at: now,
            modified_at: now,
            deleted_at: None,
            version: 1,
        };
        Ok(identity::add(tx, &row, &fold(&wanted.user_name)).await?)
    }

    async fn give(&self, tx: &mut Tx, member: MemberId, roles: &[RuleGrant]) -> Result<(), DeclareError> {
        for role in roles {
            let team = self.team_id(role)?;
            let row = Role { team_id: &team, service: &role.service, role: &role.role };
            grant::add(tx, member, row, &self.ctx.actor(), self.ctx.now).await?;
        }
        Ok(())
    }

    fn team_id(&self, role: &RuleGrant) -> Result<String, DeclareError> {
        let Some(name) = &role.team else { return Ok(String::new()) };
        self.teams.get(name).map(ToString::to_string).ok_or(DeclareError::Corrupt("team"))
    }

    pub(super) async fn invitation(&self, tx: &mut Tx, name: &str, work: &Asking) -> Result<(), DeclareError> {
        let done = declared::perform(self.app, tx, self.ctx, &self.row, work).await;
        done.map_err(|error| {
            if let InvitationError::Database(error) = error {
                return DeclareError::Database(error);
            }
            let path = format!("accounts[{}].invitations[{name}]", self.row.name);
            DeclareError::Problems(vec![Problem { path, what: error.to_string() }])
        })
    }
}
