//! The gate: what is let through is small, well-formed XML 1.0 in UTF-8 without anything that another reader might
//! understand differently. It stands before every other look at what strangers send.
//!
//! | refused | against |
//! |---|---|
//! | size, depth, number of elements and of attributes, before the parser sees them | exhaustion |
//! | DTD, XInclude | entities, external files, default attributes |
//! | comments and processing instructions (in messages) | text that one reader joins and another cuts |
//! | repeated, prefixed or oddly written ids | a signature over one element, an identity from another |
//! | empty or relative namespaces | canonicalization that leaves something out |

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uppsala::{Element, NodeId, NodeKind, Parser};

use super::error::SamlError;
use super::names::INCLUSION;
use super::tree::Xml;

/// How deep elements may stand in one another.
const DEPTH_MOST: u32 = 48;
/// How many attributes, and how many declarations of namespaces, one element may have.
const ATTRIBUTES_MOST: usize = 32;

/// What one kind of document may be.
pub(super) struct Limits {
    /// Bytes of XML.
    pub(super) bytes: usize,
    /// Elements and pieces of text.
    nodes: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Signed by its sender, of few forms.
    Message,
    /// Written by hand or by many programs, and trusted because an admin brought it.
    Metadata,
}

/// A response, an assertion, a logout message.
pub(super) const MESSAGE: Limits = Limits { bytes: 192 * 1024, nodes: 8_000, kind: Kind::Message };
/// What one identity provider says about itself.
pub(super) const ONE_ENTITY: Limits = Limits { bytes: 1024 * 1024, nodes: 40_000, kind: Kind::Metadata };
/// What a federation says about its members.
pub(super) const AGGREGATE: Limits = Limits { bytes: 8 * 1024 * 1024, nodes: 400_000, kind: Kind::Metadata };

/// The bytes that standard base64 stands for; white space in it does not count.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let plain: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(plain).ok()
}

/// Text as the POST binding carries it.
pub(super) fn to_base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The XML in `bytes`, if they are UTF-8 and it passes the gate.
pub(super) fn read(bytes: Vec<u8>, limits: &Limits) -> Result<Xml, SamlError> {
    if bytes.len() > limits.bytes {
        return Err(SamlError::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_| SamlError::NotUtf8)?;
    parse(&text, limits)
}

/// The XML in `text`, if it passes the gate.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<Xml, SamlError> {
    if text.len() > limits.bytes {
        return Err(SamlError::TooLarge);
    }
    let mut text = Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    // One kind of line end (XML §2.11), of which the parser sees to only a part.
    if text.contains('\r') {
        text = Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    let breaks = survey(&text, limits)?;
    if !breaks.is_empty() {
        text = Cow::Owned(unbroken(&text, &breaks)?);
    }
    let parser = Parser::new().with_max_depth(DEPTH_MOST).with_forbid_dtd(true);
    let document = parser.parse(&text).map_err(|_| SamlError::NotXml)?;
    if let Some(declared) = &document.xml_declaration {
        let utf8 = declared.encoding.as_ref().is_none_or(|name| name.eq_ignore_ascii_case("utf-8"));
        if declared.version != "1.0" || !utf8 {
            return Err(SamlError::NotUtf8);
        }
    }
    let xml = Xml::new(document.into_static()).ok_or(SamlError::NotXml)?;
    inspect(&xml, limits)?;
    Ok(xml)
}

/// One pass over the text, before the parser may spend time on it; where lines break inside of attributes.
fn survey(text: &str, limits: &Limits) -> Result<Vec<usize>, SamlError> {
    let (mut tags, mut depth, mut breaks) = (0_usize, 0_u32, Vec::new());
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        rest = if let Some(inside) = after.strip_prefix("![CDATA[") {
            beyond(inside, "]]>")?
        } else if let Some(inside) = after.strip_prefix("!--") {
            limits.remark_allowed()?;
            beyond(inside, "-->")?
        } else if after.starts_with('!') {
            return Err(SamlError::Doctype);
        } else if let Some(inside) = after.strip_prefix('?') {
            let declaration = after.len() + 1 == text.len() && inside.starts_with("xml");
            if !declaration {
                limits.remark_allowed()?;
            }
            beyond(inside, "?>")?
        } else {
            let (inside, further) = tag(after, text.len() - after.len(), &mut breaks)?;
            tags += 1;
            if inside.starts_with('/') {
                depth = depth.saturating_sub(1);
            } else if !inside.ends_with('/') {
                depth += 1;
            }
            if tags > limits.nodes.saturating_mul(2) || depth > DEPTH_MOST {
                return Err(SamlError::TooComplex);
            }
            further
        };
    }
    Ok(breaks)
}

