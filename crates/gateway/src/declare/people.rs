//! People by hand and invitations as they stand: for a document the ones that it names, for an export all of them.

use std::collections::BTreeMap;

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, MemberId};
use cardea_model::key::Span;
use cardea_model::name::{Email, fold};
use cardea_model::rule::{AccountRole, RuleGrant};
use cardea_store::account::Account as Row;
use cardea_store::db::Conn;
use cardea_store::invitation::{self, Invitation as InvitationRow};
use cardea_store::member::{self, Member};
use cardea_store::person::{self, Listed};
use cardea_store::{connection, grant, identity, password};

use super::DeclareError;
use crate::app::App;
use crate::roles::{self, Source, USER_ADMIN};
use crate::state::person::{Identity, Invitation, User};
use crate::state::{Account, Secret};

/// Whoever of the document is here, and who is asked to come.
#[derive(Default)]
pub(super) struct People {
    /// By what the document calls them.
    users: BTreeMap<String, Known>,
    /// By their address.
    members: BTreeMap<String, Known>,
    /// Those that can be accepted.
    pub(super) invitations: Vec<Asked>,
}

/// Somebody who is here.
pub(super) struct Known {
    pub(super) member: MemberId,
    pub(super) owner: bool,
    pub(super) account_role: AccountRole,
    /// Whether they left the org or the account, or something holds them: then a document leaves them alone.
    pub(super) is_out: bool,
    pub(super) by_rules: bool,
    /// The roles by hand that the catalogue knows, in order.
    pub(super) roles: Vec<RuleGrant>,
}

/// An invitation that can be accepted.
pub(super) struct Asked {
    pub(super) row: InvitationRow,
    pub(super) declared: Invitation,
}

impl People {
    pub(super) async fn read(
        app: &App,
        conn: &mut Conn,
        row: &Row,
        declared: Option<&Account>,
    ) -> Result<Self, DeclareError> {
        let mut people = Self { invitations: asked(conn, row.id, app.clock.now()).await?, ..Self::default() };
        let Some(declared) = declared else { return Ok(people) };
        for user in declared.users.iter().flatten() {
            if let Some(member) = find(conn, row.id, user).await? {
                people.users.insert(user.called(), known(app, conn, &member).await?);
            }
        }
        let owner = declared.owner.iter().map(|owner| &owner.email);
        let invited = declared.invitations.iter().flatten().map(|invited| &invited.email);
        for email in owner.chain(invited).filter_map(|text| Email::parse(text)) {
            if let Some(member) = with_email(conn, row.id, &email.normal).await? {
                people.members.insert(email.normal, known(app, conn, &member).await?);
            }
        }
        Ok(people)
    }

    pub(super) fn user(&self, user: &User) -> Option<&Known> {
        self.users.get(&user.called())
    }

    pub(super) fn member(&self, normal: &str) -> Option<&Known> {
        self.members.get(normal)
    }

    pub(super) fn invited(&self, normal: &str) -> Option<&Asked> {
        self.invitations.iter().find(|asked| asked.row.email_normal == normal)
    }
}

async fn with_email(conn: &mut Conn, account: AccountId, normal: &str) -> Result<Option<Member>, DeclareError> {
    match person::with_email(conn, normal).await? {
        Some(person) => Ok(member::of_user(conn, account, person.id).await?),
        None => Ok(None),
    }
}

/// By the address, or else by the first identity that is somebody's.
async fn find(conn: &mut Conn, account: AccountId, user: &User) -> Result<Option<Member>, DeclareError> {
    if let Some(normal) = user.normal()
        && let Some(member) = with_email(conn, account, &normal).await?
    {
        return Ok(Some(member));
    }
    for wanted in &user.identities {
        let Some(row) = connection::named(conn, &wanted.connection).await?.filter(|row| row.account == account) else {
            continue;
        };
        let mut found = match &wanted.subject {
            Some(subject) => identity::of_subject(conn, row.id, subject).await?.into_iter().collect(),
            None => Vec::new(),
        };
        found.extend(identity::of_user_name(conn, row.id, &fold(&wanted.user_name)).await?);
        // The dead count too: whom a directory has deleted no document makes anew.
        if let Some(identity) = found.first() {
            let member = member::find(conn, identity.member).await?;
            // Whose address is another person's is not that person: making them anew will say so.
            let other = match user.normal() {
                Some(normal) => person::with_email(conn, &normal).await?,
                None => None,
            };
            return Ok(member.filter(|member| other.is_none_or(|other| other.id == member.user)));
        }
    }
    Ok(None)
}

