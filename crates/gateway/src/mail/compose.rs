//! The texts: who, what, until when, and what to do if it was not expected.

use cardea_model::Timestamp;

use super::message::{Message, Proof, Removed};
use super::page::{Page, utc};

/// A message as it is read.
pub(super) fn page(message: &Message) -> Page {
    match message {
        Message::AccountInvitation { account, org, inviter, role, text, link, expires_at } => {
            let asks =
                format!("{inviter} invites you to the account {account} and its org {org}, as {role} of the account.");
            invitation(org, inviter, &asks, text.as_deref(), link, *expires_at)
        }
        Message::OwnerInvitation { org, inviter, text, link, expires_at } => {
            let asks = format!(
                "{inviter} invites you to be an owner of the org {org}: to manage its teams, its people and their roles."
            );
            invitation(org, inviter, &asks, text.as_deref(), link, *expires_at)
        }
        Message::VerifyAddress { proof, expires_at } => verify(proof, *expires_at),
        Message::OwnerRemoved { org, removed, by, at } => owner_removed(org, removed, by, *at),
        Message::OwnerSuspended { org, owner, by, at } => owner_suspended(org, owner, by, *at),
        Message::ContactAdmin { from, subject, body, org, team } => {
            contact(from, subject, body, org, team.as_deref().unwrap_or("none"))
        }
        Message::Activation { service, link, expires_at } => {
            let waits = format!("Welcome. {service} is yours to activate, for an account of yours or a new one.");
            activation(&format!("Welcome: activate {service}"), &waits, None, link, *expires_at)
        }
        Message::ActivationTransfer { service, from, text, link, expires_at } => {
            let waits =
                format!("{from} hands {service} on to you. You can activate it for an account of yours or a new one.");
            let words = text.as_deref().map(|text| (from.as_str(), text));
            activation(&format!("{service} for you, from {from}"), &waits, words, link, *expires_at)
        }
        Message::Entitlement { service, number, link, expires_at } => entitlement(service, number, link, *expires_at),
        Message::RegistrationConfirmed { account, org, link } => registered(account, org, link),
        Message::KnownAlready { link } => known_already(link),
        Message::RuleActivationResult { org, by, people, gained, lost, at } => {
            rules(org, by, [*people, *gained, *lost].map(|count| count.to_string()), *at)
        }
        Message::PasswordChanged { address, at } => password_changed(address, *at),
        Message::ChoosePassword { address, org, by, link, expires_at } => {
            choose_password(address, org, by, link, *expires_at)
        }
        Message::PasswordReset { address, by, at } => password_reset(address, by, *at),
        Message::KeyExpiring { key_kind, name, key, org, link, expires_at } => {
            key_expiring((key_kind, name, key), org, link, *expires_at)
        }
        Message::KeyRevoked { name, key, org, by, at } => key_revoked((name, key), org, by, *at),
        Message::KeyLeaked { key_kind, name, key, org, found, at } => {
            key_leaked((key_kind, name, key), org, found.as_deref(), *at)
        }
        Message::ServiceKeyGranted { name, org, services, by, at } => service_key(name, org, services, by, *at),
        Message::AccessRemoved { org, by, scope, at } => access_removed(org, by, *scope, *at),
    }
}

fn invitation(org: &str, inviter: &str, asks: &str, text: Option<&str>, link: &str, expires_at: Timestamp) -> Page {
    Page::about(&format!("{inviter} invites you to {org}"))
        .line(asks)
        .words(inviter, text)
        .link("Accept the invitation", link)
        .line(&format!("The link works once, until {}.", utc(expires_at)))
        .line("Not expected? Do nothing: unless you accept, nothing happens.")
}

fn verify(proof: &Proof, expires_at: Timestamp) -> Page {
    let (until, page) = (utc(expires_at), Page::about("Verify your e-mail address"));
    let page = page.line("Somebody, probably you, gave this address as theirs. Please show that it is yours.");
    let page = match proof {
        Proof::Link(link) => {
            page.link("Verify this address", link).line(&format!("The link works once, until {until}."))
        }
        Proof::Code(code) => page
            .line("Type this code where you were asked for it:")
            .code(code)
            .line(&format!("The code works once, until {until}. Nobody of ours will ever ask you for it.")),
    };
    page.line("Not expected? Do nothing: without this the address is not used.")
}

