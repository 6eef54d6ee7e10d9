//! The first step of adding a user: who comes, as what, and for how long the link is good.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use cardea_gateway::accounts::AccountError;
use cardea_gateway::invitations::{self, InvitationError, InvitedAs, Wanted};
use cardea_gateway::members::{self, Offer};
use cardea_gateway::{App, orgs, people};
use cardea_model::id::AccountId;
use cardea_model::key::Span;
use cardea_model::rule::AccountRole;
use cardea_model::{Denied, Fault, Permission};

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::role_form::{Chosen, wrong};
use crate::console::Problems;
use crate::console::frame::Room;
use crate::console::invitations::{AddUserPage, InviteForm};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// How long a link can be good, if the settings allow it.
const LIVES: [(&str, &str); 7] = [
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("1d", "1 day"),
    ("3d", "3 days"),
    ("7d", "7 days"),
    ("14d", "14 days"),
    ("30d", "30 days"),
];

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/o/{org}/people/add", get(form).post(invite))
}

/// What was typed.
#[derive(Default)]
struct Typed {
    email: String,
    invited_as: String,
    message: String,
    valid_for: String,
    chosen: Chosen,
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        let text = |name| fields.one(name).to_owned();
        Self {
            email: fields.one("email").trim().to_owned(),
            invited_as: text("invited_as"),
            message: text("message"),
            valid_for: text("valid_for"),
            chosen: Chosen::of(fields),
        }
    }

    /// The invitation that is asked for. Whoever invites into teams only says the first role at once.
    fn wanted(&self, offer: &Offer) -> Result<Wanted, Problems> {
        let valid_for =
            Span::parse(&self.valid_for).ok_or_else(|| wrong("valid_for", "Choose how long the link is good"))?;
        let (invited_as, account_role) = match self.invited_as.as_str() {
            "owner" => (InvitedAs::Owner, AccountRole::Admin),
            "admin" => (InvitedAs::Member, AccountRole::Admin),
            _ => (InvitedAs::Member, AccountRole::Member),
        };
        let whole = offer.org || offer.is_empty();
        let roles = if whole { Vec::new() } else { vec![self.chosen.grant()?] };
        let message = Some(self.message.replace("\r\n", "\n"));
        Ok(Wanted { email: self.email.clone(), invited_as, account_role, message, valid_for: Some(valid_for), roles })
    }
}

async fn form(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeUsers).await?.id;
    let valid_for = Span::from_seconds(app.settings.link_life.as_secs()).to_string();
    let fresh = Typed { invited_as: "member".to_owned(), valid_for, ..Typed::default() };
    page(StatusCode::OK, &whole(&app, &reader, account, fresh, Problems::default()).await?)
}

async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    typed: Typed,
    problems: Problems,
) -> Result<AddUserPage, Problem> {
    let org = orgs::profile(app, &reader.ctx, account).await?;
    let offer = members::offer(app, &reader.ctx, account).await?;
    let alone = org.kind == "individual";
    if !alone && offer.is_empty() {
        return Err(Denied::Refused.into());
    }
    let mut lives = lives(app);
    if !lives.iter().any(|(value, _)| *value == typed.valid_for) && Span::parse(&typed.valid_for).is_some() {
        lives.insert(0, (typed.valid_for.clone(), typed.valid_for.clone()));
    }
    let about_role = |problems: &Problems| problems.of("role").is_some() || problems.of("team").is_some();
    let (of_role, problems) =
        if about_role(&problems) { (problems, Problems::default()) } else { (Problems::default(), problems) };
    let form = InviteForm {
        email: typed.email,
        invited_as: typed.invited_as,
        admin: offer.org && offer.account_admin,
        owner: offer.owner,
        message: typed.message,
        valid_for: typed.valid_for,
        lives,
        role: (!offer.org).then(|| typed.chosen.form(app, &offer, of_role)),
        problems,
    };
    Ok(AddUserPage {
        frame: reader.frame(Room::People),
        linked: org.linked,
        sign_in: None,
        form: (!alone).then_some(form),
    })
}

/// The spans that can be chosen, within the bounds of the settings.
fn lives(app: &App) -> Vec<(String, String)> {
    let allowed = app.settings.invitation_min..=app.settings.invitation_max;
    let fits = |value: &str| Span::parse(value).is_some_and(|span| allowed.contains(&span.duration()));
    let known = LIVES.iter().filter(|(value, _)| fits(value));
    known.map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect()
}

async fn invite(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = people::account_of(&app, &reader.ctx, &org, Permission::SeeOrg).await?.id;
    let offer = members::offer(&app, &reader.ctx, account).await?;
    let typed = Typed::of(&fields);
    let wanted = match typed.wanted(&offer) {
        Ok(wanted) => wanted,
        Err(problems) => {
            let shown = whole(&app, &reader, account, typed, problems).await?;
            return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
        }
    };
    match invitations::create(&app, &reader.ctx, account, wanted).await {
        Ok(invited) => {
            let done = if invited.warnings.is_empty() { Done::Invited } else { Done::InvitedStranger };
            see_other(&format!("{}?done={}", reader.at(&format!("invitations/{}", invited.invitation.id)), done.word()))
        }
        Err(error) => refused(&app, &reader, account, (typed, &offer), error).await,
    }
}

/// The form with what is wrong; the answer of the API where no typing mends it.
async fn refused(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (typed, offer): (Typed, &Offer),
    error: InvitationError,
) -> Result<Response, Problem> {
    let Some(problems) = problems(&error, offer) else { return Err(error.into()) };
    let mut shown = whole(app, reader, account, typed, problems).await?;
    shown.sign_in = matches!(error, InvitationError::Reauthenticate).then(|| reader.sign_in_for(&reader.at("people")));
    page(status(error.kind()), &shown)
}

/// What the error means for the form; nothing for those that no typing mends.
fn problems(error: &InvitationError, offer: &Offer) -> Option<Problems> {
    // Whoever manages a team cannot ask outsiders in.
    if matches!(error, InvitationError::Denied(Denied::Refused)) && !offer.org && !offer.is_empty() {
        let text = "You can add who is in the account already. For anybody else, ask a user admin of the org";
        return Some(wrong("email", text));
    }
    if matches!(error, InvitationError::Reauthenticate) {
        return Some(Problems::default());
    }
    field_of(error).map(|field| wrong(field, &sentence(&error.to_string())))
}

/// The field that an error is about; nothing for those that no typing mends.
pub(super) const fn field_of(error: &InvitationError) -> Option<&'static str> {
    match error {
        InvitationError::Email | InvitationError::AlreadyMember | InvitationError::Pending => Some("email"),
        InvitationError::Account(AccountError::OwnerDomain(_)) => Some("email"),
        InvitationError::Account(_) | InvitationError::AccountOwner | InvitationError::OwnerIsAdmin => {
            Some("invited_as")
        }
        InvitationError::Validity(..) => Some("valid_for"),
        InvitationError::Message(_) => Some("message"),
        InvitationError::Role(_) | InvitationError::Roles(_) => Some("role"),
        InvitationError::Denied(_)
        | InvitationError::Missing
        | InvitationError::Link
        | InvitationError::Individual
        | InvitationError::Stale
        | InvitationError::Accepted
        | InvitationError::Revoked
        | InvitationError::Expired
        | InvitationError::InviterGone
        | InvitationError::OtherAddress
        | InvitationError::SignIn
        | InvitationError::Password
        | InvitationError::Held
        | InvitationError::Reauthenticate
        | InvitationError::Corrupt(_)
        | InvitationError::Database(_) => None,
    }
}
