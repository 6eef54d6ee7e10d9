//! What is wrong with people and invitations.

use super::report::{Name, Report};
use super::rule::of_role;
use super::upstream::connection_exists;
use crate::mail;
use crate::state::person::{Invitation, User};
use crate::state::{Account, OrgKind};
use cardea_model::name::Email;
use cardea_model::rule::{AccountRole, RuleGrant};

/// The longest message of an invitation, in bytes.
const LONGEST_MESSAGE: usize = 4000;

pub(super) fn check(report: &mut Report<'_>, within: &str, account: &Account) {
    if let Some(email) = account.owner.as_ref().and_then(|owner| Email::parse(&owner.email)) {
        report.unique_in(within, Name::User, &email.normal, &format!("{within}.owner.email"));
    }
    for (index, user) in account.users.iter().flatten().enumerate() {
        of_user(report, within, &format!("{within}.users[{index}]"), (account, user));
    }
    for (index, invitation) in account.invitations.iter().flatten().enumerate() {
        of_invitation(report, within, &format!("{within}.invitations[{index}]"), (account, invitation));
    }
}

fn of_user(report: &mut Report<'_>, within: &str, path: &str, (account, user): (&Account, &User)) {
    match (&user.email, user.identities.is_empty()) {
        (Some(email), _) => address(report, within, &format!("{path}.email"), email),
        (None, true) => report.say(path, "needs an `email`, or an identity by which they are found"),
        (None, false) if user.password.is_some() => {
            report.say(&format!("{path}.password"), "needs an `email` beside it, to sign in with");
        }
        (None, false) => {}
    }
    if let Some(name) = &user.name {
        report.filled(&format!("{path}.name"), name);
    }
    for (number, identity) in user.identities.iter().enumerate() {
        let path = format!("{path}.identities[{number}]");
        connection_exists(report, &path, account, &identity.connection);
        report.filled(&format!("{path}.user_name"), &identity.user_name);
        let whose = format!("{} at {}", identity.user_name, identity.connection);
        report.unique_in(within, Name::Identity, &whose, &path);
    }
    let roles = user.roles.as_deref().unwrap_or_default();
    let role = user.account_role;
    ownership(report, path, (user.owner, role.unwrap_or(AccountRole::Admin)), roles);
    if user.owner && user.email.is_none() {
        report.say(&format!("{path}.email"), "is needed for an owner");
    }
    of_roles(report, path, account, roles);
    let is_individual = account.org.as_ref().is_some_and(|org| org.kind == OrgKind::Individual);
    if is_individual && (user.owner || !roles.is_empty()) {
        report.say(path, "can have no rights in an org of `kind: individual`");
    }
}

fn of_invitation(report: &mut Report<'_>, within: &str, path: &str, (account, invitation): (&Account, &Invitation)) {
    address(report, within, &format!("{path}.email"), &invitation.email);
    ownership(report, path, (invitation.owner, invitation.account_role), &invitation.roles);
    of_roles(report, path, account, &invitation.roles);
    if invitation.message.as_ref().is_some_and(|text| !mail::is_text(text, LONGEST_MESSAGE)) {
        report.say(&format!("{path}.message"), format!("must be plain text of at most {LONGEST_MESSAGE} bytes"));
    }
}

/// One address is one person, wherever it stands in the account.
fn address(report: &mut Report<'_>, within: &str, path: &str, text: &str) {
    match Email::parse(text) {
        Some(email) => report.unique_in(within, Name::User, &email.normal, path),
        None => report.say(path, format!("`{text}` is no e-mail address")),
    }
}

fn ownership(report: &mut Report<'_>, path: &str, (owner, role): (bool, AccountRole), roles: &[RuleGrant]) {
    if role == AccountRole::Owner {
        report.say(&format!("{path}.account_role"), "an account has one owner, who stands in `owner`");
    } else if owner && role != AccountRole::Admin {
        report.say(&format!("{path}.account_role"), "must be `admin` for an owner of the org");
    }
    if owner && !roles.is_empty() {
        report.say(&format!("{path}.roles"), "must be none: an owner has every role");
    }
}

fn of_roles(report: &mut Report<'_>, path: &str, account: &Account, roles: &[RuleGrant]) {
    for (number, role) in roles.iter().enumerate() {
        of_role(report, &format!("{path}.roles[{number}]"), account, role);
    }
}
