//! One filled-in example of every page, for the tests and for looking at.
//!
//! Each text goes through [`Sample::text`], so that the same pages can be filled with markup by an enemy.

mod activation;
mod apps;
mod invitation;
mod invitations;
mod organization;
mod people;
mod rules;
mod security;
mod service_keys;
mod teams;

use std::time::Duration;

use askama::Template;
use cardea_model::numbers::{Cause, What};
use cardea_model::{Standing, Timestamp};

use crate::console::connections::{ConnectionCard, ConnectionsPage, Directory, Protocol, Stage};
use crate::console::door::{
    ChoosePasswordPage, FirstStartPage, LoginFailedPage, LoginPage, NewAccountPage, OwnerInvitePage, PasswordPage,
    SignOutPage, SignUpPage, SignedOutPage,
};
use crate::console::failure::{Failure, FailurePage};
use crate::console::frame::{Environment, Frame, OrgChoice, OrgPlace, OrgWay, Room};
use crate::console::keys::{
    CreatedKey, DeleteKeyPage, ExpiryField, KeyForm, KeyRow, KeyState, KeysPage, ServiceChoice,
};
use crate::console::overview::{Need, OverviewPage, SignIn};
use crate::console::people::PersonLink;
use crate::console::revocations::{
    CauseLine, DeliveryMark, DeliveryState, Lines, NodeMark, Receipt, ReceiptPage, ReceiptRow, RevocationsPage, Thing,
};
use crate::console::{Notice, Pages, Problem, Problems, Tone};

/// Who filled the pages in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// Ordinary people.
    Honest,
    /// Someone who puts markup into every field.
    Hostile,
}

/// What the enemy appends to each text.
pub(super) const MARKUP: &str = "\"'><script>alert(1)</script>&lt;";

/// A maker of sample pages.
pub(super) struct Sample {
    author: Author,
    now: Timestamp,
}

