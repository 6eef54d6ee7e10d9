//! Who reads a page, and the frame around it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cardea_gateway::people::{self, Here};
use cardea_gateway::{App, Ctx, switching};
use cardea_model::{Caller, Permission};

use super::switching::choice;
use crate::console::frame::{Environment, Frame, OrgChoice, OrgPlace, Room};
use crate::console::{Notice, Tone};
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

/// What the request before this one has done; it stands in the address that it sent the browser to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    KeyDisabled,
    KeyEnabled,
    KeyDeleted,
    KeyEnded,
    Reactivated,
    NothingToLift,
    SessionEnded,
    SessionGone,
    OthersEnded,
    PasswordChanged,
    RuleSaved,
    RuleDeleted,
    RulesActivated,
    RulesUndone,
    NotTheLastChange,
    RulesOff,
    Described,
    OwnerAsked,
    OwnerRemoved,
    AccountRoleChanged,
    RemovedFromAccount,
    Readmitted,
    MessageSent,
    Invited,
    InvitedStranger,
    InvitationResent,
    InvitationRevoked,
    RolePromised,
    RoleNotPromised,
    OwnerInvited,
    RoleGiven,
    RoleTaken,
    RoleGone,
    AddedAgain,
    TeamMade,
    TeamDescribed,
    TeamEnded,
}

impl Done {
    const ALL: [Self; 37] = [
        Self::KeyDisabled,
        Self::KeyEnabled,
        Self::KeyDeleted,
        Self::KeyEnded,
        Self::Reactivated,
        Self::NothingToLift,
        Self::SessionEnded,
        Self::SessionGone,
        Self::OthersEnded,
        Self::PasswordChanged,
        Self::RuleSaved,
        Self::RuleDeleted,
        Self::RulesActivated,
        Self::RulesUndone,
        Self::NotTheLastChange,
        Self::RulesOff,
        Self::Described,
        Self::OwnerAsked,
        Self::OwnerRemoved,
        Self::AccountRoleChanged,
        Self::RemovedFromAccount,
        Self::Readmitted,
        Self::MessageSent,
        Self::Invited,
        Self::InvitedStranger,
        Self::InvitationResent,
        Self::InvitationRevoked,
        Self::RolePromised,
        Self::RoleNotPromised,
        Self::OwnerInvited,
        Self::RoleGiven,
        Self::RoleTaken,
        Self::RoleGone,
        Self::AddedAgain,
        Self::TeamMade,
        Self::TeamDescribed,
        Self::TeamEnded,
    ];

