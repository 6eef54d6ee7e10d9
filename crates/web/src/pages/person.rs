//! One person, as the console shows them to an admin.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use cardea_gateway::members::{self, MemberError, Offer};
use cardea_gateway::people::{self, HoldView, IdentityView, SessionView, Source, UserDetail};
use cardea_gateway::{App, rules};
use cardea_model::id::AccountId;
use cardea_model::numbers::HoldKind;
use cardea_model::{Permission, Timestamp, key::KeyState};

use super::reader::Reader;
use super::role_form::Chosen;
use super::{key_form, receipt, roles, rule_words};
use crate::console::frame::Room;
use crate::console::people::{PersonLink, RoleRow};
use crate::console::person::{
    Blast, DeactivatePage, HoldRow, IdentityRow, PersonPage, RemovePage, SessionRow, Switch, TakePage,
};
use crate::console::{Problems, time};
use crate::login::sentence;
use crate::problem::Problem;

/// The page of one person; `typed` is the role chosen before, with what was wrong with it.
pub(super) async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    user: &str,
    typed: (Chosen, Problems),
) -> Result<PersonPage, Problem> {
    let ctx = &reader.ctx;
    let detail = people::show(app, ctx, account, user).await?;
    let keys = people::keys_of(app, ctx, account, user).await?;
    let sessions = people::sessions_of(app, ctx, account, user).await?;
    let may = |permission| ctx.may(permission, account).is_ok();
    let receipts = match may(Permission::SeeReceipts) {
        true => people::receipts_of(app, ctx, account, user).await?,
        false => Vec::new(),
    };
    let explained = match may(Permission::ManageRules) {
        true => Some(rules::explain(app, ctx, account, user, rules::Asked::default()).await?),
        false => None,
    };
    let offer = members::offer(app, ctx, account).await?;
    let blast = blast(&keys, &sessions, ctx.now);
    let (chosen, problems) = typed;
    let gives = is_given_by_hand(&detail) && !offer.is_empty();
    let removes = may(Permission::RemoveUsers) && is_removable(&detail, &offer);
    Ok(PersonPage {
        frame: reader.frame(Room::People),
        person: link(&detail),
        standing: roles::standing(&detail.user).to_owned(),
        state: roles::state(&detail.user),
        switch: may(Permission::DeactivateUsers).then(|| switch(&detail, blast)),
        origin: roles::origin(detail.user.source),
        roles: roles::takeable(app, &detail.user.roles, &offer),
        rules: rules_of(&detail),
        give: gives.then(|| chosen.form(app, &offer, problems)),
        removes,
        left: detail.left_org_at,
        adds: detail.left_org_at.is_some() && may(Permission::InviteUsers),
        why: explained.map(rule_words::why),
        holds: detail.holds.into_iter().map(hold).collect(),
        identities: detail.identities.into_iter().map(identity).collect(),
        keys: keys.into_iter().map(|key| key_form::row(app, key)).collect(),
        revokes: may(Permission::RevokeKeys),
        sessions: sessions.into_iter().map(session).collect(),
        receipts: receipts.iter().map(receipt::row).collect::<Result<_, _>>()?,
    })
}

fn is_given_by_hand(detail: &UserDetail) -> bool {
    detail.user.source == Source::Manual && !detail.user.deleted
}

/// Whether there is any sense in the way to remove them: owners are removed by owners, and the account's one owner by nobody.
fn is_removable(detail: &UserDetail, offer: &Offer) -> bool {
    let owner = detail.user.owner;
    detail.left_org_at.is_none() && !(owner && (!offer.owner || detail.user.account_role == "owner"))
}

/// The names of the rules that give their roles.
fn rules_of(detail: &UserDetail) -> Vec<String> {
    let reasons = detail.user.roles.iter().flat_map(|role| &role.because);
    let names: BTreeSet<&String> = reasons.filter(|why| why.source == "rule").map(|why| &why.rule).collect();
    names.into_iter().cloned().collect()
}

/// The page that takes a role away, if it is the reader's to take.
pub(super) async fn before_taking(
    app: &App,
    reader: &Reader,
    account: AccountId,
    user: &str,
    query: &str,
) -> Result<TakePage, Problem> {
    let detail = people::show(app, &reader.ctx, account, user).await?;
    let offer = members::offer(app, &reader.ctx, account).await?;
    let rows = roles::takeable(app, &detail.user.roles, &offer);
    let role = rows.into_iter().find(|row| row.take.as_deref() == Some(query));
    let role = role.ok_or(MemberError::Missing("role of this user"))?;
    Ok(TakePage { frame: reader.frame(Room::People), person: link(&detail), role })
}

