//! As much of reading XML as a request needs: the tags in their order, each with its attributes and the
//! text that follows it. It reads what a careful writer wrote and trusts nothing to it.

/// A start tag.
pub(crate) struct Tag {
    /// The name without its prefix.
    pub(crate) local: String,
    attributes: Vec<(String, String)>,
    /// The text up to the next tag.
    pub(crate) text: String,
}

impl Tag {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }
}

/// Every start tag.
pub(crate) fn tags(xml: &str) -> Vec<Tag> {
    xml.split('<').skip(1).filter(|piece| !piece.starts_with(['/', '?', '!'])).filter_map(tag).collect()
}

/// The text of the first element of this name.
pub(crate) fn text_of(tags: &[Tag], local: &str) -> Option<String> {
    tags.iter().find(|tag| tag.local == local).map(|tag| tag.text.trim().to_owned())
}

fn tag(piece: &str) -> Option<Tag> {
    let (head, text) = piece.split_once('>')?;
    let head = head.trim_end_matches('/');
    let (name, mut rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
    let mut attributes = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next()?;
        let (value, after) = after.get(1..)?.split_once(quote)?;
        attributes.push((name.trim().to_owned(), unescaped(value)));
        rest = after;
    }
    let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
    Some(Tag { local: local.to_owned(), attributes, text: unescaped(text) })
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}