async fn known(app: &App, conn: &mut Conn, member: &Member) -> Result<Known, DeclareError> {
    Ok(Known {
        member: member.id,
        owner: member.owner,
        account_role: AccountRole::parse(&member.account_role),
        is_out: member.numbers.held || member.left_org_at.is_some() || member.left_account_at.is_some(),
        by_rules: roles::of(app, conn, member, app.clock.now()).await?.source == Source::Rules,
        roles: by_hand(app, conn, member.id).await?,
    })
}

/// What the catalogue has forgotten gives nothing, and is nothing that a document could say.
async fn by_hand(app: &App, conn: &mut Conn, member: MemberId) -> Result<Vec<RuleGrant>, DeclareError> {
    let team = |name: String| (!name.is_empty()).then_some(name);
    let rows = grant::of(conn, member).await?.into_iter();
    let all = rows.map(|row| RuleGrant { team: team(row.team), service: row.service, role: row.role });
    let is_known =
        |role: &RuleGrant| role.role == USER_ADMIN || app.catalogue.role_named(&role.service, &role.role).is_some();
    let mut roles: Vec<RuleGrant> = all.filter(is_known).collect();
    roles.sort();
    Ok(roles)
}

async fn asked(conn: &mut Conn, account: AccountId, now: Timestamp) -> Result<Vec<Asked>, DeclareError> {
    let mut all = Vec::new();
    for row in invitation::open(conn, account, now).await? {
        let mut roles: Vec<RuleGrant> =
            serde_json::from_str(&row.roles).map_err(|_| DeclareError::Corrupt("invitation"))?;
        roles.sort();
        let declared = Invitation {
            email: row.email.clone(),
            owner: row.kind == "owner",
            account_role: AccountRole::parse(&row.account_role),
            roles,
            message: (!row.message.is_empty()).then(|| row.message.clone()),
            valid_for: Some(Span::from_seconds(row.validity.as_secs())),
        };
        all.push(Asked { row, declared });
    }
    all.sort_by(|one, other| one.row.email_normal.cmp(&other.row.email_normal));
    Ok(all)
}

/// Everybody of the account who is somebody by hand and whom nothing keeps out, but its owner.
pub(super) async fn export(app: &App, conn: &mut Conn, account: AccountId) -> Result<Vec<User>, DeclareError> {
    let mut users = Vec::new();
    for listed in person::by_hand(conn, account).await? {
        users.extend(user(app, conn, listed).await?);
    }
    users.sort_by_key(User::called);
    Ok(users)
}

async fn user(app: &App, conn: &mut Conn, listed: Listed) -> Result<Option<User>, DeclareError> {
    let member = member::find(conn, listed.member).await?.ok_or(DeclareError::Corrupt("member"))?;
    let known = known(app, conn, &member).await?;
    let shown = identity::shown(conn, listed.member).await?.into_iter();
    let identity = |shown: identity::Shown| Identity {
        connection: shown.connection,
        user_name: shown.user_name,
        subject: shown.subject,
        external_id: shown.external_id,
    };
    let mut identities: Vec<Identity> = shown.map(identity).collect();
    identities.sort_by(|one, other| one.connection.cmp(&other.connection));
    let email = listed.person.email.filter(|_| listed.person.email_trusted);
    if known.by_rules || (email.is_none() && identities.is_empty()) {
        return Ok(None);
    }
    let password = password::find(conn, listed.person.id).await?.map(|_| Secret::Kept);
    Ok(Some(User {
        name: Some(listed.person.name),
        password: password.filter(|_| email.is_some()),
        email,
        owner: known.owner,
        account_role: Some(known.account_role),
        roles: (!known.owner).then_some(known.roles),
        identities,
    }))
}