/// The page that shows what ends when they are removed from the org; `sign_in` is the way to a sign-in that is asked for.
pub(super) async fn before_removal(
    app: &App,
    reader: &Reader,
    account: AccountId,
    user: &str,
    sign_in: Option<String>,
) -> Result<RemovePage, Problem> {
    let ctx = &reader.ctx;
    let detail = people::show(app, ctx, account, user).await?;
    let keys = people::keys_of(app, ctx, account, user).await?;
    let sessions = people::sessions_of(app, ctx, account, user).await?;
    let role = |row: RoleRow| match row.team {
        Some(team) => format!("Role {} in team {team}", row.title),
        None => format!("Role {}", row.title),
    };
    let owner = detail.user.owner.then(|| "Ownership of the org".to_owned());
    let others = owner.into_iter().chain(roles::rows(app, &detail.user.roles).into_iter().map(role)).collect();
    let stays = vec![format!("Their place in the account `{}`, and what they are in other orgs", reader.here.account)];
    Ok(RemovePage {
        frame: reader.frame(Room::People),
        person: link(&detail),
        owner: detail.user.owner,
        blast: Blast { others, stays, ..blast(&keys, &sessions, ctx.now) },
        sign_in,
    })
}

/// The page that shows what ends before it does; `typed` is the reason as typed before, with what was wrong with it.
pub(super) async fn before_the_end(
    app: &App,
    reader: &Reader,
    account: AccountId,
    user: &str,
    typed: (String, Problems),
) -> Result<DeactivatePage, Problem> {
    let ctx = &reader.ctx;
    let detail = people::show(app, ctx, account, user).await?;
    if detail.user.owner {
        let why = "an owner is out of an admin's reach; another owner takes the ownership away first";
        return Err(Problem::new(StatusCode::FORBIDDEN, "owner", why));
    }
    let keys = people::keys_of(app, ctx, account, user).await?;
    let sessions = people::sessions_of(app, ctx, account, user).await?;
    let (reason, problems) = typed;
    Ok(DeactivatePage {
        frame: reader.frame(Room::People),
        person: link(&detail),
        blast: blast(&keys, &sessions, ctx.now),
        reason,
        problems,
    })
}

/// The person where they are named.
pub(super) fn link(detail: &UserDetail) -> PersonLink {
    roles::link(detail.user.id, &detail.user.name, detail.user.email.as_deref())
}

/// What of somebody's ends with their access.
pub(super) fn blast(keys: &[cardea_gateway::keys::KeyView], sessions: &[SessionView], now: Timestamp) -> Blast {
    let living = keys.iter().filter(|key| !matches!(key.state, KeyState::Revoked | KeyState::Expired));
    let words = |session: &SessionView| {
        let through = session.connection.as_ref().map_or("by password".to_owned(), |name| format!("through {name}"));
        format!("{through}, used {}", time::relative(&session.used_at, &now))
    };
    Blast {
        keys: living.map(|key| key.name.clone()).collect(),
        sessions: sessions.iter().map(words).collect(),
        others: Vec::new(),
        stays: Vec::new(),
    }
}

/// What an admin can do about the person's access.
fn switch(detail: &UserDetail, blast: Blast) -> Switch {
    let by_admin = detail.holds.iter().any(|hold| hold.source == "admin");
    match (detail.user.owner, detail.user.active, by_admin) {
        (true, _, _) => Switch::Nothing("An owner is out of an admin's reach.".to_owned()),
        (false, true, _) => Switch::Deactivate(blast),
        (false, false, true) => Switch::Reactivate,
        (false, false, false) => Switch::Nothing("Only who holds this person can lift it.".to_owned()),
    }
}

fn hold(view: HoldView) -> HoldRow {
    let deleted = view.kind == HoldKind::Deleted.as_str();
    HoldRow {
        kind: if deleted { HoldKind::Deleted } else { HoldKind::Disabled },
        source: sentence(&receipt::source(&view.source)),
        since: view.since,
    }
}

fn identity(view: IdentityView) -> IdentityRow {
    IdentityRow {
        connection: view.connection,
        subject: view.subject.unwrap_or(view.user_name),
        last_sign_in: view.last_login_at,
    }
}

fn session(view: SessionView) -> SessionRow {
    SessionRow {
        id: view.id.to_string(),
        through: view.connection.unwrap_or_else(|| "password".to_owned()),
        began: view.began_at,
        last_used: view.used_at,
    }
}