    /// The word in the address.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::KeyDisabled => "key-disabled",
            Self::KeyEnabled => "key-enabled",
            Self::KeyDeleted => "key-deleted",
            Self::KeyEnded => "key-ended",
            Self::Reactivated => "reactivated",
            Self::NothingToLift => "nothing-to-lift",
            Self::SessionEnded => "session-ended",
            Self::SessionGone => "session-gone",
            Self::OthersEnded => "others-ended",
            Self::PasswordChanged => "password-changed",
            Self::RuleSaved => "rule-saved",
            Self::RuleDeleted => "rule-deleted",
            Self::RulesActivated => "rules-activated",
            Self::RulesUndone => "rules-undone",
            Self::NotTheLastChange => "not-the-last-change",
            Self::RulesOff => "rules-off",
            Self::Described => "described",
            Self::OwnerAsked => "owner-asked",
            Self::OwnerRemoved => "owner-removed",
            Self::AccountRoleChanged => "account-role-changed",
            Self::RemovedFromAccount => "removed-from-account",
            Self::Readmitted => "readmitted",
            Self::MessageSent => "message-sent",
            Self::Invited => "invited",
            Self::InvitedStranger => "invited-stranger",
            Self::InvitationResent => "invitation-resent",
            Self::InvitationRevoked => "invitation-revoked",
            Self::RolePromised => "role-promised",
            Self::RoleNotPromised => "role-not-promised",
            Self::OwnerInvited => "owner-invited",
            Self::RoleGiven => "role-given",
            Self::RoleTaken => "role-taken",
            Self::RoleGone => "role-gone",
            Self::AddedAgain => "added-again",
            Self::TeamMade => "team-made",
            Self::TeamDescribed => "team-described",
            Self::TeamEnded => "team-ended",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.word() == word)
    }

    fn notice(self) -> Notice {
        let (tone, text) = match self {
            Self::KeyDisabled => (Tone::Good, "The key is disabled. It is refused from now on, on every node."),
            Self::KeyEnabled => (Tone::Good, "The key is enabled and works again."),
            Self::KeyDeleted => (Tone::Good, "The key is deleted. It is refused from now on, on every node."),
            Self::KeyEnded => (Tone::Warning, "This key has ended, so nothing was changed. Create another one."),
            Self::Reactivated => (Tone::Good, "The person may sign in again. Keys and sessions that ended stay dead."),
            Self::NothingToLift => (
                Tone::Warning,
                "Nothing was changed: no admin holds this person. What a directory holds, it lifts itself.",
            ),
            Self::SessionEnded => (Tone::Good, "The session has ended, on every node."),
            Self::SessionGone => (Tone::Warning, "Nothing was changed: this session had ended before."),
            Self::OthersEnded => (Tone::Good, "Every other session has ended. You are signed in here alone."),
            Self::RuleSaved => {
                (Tone::Good, "The rule is saved. Nobody's roles have changed; preview the rules and activate them.")
            }
            Self::RuleDeleted => {
                (Tone::Good, "The rule is deleted. Nobody's roles have changed; preview the rules and activate them.")
            }
            Self::RulesActivated => (Tone::Good, "The rules are in force, on every node."),
            Self::RulesUndone => (Tone::Good, "The last change is undone. What stood before it counts, on every node."),
            Self::NotTheLastChange => {
                (Tone::Warning, "Nothing was undone: the rules have changed again since. This is the last change now.")
            }
            Self::RulesOff => (Tone::Good, "No rules are in force. What they gave is gone, on every node."),
            Self::Described => (Tone::Good, "The description is saved."),
            Self::OwnerAsked => {
                (Tone::Good, "The invitation is on its way. Its link is in the message, and works once.")
            }
            Self::OwnerRemoved => {
                (Tone::Good, "They own nothing here any more. The remaining owners were told by e-mail.")
            }
            Self::AccountRoleChanged => (Tone::Good, "What they are in the account is changed, on every node."),
            Self::RemovedFromAccount => {
                (Tone::Good, "They are out of the account. Their keys and sessions have ended, on every node.")
            }
            Self::Readmitted => {
                (Tone::Good, "They are in the account again. They have nothing in the org until they are added there.")
            }
            Self::MessageSent => (
                Tone::Good,
                "Your message is on its way to every owner of the org. They answer to your e-mail address.",
            ),
            Self::Invited => (
                Tone::Good,
                "The invitation is on its way. Now choose the roles that they have from the moment they accept.",
            ),
            Self::InvitedStranger => (
                Tone::Warning,
                "The invitation is on its way, to a domain that is none of this account. If that is a slip of the pen, withdraw it.",
            ),
            Self::InvitationResent => (
                Tone::Good,
                "The invitation is sent again, with a new link. The link before it is good for nothing any more.",
            ),
            Self::InvitationRevoked => {
                (Tone::Good, "The invitation is withdrawn. Its link is good for nothing any more.")
            }
            Self::RolePromised => (Tone::Good, "The role is added. They have it from the moment they accept."),
            Self::RoleNotPromised => (Tone::Good, "The role is removed from the invitation."),
            Self::OwnerInvited => (
                Tone::Good,
                "They are invited to own the org now. A new mail is on its way; the link before it is good for nothing any more.",
            ),
            Self::RoleGiven => (Tone::Good, "The role is given, on every node."),
            Self::RoleTaken => (Tone::Good, "The role is taken away, on every node."),
            Self::RoleGone => (Tone::Warning, "Nothing was changed: they did not have this role any more."),
            Self::AddedAgain => (Tone::Good, "They are in the org again, without the roles and keys from before."),
            Self::TeamMade => (Tone::Good, "The team is there. Give people a role in it."),
            Self::TeamDescribed => (Tone::Good, "The description is saved."),
            Self::TeamEnded => (Tone::Good, "The team has ended, on every node. Its name is never given again."),
            Self::PasswordChanged => {
                (Tone::Good, "Your password is changed, and every other session has ended. Your API keys work on.")
            }
        };
        Notice { tone, text: text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_an_address_is_read_back() {
        for done in Done::ALL {
            assert_eq!(Done::parse(done.word()), Some(done));
        }
        assert_eq!(Done::parse("<script>"), None);
    }
}