fn owner_removed(org: &str, removed: &str, by: &str, at: Timestamp) -> Page {
    let at = utc(at);
    Page::about(&format!("{removed} is no longer an owner of {org}"))
        .line(&format!("{by} has removed {removed} from the owners of the org {org}."))
        .facts([("Org", org), ("Removed", removed), ("By", by), ("At", &at)])
        .line("You get this because you are an owner. Not expected? Look into the audit log, and speak to the other owners at once.")
}

fn owner_suspended(org: &str, owner: &str, by: &str, at: Timestamp) -> Page {
    let at = utc(at);
    Page::about(&format!("An owner of {org} is suspended: {owner}"))
        .line(&format!("{owner} can do nothing in the org {org} for now: {by} has said so. Their sessions and keys have ended, and they stay an owner."))
        .facts([("Org", org), ("Suspended", owner), ("By", by), ("At", &at)])
        .line("Every other owner and the recovery address of the account get this. Not expected? Look at the receipt in the console. Whoever suspended them can let them in again, and so can an operator.")
}

fn contact(from: &str, subject: &str, body: &str, org: &str, team: &str) -> Page {
    Page::about(&format!("[{org}] {subject}"))
        .line(&format!("{from} writes to the owners of the org {org}."))
        .facts([("From", from), ("Subject", subject), ("Org", org), ("Team", team)])
        .words(from, Some(body))
        .line("An answer to this message goes to them. Their words are their own: open nothing in them that you do not expect.")
}

fn activation(subject: &str, waits: &str, words: Option<(&str, &str)>, link: &str, expires_at: Timestamp) -> Page {
    let (by, text) = words.unzip();
    Page::about(subject)
        .line(waits)
        .words(by.unwrap_or_default(), text)
        .link("Activate", link)
        .line(&format!("The link works once, until {}.", utc(expires_at)))
        .line("Not expected? Do nothing: unless you activate it, nothing happens.")
}

fn entitlement(service: &str, number: &str, link: &str, expires_at: Option<Timestamp>) -> Page {
    let until = expires_at.map_or_else(|| "no end".to_owned(), utc);
    Page::about(&format!("Your entitlement to {service}"))
        .line(&format!("This is the certificate of your entitlement to {service}. Keep this message."))
        .facts([("Product", service), ("Certificate", number), ("Until", &until)])
        .link("Register it", link)
        .line("Register it for an account that you own, or for a new one. If the account is somebody else's, let its owner do it.")
        .line("Not expected? Do nothing: unless somebody registers it, nothing happens.")
}

fn registered(account: &str, org: &str, link: &str) -> Page {
    Page::about(&format!("Your account {account} is ready"))
        .line(&format!("You have registered the account {account}. Its org is {org}, and you own both."))
        .link("Sign in", link)
        .line("Set a recovery address next, so that you are not locked out when this mailbox is gone.")
        .line("Not expected? Somebody has used your address: choose a new password at the sign-in, and tell us.")
}

fn known_already(link: &str) -> Page {
    Page::about("You can sign in already")
        .line("Somebody, probably you, asked for an account with this address. You need none: it has a way in already.")
        .link("Sign in", link)
        .line("Not expected? Do nothing: nothing was made and nothing has changed.")
}

fn rules(org: &str, by: &str, [people, gained, lost]: [String; 3], at: Timestamp) -> Page {
    let at = utc(at);
    Page::about(&format!("New membership rules are in force in {org}"))
        .line(&format!("{by} has activated the membership rules of the org {org}."))
        .facts([
            ("Org", org),
            ("By", by),
            ("At", &at),
            ("People", &people),
            ("With more roles", &gained),
            ("With fewer roles", &lost),
        ])
        .line("Not expected? The rules page in the console shows what changed, and can undo it.")
}

