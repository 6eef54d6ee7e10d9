//! Who reads a page, and the frame around it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cardea_gateway::people::{self, Here};
use cardea_gateway::{App, Ctx, switching};
use cardea_model::{Caller, Permission};

use super::done::Done;
use super::switching::choice;
use crate::console::frame::{Environment, Frame, OrgChoice, OrgPlace, Room};
use crate::extract::Somebody;
use crate::login::environment;
use crate::problem::Problem;

/// A signed-in person in front of a page.
pub(super) struct Reader {
    /// The request, with the person as its caller.
    pub(super) ctx: Ctx,
    /// Where they stand.
    pub(super) here: Here,
    orgs: Vec<OrgChoice>,
    environment: Environment,
    done: Option<Done>,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Somebody(ctx) = Somebody::from_request_parts(parts, app).await?;
        let here = people::here(app, &ctx).await?;
        let orgs = switching::orgs(app, &ctx, "").await?.into_iter().map(choice).collect();
        let query = parts.uri.query().unwrap_or_default();
        let done = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done");
        let done = done.and_then(|(_, word)| Done::parse(&word));
        Ok(Self { ctx, here, orgs, environment: environment(app), done })
    }
}

impl Reader {
    /// The frame around a page of this room.
    pub(super) fn frame(&self, room: Room) -> Frame {
        let org =
            OrgPlace { name: self.here.org.clone(), account: self.here.account.clone(), standing: self.here.standing };
        let email = self.here.email.clone().unwrap_or_default();
        Frame {
            now: self.ctx.now,
            name: if self.here.name.is_empty() { email.clone() } else { self.here.name.clone() },
            email,
            orgs: self.orgs.clone(),
            manages_account: self.may(Permission::ManageAccountUsers),
            org,
            sees_people: self.may(Permission::SeeUsers),
            room,
            environment: self.environment,
            notice: self.done.map(Done::notice),
        }
    }

    fn may(&self, permission: Permission) -> bool {
        let Caller::Person(person) = &self.ctx.caller else { return false };
        self.ctx.may(permission, person.account).is_ok()
    }

    /// The address of the people of the reader's account; its name may have any letters.
    pub(super) fn account_users(&self) -> String {
        let name: String = url::form_urlencoded::byte_serialize(self.here.account.as_bytes()).collect();
        format!("/a/{name}/users")
    }

    /// An address under the reader's org.
    pub(super) fn at(&self, rest: &str) -> String {
        format!("/o/{}/{rest}", self.here.org)
    }

    /// Where the reader signs in again, to come to this address then.
    pub(super) fn sign_in_for(&self, address: &str) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("email", self.here.email.as_deref().unwrap_or_default());
        format!("/login?{}", pairs.append_pair("return_to", address).finish())
    }
}
