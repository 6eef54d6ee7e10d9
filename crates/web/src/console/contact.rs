//! A message to the owners of the org.

use askama::Template;

use super::Problems;
use super::frame::Frame;

/// What a message is about; the word stands in addresses and forms as `about`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A product that the org shall have.
    Product,
    /// A team that the writer wants to work with.
    Team,
}

impl About {
    /// The word of addresses and forms.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Team => "team",
        }
    }

    /// What a word means; anything unknown is about a product.
    #[must_use]
    pub fn of(word: &str) -> Self {
        if word == Self::Team.word() { Self::Team } else { Self::Product }
    }
}

/// A message as it can be edited.
#[derive(Clone, Debug)]
pub struct Draft {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// `GET /o/{org}/contact?about=…&team=…`. Posts `about`, `team`, `subject` and `body` to `/o/{org}/contact`.
#[derive(Template)]
#[template(path = "contact.html")]
pub struct ContactPage {
    /// The frame.
    pub frame: Frame,
    /// What the message is about.
    pub about: About,
    /// The teams of the org.
    pub teams: Vec<String>,
    /// The team that it is about; empty for none.
    pub team: String,
    /// The message; none while it has to be said which team it is about.
    pub draft: Option<Draft>,
    /// What is wrong (`team`, `subject`, `body`).
    pub problems: Problems,
}
