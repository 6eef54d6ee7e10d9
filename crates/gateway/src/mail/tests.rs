use super::message::{Message, Proof};
use super::page::{Page, utc};
use super::*;

const URL: &str = "http://127.0.0.1:8700";

#[test]
fn a_subject_is_one_line_of_at_most_78_characters() {
    let page = Page::about("a\r\nBcc: eve@evil.example\u{202e}\tb\u{0}c");
    assert_eq!(page.subject, "a Bcc: eve@evil.example b c");
    let page = Page::about(&"é".repeat(79));
    assert_eq!(page.subject.chars().count(), 78);
    assert!(page.subject.ends_with('…'));
    assert_eq!(Page::about(&"é".repeat(78)).subject, "é".repeat(78));
}

#[test]
fn what_people_write_is_text_and_stays_between_its_marks() {
    let page = Page::about("x").words("Eve <b>", Some("first\r\n-- \r\n<script>alert(1)</script>\n\u{202e}last"));
    let text = page.text(URL);
    assert!(text.starts_with("Eve <b> writes:\n\n> first\n> --\n> <script>alert(1)</script>\n> last\n"), "{text}");
    let html = page.html(URL);
    assert!(html.contains("first<br>\n--<br>\n&#60;script&#62;alert(1)&#60;/script&#62;<br>\nlast"), "{html}");
    assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    assert!(!Page::about("x").words("Eve", Some(" \n ")).text(URL).contains("writes"));
}

#[test]
fn an_instant_is_absolute_and_never_later_than_it_is() {
    assert_eq!(utc(Timestamp::from_micros(1_795_255_259_999_999)), "2026-11-21 10:00 UTC");
}

#[test]
fn a_message_that_an_earlier_release_wrote_is_read() {
    let link = Message::VerifyAddress {
        proof: Proof::Link("https://gate.example/link/x".to_owned()),
        expires_at: Timestamp::from_seconds(1_795_255_200),
    };
    let stored = r#"{"kind":"verify_address","proof":{"link":"https://gate.example/link/x"},"expires_at":"2026-11-21T10:00:00Z"}"#;
    assert_eq!(serde_json::to_string(&link).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Message>(stored).unwrap(), link);
    assert_eq!(format!("{link:?}"), "verify_address");
}

#[test]
fn tries_grow_rarer_and_end() {
    let now = Timestamp::from_seconds(0);
    let pauses: Vec<_> = (0..MOST_TRIES).map_while(|attempts| next_try(&late(), attempts, now)).collect();
    assert_eq!(i64::try_from(pauses.len()).unwrap(), MOST_TRIES - 1);
    assert_eq!(pauses[..3], [30, 60, 120].map(Timestamp::from_seconds));
    assert!(pauses.iter().all(|at| *at <= now.after(LONGEST_PAUSE)));
    let days = pauses.iter().map(|at| at.as_seconds()).sum::<i64>() / 86_400;
    assert!((1..=3).contains(&days), "{days} days");
    assert_eq!(next_try(&Failure::Unreadable, 0, now), None);
}

fn late() -> Failure {
    Failure::Mail(MailError::Late)
}
