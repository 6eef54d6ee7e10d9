//! What people find in their mailboxes: the messages of a node's folder, read by another program than the one that wrote
//! them.

use std::path::Path;

use anyhow::{Context as _, Result};
use mail_parser::{Address, Message, MessageParser};

/// A message as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// From whom.
    pub from: String,
    /// Who gets the answer, if not the sender.
    pub reply_to: Option<String>,
    /// The subject, decoded.
    pub subject: String,
    /// The text, decoded, with plain line ends.
    pub text: String,
    /// The HTML, decoded.
    pub html: String,
    /// The addresses that the text names, in order; the HTML has the same to click on.
    pub links: Vec<String>,
    /// Every header, as it stands there.
    pub headers: Vec<(String, String)>,
    /// The whole message, as it stands there.
    pub raw: String,
}

impl Letter {
    /// Reads a message.
    ///
    /// # Errors
    /// It is none, or has no text, HTML, sender, reader or subject, or text and HTML lead to different places.
    pub fn read(raw: &[u8]) -> Result<Self> {
        let message = MessageParser::default().parse(raw).context("no message")?;
        let part = |found: Option<std::borrow::Cow<'_, str>>| found.map(|text| text.replace("\r\n", "\n"));
        let text = part(message.body_text(0)).context("no text")?;
        let html = part(message.body_html(0)).context("no HTML")?;
        let (links, clicks) = (links(&text), clicks(&html));
        anyhow::ensure!(links == clicks, "the text leads to {links:?}, the HTML to {clicks:?}");
        Ok(Self {
            to: address(message.to()).context("no reader")?,
            from: address(message.from()).context("no sender")?,
            reply_to: address(message.reply_to()),
            subject: message.subject().context("no subject")?.to_owned(),
            links,
            headers: headers(&message),
            text,
            html,
            raw: String::from_utf8_lossy(raw).into_owned(),
        })
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Every message of a folder, the oldest first; none if there is no folder yet.
///
/// # Errors
/// One cannot be read.
pub fn letters(folder: &Path) -> Result<Vec<Letter>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            paths.push(path);
        }
    }
    // Names begin with the time.
    paths.sort();
    paths.iter().map(|path| Letter::read(&std::fs::read(path)?).with_context(|| path.display().to_string())).collect()
}

fn address(found: Option<&Address<'_>>) -> Option<String> {
    found?.first()?.address.as_ref().map(ToString::to_string)
}

fn headers(message: &Message<'_>) -> Vec<(String, String)> {
    message.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// What of a text a reader would click on: the lines that are an address.
fn links(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("http://") || line.starts_with("https://"));
    lines.map(str::to_owned).collect()
}

/// Where the anchors lead.
fn clicks(html: &str) -> Vec<String> {
    let starts = html.split("<a href=\"").skip(1);
    starts.filter_map(|rest| rest.split('"').next()).map(unescaped).collect()
}

/// HTML without its character references, as far as our own escaping makes them.
#[must_use]
pub fn unescaped(html: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}
