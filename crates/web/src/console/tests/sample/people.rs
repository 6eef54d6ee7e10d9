//! People and one of them.

use cardea_model::numbers::HoldKind;

use super::{Rendered, Sample, page, problem};
use crate::console::frame::Room;
use crate::console::people::{Because, Origin, PeoplePage, PersonLink, PersonRow, PersonState, RoleRow, Tab, Tabs};
use crate::console::person::{
    Blast, DeactivatePage, HoldRow, IdentityRow, PersonPage, RemovePage, RevokeKeyPage, SessionRow, Switch, TakePage,
};
use crate::console::roles::RoleForm;
use crate::console::rules::ServiceRoles;
use crate::console::{Pages, Problems};

impl Sample {
    fn because(&self, rule: &str, value: &str) -> Because {
        Because { rule: self.text(rule), source: self.text("okta, groups claim"), value: self.text(value) }
    }

    pub(super) fn role(&self, team: Option<&str>, title: &str, because: Vec<Because>) -> RoleRow {
        let take = because.is_empty().then(|| self.text("service=registry&role=user"));
        RoleRow { team: team.map(|team| self.text(team)), title: self.text(title), because, take }
    }

    fn row(
        &self,
        (person, standing): (PersonLink, &str),
        state: PersonState,
        (origin, roles): (Origin, Vec<RoleRow>),
        keys: usize,
        last: Option<u64>,
    ) -> PersonRow {
        let last_sign_in = last.map(|seconds| self.ago(seconds));
        PersonRow { person, standing: standing.to_owned(), state, origin, roles, keys, last_sign_in }
    }

    pub(super) fn people(&self) -> Vec<PersonRow> {
        let aie = || vec![self.because("AIE admins", "NGC_AIE_PR_Admin")];
        let vision = || vec![self.because("Vision readers", "vision-all")];
        vec![
            self.row(
                (self.person("Ana Ruiz", "ana.ruiz@acme.test"), "owner"),
                PersonState::Active,
                (Origin::Owner, vec![]),
                2,
                Some(600),
            ),
            self.row(
                (self.person("Jonas Weber", "jonas@corp.example"), "member"),
                PersonState::Deactivated,
                (Origin::Rules, vec![self.role(Some("vision"), "NGC Catalog Read", vision())]),
                0,
                Some(90_000),
            ),
            self.row(
                (self.person("Łucja Żak", "lucja.zak@corp.example"), "user admin"),
                PersonState::Active,
                (
                    Origin::Hand,
                    vec![self.role(None, "User admin", vec![]), self.role(None, "Private Registry User", vec![])],
                ),
                1,
                Some(100_000),
            ),
            self.row(
                (self.mei(), "member"),
                PersonState::Active,
                (
                    Origin::Rules,
                    vec![
                        self.role(None, "Private Registry Admin", aie()),
                        self.role(Some("vision"), "NGC Catalog Read", vision()),
                    ],
                ),
                3,
                Some(3_000),
            ),
            self.row(
                (self.person("sam.okafor@corp.example", "sam.okafor@corp.example"), "member"),
                PersonState::Active,
                (Origin::Hand, vec![]),
                0,
                None,
            ),
        ]
    }

    pub(super) fn blast(&self) -> Blast {
        Blast {
            keys: vec![self.text("laptop"), self.text("nightly build"), self.text("notebook on the training cluster")],
            sessions: vec![self.text("okta, Firefox on Linux"), self.text("okta, command line")],
            others: vec![self.text("1 invitation that was sent and not accepted")],
            stays: vec![self.text("The key `lab` of org northwind, which controls it")],
        }
    }

    /// The list in several states.
    pub(super) fn people_pages(&self) -> Vec<Rendered> {
        let pages = Pages { previous: Some(self.text("abc")), next: Some(self.text("def")) };
        let list = |query: &str, show, people, pages| PeoplePage {
            frame: self.frame(Room::People),
            tabs: Tabs { open: Tab::Users, invitations: true },
            query: if query.is_empty() { String::new() } else { self.text(query) },
            show,
            adds: true,
            people,
            pages,
        };
        let next = Pages { previous: None, next: Some(self.text("def")) };
        vec![
            page("people", &list("", "everybody", self.people(), pages.clone())),
            page("people-found", &list("mei", "by_rules", self.people(), pages)),
            page("people-nobody", &list("zzz", "everybody", vec![], Pages::default())),
            page("people-nobody-so-far", &list("", "suspended", vec![], next)),
            page("people-empty", &list("", "everybody", vec![], Pages::default())),
        ]
    }

