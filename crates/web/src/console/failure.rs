//! The pages of requests that came to nothing.

use askama::Template;

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 403: it may know of the page, but not see it.
    Refused,
    /// 404: nothing here, or nothing that this person may know of.
    NotFound,
    /// 500: our fault.
    Broken,
    /// 503: the truth cannot be asked right now, so nothing is let in.
    Unavailable,
    /// 403: another site sent it in the person's name.
    Foreign,
    /// 405: the address answers other methods.
    WrongMethod,
    /// What else a request can do wrong.
    NotDone,
}

impl Failure {
    /// What happened.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Refused => "Your role does not open this page",
            Self::NotFound => "There is nothing at this address",
            Self::Broken => "This page could not be made",
            Self::Unavailable => "Not available for a moment",
            Self::Foreign => "This came from another site",
            Self::WrongMethod => "This address is not opened like this",
            Self::NotDone => "This could not be done",
        }
    }

    /// Why, and the next step.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Refused => "An owner or user admin of the org can see it, and can give you the role that you need.",
            Self::NotFound => {
                "It may have been deleted, or it belongs to an org that you are not in. Check the address, or start from your overview."
            }
            Self::Broken => {
                "The fault is ours and has been recorded. Nothing was changed. Give the request id below to your operator."
            }
            Self::Unavailable => {
                "This node cannot ask the database, and it gives no answer that might be out of date. Try again in a few seconds."
            }
            Self::Foreign => {
                "Another site sent this to Cardea in your name, so it was refused and nothing was changed. If it was you, do it on Cardea's own pages."
            }
            Self::WrongMethod => {
                "It is there for a form or a program, or only to be read. Nothing was changed. Start from your overview."
            }
            Self::NotDone => "Nothing was changed. Go back and try again.",
        }
    }
}

/// A page for a request that came to nothing. It needs no session, so it has no frame.
#[derive(Template)]
#[template(path = "failure.html")]
pub struct FailurePage {
    /// The status code.
    pub status: u16,
    /// Which.
    pub failure: Failure,
    /// What happened and the next step, where more is known than [`Failure::text`] says.
    pub detail: Option<String>,
    /// The id that the log has too.
    pub request: String,
}