/// The text with spaces where lines break inside of attributes, as every reader has to see them (XML §3.3.3).
fn unbroken(text: &str, breaks: &[usize]) -> Result<String, SamlError> {
    let mut bytes = text.as_bytes().to_vec();
    for at in breaks {
        if let Some(byte) = bytes.get_mut(*at) {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).map_err(|_| SamlError::NotUtf8)
}

fn beyond<'a>(inside: &'a str, end: &str) -> Result<&'a str, SamlError> {
    inside.split_once(end).map(|(_, further)| further).ok_or(SamlError::NotXml)
}

/// What stands in a tag, and what follows it; `after` begins behind the `<`, at this place of the whole.
fn tag<'a>(after: &'a str, place: usize, breaks: &mut Vec<usize>) -> Result<(&'a str, &'a str), SamlError> {
    let mut quote = None;
    let mut attributes = 0;
    for (at, byte) in after.bytes().enumerate() {
        if quote.is_some() {
            if quote == Some(byte) {
                quote = None;
            } else if matches!(byte, b'\n' | b'\t') {
                breaks.push(place + at);
            }
        } else if matches!(byte, b'"' | b'\'') {
            quote = Some(byte);
        } else if byte == b'=' {
            attributes += 1;
            // The parser compares each attribute with each other one.
            if attributes > 2 * ATTRIBUTES_MOST {
                return Err(SamlError::TooComplex);
            }
        } else if byte == b'>' {
            let (inside, further) = after.split_at(at);
            return Ok((inside, further.strip_prefix('>').unwrap_or(further)));
        }
    }
    Err(SamlError::NotXml)
}

/// What can only be seen in the tree.
fn inspect(xml: &Xml, limits: &Limits) -> Result<(), SamlError> {
    let document = xml.document();
    let mut ids = HashSet::new();
    for index in 0.. {
        let Some(kind) = document.node_kind(NodeId::new(index)) else { break };
        if index > limits.nodes {
            return Err(SamlError::TooComplex);
        }
        match kind {
            NodeKind::Element(element) => {
                namespaces(element)?;
                if limits.kind == Kind::Message {
                    if element.name.namespace_uri.as_deref() == Some(INCLUSION) {
                        return Err(SamlError::Doctype);
                    }
                    identifiers(element, &mut ids)?;
                }
            }
            NodeKind::Comment(_) | NodeKind::ProcessingInstruction(_) => limits.remark_allowed()?,
            NodeKind::Document | NodeKind::Text(_) | NodeKind::CData(_) | NodeKind::Attribute(..) => {}
        }
    }
    Ok(())
}

/// A relative namespace has no canonical form, and one that is taken back (Namespaces in XML 1.0 §5) has two.
fn namespaces(element: &Element<'_>) -> Result<(), SamlError> {
    if element.attributes.len() > ATTRIBUTES_MOST || element.namespace_declarations.len() > ATTRIBUTES_MOST {
        return Err(SamlError::TooComplex);
    }
    for (prefix, uri) in &element.namespace_declarations {
        let good = if uri.is_empty() { prefix.is_empty() } else { uri.contains(':') };
        if !good {
            return Err(SamlError::Namespace);
        }
    }
    Ok(())
}

/// An id is written `ID` or `Id`, without a prefix, and is the only one of its value.
fn identifiers<'a>(element: &'a Element<'_>, seen: &mut HashSet<&'a str>) -> Result<(), SamlError> {
    for attribute in &element.attributes {
        let local = attribute.name.local_name.as_ref();
        if !local.eq_ignore_ascii_case("id") {
            continue;
        }
        let plain = matches!(local, "ID" | "Id") && attribute.name.prefix.is_none();
        if !plain || !seen.insert(&attribute.value) {
            return Err(SamlError::Identifier);
        }
    }
    Ok(())
}

impl Limits {
    /// Comments and processing instructions, which no reader should have to see.
    fn remark_allowed(&self) -> Result<(), SamlError> {
        match self.kind {
            Kind::Message => Err(SamlError::Comment),
            Kind::Metadata => Ok(()),
        }
    }
}
