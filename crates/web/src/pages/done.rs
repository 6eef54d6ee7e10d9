//! What the request before this one has done; it stands in the address that it sent the browser to.

use crate::console::{Notice, Tone};

/// One line for each: its name, its word in an address, and what is said of it.
macro_rules! done {
    ($($name:ident, $word:literal, $tone:ident, $text:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Done {
            $($name,)*
        }

        impl Done {
            const ALL: [Self; [$($word,)*].len()] = [$(Self::$name,)*];

            /// What the word in an address says; nothing for any other.
            pub(super) fn parse(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|done| done.word() == word)
            }

            /// The word in the address.
            pub(super) const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What stands above the page.
            pub(super) fn notice(self) -> Notice {
                let (tone, text) = match self {
                    $(Self::$name => (Tone::$tone, $text),)*
                };
                Notice { tone, text: text.to_owned() }
            }
        }
    };
}

done! {
    KeyDisabled, "key-disabled", Good, "The key is disabled. It is refused from now on, on every node.";
    KeyEnabled, "key-enabled", Good, "The key is enabled and works again.";
    KeyDeleted, "key-deleted", Good, "The key is deleted. It is refused from now on, on every node.";
    KeyEnded, "key-ended", Warning, "This key has ended, so nothing was changed. Create another one.";
    KeyRevoked, "key-revoked", Good, "The key is revoked. It is refused from now on, on every node.";
    PersonsKeyRevoked, "persons-key-revoked", Good, "The key is revoked. It is refused from now on, on every node, and its holder is told by e-mail.";
    ServiceKeyChanged, "service-key-changed", Good, "The key is changed. What it lost is refused from now on, on every node.";
    GraceEnded, "grace-ended", Good, "The old secret has ended, on every node. One secret works.";
    GraceOver, "grace-over", Warning, "Nothing was changed: no old secret of this key worked any more.";
    AppDisabled, "app-disabled", Good, "The app is disabled. It is given nothing, and every token that it had has ended.";
    AppEnabled, "app-enabled", Good, "The app is enabled. It asks for new tokens; those from before do not come back.";
    AppDeleted, "app-deleted", Good, "The app is deleted, with every token that it had.";
    Reactivated, "reactivated", Good, "The person may sign in again. Keys and sessions that ended stay dead.";
    NothingToLift, "nothing-to-lift", Warning, "Nothing was changed: no admin holds this person. What a directory holds, it lifts itself.";
    SessionEnded, "session-ended", Good, "The session has ended, on every node.";
    SessionGone, "session-gone", Warning, "Nothing was changed: this session had ended before.";
    OthersEnded, "others-ended", Good, "Every other session has ended. You are signed in here alone.";
    PasswordChanged, "password-changed", Good, "Your password is changed, and every other session has ended. Your API keys work on.";
    RuleSaved, "rule-saved", Good, "The rule is saved. Nobody's roles have changed; preview the rules and activate them.";
    RuleDeleted, "rule-deleted", Good, "The rule is deleted. Nobody's roles have changed; preview the rules and activate them.";
    RulesActivated, "rules-activated", Good, "The rules are in force, on every node.";
    RulesUndone, "rules-undone", Good, "The last change is undone. What stood before it counts, on every node.";
    NotTheLastChange, "not-the-last-change", Warning, "Nothing was undone: the rules have changed again since. This is the last change now.";
    RulesOff, "rules-off", Good, "No rules are in force. What they gave is gone, on every node.";
    Described, "described", Good, "The description is saved.";
    OwnerAsked, "owner-asked", Good, "The invitation is on its way. Its link is in the message, and works once.";
    OwnerRemoved, "owner-removed", Good, "They own nothing here any more. The remaining owners were told by e-mail.";
    AccountRoleChanged, "account-role-changed", Good, "What they are in the account is changed, on every node.";
    RemovedFromAccount, "removed-from-account", Good, "They are out of the account. Their keys and sessions have ended, on every node.";
    Readmitted, "readmitted", Good, "They are in the account again. They have nothing in the org until they are added there.";
    MessageSent, "message-sent", Good, "Your message is on its way to every owner of the org. They answer to your e-mail address.";
    Invited, "invited", Good, "The invitation is on its way. Now choose the roles that they have from the moment they accept.";
    InvitedStranger, "invited-stranger", Warning, "The invitation is on its way, to a domain that is none of this account. If that is a slip of the pen, withdraw it.";
    InvitationResent, "invitation-resent", Good, "The invitation is sent again, with a new link. The link before it is good for nothing any more.";
    InvitationRevoked, "invitation-revoked", Good, "The invitation is withdrawn. Its link is good for nothing any more.";
    RolePromised, "role-promised", Good, "The role is added. They have it from the moment they accept.";
    RoleNotPromised, "role-not-promised", Good, "The role is removed from the invitation.";
    OwnerInvited, "owner-invited", Good, "They are invited to own the org now. A new mail is on its way; the link before it is good for nothing any more.";
    RoleGiven, "role-given", Good, "The role is given, on every node.";
    RoleTaken, "role-taken", Good, "The role is taken away, on every node.";
    RoleGone, "role-gone", Warning, "Nothing was changed: they did not have this role any more.";
    AddedAgain, "added-again", Good, "They are in the org again, without the roles and keys from before.";
    TeamMade, "team-made", Good, "The team is there. Give people a role in it.";
    TeamDescribed, "team-described", Good, "The description is saved.";
    TeamEnded, "team-ended", Good, "The team has ended, on every node. Its name is never given again.";
    RulesFrozen, "rules-frozen", Good, "No rules are in force. Everybody keeps what they gave, by hand.";
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
