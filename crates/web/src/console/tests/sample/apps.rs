//! Apps.

use super::{Rendered, Sample, page, problem};
use crate::console::apps::{AppForm, AppRow, AppSecretPage, AppsPage, DeleteAppPage};
use crate::console::frame::Room;
use crate::console::keys::CreatedKey;

impl Sample {
    fn app(&self, name: &str, enabled: bool, days: u64) -> AppRow {
        AppRow {
            id: self.text("cli_0198f2c1a9b37d10b3f24a7e5c119d02"),
            name: self.text(name),
            client_id: self.text(name),
            enabled,
            created: self.ago(days * 86_400),
        }
    }

    pub(super) fn apps(&self) -> Vec<Rendered> {
        let both = || vec![self.app("nightlyreport", true, 3), self.app("oldscheduler", false, 400)];
        let list = |apps, limit, form, created| AppsPage {
            frame: self.frame(Room::Apps),
            apps,
            keys: 3,
            limit,
            token_url: self.text("https://gate.acme.test/api/v1/token"),
            form,
            created,
        };
        let wrong = problem("name", self.text("There is an app of this name already; choose another name"));
        let form = AppForm { name: self.text("nightly-report"), problems: wrong };
        let secret = self.text("cdac_Ab3dEf6hIj9L_q8ZkPw0RtYbN4mVcXs71LdJfHgAeUi2O5Ty6BnMzKQ3x2JmOGF");
        let created = CreatedKey {
            client_id: Some(self.text("nightlyreport")),
            old_until: Some(self.hence(1)),
            ..CreatedKey::first(self.text("nightlyreport"), secret)
        };
        let (frame, app) = (|| self.frame(Room::Apps), || self.app("nightlyreport", true, 3));
        vec![
            page("apps", &list(both(), 64, None, None)),
            page("apps-empty", &list(vec![], 64, None, None)),
            page("apps-full", &list(both(), 5, None, None)),
            page("apps-new-wrong", &list(both(), 64, Some(form), None)),
            page("apps-created", &list(both(), 64, None, Some(created))),
            page("app-secret", &AppSecretPage { frame: frame(), app: app() }),
            page("app-delete", &DeleteAppPage { frame: frame(), app: app() }),
        ]
    }
}
