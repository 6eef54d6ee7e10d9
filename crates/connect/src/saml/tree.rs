//! The one tree: what a signature was made over and what an identity is read from are the same nodes.

use std::borrow::Cow;

use uppsala::{Document, Element, NodeId, NodeKind};

use super::error::SamlError;

/// A document that passed the gate.
pub(super) struct Xml {
    document: Document<'static>,
    root: NodeId,
}

impl Xml {
    /// Nothing if the document has no element.
    pub(super) fn new(document: Document<'static>) -> Option<Self> {
        let root = document.document_element()?;
        Some(Self { document, root })
    }

    pub(super) const fn document(&self) -> &Document<'static> {
        &self.document
    }

    /// The outermost element.
    pub(super) const fn root(&self) -> Node<'_> {
        Node { document: &self.document, id: self.root }
    }

    /// How many elements of this name the whole document has, wherever they stand.
    pub(super) fn count(&self, namespace: &str, local: &str) -> usize {
        let kinds = (0..).map_while(|index| self.document.node_kind(NodeId::new(index)));
        kinds.filter(|kind| matches!(kind, NodeKind::Element(element) if is_named(element, namespace, local))).count()
    }
}

/// One element.
#[derive(Clone, Copy)]
pub(super) struct Node<'d> {
    pub(super) document: &'d Document<'static>,
    pub(super) id: NodeId,
}

impl<'d> Node<'d> {
    fn element(self) -> Option<&'d Element<'static>> {
        self.document.element(self.id)
    }

    /// Whether this is its name.
    pub(super) fn is(self, namespace: &str, local: &str) -> bool {
        self.element().is_some_and(|element| is_named(element, namespace, local))
    }

    /// The elements right inside.
    pub(super) fn elements(self) -> impl Iterator<Item = Self> {
        let all = self.document.children_iter(self.id).map(move |id| Node { document: self.document, id });
        all.filter(|node| node.element().is_some())
    }

    /// The elements of one name right inside.
    pub(super) fn named(self, namespace: &'static str, local: &'static str) -> impl Iterator<Item = Self> {
        self.elements().filter(move |node| node.is(namespace, local))
    }

    /// The element of this name right inside, if there is one; more than one is an error.
    pub(super) fn optional(self, namespace: &'static str, local: &'static str) -> Result<Option<Self>, SamlError> {
        let mut found = self.named(namespace, local);
        let first = found.next();
        if found.next().is_some() { Err(SamlError::Shape(local)) } else { Ok(first) }
    }

    /// The one element of this name right inside.
    pub(super) fn only(self, namespace: &'static str, local: &'static str) -> Result<Self, SamlError> {
        self.optional(namespace, local)?.ok_or(SamlError::Shape(local))
    }

    /// Whether exactly these elements stand right inside, in this order, with nothing but white space between them.
    pub(super) fn holds_only(self, namespace: &str, names: &[&str]) -> bool {
        let in_order = self.elements().zip(names).all(|(node, name)| node.is(namespace, name));
        in_order && self.elements().count() == names.len() && !self.has_stray_text()
    }

    /// Whether text stands beside the elements.
    pub(super) fn has_stray_text(self) -> bool {
        self.document.children_iter(self.id).any(|id| match self.document.node_kind(id) {
            Some(NodeKind::Text(text)) => !text.trim_ascii().is_empty(),
            Some(NodeKind::Element(_)) => false,
            Some(
                NodeKind::Document
                | NodeKind::CData(_)
                | NodeKind::Comment(_)
                | NodeKind::ProcessingInstruction(_)
                | NodeKind::Attribute(..),
            )
            | None => true,
        })
    }

    /// The value of an attribute without a prefix.
    pub(super) fn attribute(self, name: &str) -> Option<&'d str> {
        let found = self.element()?.attributes.iter().find(|a| a.name.prefix.is_none() && a.name.local_name == name);
        found.map(|attribute| attribute.value.as_ref())
    }

    /// The value of an attribute of a namespace.
    pub(super) fn attribute_of(self, namespace: &str, name: &str) -> Option<&'d str> {
        self.element()?.get_attribute_ns(namespace, name)
    }

    /// The whole text of an element that holds text and nothing else; nothing for any other one.
    pub(super) fn text(self) -> Option<Cow<'d, str>> {
        let mut whole = Cow::Borrowed("");
        for id in self.document.children_iter(self.id) {
            // A comment would let one reader see the first half only.
            let (NodeKind::Text(text) | NodeKind::CData(text)) = self.document.node_kind(id)? else { return None };
            if whole.is_empty() {
                whole = Cow::Borrowed(text.as_ref());
            } else {
                whole.to_mut().push_str(text);
            }
        }
        Some(whole)
    }

    /// The text of the one element of this name right inside.
    pub(super) fn text_of(self, namespace: &'static str, local: &'static str) -> Result<Cow<'d, str>, SamlError> {
        self.only(namespace, local)?.text().ok_or(SamlError::Shape(local))
    }

    /// The text of the element of this name right inside, if there is one.
    pub(super) fn text_if(
        self,
        namespace: &'static str,
        local: &'static str,
    ) -> Result<Option<Cow<'d, str>>, SamlError> {
        let Some(node) = self.optional(namespace, local)? else { return Ok(None) };
        node.text().map(Some).ok_or(SamlError::Shape(local))
    }
}

fn is_named(element: &Element<'_>, namespace: &str, local: &str) -> bool {
    element.name.local_name == local && element.name.namespace_uri.as_deref() == Some(namespace)
}
