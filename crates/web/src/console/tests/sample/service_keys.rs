//! Service keys.

use super::{Rendered, Sample, page, problem};
use crate::console::frame::Room;
use crate::console::keys::{CreatedKey, ExpiryField, KeyRow, KeyState};
use crate::console::service_keys::{
    GrantRow, OldSecret, PartForm, ReachRow, ReviewPage, RevokePage, RotatePage, ScopeChoice, ServiceKeyForm,
    ServiceKeyFormPage, ServiceKeyPage, ServiceKeyRow, ServiceKeysPage,
};
use crate::console::{Problems, Tone};

const SECRET: &str = "cdas_Tr4kPw0RtYbN_q8ZkPw0RtYbN4mVcXs71LdJfHgAeUi2O5Ty6BnMzKQ3x2JmOGF";

impl Sample {
    fn machine(&self) -> KeyRow {
        self.key("build pipeline, push images", "cdas_Tr4kPw0RtYbN", KeyState::Active, (41, Some(49), Some(95)))
    }

    fn machines(&self) -> Vec<ServiceKeyRow> {
        let grant = |service: &str, entities: &[&str]| GrantRow {
            service: self.text(service),
            entities: entities.iter().map(|text| self.text(text)).collect(),
        };
        let row = |key, grants| ServiceKeyRow { key, grants };
        vec![
            row(self.machine(), vec![grant("Private Registry", &["acme-vision/*", "acme-vision/*/*"])]),
            row(
                self.key("inference cluster fra-1", "cdas_9LmQzX2cVb7N", KeyState::Active, (200, None, Some(4))),
                vec![
                    grant("NGC Catalog", &["nim/*/*"]),
                    grant(
                        "Private Registry",
                        &[
                            "acme-vision/vision/detector",
                            "acme-vision/vision/tracker",
                            "acme-vision/app",
                            "acme-vision/b",
                        ],
                    ),
                ],
            ),
            row(
                self.key("old nightly report", "cdas_Wq3eRt5yUi8O", KeyState::Expired, (500, None, None)),
                vec![grant("Public API Endpoints", &["acme-vision/*"])],
            ),
        ]
    }

    fn reaches(&self) -> Vec<ReachRow> {
        let scopes = |names: &[&str]| names.iter().map(|name| self.text(name)).collect::<Vec<_>>();
        let all = ["list_containers", "upload_container", "download_container"];
        let row = |service: &str, entities: &str, words: &str, scopes, teams: &[&str]| ReachRow {
            service: self.text(service),
            entity_type: self.text("container"),
            entities: Some(self.text(entities)),
            words: self.text(words),
            scopes,
            future: !words.is_empty(),
            teams: teams.iter().map(|team| self.text(team)).collect(),
        };
        vec![
            row(
                "Private Registry",
                "acme-vision/*",
                "Everything of acme-vision that lies in no team",
                scopes(&all),
                &[],
            ),
            row(
                "Private Registry",
                "acme-vision/*/*",
                "Everything in teams of acme-vision",
                scopes(&all),
                &["speech", "vision"],
            ),
            ReachRow { future: false, ..row("NGC Catalog", "nim/llama/3b", "", scopes(&["get_artifact"]), &[]) },
        ]
    }

    fn part(&self, number: usize, title: &str, chosen: &[&str], entities: &str) -> PartForm {
        let names = ["get_container", "list_containers", "download_container", "upload_container", "delete_container"];
        let scope = |name: &&str| ScopeChoice {
            name: self.text(name),
            title: self.text(&name.replace('_', " ")),
            chosen: chosen.contains(name),
        };
        PartForm {
            number,
            service: self.text("registry"),
            title: self.text(title),
            scopes: names.iter().map(scope).collect(),
            types: vec![self.text("container"), self.text("collection"), self.text("artifact")],
            entity_type: self.text("container"),
            entities: self.text(entities),
        }
    }

    fn service_key_form(&self, parts: Vec<PartForm>, problems: Problems) -> ServiceKeyForm {
        let choice = |value: &str, title: &str| (self.text(value), self.text(title));
        ServiceKeyForm {
            name: self.text("build pipeline, push images"),
            expiry: Some(ExpiryField { choice: "90d".to_owned(), on: String::new() }),
            parts,
            services: vec![choice("catalog", "NGC Catalog"), choice("registry", "Private Registry")],
            recipes: vec![choice("0", "Private Registry: list, push, pull")],
            version: 0,
            problems,
        }
    }

