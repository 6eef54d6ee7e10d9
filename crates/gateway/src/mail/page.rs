//! A message as it is read: a subject and a few parts, shown once as text and once as HTML. Both are made of the same
//! parts, so that they say the same.

use askama::Template;
use cardea_model::Timestamp;

/// RFC 5322 §2.1.1: a line should have no more characters.
const LONGEST_SUBJECT: usize = 78;
/// What people say in their own words is cut here, in characters.
const LONGEST_WORDS: usize = 10_000;

/// A message as it is read.
pub(super) struct Page {
    /// One line of at most 78 characters.
    pub(super) subject: String,
    parts: Vec<Part>,
}

/// One part of it.
enum Part {
    /// A sentence or two.
    Line(String),
    /// Somebody's own words.
    Words { by: String, lines: Vec<String> },
    /// Names and what they are.
    Facts(Vec<(&'static str, String)>),
    /// Something to open.
    Link { label: &'static str, url: String },
    /// Something to type.
    Code(String),
}

impl Page {
    /// An empty page.
    pub(super) fn about(subject: &str) -> Self {
        let subject = one_line(subject);
        let cut = subject.char_indices().nth(LONGEST_SUBJECT - 1).filter(|_| subject.chars().count() > LONGEST_SUBJECT);
        let subject = match cut.and_then(|(end, _)| subject.get(..end)) {
            Some(start) => format!("{}…", start.trim_end()),
            None => subject,
        };
        Self { subject, parts: Vec::new() }
    }

    /// Adds a sentence or two.
    pub(super) fn line(mut self, text: &str) -> Self {
        self.parts.push(Part::Line(one_line(text)));
        self
    }

    /// Adds somebody's own words, if there are any.
    pub(super) fn words(mut self, by: &str, text: Option<&str>) -> Self {
        let text: String = text.unwrap_or_default().trim().chars().take(LONGEST_WORDS).collect();
        if !text.is_empty() {
            self.parts.push(Part::Words { by: one_line(by), lines: text.lines().map(one_line).collect() });
        }
        self
    }

    /// Adds names and what they are.
    pub(super) fn facts<const N: usize>(mut self, facts: [(&'static str, &str); N]) -> Self {
        self.parts.push(Part::Facts(facts.into_iter().map(|(name, what)| (name, one_line(what))).collect()));
        self
    }

    /// Adds something to open.
    pub(super) fn link(mut self, label: &'static str, url: &str) -> Self {
        self.parts.push(Part::Link { label, url: one_line(url) });
        self
    }

    /// Adds something to type.
    pub(super) fn code(mut self, code: &str) -> Self {
        self.parts.push(Part::Code(one_line(code)));
        self
    }

    /// As text.
    pub(super) fn text(&self, public_url: &str) -> String {
        shown(&Text { parts: &self.parts, public_url })
    }

    /// As HTML that loads nothing and reads in light and dark.
    pub(super) fn html(&self, public_url: &str) -> String {
        shown(&Html { subject: &self.subject, parts: &self.parts, public_url })
    }
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'p> {
    parts: &'p [Part],
    public_url: &'p str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'p> {
    subject: &'p str,
    parts: &'p [Part],
    public_url: &'p str,
}

fn shown(template: &impl Template) -> String {
    #[expect(clippy::expect_used, reason = "writing into a string cannot fail, and nothing else here can")]
    template.render().expect("a string takes everything")
}

/// On one line, without what would start another one, be unseen, or turn the direction of what stands beside it
/// (Unicode TR 36 §2.5).
fn one_line(text: &str) -> String {
    let unseen = |c: &char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let seen: String = text.chars().filter(|c| !unseen(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    seen.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An instant for people everywhere; rounded down, so that nothing ends before it was said to.
pub(super) fn utc(at: Timestamp) -> String {
    let text = Timestamp::from_seconds(at.as_seconds()).to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
}
