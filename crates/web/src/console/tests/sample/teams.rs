//! Teams.

use super::{Rendered, Sample, page, problem};
use crate::console::frame::Room;
use crate::console::people::{Tab, Tabs};
use crate::console::roles::RoleForm;
use crate::console::teams::{DescriptionForm, EndTeamPage, NewTeamPage, TeamPage, TeamRoleForm, TeamRow, TeamsPage};
use crate::console::{Pages, Problems};

impl Sample {
    fn team(&self, problems: Problems, theirs: Option<&str>) -> TeamPage {
        let mut people = self.people();
        people.retain(|row| row.roles.iter().any(|role| role.team.is_some()));
        people.iter_mut().for_each(|row| row.roles.retain(|role| role.team.is_some()));
        let of_form = if theirs.is_some() { problems.clone() } else { Problems::default() };
        let of_role = if theirs.is_some() { Problems::default() } else { problems };
        TeamPage {
            frame: self.frame(Room::People),
            name: self.text("vision"),
            description: self.text("Computer vision for the warehouse robots"),
            form: Some(DescriptionForm {
                text: self.text("Computer vision"),
                theirs: theirs.map(|text| self.text(text)),
                version: 3,
                problems: of_form,
            }),
            people,
            pages: Pages { previous: None, next: Some(self.text("def")) },
            give: Some(TeamRoleForm {
                who: self.text("nobody@corp.example"),
                role: RoleForm { places: vec![], ..self.role_form(of_role) },
            }),
            ends: true,
        }
    }

    /// Every page about teams.
    pub(super) fn team_pages(&self) -> Vec<Rendered> {
        let row = |name: &str, description: &str, managed| TeamRow {
            name: self.text(name),
            description: if description.is_empty() { String::new() } else { self.text(description) },
            managed,
        };
        let list = |teams, makes| TeamsPage {
            frame: self.frame(Room::People),
            tabs: Tabs { open: Tab::Teams, invitations: makes },
            teams,
            makes,
        };
        let new = |name: &str, problems| NewTeamPage {
            frame: self.frame(Room::People),
            name: self.text(name),
            description: self.text("Computer vision"),
            problems,
        };
        let end = |asks, problems| EndTeamPage {
            frame: self.frame(Room::People),
            name: self.text("vision"),
            version: 3,
            people: self.people().into_iter().take(3).map(|row| row.person).collect(),
            more: asks,
            asks,
            problems,
        };
        let rows = vec![row("robotics", "", false), row("vision", "Computer vision for the warehouse robots", true)];
        let capitals = problem("name", self.text("A team's name is all in lower case: call it `vision-lab`"));
        let unknown = problem("who", self.text("Nobody in this org has this address. Add them as a user first"));
        let stale = problem("description", self.text("Somebody else has changed it since you opened this page"));
        vec![
            page("teams", &list(rows, true)),
            page("teams-empty", &list(vec![], true)),
            page("team-new", &new("vision", Problems::default())),
            page("team-new-wrong", &new("Vision-Lab", capitals)),
            page("team", &self.team(unknown, None)),
            page("team-conflict", &self.team(stale, Some("Seeing machines"))),
            page("team-end", &end(false, Problems::default())),
            page("team-end-many", &end(true, problem("confirm", self.text("Type `vision`, or change nothing")))),
        ]
    }
}
