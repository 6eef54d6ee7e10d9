use std::fmt::Write as _;

use super::*;
use crate::chance::Random;
use crate::time::Timestamp;

struct Numbered(u8);
impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1);

fn account(number: u8) -> AccountId {
    AccountId::new(NOW, &Numbered(number))
}

fn team(number: u8) -> TeamId {
    TeamId::new(NOW, &Numbered(number))
}

fn person(standing: Standing, account_role: AccountRole, teams: &[TeamId]) -> Caller {
    Caller::Person(Person {
        user: UserId::new(NOW, &Numbered(1)),
        member: MemberId::new(NOW, &Numbered(1)),
        account: account(1),
        org: OrgId::new(NOW, &Numbered(1)),
        standing,
        account_role,
        teams: teams.into(),
        session: SessionId::new(NOW, &Numbered(1)),
    })
}

fn callers() -> Vec<(&'static str, Caller)> {
    let member = AccountRole::Member;
    vec![
        ("nobody", Caller::Nobody),
        ("member", person(Standing::Member, member, &[])),
        ("team user_admin", person(Standing::Member, member, &[team(1)])),
        ("account admin", person(Standing::Member, AccountRole::Admin, &[])),
        ("user_admin", person(Standing::UserAdmin, member, &[])),
        ("owner", person(Standing::Owner, AccountRole::Admin, &[])),
        ("account owner", person(Standing::Owner, AccountRole::Owner, &[])),
        ("directory", Caller::Directory { connection: ConnectionId::new(NOW, &Numbered(1)), account: account(1) }),
        ("service", Caller::Client(ClientId::new(NOW, &Numbered(1)))),
        ("operator", Caller::Operator(OperatorId::new(NOW, &Numbered(1)))),
    ]
}

const fn verdict(answer: Result<(), Denied>) -> &'static str {
    match answer {
        Ok(()) => "yes",
        Err(Denied::Unknown) => "401",
        Err(Denied::Hidden) => "404",
        Err(Denied::Refused) => "403",
    }
}

fn table(place: &Place) -> String {
    let callers = callers();
    let names: Vec<&str> = callers.iter().map(|(name, _)| *name).collect();
    let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for permission in Permission::ALL {
        let verdicts: Vec<&str> = callers.iter().map(|(_, caller)| verdict(caller.may(permission, place))).collect();
        writeln!(text, "| `{permission:?}` | {} |", verdicts.join(" | ")).unwrap();
    }
    text
}

/// The page is what the code says; whoever changes the code reads there what it means for everybody.
#[test]
#[expect(clippy::disallowed_methods, reason = "whoever changes the code asks for the new page so")]
fn the_printed_matrix_is_the_one_that_decides() {
    let page = format!(
        "# Who may do what\n\nPrinted from `Caller::may`, and held against it by a test: `yes`, or the status of the refusal. 404\nis for whoever may not know that the place exists.\n\n\
         ## In an account and its org\n\n{}\n## In a team that the caller administers\n\n{}\n## In another account\n\n{}",
        table(&Place::Account(account(1))),
        table(&Place::Team(account(1), team(1))),
        table(&Place::Account(account(2))),
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md");
    if std::env::var_os("CARDEA_WRITE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/permissions.md is out of step; CARDEA_WRITE=1 makes it anew:\n{page}");
}

#[test]
fn a_team_admin_has_no_power_in_another_team_nor_in_the_org() {
    let admin = person(Standing::Member, AccountRole::Member, &[team(1)]);
    assert_eq!(admin.may(Permission::GrantRoles, &Place::Team(account(1), team(1))), Ok(()));
    assert_eq!(admin.may(Permission::GrantRoles, &Place::Team(account(1), team(2))), Err(Denied::Refused));
    assert_eq!(admin.may(Permission::GrantRoles, &Place::Account(account(1))), Err(Denied::Refused));
    assert_eq!(admin.may(Permission::GrantRoles, &Place::Team(account(2), team(1))), Err(Denied::Hidden));
}

#[test]
fn only_an_owner_makes_owners_and_nobody_outside_an_account_is_told_that_it_is_there() {
    for (name, caller) in callers() {
        let makes = caller.may(Permission::ManageOwners, &Place::Account(account(1))).is_ok();
        assert_eq!(makes, name.ends_with("owner"), "{name}");
        let Caller::Person(_) = caller else { continue };
        for permission in Permission::ALL {
            assert_eq!(
                caller.may(permission, &Place::Account(account(2))),
                Err(Denied::Hidden),
                "{name} {permission:?}"
            );
        }
    }
}
