//! The org itself, its account, and a message to its owners.

use super::{Rendered, Sample, page, problem};
use crate::console::account::{AccountsPage, Place, RemoveTenantPage, TenantRow, TenantsPage};
use crate::console::contact::{About, ContactPage, Draft};
use crate::console::frame::Room;
use crate::console::organization::{
    AddOwnerPage, DescriptionForm, Held, Kind, OwnerRow, ProfilePage, RemoveOwnerPage, SubscriptionRow,
    SubscriptionsPage,
};
use crate::console::{Pages, Problems};

impl Sample {
    /// The Organization room in its states.
    pub(super) fn organization(&self) -> Vec<Rendered> {
        let mut pages = self.profiles();
        pages.extend(self.owner_pages());
        pages.extend(self.account());
        pages.extend(self.contact());
        pages
    }

    fn owner(&self, name: &str, email: &str, role: Option<&str>, is_you: bool) -> OwnerRow {
        OwnerRow {
            person: self.person(name, email),
            account_role: role.map(str::to_owned),
            active: name != "Jonas Weber",
            is_you,
        }
    }

    fn profile(&self, form: Option<DescriptionForm>) -> ProfilePage {
        ProfilePage {
            frame: self.frame(Room::Profile),
            id: self.text("org_0198f2c1a9b37d10b3f24a7e5c119d02"),
            number: 100_482,
            kind: Kind::Enterprise,
            premium: vec![self.text("AI Enterprise")],
            linked: true,
            description: self.text("Models and data of the vision group."),
            form,
            owners: vec![
                self.owner("Ana Ruiz", "ana.ruiz@acme.test", Some("owner"), true),
                self.owner("Jonas Weber", "jonas@acme.test", Some("admin"), false),
            ],
            invited: vec![self.text("olga@acme.test")],
            most: 3,
            sees_people: true,
            manages_owners: true,
        }
    }

    fn profiles(&self) -> Vec<Rendered> {
        let form = |theirs: Option<&str>, problems| DescriptionForm {
            text: self.text("Models and data of the vision group."),
            theirs: theirs.map(|text| self.text(text)),
            version: 7,
            problems,
        };
        let stale = problem("description", self.text("The account was changed while you wrote, so nothing was saved"));
        let member = ProfilePage {
            kind: Kind::Individual,
            linked: false,
            owners: vec![self.owner("Ana Ruiz", "", None, false)],
            invited: Vec::new(),
            sees_people: false,
            manages_owners: false,
            ..self.profile(None)
        };
        let row = |name: &str, title: &str, held, ends, unlocks: Option<&str>| SubscriptionRow {
            name: self.text(name),
            title: self.text(title),
            premium: unlocks.is_some(),
            held,
            ends,
            roles: vec![self.text("Private Registry Admin"), self.text("Private Registry User")],
            keys: self.text("personal and service keys"),
            unlocks: unlocks.map(|text| self.text(text)),
        };
        let rows = vec![
            row(
                "ai_enterprise",
                "AI Enterprise",
                Held::Active,
                Some(self.hence(90)),
                Some("Opens what NGC Catalog keeps for `ai_enterprise`"),
            ),
            row("catalog", "NGC Catalog", Held::Active, None, None),
            row("functions", "Cloud Functions", Held::Suspended, Some(self.hence(400)), None),
            row("registry", "Private Registry", Held::Ended, Some(self.ago(90_000)), None),
        ];
        let subscriptions = |rows| SubscriptionsPage { frame: self.frame(Room::Subscriptions), rows };
        vec![
            page("profile", &self.profile(Some(form(None, Problems::default())))),
            page("profile-conflict", &self.profile(Some(form(Some("What Jonas wrote meanwhile."), stale)))),
            page("profile-member", &member),
            page("subscriptions", &subscriptions(rows)),
            page("subscriptions-none", &subscriptions(Vec::new())),
        ]
    }

