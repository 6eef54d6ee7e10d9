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
    /// What it looks like, where that has a name.
    pub kind: Option<Kind>,
}

/// What a value looks like: in words, and the shape whose name follows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// `string`, `list of`, `time or null`; nothing if the shape says it all.
    pub words: String,
    /// The shape.
    pub shape: Option<String>,
}

/// A part of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it looks like.
    pub kind: Kind,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it means.
    pub text: String,
}

/// What is sent or answered, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub text: String,
    /// What it is, if it has no fields.
    pub kind: Kind,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// What can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The content types.
    pub kinds: String,
    /// What it is.
    pub text: String,
    /// What it looks like.
    pub kind: Kind,
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
    /// What is sent and answered, by name.
    pub shapes: Vec<Shape>,
}
