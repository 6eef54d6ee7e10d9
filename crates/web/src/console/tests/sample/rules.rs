//! Membership rules.

use super::{Rendered, Sample, page, problem};
use crate::console::frame::Room;
use crate::console::person::{SaidRow, Why};
use crate::console::rules::{
    DeleteRulePage, Difference, Figure, GrantRow, GroupRow, InForcePage, KEPT, MatcherRow, NearRow, OffPage, Outcome,
    PersonChange, PreviewPage, RoleWords, RuleForm, RuleFormPage, RuleRow, RulesPage, RulesState, ServiceRoles,
    TestPage, Words,
};
use crate::console::{Part, Problems, Tone};

const ADMINS: &str = "NGC_AIE_PR_Admin";

impl Sample {
    fn gives(&self, title: &str, place: &str) -> RoleWords {
        RoleWords { title: self.text(title), place: self.text(place) }
    }

    fn is(&self, words: &str, value: &str) -> Words {
        Words(vec![(Part::Words, format!("{words} ")), (Part::Value, self.text(value))])
    }

    fn compound(&self) -> Words {
        let mut words = self.is("equals", "vision-all").0;
        words.push((Part::Words, ", and no group starts with ".to_owned()));
        words.push((Part::Value, self.text("contractor-")));
        Words(words)
    }

    fn rule(&self, name: &str, conditions: Vec<Words>, gives: Vec<RoleWords>) -> RuleRow {
        RuleRow {
            id: self.text("rul_0198f2c1a9b37d10b3f24a7e5c119d02"),
            name: self.text(name),
            connection: self.text("okta"),
            enabled: true,
            conditions,
            gives,
            broken: vec![self.text("`audio` is no team of this org")],
        }
    }

    fn aie_admins(&self) -> RuleRow {
        let gives =
            vec![self.gives("Private Registry Admin", "in the org"), self.gives("NGC Catalog Read", "in team vision")];
        self.rule("AIE admins", vec![self.is("equals", ADMINS)], gives)
    }

    fn rule_rows(&self) -> Vec<RuleRow> {
        let vision = vec![self.compound(), self.is("matches the expression", "vision-(emea|apac)-[0-9]+")];
        let off = self.rule("Everybody", vec![self.is("equals", "Staff")], vec![]);
        vec![
            self.aie_admins(),
            self.rule("Vision readers", vision, vec![self.gives("NGC Catalog Read", "in team vision")]),
            RuleRow { enabled: false, ..off },
        ]
    }

    fn figures(&self) -> Vec<Figure> {
        let figure = |number, words: &str, tone| Figure { number, words: words.to_owned(), tone };
        vec![
            figure(128, "people in the org", Tone::Neutral),
            figure(41, "match a rule", Tone::Neutral),
            figure(12, "gain a role", Tone::Good),
            figure(3, "lose a role", Tone::Danger),
            figure(0, "lose every role", Tone::Danger),
            figure(4, "from invitation to rules", Tone::Neutral),
        ]
    }

    fn difference(&self) -> Difference {
        let change = |person, migrated, added, removed| PersonChange { person, migrated, added, removed };
        let admin = || self.gives("Private Registry Admin", "in the org");
        let read = || self.gives("NGC Catalog Read", "in team vision");
        let jonas = self.person("Jonas Weber", "jonas@corp.example");
        let sam = self.person("sam.okafor@corp.example", "sam.okafor@corp.example");
        Difference {
            figures: self.figures(),
            notes: vec![
                self.text("2 owners are never changed by rules."),
                self.text("5 people have roles by hand and match no rule; these roles stay."),
            ],
            people: vec![
                change(jonas, false, vec![read()], vec![admin(), self.gives("User admin", "in the org")]),
                change(self.mei(), true, vec![admin()], vec![]),
                change(sam, true, vec![], vec![]),
            ],
            more: 8,
        }
    }

    fn preview(&self, guards: Vec<String>, problems: Problems) -> PreviewPage {
        PreviewPage {
            frame: self.frame(Room::Rules),
            digest: self.text("q8ZkdGVzdA"),
            rules: 3,
            difference: self.difference(),
            broken: if guards.is_empty() { vec![] } else { vec![self.text("Vision readers")] },
            unasked: if guards.is_empty() { vec![] } else { vec![(self.text("Platform"), self.text("department"))] },
            guards,
            problems,
        }
    }

    fn rule_form(&self, problems: Problems) -> RuleForm {
        let row = |operation: &str, value: &str, ignore_case, kept| MatcherRow {
            operation: operation.to_owned(),
            value: self.text(value),
            claim: if ignore_case { self.text("/realm_access/roles") } else { String::new() },
            ignore_case,
            kept,
        };
        let roles = |service: &str, names: &[&str]| ServiceRoles {
            title: self.text(service),
            roles: names.iter().map(|name| (self.text(&format!("{service}/{name}")), self.text(name))).collect(),
        };
        let chosen = |team: &str, role: &str| GrantRow { team: self.text(team), role: self.text(role) };
        RuleForm {
            name: self.text("AIE admins"),
            connection: self.text("okta"),
            connections: vec![self.text("adfs"), self.text("okta")],
            enabled: true,
            matchers: vec![
                row("equals", ADMINS, false, None),
                row("one_of", "aie-admins\naie-owners", true, None),
                row(KEPT, "{}", false, Some(self.compound())),
            ],
            account_role: "member".to_owned(),
            grants: vec![chosen("vision", "NGC Catalog/Read"), chosen("speech", "Gone/Admin")],
            teams: vec![self.text("robotics"), self.text("vision")],
            services: vec![roles("NGC Catalog", &["Read"]), roles("Private Registry", &["Admin", "User"])],
            problems,
        }
    }