    fn owner_pages(&self) -> Vec<Rendered> {
        let add = |free, sign_in: Option<&str>, problems| AddOwnerPage {
            frame: self.frame(Room::Profile),
            email: self.text("olga@acme.example"),
            domain: Some(self.text("acme.test")),
            most: 3,
            free,
            hours: 6,
            sign_in: sign_in.map(|address| self.text(address)),
            problems,
        };
        let remove = |heirs, sign_in: Option<&str>, problems| RemoveOwnerPage {
            frame: self.frame(Room::Profile),
            person: self.person("Jonas Weber", "jonas@acme.test"),
            heirs,
            heir: String::new(),
            sign_in: sign_in.map(|address| self.text(address)),
            problems,
        };
        let other = problem("email", self.text("All owners have addresses of one domain, here `acme.test`"));
        let choose = problem("account_owner", self.text("Choose the owner who takes the account"));
        let heirs = || vec![self.person("Ana Ruiz", "ana.ruiz@acme.test"), self.person("Olga", "olga@acme.test")];
        vec![
            page("owner-add", &add(1, None, Problems::default())),
            page("owner-add-wrong", &add(1, None, other)),
            page("owner-add-again", &add(2, Some("/login?return_to=x"), Problems::default())),
            page("owner-remove", &remove(Vec::new(), None, Problems::default())),
            page("owner-remove-heir", &remove(heirs(), None, choose)),
        ]
    }

    fn account(&self) -> Vec<Rendered> {
        let row = |name: &str, email: &str, role: &str, place, last: Option<u64>| TenantRow {
            person: self.person(name, email),
            role: role.to_owned(),
            is_org_owner: role == "owner",
            place,
            last_sign_in: last.map(|seconds| self.ago(seconds)),
        };
        let people = vec![
            row("Ana Ruiz", "ana.ruiz@acme.test", "owner", Place::InOrg, Some(600)),
            row("Łucja Żak", "lucja.zak@corp.example", "admin", Place::InOrg, Some(100_000)),
            row("Mei Tanaka", "mei.tanaka@corp.example", "member", Place::Held, Some(3_000)),
            row("Sam Okafor", "sam.okafor@corp.example", "member", Place::LeftOrg, None),
            row("Jonas Weber", "jonas@corp.example", "member", Place::LeftAccount, Some(900_000)),
        ];
        let more = Pages { previous: None, next: Some(self.text("def")) };
        let list = TenantsPage { frame: self.frame(Room::Tenants), query: String::new(), people, pages: more };
        let mut blast = self.blast();
        blast.others = vec![self.text("Registry Admin in the org"), self.text("Catalog Reader in team vision")];
        let remove = RemoveTenantPage { frame: self.frame(Room::Tenants), person: self.mei(), blast };
        let accounts = AccountsPage { frame: self.frame(Room::Accounts), query: String::new(), found: self.orgs() };
        vec![page("account-users", &list), page("account-remove", &remove), page("accounts", &accounts)]
    }

    fn contact(&self) -> Vec<Rendered> {
        let show = |about, team: &str, draft: Option<&str>, problems| ContactPage {
            frame: self.frame(Room::Contact),
            about,
            teams: vec![self.text("vision"), self.text("speech")],
            team: self.text(team),
            draft: draft.map(|body| Draft { subject: self.text("A product for acme-vision"), body: self.text(body) }),
            problems,
        };
        let hello =
            "Hello,\n\nI would like to use this product in the org acme-vision:\n\nI need it for:\n\nThank you.";
        let gone = problem("team", self.text("`speech` is no team of this org"));
        vec![
            page("contact", &show(About::Product, "", Some(hello), Problems::default())),
            page("contact-which-team", &show(About::Team, "", None, Problems::default())),
            page("contact-team", &show(About::Team, "vision", Some(hello), Problems::default())),
            page("contact-team-wrong", &show(About::Team, "speech", Some(hello), gone)),
        ]
    }
}
