//! The description of our API as a page: every route by what it is about.

use askama::Template;

/// What an answer or a parameter is called, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The status code, or the name of the parameter.
    pub name: String,
    /// More about it: where the parameter stands.
    pub place: &'static str,
    /// What it means, in Markdown's words: backticks enclose values.
    pub text: String,
}

/// What can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The content types.
    pub kinds: String,
    /// What it is.
    pub text: String,
}

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Unique on the page, for links to it.
    pub id: String,
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// More about it; often nothing.
    pub description: String,
    /// What stands in the address or the headers.
    pub parameters: Vec<Line>,
    /// What can be sent.
    pub body: Option<Body>,
    /// What it answers, by status code.
    pub answers: Vec<Line>,
}

/// The routes about one thing.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// What they are about, in a word; the place on the page.
    pub name: String,
    /// The same word as a heading.
    pub title: String,
    /// The routes, by path.
    pub operations: Vec<Operation>,
}

/// `GET /docs`.
#[derive(Template)]
#[template(path = "docs.html")]
pub struct DocsPage {
    /// The release that answers.
    pub version: String,
    /// What the API is, in a sentence.
    pub lead: String,
    /// The chapters, by name.
    pub chapters: Vec<Chapter>,
}
