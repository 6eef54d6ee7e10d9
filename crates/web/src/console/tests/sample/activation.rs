//! What the link of an activation shows.

use super::{Rendered, Sample, page, problem};
use crate::console::Problems;
use crate::console::activation::{
    ActivatedPage, ActivationPage, EligibleRow, Offered, Onward, OverPage, Step, TransferPage, TransferredPage,
};
use crate::console::frame::Environment;

impl Sample {
    /// A link for everybody who can open one, and what comes of it.
    pub(super) fn activations(&self) -> Vec<Rendered> {
        let row = |account: &str, converts| EligibleRow {
            account: self.text(account),
            number: 100_482,
            org: self.text("acme-vision"),
            converts,
        };
        let show = |step, account: String, problems| ActivationPage {
            offered: self.offered(),
            step,
            account,
            new_account: self.text("Acme Research"),
            problems,
            environment: Environment::Live,
        };
        let spaces = || problem("new_account", self.text("Enter a name of 1 to 63 letters"));
        let accounts = || Step::Choose(vec![row("acme", false), row("ana-private", true)]);
        let mut pages = vec![
            page("activation", &show(accounts(), self.text("acme"), Problems::default())),
            page("activation-wrong", &show(accounts(), String::new(), spaces())),
            page("activation-none", &show(Step::Choose(Vec::new()), String::new(), Problems::default())),
            page("activation-new", &show(Step::New, String::new(), spaces())),
            page("activation-sign-in", &show(Step::SignIn, String::new(), Problems::default())),
        ];
        pages.extend(self.handover());
        pages
    }

    fn offered(&self) -> Offered {
        Offered {
            token: self.text("cdai_Ab3dEf6hIj9L_x"),
            title: self.text("AI Enterprise"),
            premium: true,
            email: self.text("mei.tanaka@corp.example"),
            until: self.text("2026-12-21 16:00:00 UTC"),
            ends: Some(self.text("2027-12-21 16:00:00 UTC")),
            transferable: true,
        }
    }

    fn handover(&self) -> Vec<Rendered> {
        let environment = Environment::Live;
        let done = |is_new, converted, onward| ActivatedPage {
            title: self.text("AI Enterprise"),
            account: self.text("acme"),
            org: self.text("acme-vision"),
            ends: Some(self.text("2027-12-21 16:00:00 UTC")),
            is_new,
            converted,
            onward,
            environment,
        };
        let transfer = |confirm, problems| TransferPage {
            offered: self.offered(),
            email: self.text("olga@acme.test"),
            message: self.text("Hello,\n\nthis activates AI Enterprise."),
            confirm,
            problems,
            environment,
        };
        let nobody = problem("email", self.text("Enter an e-mail address, like name@example.com"));
        let over = |not_as: Option<&str>| OverPage {
            title: "This was sent to another address",
            text: "Only whoever has that address can activate it.",
            not_as: not_as.map(|who| self.text(who)),
            environment,
        };
        let handed =
            TransferredPage { title: self.text("AI Enterprise"), email: self.text("olga@acme.test"), environment };
        vec![
            page("activated", &done(false, true, Onward::Here)),
            page("activated-new", &done(true, false, Onward::Switch)),
            page("transfer", &transfer(false, nobody)),
            page("transfer-confirm", &transfer(true, Problems::default())),
            page("transferred", &handed),
            page("activation-other", &over(Some("ana.ruiz@acme.test"))),
        ]
    }
}