fn password_changed(address: &str, at: Timestamp) -> Page {
    let at = utc(at);
    Page::about("Your password was changed")
        .line(&format!("The password with which {address} signs in here was changed by somebody who was signed in and knew the old one. Every other session has ended. API keys work on."))
        .facts([("Address", address), ("At", &at)])
        .line("Not you? Then somebody else knows how you sign in. Ask another owner of your org, or whoever runs this instance, to shut your access at once.")
}

fn choose_password(address: &str, org: &str, by: &str, link: &str, expires_at: Timestamp) -> Page {
    Page::about(&format!("Choose your password for {org}"))
        .line(&format!("{by} asks you to choose a password. With it and the address {address} you sign in to the org {org}. A password that you had there works no more."))
        .link("Choose a password", link)
        .line(&format!("The link works once, until {}.", utc(expires_at)))
        .line("Not expected? Do nothing, and nobody signs in with this address.")
}

fn password_reset(address: &str, by: &str, at: Timestamp) -> Page {
    let at = utc(at);
    Page::about("Your password was reset")
        .line(&format!("{by} has made another password for {address}, and knows it. Every session of yours has ended. Ask them for it, and choose one of your own when you sign in."))
        .facts([("Address", address), ("By", by), ("At", &at)])
        .line("Not expected? Tell an owner of your org at once.")
}

fn key_expiring((kind, name, key): (&str, &str, &str), org: &str, link: &str, expires_at: Timestamp) -> Page {
    let at = utc(expires_at);
    Page::about(&format!("The key {name} expires at {at}"))
        .line(&format!("The {kind} key {name} of the org {org} expires at {at}. Whatever uses it is refused from then on."))
        .facts([("Key", name), ("Begins with", key), ("Org", org), ("Expires", &at)])
        .link("Rotate the key", link)
        .line("Rotating gives it another secret and another expiry; the old secret works on for a day unless you say otherwise. Not in use any more? Delete it.")
}

fn key_revoked((name, key): (&str, &str), org: &str, by: &str, at: Timestamp) -> Page {
    let at = utc(at);
    Page::about(&format!("Your key {name} was revoked"))
        .line(&format!(
            "{by} has revoked your key {name} of the org {org}. It works nowhere any more, and does not come back."
        ))
        .facts([("Key", name), ("Begins with", key), ("Org", org), ("By", by), ("At", &at)])
        .line("Still needed? Ask them why, and make another key.")
}

fn key_leaked((kind, name, key): (&str, &str, &str), org: &str, found: Option<&str>, at: Timestamp) -> Page {
    let (at, place) = (utc(at), found.unwrap_or("not said"));
    Page::about(&format!("The key {name} of {org} has leaked and was revoked"))
        .line(&format!("Somebody has shown us the whole secret of the {kind} key {name} of the org {org}, which they have found. The key works nowhere any more, and does not come back."))
        .facts([("Key", name), ("Begins with", key), ("Org", org), ("Found at", place), ("At", &at)])
        .line("Remove it from where it was found, look into the audit log for what was done with it, and make another key where one is needed.")
}

fn service_key(name: &str, org: &str, services: &str, by: &str, at: Timestamp) -> Page {
    let at = utc(at);
    Page::about(&format!("{by} has given the service key {name} rights in {org}"))
        .line(&format!("{by}, who is no owner of the org {org}, has said what its service key {name} may do. A service key may do that whatever the roles of its maker are."))
        .facts([("Key", name), ("Services", services), ("Org", org), ("By", by), ("At", &at)])
        .line("You get this because you are an owner. Not expected? Revoke the key, and look into the audit log.")
}

fn access_removed(org: &str, by: &str, scope: Removed, at: Timestamp) -> Page {
    let (what, rest) = match scope {
        Removed::Org => ("org", "Your roles there are gone. The account knows you as before."),
        Removed::Account => ("account of the org", "You can use none of its services any more."),
    };
    let at = utc(at);
    Page::about(&format!("You were removed from {org}"))
        .line(&format!("{by} has removed you from the {what} {org}. {rest} Your API keys for it have ended."))
        .facts([("Org", org), ("By", by), ("At", &at)])
        .line("Not expected? Ask an owner of the org.")
}