    fn groups(&self) -> Vec<GroupRow> {
        let group = |value: &str, rules: &[&str]| GroupRow {
            value: self.text(value),
            rules: rules.iter().map(|rule| self.text(rule)).collect(),
        };
        vec![group("vision-all", &["Vision readers", "Platform"]), group("ngc_aie_pr_admin", &[]), group("Staff", &[])]
    }

    fn nearly(&self) -> Vec<NearRow> {
        vec![NearRow { rule: self.text("AIE admins"), wanted: self.text(ADMINS), group: self.text("ngc_aie_pr_admin") }]
    }

    /// Why Mei Tanaka has her roles.
    pub(super) fn why(&self) -> Why {
        Why {
            sentences: vec![
                self.text("Managed by rules `Platform`, `Vision readers`: their roles change with their groups and cannot be edited by hand."),
                self.text("Their groups were left out or cut off at the last sign-in."),
            ],
            said: vec![SaidRow {
                connection: self.text("okta"),
                claim: self.text("department"),
                remark: self.text("The last sign-in cut them off, so this is the last whole list."),
                seen: self.ago(3_000),
                groups: self.groups(),
                more: 12,
            }],
            near: self.nearly(),
        }
    }

    /// Every page about rules.
    pub(super) fn rules(&self) -> Vec<Rendered> {
        let mut pages = self.written_rules();
        pages.extend(self.rules_in_force());
        pages
    }

    fn written_rules(&self) -> Vec<Rendered> {
        let frame = || self.frame(Room::Rules);
        let list = |state, since: Option<u64>, linked, rules| RulesPage {
            frame: frame(),
            state,
            since: since.map(|seconds| self.ago(seconds)),
            linked,
            rules,
        };
        let form = |id: Option<String>, form| {
            let broken = id.iter().map(|_| self.text("`speech` is no team of this org")).collect();
            RuleFormPage { frame: frame(), id, broken, form }
        };
        let id = Some(self.text("rul_0198f2c1a9b37d10b3f24a7e5c119d02"));
        let wrong = problem("groups", self.text("Enter a group, as the identity provider says it"));
        let tried = |problems, outcome| TestPage {
            frame: frame(),
            connections: vec![self.text("okta")],
            connection: self.text("okta"),
            claims: self.text("{\"groups\": [\"vision-all\", \"ngc_aie_pr_admin\"]}"),
            problems,
            outcome,
        };
        let outcome = Outcome {
            said: self.text("The claims say 3 groups."),
            groups: self.groups(),
            claims: vec![(self.text("The claim `department` says 3 values."), self.groups())],
            roles: vec![self.gives("NGC Catalog Read", "in team vision")],
            near: self.nearly(),
            remarks: vec![self.text("`groups` holds something that is no text; it is left out")],
        };
        let unread = problem("claims", self.text("Paste a JSON object, from `{` to `}`: expected value at line 1"));
        vec![
            page("rules", &list(RulesState::Edited, Some(90_000), true, self.rule_rows())),
            page("rules-in-force", &list(RulesState::InForce, Some(400), true, self.rule_rows())),
            page("rules-empty", &list(RulesState::Out, None, true, vec![])),
            page("rules-not-linked", &list(RulesState::Out, None, false, vec![])),
            page("rule-form", &form(id, self.rule_form(Problems::default()))),
            page("rule-form-wrong", &form(None, self.rule_form(wrong))),
            page("rule-delete", &DeleteRulePage { frame: frame(), rule: self.aie_admins(), active: true }),
            page("rules-test", &tried(Problems::default(), Some(outcome))),
            page("rules-test-wrong", &tried(unread, None)),
        ]
    }

    fn rules_in_force(&self) -> Vec<Rendered> {
        let frame = || self.frame(Room::Rules);
        let guards = vec![
            self.text("More than a fifth of the people with a role lose every role."),
            self.text("You yourself would no longer manage users, and could not undo this."),
        ];
        let unconfirmed = || problem("confirm", self.text("Type `acme-vision`, or change nothing"));
        let last = |undo_until, active| InForcePage {
            frame: frame(),
            title: self.text("3 rules are in force"),
            generation: 7,
            active,
            at: self.ago(400),
            by: self.text("Ana Ruiz"),
            rules: vec![self.text("AIE admins"), self.text("Vision readers"), self.text("Everybody")],
            figures: self.figures(),
            undo_until,
        };
        let off = |freeze| OffPage {
            frame: frame(),
            freeze,
            managed: 3,
            difference: self.difference(),
            problems: unconfirmed(),
        };
        vec![
            page("rules-preview", &self.preview(vec![], Problems::default())),
            page("rules-preview-guarded", &self.preview(guards, unconfirmed())),
            page("rules-receipt", &last(Some(self.hence(29)), true)),
            page("rules-receipt-old", &last(None, false)),
            page("rules-off", &off(false)),
            page("rules-freeze", &off(true)),
        ]
    }
}
