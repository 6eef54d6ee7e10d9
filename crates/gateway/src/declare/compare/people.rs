//! People by hand and invitations: where they differ.

use cardea_model::name::Email;
use cardea_model::rule::RuleGrant;

use super::super::change::{Action, Asking, ByHand, Field, Ownership, Work};
use super::super::people::{Asked, Known, People};
use super::super::secrets::Passwords;
use super::Comparison;
use crate::state::Account;
use crate::state::person::{Invitation, User};

pub(super) fn users(comparison: &mut Comparison<'_>, declared: &Account, standing: &People, passwords: &Passwords) {
    for user in declared.users.iter().flatten() {
        let name = user.called();
        let hash = user.normal().and_then(|normal| passwords.hash(&normal)).cloned();
        if let Some(known) = standing.user(user) {
            in_place(comparison, (user, &name), known, hash);
            continue;
        }
        let work = Work::ByHand(ByHand::Add { user: Box::new(user.clone()), hash });
        comparison.step(("user", &name), &format!("users[{name}]"), Action::Added, Vec::new(), work);
        if user.owner {
            own(comparison, &name, None);
        }
    }
}

fn own(comparison: &mut Comparison<'_>, name: &str, hash: Option<String>) {
    let work = Work::Owner(Ownership::Added { email: name.to_owned(), hash });
    comparison.step(("owner", name), &format!("owners[{name}]"), Action::Added, Vec::new(), work);
}

fn in_place(comparison: &mut Comparison<'_>, (user, name): (&User, &str), known: &Known, hash: Option<String>) {
    let path = format!("users[{name}]");
    if known.is_out {
        comparison.warn(&path, "has left, or their access was ended; a document changes nothing of that");
        return;
    }
    if user.owner && !known.owner {
        own(comparison, name, hash);
        return;
    }
    if let Some(hash) = hash {
        let work = Work::Owner(Ownership::Password { email: name.to_owned(), hash });
        comparison.step(("user", name), &path, Action::Changed, vec![Field::secret("password")], work);
    }
    if known.owner {
        if !user.owner {
            comparison.warn(&path, "owns the org; nobody stops doing so by a document");
        }
    } else if known.by_rules {
        if user.roles.as_ref().is_some_and(|roles| !roles.is_empty()) {
            comparison.warn(&path, "has roles by rules; roles by hand have no effect and are not given");
        }
    } else {
        rights(comparison, (user, name), known);
    }
}

fn rights(comparison: &mut Comparison<'_>, (user, name): (&User, &str), known: &Known) {
    let mut fields = Vec::new();
    let account_role = user.account_role.filter(|role| *role != known.account_role);
    if let Some(role) = account_role {
        fields.push(Field::moved("account_role", Some(known.account_role.as_str()), Some(role.as_str())));
    }
    let wanted = user.roles.as_ref().unwrap_or(&known.roles);
    let lacks = |of: &[RuleGrant], role: &RuleGrant| !of.contains(role);
    let give: Vec<RuleGrant> = wanted.iter().filter(|role| lacks(&known.roles, role)).cloned().collect();
    let take: Vec<RuleGrant> = known.roles.iter().filter(|role| lacks(wanted, role)).cloned().collect();
    if !give.is_empty() || !take.is_empty() {
        fields.push(Field::moved("roles", Some(&words(&known.roles)), Some(&words(wanted))));
    }
    if !fields.is_empty() {
        let work = Work::ByHand(ByHand::Change { member: known.member, account_role, give, take });
        comparison.step(("user", name), &format!("users[{name}]"), Action::Changed, fields, work);
    }
}

/// Roles as the command line prints them.
fn words(roles: &[RuleGrant]) -> String {
    let word = |role: &RuleGrant| match &role.team {
        Some(team) => format!("{team}/{}:{}", role.service, role.role),
        None => format!("{}:{}", role.service, role.role),
    };
    let all: Vec<String> = roles.iter().map(word).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(" ") }
}

pub(super) fn invitations(comparison: &mut Comparison<'_>, declared: &Account, standing: &People) {
    let Some(list) = &declared.invitations else { return };
    let normal = |invitation: &Invitation| Email::parse(&invitation.email).map(|email| email.normal);
    let wanted: Vec<String> = list.iter().filter_map(normal).collect();
    for asked in standing.invitations.iter().filter(|asked| !wanted.contains(&asked.row.email_normal)) {
        let name = asked.row.email_normal.as_str();
        let work = Work::Invitation(Asking::Withdraw(asked.row.id));
        comparison.step(("invitation", name), &format!("invitations[{name}]"), Action::Removed, Vec::new(), work);
    }
    for (invitation, name) in list.iter().zip(&wanted) {
        let path = format!("invitations[{name}]");
        // Whoever has come is asked no more; only a member is asked to own the org.
        let has_come = standing.member(name).filter(|known| known.is_out || known.owner || !invitation.owner);
        match (has_come, standing.invited(name)) {
            (Some(known), _) if known.is_out => {
                comparison.warn(&path, "has left, or their access was ended; a document asks nobody back");
            }
            (Some(_), None) => {}
            (_, Some(asked)) => asked_anew(comparison, (invitation, name), asked),
            (None, None) => {
                let work = Work::Invitation(Asking::Send { wanted: invitation.clone(), instead: None });
                comparison.step(("invitation", name), &path, Action::Added, Vec::new(), work);
            }
        }
    }
}

/// Roles are changed in place; for anything else the message has to be written anew.
fn asked_anew(comparison: &mut Comparison<'_>, (invitation, name): (&Invitation, &str), asked: &Asked) {
    let path = format!("invitations[{name}]");
    let mut wanted = Invitation {
        email: asked.declared.email.clone(),
        valid_for: invitation.valid_for.or(asked.declared.valid_for),
        ..invitation.clone()
    };
    // As it is stored.
    wanted.message = wanted.message.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    wanted.roles.sort();
    wanted.roles.dedup();
    if wanted == asked.declared {
        return;
    }
    let only_roles = Invitation { roles: wanted.roles.clone(), ..asked.declared.clone() } == wanted;
    let (field, work) = if only_roles {
        ("roles", Asking::Roles { id: asked.row.id, roles: wanted.roles })
    } else {
        ("message", Asking::Send { wanted, instead: Some(asked.row.id) })
    };
    let fields = vec![Field::moved(field, Some("as it was"), Some("as the document says"))];
    comparison.step(("invitation", name), &path, Action::Changed, fields, Work::Invitation(work));
}
