//! Teams: made, described, filled with people, and ended for good.

use askama::Template;

use super::frame::Frame;
use super::people::{PersonLink, PersonRow, Tabs};
use super::roles::RoleForm;
use super::{Pages, Problems, count};

/// A team in the list.
#[derive(Clone, Debug)]
pub struct TeamRow {
    /// Its name, which is also its place in addresses.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether the reader manages its users.
    pub managed: bool,
}

/// `GET /o/{org}/teams`.
#[derive(Template)]
#[template(path = "teams/index.html")]
pub struct TeamsPage {
    /// The frame.
    pub frame: Frame,
    /// The tabs of the room.
    pub tabs: Tabs,
    /// The teams that stand, by name.
    pub teams: Vec<TeamRow>,
    /// Whether the reader makes teams.
    pub makes: bool,
}

/// `GET /o/{org}/new-team`. Posts `name` and `description` to the same address.
#[derive(Template)]
#[template(path = "teams/new.html")]
pub struct NewTeamPage {
    /// The frame.
    pub frame: Frame,
    /// The name, as typed.
    pub name: String,
    /// What it is for, as typed.
    pub description: String,
    /// What is wrong (`name`, `description`).
    pub problems: Problems,
}

/// The description to be changed. Posts `description` and `version` to the team's address.
#[derive(Clone, Debug)]
pub struct DescriptionForm {
    /// As it stands, or as typed.
    pub text: String,
    /// As somebody else has left it meanwhile.
    pub theirs: Option<String>,
    /// Which version it replaces.
    pub version: i64,
    /// What is wrong (`description`).
    pub problems: Problems,
}

/// Somebody to be given a role in the team. Posts `who` and `role` to `/o/{org}/teams/{team}/people`.
#[derive(Clone, Debug)]
pub struct TeamRoleForm {
    /// The address of the person, as typed.
    pub who: String,
    /// The role; where it counts is settled.
    pub role: RoleForm,
}

/// `GET /o/{org}/teams/{team}?cursor=`.
#[derive(Template)]
#[template(path = "teams/team.html")]
pub struct TeamPage {
    /// The frame.
    pub frame: Frame,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// For those who describe teams.
    pub form: Option<DescriptionForm>,
    /// Who has a role in it, and which.
    pub people: Vec<PersonRow>,
    /// The pages of people.
    pub pages: Pages,
    /// For those who give roles in it.
    pub give: Option<TeamRoleForm>,
    /// Whether the reader ends it.
    pub ends: bool,
}

/// `GET /o/{org}/teams/{team}/end`: what ends. Posts `version` and `confirm` to the same address.
#[derive(Template)]
#[template(path = "teams/end.html")]
pub struct EndTeamPage {
    /// The frame.
    pub frame: Frame,
    /// Its name.
    pub name: String,
    /// Which version is ended.
    pub version: i64,
    /// Who has a role in it.
    pub people: Vec<PersonLink>,
    /// Whether there are more than those.
    pub more: bool,
    /// Whether so many lose something that the name is to be typed.
    pub asks: bool,
    /// What is wrong (`confirm`).
    pub problems: Problems,
}

impl EndTeamPage {
    /// The button says the effect: `End vision and the roles of 3 people`.
    #[must_use]
    pub fn button(&self) -> String {
        match (self.people.len(), self.more) {
            (0, false) => format!("End {}", self.name),
            (number, false) => format!("End {} and the roles of {}", self.name, count(number, "person", "people")),
            (number, true) => format!("End {} and the roles of more than {number} people", self.name),
        }
    }
}
