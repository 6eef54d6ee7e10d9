//! One person, as the console shows them to an admin.

use axum::http::StatusCode;
use cardea_gateway::people::{self, HoldView, IdentityView, SessionView, UserDetail};
use cardea_gateway::{App, rules};
use cardea_model::id::AccountId;
use cardea_model::numbers::HoldKind;
use cardea_model::{Permission, Timestamp, key::KeyState};

use super::reader::Reader;
use super::{key_form, receipt, roles, rule_words};
use crate::console::frame::Room;
use crate::console::people::PersonLink;
use crate::console::person::{Blast, DeactivatePage, HoldRow, IdentityRow, PersonPage, SessionRow, Switch};
use crate::console::{Problems, time};
use crate::login::sentence;
use crate::problem::Problem;

/// The page of one person.
pub(super) async fn whole(app: &App, reader: &Reader, account: AccountId, user: &str) -> Result<PersonPage, Problem> {
    let ctx = &reader.ctx;
    let detail = people::show(app, ctx, account, user).await?;
    let keys = people::keys_of(app, ctx, account, user).await?;
    let sessions = people::sessions_of(app, ctx, account, user).await?;
    let receipts = people::receipts_of(app, ctx, account, user).await?;
    let blast = blast(&keys, &sessions, ctx.now);
    let explained = match ctx.may(Permission::ManageRules, account) {
        Ok(()) => Some(rules::explain(app, ctx, account, user, rules::Asked::default()).await?),
        Err(_) => None,
    };
    Ok(PersonPage {
        frame: reader.frame(Room::People),
        person: link(&detail),
        standing: roles::standing(&detail.user).to_owned(),
        state: roles::state(&detail.user),
        switch: switch(&detail, blast),
        roles: roles::rows(app, &detail.user.roles),
        why: explained.map(rule_words::why),
        holds: detail.holds.into_iter().map(hold).collect(),
        identities: detail.identities.into_iter().map(identity).collect(),
        keys: keys.into_iter().map(|key| key_form::row(app, key)).collect(),
        sessions: sessions.into_iter().map(session).collect(),
        receipts: receipts.iter().map(receipt::row).collect::<Result<_, _>>()?,
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

fn link(detail: &UserDetail) -> PersonLink {
    roles::link(detail.user.id, &detail.user.name, detail.user.email.as_deref())
}

fn blast(keys: &[cardea_gateway::keys::KeyView], sessions: &[SessionView], now: Timestamp) -> Blast {
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
