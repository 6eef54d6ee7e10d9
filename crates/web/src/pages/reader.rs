//! Who reads a page, and the frame around it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cardea_gateway::people::{self, Here};
use cardea_gateway::{App, Ctx};

use crate::console::frame::{Environment, Frame, OrgPlace, Room};
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
    environment: Environment,
    done: Option<Done>,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Somebody(ctx) = Somebody::from_request_parts(parts, app).await?;
        let here = people::here(app, &ctx).await?;
        let query = parts.uri.query().unwrap_or_default();
        let done = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done");
        let done = done.and_then(|(_, word)| Done::parse(&word));
        Ok(Self { ctx, here, environment: environment(app), done })
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
            // A session opens the doors of its own account only, so no other org is offered.
            orgs: vec![org.clone()],
            org,
            room,
            environment: self.environment,
            notice: self.done.map(Done::notice),
        }
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
    RulesFrozen,
}

impl Done {
    const ALL: [Self; 17] = [
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
        Self::RulesFrozen,
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
            Self::RulesFrozen => "rules-frozen",
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
            Self::RulesFrozen => (Tone::Good, "No rules are in force. Everybody keeps what they gave, by hand."),
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