    pub(super) fn service_keys(&self) -> Vec<Rendered> {
        let frame = || self.frame(Room::ServiceKeys);
        let id = || Some(self.text("key_0198f2c1a9b37d10b3f24a7e5c119d02"));
        let created = || CreatedKey::first(self.text("build pipeline, push images"), self.text(SECRET));
        let list = |keys, apps, limit, created| ServiceKeysPage { frame: frame(), keys, apps, limit, created };
        let push = ["list_containers", "upload_container", "download_container"];
        let parts = || {
            vec![
                self.part(0, "Private Registry", &push, "acme-vision/*\nacme-vision/*/*"),
                PartForm { types: vec![], ..self.part(1, "Gateway", &[], "") },
            ]
        };
        let form = |id, form, stale| ServiceKeyFormPage { frame: frame(), id, form, stale };
        let wrong = problem("parts", self.text("Choose what the key may do in `gateway`, at least one scope"));
        let standing =
            ServiceKeyForm { expiry: None, version: 4, ..self.service_key_form(parts(), Problems::default()) };
        let mut review = vec![
            page("service-keys", &list(self.machines(), 2, 64, None)),
            page("service-keys-empty", &list(vec![], 0, 64, None)),
            page("service-keys-full", &list(self.machines(), 0, 3, None)),
            page("service-keys-created", &list(self.machines(), 2, 64, Some(created()))),
            page("service-key-new", &form(None, self.service_key_form(vec![], Problems::default()), false)),
            page("service-key-new-wrong", &form(None, self.service_key_form(parts(), wrong), false)),
            page("service-key-edit", &form(id(), standing, true)),
        ];
        review.extend(self.one_service_key(created()));
        review
    }

    fn review(&self, id: Option<String>, reaches: Vec<ReachRow>, warnings: Vec<String>) -> ReviewPage {
        ReviewPage {
            frame: self.frame(Room::ServiceKeys),
            id,
            name: self.text("build pipeline, push images"),
            expires: Some(self.hence(90)),
            kept: vec![("name", self.text("build pipeline, push images")), ("entities", self.text("a/*\na/*/*"))],
            reaches,
            warnings,
            tells_owners: true,
        }
    }

    fn one_service_key(&self, created: CreatedKey) -> Vec<Rendered> {
        let frame = || self.frame(Room::ServiceKeys);
        let old = || Some(OldSecret { until: self.hence(1), last_used: Some(self.ago(200)) });
        let warning = self.text("`download_container` is of no use without `get_container`");
        let key = |old, created| ServiceKeyPage {
            frame: frame(),
            key: self.machine(),
            maker: self.text("Łucja Żak"),
            reaches: self.reaches(),
            missing: vec![self.text("Cloud Functions")],
            warnings: vec![warning.clone()],
            old,
            created,
        };
        let rotate = |key, problems| RotatePage {
            frame: frame(),
            key,
            grace: "24h".to_owned(),
            expiry: ExpiryField::default(),
            oldest_ends: true,
            problems,
        };
        let expired = self.machines().pop().map(|row| row.key).unwrap();
        let late = problem("expiry", self.text("The key has expired. Choose until when it is to live"));
        let mut standing = key(old(), None);
        standing.frame.notice =
            Some(crate::console::Notice { tone: Tone::Good, text: self.text("The key is changed.") });
        let rotated = CreatedKey { old_until: Some(self.hence(1)), ..created };
        vec![
            page("service-key-review", &self.review(None, self.reaches(), vec![warning.clone()])),
            page("service-key-review-edit", &self.review(Some(self.text("key_1")), vec![], vec![])),
            page("service-key", &standing),
            page("service-key-rotated", &key(None, Some(rotated))),
            page("service-key-rotate", &rotate(self.machine(), Problems::default())),
            page("service-key-rotate-expired", &rotate(expired, late)),
            page(
                "service-key-revoke",
                &RevokePage { frame: frame(), key: self.machine(), reaches: self.reaches(), old: old() },
            ),
        ]
    }
}
