//! What does not come through the gate, whoever signed it.

use std::fmt::Write as _;

use super::world::*;
use crate::saml::*;

/// Good before it is changed, so that only the gate can object; the change is signed.
fn refused(change: impl Fn(Forge) -> Forge) -> SamlError {
    change(Forge::new().signed(None, Some(Who::Idp))).finish().unwrap_err()
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let read = |field: &str| Posted::read(field).unwrap_err();
    let encoded = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    assert_eq!(read("*"), SamlError::NotBase64);
    assert_eq!(read(""), SamlError::NotXml);
    assert_eq!(read(&"A".repeat(300_000)), SamlError::TooLarge);
    assert_eq!(read(&encoded(&vec![b' '; 192 * 1024 + 1])), SamlError::TooLarge);
    assert_eq!(read(&encoded(b"\xff\xfe<\0a\0/\0>\0")), SamlError::NotUtf8);
    assert_eq!(read(&encoded(b"<a>\xe9</a>")), SamlError::NotUtf8);
    for broken in
        ["<a>", "<a/><b/>", "<a/>x", "<a b='1' b='2'/>", "<a></b>", "<a>&nbsp;</a>", "<a>\u{0}</a>", "<x:a/>", "<a"]
    {
        assert_eq!(read(&encoded(broken.as_bytes())), SamlError::NotXml, "{broken}");
    }
    for other in ["<?xml version='1.1'?><a/>", "<?xml version='1.0' encoding='ISO-8859-1'?><a/>"] {
        assert_eq!(read(&encoded(other.as_bytes())), SamlError::NotUtf8, "{other}");
    }
}

#[test]
fn a_document_type_is_refused_in_every_form() {
    let entity = "<!DOCTYPE r [<!ENTITY e \"alice\">]>";
    let attributes = "<!DOCTYPE r [<!ATTLIST x ID CDATA \"_a1\">]>";
    for head in ["<!DOCTYPE r>", "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">", entity, attributes, "<!ELEMENT a>"] {
        let xml = format!("{head}{}", Forge::new().xml());
        assert_eq!(finish(&xml).unwrap_err(), SamlError::Doctype, "{head}");
    }
    let inclusion =
        "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\"></xi:include>";
    let error = refused(|forge| forge.in_assertion(">Alice<", &format!(">{inclusion}<")));
    assert_eq!(error, SamlError::Doctype);
}

#[test]
fn a_comment_or_instruction_is_refused_wherever_it_stands() {
    for remark in ["<!---->", "<!-- > -->", "<?php ?>"] {
        let xml = Forge::new().xml();
        let rows = [
            xml.replace(">alice-1<", &format!(">alice{remark}-1<")),
            xml.replace(">alice@a.example<", &format!(">alice@a.example{remark}.evil<")),
            xml.replace(SP, &format!("{remark}{SP}")),
            format!("{xml}{remark}"),
            format!("{remark}{xml}"),
        ];
        for row in rows {
            assert_eq!(finish(&row).unwrap_err(), SamlError::Comment, "{remark}");
        }
    }
    // What only looks like one is text.
    let forge = Forge::new().in_assertion(">Alice<", ">&lt;!-- Alice --&gt;<");
    assert_eq!(forge.finish().unwrap().identity.given_name.as_deref(), Some("<!-- Alice -->"));
    let cdata = forge.xml().replace("&lt;!-- Alice --&gt;", "<![CDATA[<!-- Alice -->]]>");
    assert_eq!(finish(&cdata).unwrap().identity.given_name.as_deref(), Some("<!-- Alice -->"));
}

#[test]
fn ids_are_plain_and_unique() {
    let conditions = "<saml:Conditions ";
    for id in ["ID=\"_a1\" ", "ID=\"_r1\" ", "id=\"x\" ", "iD=\"x\" ", "xml:id=\"x\" ", "saml:ID=\"x\" "] {
        let error = refused(|forge| forge.in_assertion(conditions, &format!("{conditions}{id}")));
        assert_eq!(error, SamlError::Identifier, "{id}");
    }
    let both = refused(|forge| forge.in_assertion(conditions, &format!("{conditions}ID=\"x\" Id=\"x\" ")));
    assert_eq!(both, SamlError::Identifier);
}

#[test]
fn namespaces_are_absolute_and_never_taken_back() {
    for declaration in ["xmlns:x=\"relative\" ", "xmlns:x=\"\" ", "xmlns=\"relative\" "] {
        let error =
            refused(|forge| forge.in_assertion("<saml:Conditions ", &format!("<saml:Conditions {declaration}")));
        assert_eq!(error, SamlError::Namespace, "{declaration}");
    }
}

#[test]
fn there_is_a_measure_to_everything() {
    let text = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let in_value = |inner: String| refused(|forge| forge.in_assertion(">Alice<", &format!(">{inner}<")));
    let deep = format!("{}{}", "<a>".repeat(48), "</a>".repeat(48));
    assert_eq!(in_value(deep), SamlError::TooComplex);
    assert_eq!(in_value(text(8_001, &|_| "<a></a>".into())), SamlError::TooComplex);
    assert_eq!(in_value(text(20_000, &|_| "<a/>".into())), SamlError::TooComplex);
    let attributes = |count, prefix: &str| format!("<a{}></a>", text(count, &|i| format!(" {prefix}{i}=\"u:{i}\"")));
    assert_eq!(in_value(attributes(33, "a")), SamlError::TooComplex);
    assert_eq!(in_value(attributes(33, "xmlns:a")), SamlError::TooComplex);
    assert_eq!(in_value(attributes(10_000, "a")), SamlError::TooComplex);
}

/// A message may be as large as it may be, and still be judged quickly: the gate looks before the parser works.
#[test]
fn the_largest_messages_are_judged() {
    let filled = |one: &str| {
        let forge = Forge::new().signed(None, Some(Who::Idp));
        let room = (180 * 1024 - forge.xml().len()) / one.len();
        forge.in_assertion(">Alice<", &format!(">{}<", one.repeat(room))).finish()
    };
    assert!(filled("x").is_ok());
    // Its canonical form is another text.
    assert_eq!(filled("&#x41;").map(drop), Err(SamlError::Digest));
    assert_eq!(filled("<![CDATA[]]>").map(drop), Err(SamlError::TooComplex));
    let mut nested = String::new();
    for depth in 0..30 {
        write!(nested, "<a xmlns:n{depth}=\"u:{depth}\">").unwrap();
    }
    nested.push_str(&"</a>".repeat(30));
    assert!(filled(&nested).is_err());
}