/// The name of a page and its HTML.
pub(super) type Rendered = (&'static str, String);

fn problem(field: &'static str, text: String) -> Problems {
    Problems(vec![Problem { field, text }])
}

impl Sample {
    /// Pages by `author`.
    pub(super) fn by(author: Author) -> Self {
        Self { author, now: Timestamp::from_seconds(1_795_255_200) }
    }

    fn text(&self, text: &str) -> String {
        match self.author {
            Author::Honest => text.to_owned(),
            Author::Hostile => format!("{text}{MARKUP}"),
        }
    }

    fn ago(&self, seconds: u64) -> Timestamp {
        self.now.before(Duration::from_secs(seconds))
    }

    fn hence(&self, days: u64) -> Timestamp {
        self.now.after(Duration::from_secs(days * 86_400))
    }

    fn org(&self, name: &str, account: &str, standing: Standing) -> OrgPlace {
        OrgPlace { name: self.text(name), account: self.text(account), standing }
    }

    fn orgs(&self) -> Vec<OrgChoice> {
        let choice = |name: &str, account: &str, owner, way| OrgChoice {
            name: self.text(name),
            account: self.text(account),
            number: 100_482,
            owner,
            way,
        };
        vec![
            choice("acme-vision", "acme", true, OrgWay::Here),
            choice("northwind", "northwind-research", false, OrgWay::SignIn(self.text("/login/northwind"))),
            choice("sandbox", "ana-private", true, OrgWay::Switch),
        ]
    }

    fn frame(&self, room: Room) -> Frame {
        Frame {
            now: self.now,
            name: self.text("Ana Ruiz"),
            email: self.text("ana.ruiz@acme.test"),
            org: self.org("acme-vision", "acme", Standing::Owner),
            orgs: self.orgs(),
            manages_account: true,
            sees_people: true,
            room,
            environment: Environment::Demo,
            notice: None,
        }
    }

    fn person(&self, name: &str, email: &str) -> PersonLink {
        PersonLink {
            id: self.text("usr_0198f2c1a9b37d10b3f24a7e5c119d02"),
            name: self.text(name),
            email: self.text(email),
        }
    }

    fn mei(&self) -> PersonLink {
        self.person("Mei Tanaka", "mei.tanaka@corp.example")
    }

    fn key(&self, name: &str, kid: &str, state: KeyState, ages: (u64, Option<u64>, Option<u64>)) -> KeyRow {
        let (created, expires, used) = ages;
        KeyRow {
            id: self.text("key_0198f2c1a9b37d10b3f24a7e5c119d02"),
            name: self.text(name),
            shown: self.text(kid),
            services: vec![self.text("Registry"), self.text("Catalog")],
            state,
            created: self.ago(created * 86_400),
            expires: expires.map(|days| self.hence(days)),
            last_used: used.map(|seconds| self.ago(seconds)),
        }
    }

    fn keys(&self) -> Vec<KeyRow> {
        vec![
            self.key("laptop", "cdap_Ab3dEf6hIj9L", KeyState::Active, (3, Some(27), Some(120))),
            self.key("nightly build", "cdap_Kq81mZs0Pw4T", KeyState::Active, (61, None, Some(30_000))),
            self.key(
                "notebook on the training cluster",
                "cdap_7YtR2vNc5XaB",
                KeyState::Disabled,
                (140, Some(225), None),
            ),
            self.key("old desktop", "cdap_Lm0PqRs7TuVw", KeyState::Suspended, (200, Some(160), Some(900_000))),
        ]
    }

    fn nodes(&self, committed: Timestamp, millis: &[Option<u64>]) -> Vec<NodeMark> {
        let names = ["fra-1", "fra-2", "iad-1", "sin-1"];
        let mark = |(name, applied): (&str, &Option<u64>)| NodeMark {
            name: self.text(name),
            applied: applied.map(|millis| committed.after(Duration::from_millis(millis))),
        };
        names.into_iter().zip(millis).map(mark).collect()
    }

    fn cause(&self, cause: Cause, by: &str, message: Option<&str>) -> CauseLine {
        CauseLine { cause, by: self.text(by), message: message.map(|message| self.text(message)) }
    }

    fn receipts(&self) -> Vec<ReceiptRow> {
        let row = |person, cause, seconds, millis: &[Option<u64>], keys, sessions| ReceiptRow {
            id: self.text("rcp_0198f2c1a9b37d10b3f24a7e5c119d02"),
            person,
            cause,
            committed: self.ago(seconds),
            nodes: self.nodes(self.ago(seconds), millis),
            keys,
            sessions,
        };
        vec![
            row(
                self.mei(),
                self.cause(Cause::DirectoryDeactivated, "okta", None),
                3,
                &[Some(2), Some(9), None, Some(4)],
                3,
                2,
            ),
            row(
                self.person("Jonas Weber", "jonas@corp.example"),
                self.cause(Cause::AdminDeactivated, "ana.ruiz@acme.test", None),
                7_200,
                &[Some(1), Some(3), Some(11), Some(15)],
                1,
                1,
            ),
            row(
                self.person("Łucja Żak", "lucja.zak@corp.example"),
                self.cause(Cause::SignedOutEverywhere, "Łucja Żak", None),
                90_000,
                &[Some(0), Some(1), Some(6), Some(7)],
                0,
                4,
            ),
        ]
    }

    fn receipt(&self, millis: &[Option<u64>], lines: Lines) -> Receipt {
        let committed = Timestamp::from_micros(self.ago(95).as_micros() + 218_000);
        let thing = |kind: &str, name: &str, detail: &str| Thing {
            kind: kind.to_owned(),
            name: self.text(name),
            detail: self.text(detail),
        };
        let ended = vec![
            thing("key", "laptop", "cdap_Ab3dEf6hIj9L, Registry and Catalog"),
            thing("key", "nightly build", "cdap_Kq81mZs0Pw4T, Registry"),
            thing("key", "notebook on the training cluster", "cdap_7YtR2vNc5XaB, Catalog"),
            thing("session", "Firefox on Linux", "through okta, since 08:12 UTC"),
            thing("session", "Command line", "through okta, since yesterday"),
            thing("token", "Portal", "refresh token, with 1 access token"),
        ];
        Receipt {
            id: self.text("rcp_0198f2c1a9b37d10b3f24a7e5c119d02"),
            person: self.mei(),
            what: What::All,
            cause: self.cause(Cause::DirectoryDeactivated, "okta", Some("PATCH active: false")),
            received: Some(committed.before(Duration::from_millis(3))),
            committed,
            feed: 48_127,
            nodes: self.nodes(committed, millis),
            deliveries: vec![
                DeliveryMark {
                    to: self.text("portal, back-channel logout"),
                    state: DeliveryState::Delivered(committed.after(Duration::from_millis(14))),
                },
                DeliveryMark { to: self.text("runner, webhook"), state: DeliveryState::Waiting },
                DeliveryMark {
                    to: self.text("legacy, webhook"),
                    state: DeliveryState::Failed(self.text("refused, 5 tries")),
                },
            ],
            ended: if lines == Lines::Complete { ended } else { vec![] },
            left: vec![thing("key", "lab", "Belongs to org northwind, which controls it")],
            lines,
            bound: Duration::from_secs(1),
        }
    }

    /// Every page, several of them in more than one state.
    pub(super) fn pages(&self) -> Vec<Rendered> {
        let mut pages = self.door();
        pages.extend(self.invitations());
        pages.extend(self.newcomers());
        pages.extend(self.links());
        pages.extend(self.activations());
        pages.extend(self.organization());
        pages.extend(self.failures());
        pages.extend(self.my_keys());
        pages.extend(self.security());
        pages.extend(self.service_keys());
        pages.extend(self.apps());
        pages.extend(self.org_rooms());
        pages.extend(self.people_pages());
        pages.extend(self.person_pages());
        pages.extend(self.team_pages());
        pages.extend(self.invitation_pages());
        pages.extend(self.rules());
        pages.extend(self.evidence());
        pages
    }

    fn door(&self) -> Vec<Rendered> {
        let environment = Environment::Demo;
        let email = || self.text("mei.tanaka@corp.example");
        let return_to = || self.text("/me/keys");
        let wrong = problem("email", self.text("Enter an e-mail address such as `name@company.example`."));
        vec![
            page(
                "login",
                &LoginPage {
                    email: String::new(),
                    return_to: return_to(),
                    sign_up: true,
                    problems: Problems::default(),
                    environment,
                },
            ),
            page(
                "login-wrong",
                &LoginPage {
                    email: self.text("mei.tanaka"),
                    return_to: return_to(),
                    sign_up: false,
                    problems: wrong,
                    environment,
                },
            ),
            page(
                "password",
                &PasswordPage { email: email(), return_to: return_to(), problems: Problems::default(), environment },
            ),
            page(
                "login-failed",
                &LoginFailedPage {
                    trace: self.text("trc_0198f2c1a9b37d10b3f24a7e5c119d02"),
                    return_to: return_to(),
                    environment,
                },
            ),
            page("signed-out", &SignedOutPage { connection: Some(self.text("okta")), environment }),
        ]
    }

    fn links(&self) -> Vec<Rendered> {
        let environment = Environment::Demo;
        let email = || self.text("mei.tanaka@corp.example");
        let short = problem("password", self.text("The password has 6 characters. Choose one with at least 9."));
        let token = || self.text("cdai_Ab3dEf6hIj9L_x");
        let account = || self.text("acme");
        vec![
            page(
                "first-start",
                &FirstStartPage {
                    token: token(),
                    account: account(),
                    email: email(),
                    problems: short.clone(),
                    environment,
                },
            ),
            page(
                "owner-invite",
                &OwnerInvitePage {
                    token: token(),
                    account: account(),
                    email: email(),
                    problems: short.clone(),
                    environment,
                },
            ),
            page(
                "choose-password",
                &ChoosePasswordPage {
                    token: token(),
                    email: email(),
                    return_to: self.text("/me/keys"),
                    problems: short,
                    environment,
                },
            ),
        ]
    }

    fn newcomers(&self) -> Vec<Rendered> {
        let environment = Environment::Demo;
        let email = || self.text("mei.tanaka@corp.example");
        let wrong = problem("email", self.text("Enter an e-mail address such as `name@company.example`."));
        let short = problem("password", self.text("The password has 6 characters. Choose one with at least 9."));
        vec![
            page(
                "sign-out",
                &SignOutPage {
                    client_id: self.text("portal"),
                    post_logout_redirect_uri: self.text("https://portal.example/bye"),
                    state: self.text("af0ifjsldkj"),
                    environment,
                },
            ),
            page("sign-up", &SignUpPage { email: self.text("mei.tanaka"), sent: false, problems: wrong, environment }),
            page(
                "sign-up-sent",
                &SignUpPage { email: email(), sent: true, problems: Problems::default(), environment },
            ),
            page(
                "new-account",
                &NewAccountPage {
                    token: self.text("cdai_Ab3dEf6hIj9L_x"),
                    account: self.text("acme"),
                    email: email(),
                    problems: short,
                    environment,
                },
            ),
        ]
    }

    fn failures(&self) -> Vec<Rendered> {
        let request = || self.text("req_0198f2c1a9b37d10b3f24a7e5c119d02");
        let detail = self.text("The link has been used or is older than 6 hours. Ask for a new one.");
        vec![
            page(
                "failure-403",
                &FailurePage { status: 403, failure: Failure::Refused, detail: None, request: request() },
            ),
            page(
                "failure-404",
                &FailurePage { status: 404, failure: Failure::NotFound, detail: Some(detail), request: request() },
            ),
            page(
                "failure-500",
                &FailurePage { status: 500, failure: Failure::Broken, detail: None, request: request() },
            ),
            page(
                "failure-405",
                &FailurePage { status: 405, failure: Failure::WrongMethod, detail: None, request: request() },
            ),
            page(
                "failure-other-site",
                &FailurePage { status: 403, failure: Failure::Foreign, detail: None, request: request() },
            ),
            page(
                "failure-422",
                &FailurePage { status: 422, failure: Failure::NotDone, detail: None, request: request() },
            ),
            page(
                "failure-503",
                &FailurePage { status: 503, failure: Failure::Unavailable, detail: None, request: request() },
            ),
        ]
    }

    fn form(&self, problems: Problems) -> KeyForm {
        let choice = |name: &str, title: &str, allows: &str, unavailable: Option<&str>| ServiceChoice {
            name: self.text(name),
            title: self.text(title),
            allows: self.text(allows),
            unavailable: unavailable.map(|why| self.text(why)),
            chosen: unavailable.is_none(),
        };
        KeyForm {
            name: self.text("laptop"),
            expiry: ExpiryField { choice: "30d".to_owned(), on: String::new() },
            services: vec![
                choice("registry", "Private registry", "push and pull in the whole org", None),
                choice("catalog", "Catalog", "read in team vision", None),
                choice(
                    "public_api_endpoints",
                    "Public API endpoints",
                    "",
                    Some("You have no role there. Ask a user admin for one."),
                ),
                choice("secrets", "Secrets manager", "", Some("Not enabled for this org.")),
            ],
            problems,
        }
    }

    fn my_keys(&self) -> Vec<Rendered> {
        let keys_page = |keys, form, created| KeysPage { frame: self.frame(Room::Keys), keys, limit: 8, form, created };
        let taken = problem(
            "name",
            self.text("You already have a key named `laptop`. Choose another name, or delete that key first."),
        );
        let secret = self.text("cdap_Ab3dEf6hIj9L_q8ZkPw0RtYbN4mVcXs71LdJfHgAeUi2O5Ty6BnMzKQ3x2JmOGF");
        let mut member = keys_page(self.keys(), None, None);
        (member.frame.org.standing, member.frame.sees_people) = (Standing::Member, false);
        member.frame.environment = Environment::Live;
        member.frame.notice = Some(Notice { tone: Tone::Good, text: self.text("Key `old laptop` is deleted.") });
        vec![
            page("keys", &member),
            page("keys-empty", &keys_page(vec![], None, None)),
            page("keys-first", &keys_page(vec![], Some(self.form(Problems::default())), None)),
            page("keys-new-wrong", &keys_page(self.keys(), Some(self.form(taken)), None)),
            page("keys-created", &keys_page(self.keys(), None, Some(CreatedKey::first(self.text("laptop"), secret)))),
            page("keys-delete", &DeleteKeyPage { frame: self.frame(Room::Keys), key: self.keys().remove(0) }),
        ]
    }

    fn org_rooms(&self) -> Vec<Rendered> {
        let sign_in =
            |person, through: &str, seconds| SignIn { person, through: self.text(through), at: self.ago(seconds) };
        let overview = OverviewPage {
            frame: self.frame(Room::Overview),
            needs: vec![Need {
                text: self.text("1 person of okta has no role"),
                why: self.text("They can sign in and see nothing. No rule matches their groups."),
                action: self.text("See who"),
                href: "/o/acme-vision/people".to_owned(),
            }],
            sign_ins: vec![
                sign_in(self.person("Ana Ruiz", "ana.ruiz@acme.test"), "password", 600),
                sign_in(self.mei(), "okta", 3_000),
                sign_in(self.person("Łucja Żak", "lucja.zak@corp.example"), "okta", 100_000),
            ],
            receipts: self.receipts(),
        };
        let quiet =
            OverviewPage { frame: self.frame(Room::Overview), needs: vec![], sign_ins: vec![], receipts: vec![] };
        vec![
            page("overview", &overview),
            page("overview-quiet", &quiet),
            page("connections", &self.connections()),
            page("connections-empty", &ConnectionsPage { frame: self.frame(Room::Connections), connections: vec![] }),
        ]
    }

    fn connections(&self) -> ConnectionsPage {
        let card = |name: &str, protocol, issuer: &str, callback: &str, stage| ConnectionCard {
            name: self.text(name),
            protocol,
            issuer: self.text(issuer),
            callback_url: self.text(callback),
            domains: vec![self.text("corp.example"), self.text("corp.test")],
            stage,
            directory: Directory::Provisions(vec![self.text("primary"), self.text("migration")]),
            last_sign_in: Some(self.ago(3_000)),
        };
        let okta = "https://acme.okta.example";
        let mut adfs = card(
            "adfs",
            Protocol::Saml,
            "https://adfs.a.example/adfs/services/trust",
            "https://gate.acme.test/saml/adfs/acs",
            Stage::Tested,
        );
        (adfs.directory, adfs.last_sign_in, adfs.domains) = (Directory::None, None, vec![]);
        let okta = card("okta", Protocol::Oidc, okta, "https://gate.acme.test/oidc/okta/callback", Stage::Live);
        ConnectionsPage { frame: self.frame(Room::Connections), connections: vec![adfs, okta] }
    }

    fn evidence(&self) -> Vec<Rendered> {
        let pages = Pages { previous: None, next: Some(self.text("def")) };
        let list = |receipts, pages| RevocationsPage { frame: self.frame(Room::Revocations), receipts, pages };
        let receipt = |receipt| ReceiptPage { frame: self.frame(Room::Revocations), receipt };
        vec![
            page("revocations", &list(self.receipts(), pages)),
            page("revocations-empty", &list(vec![], Pages::default())),
            page("receipt", &receipt(self.receipt(&[Some(2), Some(9), Some(31), Some(24)], Lines::Complete))),
            page("receipt-live", &receipt(self.receipt(&[Some(2), Some(9), None, None], Lines::Writing))),
        ]
    }
}

fn page(name: &'static str, template: &impl Template) -> Rendered {
    (name, template.render().unwrap())
}