    fn person_page(&self, state: PersonState, holds: Vec<HoldRow>, switch: Switch) -> PersonPage {
        let active = state == PersonState::Active;
        let session = |through: &str, began, used| SessionRow {
            id: self.text("ses_0198f2c1a9b37d10b3f24a7e5c119d02"),
            through: self.text(through),
            began: self.ago(began),
            last_used: self.ago(used),
        };
        let admins = vec![self.because("AIE admins", "NGC_AIE_PR_Admin"), self.because("Platform", "platform-core")];
        PersonPage {
            frame: self.frame(Room::People),
            person: self.mei(),
            standing: "member".to_owned(),
            state,
            holds,
            origin: Origin::Rules,
            rules: vec![self.text("AIE admins"), self.text("Platform")],
            give: None,
            removes: active,
            left: None,
            adds: false,
            identities: vec![IdentityRow {
                connection: self.text("okta"),
                subject: self.text("00u4f2k8Lm"),
                last_sign_in: Some(self.ago(3_000)),
            }],
            roles: vec![
                self.role(None, "Private Registry Admin", admins),
                self.role(Some("vision"), "NGC Catalog Read", vec![self.because("Vision readers", "vision-all")]),
            ],
            keys: if active { self.keys().into_iter().take(3).collect() } else { vec![] },
            revokes: true,
            sessions: if active {
                vec![session("okta", 9_000, 120), session("password", 80_000, 7_000)]
            } else {
                vec![]
            },
            receipts: if active { vec![] } else { self.receipts().into_iter().take(1).collect() },
            why: Some(self.why()),
            switch: Some(switch),
        }
    }

    /// Somebody whose roles are given by hand, and who may take them.
    fn by_hand(&self, problems: Problems) -> PersonPage {
        let roles = vec![
            self.role(None, "User admin", vec![]),
            self.role(Some("vision"), "NGC Catalog Read", vec![]),
            self.role(None, "Private Registry User", vec![]),
        ];
        PersonPage {
            origin: Origin::Hand,
            roles,
            rules: vec![],
            give: Some(self.role_form(problems)),
            why: None,
            ..self.person_page(PersonState::Active, vec![], Switch::Deactivate(self.blast()))
        }
    }

    fn left(&self) -> PersonPage {
        PersonPage {
            origin: Origin::Left,
            roles: vec![],
            rules: vec![],
            removes: false,
            left: Some(self.ago(90_000)),
            adds: true,
            why: None,
            ..self.person_page(PersonState::Active, vec![], Switch::Deactivate(Blast::default()))
        }
    }

    /// The roles that can be given, with one chosen.
    pub(super) fn role_form(&self, problems: Problems) -> RoleForm {
        let roles = |service: &str, names: &[&str]| ServiceRoles {
            title: self.text(service),
            roles: names.iter().map(|name| (self.text(&format!("{service}/{name}")), self.text(name))).collect(),
        };
        let place = |value: &str, title: &str| (self.text(value), self.text(title));
        RoleForm {
            places: vec![
                (String::new(), "Whole org".to_owned()),
                place("robotics", "Team robotics"),
                place("vision", "Team vision"),
            ],
            team: self.text("vision"),
            services: vec![
                roles("NGC Catalog", &["NGC Catalog Read"]),
                roles("Private Registry", &["Private Registry Admin", "Private Registry User"]),
                roles("Administration", &["User admin"]),
            ],
            role: self.text("NGC Catalog/NGC Catalog Read"),
            problems,
        }
    }

    pub(super) fn person_pages(&self) -> Vec<Rendered> {
        let hold = |kind, source: &str, seconds| HoldRow { kind, source: self.text(source), since: self.ago(seconds) };
        let holds = vec![
            hold(HoldKind::Disabled, "okta (directory)", 95),
            hold(HoldKind::Deleted, "ana.ruiz@acme.test (admin)", 4_000),
        ];
        let owner = Switch::Nothing(self.text("Owners are removed by another owner."));
        let deactivate = |problems| DeactivatePage {
            frame: self.frame(Room::People),
            person: self.mei(),
            blast: self.blast(),
            reason: self.text("Left the company"),
            problems,
        };
        let revoke = RevokeKeyPage {
            frame: self.frame(Room::People),
            person: self.mei(),
            key: self.keys().remove(0),
            legacy: true,
        };
        let take = TakePage {
            frame: self.frame(Room::People),
            person: self.mei(),
            role: self.role(Some("vision"), "NGC Catalog Read", vec![]),
        };
        let remove = |sign_in: Option<String>| RemovePage {
            frame: self.frame(Room::People),
            person: self.mei(),
            owner: sign_in.is_some(),
            blast: Blast { others: vec![self.text("Private Registry User")], ..self.blast() },
            sign_in,
        };
        let missing = problem("reason", self.text("Enter a reason. It stands on the receipt."));
        vec![
            page("person", &self.person_page(PersonState::Active, vec![], Switch::Deactivate(self.blast()))),
            page("person-held", &self.person_page(PersonState::Deactivated, holds, Switch::Reactivate)),
            page("person-owner", &self.person_page(PersonState::Active, vec![], owner)),
            page("person-by-hand", &self.by_hand(Problems::default())),
            page("person-give-wrong", &self.by_hand(problem("role", self.text("Choose a role of the list")))),
            page("person-left", &self.left()),
            page("take", &take),
            page("person-revoke-key", &revoke),
            page("remove", &remove(None)),
            page("remove-owner", &remove(Some(self.text("/login?email=ana&return_to=%2F")))),
            page("deactivate", &deactivate(Problems::default())),
            page("deactivate-wrong", &deactivate(missing)),
        ]
    }
}
