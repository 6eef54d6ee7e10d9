//! My sessions and my password.

use super::{Rendered, Sample, page, problem};
use crate::console::frame::Room;
use crate::console::security::{PasswordForm, SecurityPage, SessionLine};
use crate::console::{Pages, Problems};

impl Sample {
    /// The page of somebody with a password, of the same person after a wrong one, and of somebody without.
    pub(super) fn security(&self) -> Vec<Rendered> {
        let line = |through: &str, began, used, current| SessionLine {
            id: self.text("ses_0198f2c1a9b37d10b3f24a7e5c119d02"),
            through: self.text(through),
            began: self.ago(began),
            last_used: self.ago(used),
            current,
        };
        let form = |problems| Some(PasswordForm { email: self.text("ana.ruiz@acme.test"), problems });
        let show =
            |sessions, pages, password| SecurityPage { frame: self.frame(Room::Security), sessions, pages, password };
        let several = || {
            vec![
                line("password", 600, 30, true),
                line("okta", 9_000, 4_000, false),
                line("password", 40_000, 90, false),
            ]
        };
        let weak = problem("new", self.text("This password is easy to guess: it repeats itself; take other words."));
        let more = Pages { previous: None, next: Some(self.text("def")) };
        vec![
            page("security", &show(several(), more, form(Problems::default()))),
            page("security-wrong", &show(several(), Pages::default(), form(weak))),
            page("security-federated", &show(vec![line("okta", 600, 30, true)], Pages::default(), None)),
        ]
    }
}
