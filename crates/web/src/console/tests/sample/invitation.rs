//! What an invited person sees.

use super::{Rendered, Sample, page, problem};
use crate::console::Problems;
use crate::console::frame::Environment;
use crate::console::invitation::{AcceptedPage, InvitationPage, Step};

impl Sample {
    /// An invitation to everybody who can open one, and what comes of it.
    pub(super) fn invitations(&self) -> Vec<Rendered> {
        let environment = Environment::Live;
        let show = |owner, step, problems| InvitationPage {
            token: self.text("cdai_Ab3dEf6hIj9L_x"),
            account: self.text("acme"),
            org: self.text("acme-vision"),
            owner,
            email: self.text("mei.tanaka@corp.example"),
            inviter: self.text("Ana Ruiz (ana.ruiz@acme.test)"),
            message: Some(self.text("Hello Mei,\nwelcome to the team.")),
            until: self.text("2026-11-21 16:00:00 UTC"),
            step,
            problems,
            environment,
        };
        let other = || self.text("Olga (olga@acme.test)");
        let weak = problem("password", self.text("The password has 6 characters. Choose one with at least 9."));
        let dropped = vec![self.text("`admin` of `registry`: this org does not have the service `registry`")];
        let said = |signed_in, dropped| AcceptedPage { org: self.text("acme-vision"), signed_in, dropped, environment };
        vec![
            page("invitation", &show(false, Step::Accept, Problems::default())),
            page("invitation-owner", &show(true, Step::ChoosePassword, Problems::default())),
            page("invitation-weak", &show(false, Step::ChoosePassword, weak)),
            page("invitation-sign-in", &show(false, Step::SignIn, Problems::default())),
            page("invitation-other", &show(false, Step::SignOut(other()), Problems::default())),
            page("invitation-accepted", &said(true, Vec::new())),
            page("invitation-dropped", &said(false, dropped)),
        ]
    }
}
