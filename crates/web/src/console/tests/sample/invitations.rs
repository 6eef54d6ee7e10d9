//! People who are asked to come, as those see it who ask them.

use super::{Rendered, Sample, page, problem};
use crate::console::frame::Room;
use crate::console::invitations::{
    AddUserPage, InvitationPage, InvitationRow, InvitationsPage, InviteForm, RevokePage, State,
};
use crate::console::people::{RoleRow, Tab, Tabs};
use crate::console::{Notice, Pages, Problems, Tone};

impl Sample {
    fn invited(&self, email: &str, invited_as: &'static str, state: State, roles: Vec<RoleRow>) -> InvitationRow {
        InvitationRow {
            id: self.text("inv_0198f2c1a9b37d10b3f24a7e5c119d02"),
            email: self.text(email),
            invited_as,
            roles,
            state,
            invited_by: self.text("ana.ruiz@acme.test"),
            created: self.ago(3_000),
            expires: if state == State::Expired { self.ago(600) } else { self.hence(1) },
            ended: (!state.is_open()).then(|| self.ago(600)),
        }
    }

    fn promises(&self) -> Vec<RoleRow> {
        vec![self.role(None, "Private Registry User", vec![]), self.role(Some("vision"), "NGC Catalog Read", vec![])]
    }

    fn add_user(&self, problems: Problems, sign_in: Option<String>) -> AddUserPage {
        let lives = [("1h", "1 hour"), ("6h", "6 hours"), ("7d", "7 days")];
        let own = |(value, text): (&str, &str)| (value.to_owned(), text.to_owned());
        let form = InviteForm {
            email: self.text("nina@acme"),
            invited_as: "member".to_owned(),
            admin: true,
            owner: true,
            message: self.text("Hello Nina,\nsee you on Monday."),
            valid_for: "6h".to_owned(),
            lives: lives.into_iter().map(own).collect(),
            role: None,
            problems,
        };
        AddUserPage { frame: self.frame(Room::People), linked: true, sign_in, form: Some(form) }
    }

    fn invitation_page(&self, state: State) -> InvitationPage {
        let open = state.is_open();
        let mut form = self.role_form(Problems::default());
        (form.team, form.role) = (String::new(), String::new());
        InvitationPage {
            frame: self.frame(Room::People),
            row: self.invited("nina@acme.test", "member", state, self.promises()),
            message: Some(self.text("Hello Nina,\nsee you on Monday.")),
            valid_for: "6h".to_owned(),
            version: 2,
            give: open.then_some(form),
            takes: open,
            changes: open,
            sign_in: None,
        }
    }

    /// Every page about invitations.
    pub(super) fn invitation_pages(&self) -> Vec<Rendered> {
        let list = |state, invitations, next: Option<String>| InvitationsPage {
            frame: self.frame(Room::People),
            tabs: Tabs { open: Tab::Invitations, invitations: true },
            state,
            invitations,
            pages: Pages { previous: None, next },
        };
        let rows = vec![
            self.invited("nina@acme.test", "member", State::Pending, self.promises()),
            self.invited("omar@acme.test", "account admin", State::Expired, vec![]),
            self.invited("petra.lindqvist-andersson@research.acme.test", "owner", State::Accepted, vec![]),
            self.invited("quinn@acme.test", "member", State::Revoked, vec![]),
        ];
        let mut first = self.add_user(Problems::default(), None);
        if let Some(form) = &mut first.form {
            form.role = Some(self.role_form(problem("role", self.text("Choose a role of the list"))));
            (form.admin, form.owner) = (false, false);
        }
        let alone = AddUserPage { form: None, linked: false, ..self.add_user(Problems::default(), None) };
        let mut fresh = self.invitation_page(State::Pending);
        fresh.frame.notice = Some(Notice { tone: Tone::Good, text: self.text("The invitation is on its way.") });
        let mut owner = self.invitation_page(State::Pending);
        (owner.row.invited_as, owner.row.roles, owner.give, owner.takes) = ("owner", vec![], None, false);
        owner.sign_in = Some(self.text("/login?email=ana&return_to=%2F"));
        let wrong = problem("email", self.text("This is no e-mail address"));
        let again = Some(self.text("/login?email=ana&return_to=%2F"));
        vec![
            page("invitations", &list(None, rows, Some(self.text("def")))),
            page("invitations-empty", &list(None, vec![], None)),
            page("invitations-none", &list(Some(State::Expired), vec![], None)),
            page("add-user", &self.add_user(Problems::default(), None)),
            page("add-user-wrong", &self.add_user(wrong, None)),
            page("add-user-sign-in", &self.add_user(Problems::default(), again)),
            page("add-user-team", &first),
            page("add-user-alone", &alone),
            page("invited", &fresh),
            page("invited-owner", &owner),
            page("invited-accepted", &self.invitation_page(State::Accepted)),
            page(
                "invited-revoke",
                &RevokePage {
                    frame: self.frame(Room::People),
                    row: self.invited("nina@acme.test", "member", State::Pending, vec![]),
                },
            ),
        ]
    }
}
