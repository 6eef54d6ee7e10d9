mod grants;

use super::*;
use crate::Timestamp;
use proptest::prelude::*;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_seconds(1_795_255_200);

fn days(count: u64) -> Span {
    Span::from_seconds(count * 86_400)
}

#[test]
fn the_states_move_as_drawn() {
    use KeyState::{Active, Deleted, Disabled, Expired, Revoked, Suspended};
    type Row = (KeyState, Option<KeyState>, Option<KeyState>, Option<KeyState>, Result<(), Reason>);
    let table: [Row; 6] = [
        // from, enabled, disabled, revoked, verdict
        (Active, Some(Active), Some(Disabled), Some(Revoked), Ok(())),
        (Disabled, Some(Active), Some(Disabled), Some(Revoked), Err(Reason::Disabled)),
        (Suspended, None, None, Some(Revoked), Err(Reason::Suspended)),
        (Expired, None, None, Some(Revoked), Err(Reason::Expired)),
        (Revoked, None, None, Some(Revoked), Err(Reason::Revoked)),
        (Deleted, None, None, None, Err(Reason::UnknownKey)),
    ];
    for (from, enabled, disabled, revoked, verdict) in table {
        assert_eq!(from.enable().ok(), enabled, "{from:?}");
        assert_eq!(from.disable().ok(), disabled, "{from:?}");
        assert_eq!(from.revoke().ok(), revoked, "{from:?}");
        assert_eq!(from.delete(), Deleted);
        assert_eq!(from.verdict(), verdict, "{from:?}");
        assert_eq!(KeyState::parse(from.as_str()), Some(from));
        assert_eq!(serde_json::to_value(from).unwrap(), from.as_str());
    }
    assert_eq!(Revoked.enable().unwrap_err().to_string(), "a key that is revoked cannot be enabled");
    assert_eq!(KeyState::parse("dead"), None);
}

#[test]
fn time_expires_only_what_could_still_work() {
    let later = Timestamp::from_seconds(1_795_255_201);
    for state in [KeyState::Active, KeyState::Disabled] {
        assert_eq!(state.at(None, NOW), state);
        assert_eq!(state.at(Some(later), NOW), state);
        // At its very instant it is over.
        assert_eq!(state.at(Some(NOW), NOW), KeyState::Expired);
    }
    for state in [KeyState::Suspended, KeyState::Expired, KeyState::Revoked, KeyState::Deleted] {
        assert_eq!(state.at(Some(NOW), later), state);
    }
}

#[test]
fn kinds_have_words() {
    for kind in [KeyKind::Personal, KeyKind::Service, KeyKind::Legacy] {
        assert_eq!(KeyKind::parse(kind.as_str()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert_eq!(KeyKind::parse("p"), None);
}

#[test]
fn expiries_are_read_in_each_way() {
    let instant = Expiry::At(Timestamp::from_seconds(1_795_258_800));
    for (text, expected) in [
        ("30d", Ok(Expiry::In(days(30)))),
        ("1h", Ok(Expiry::In(Span::from_seconds(3_600)))),
        ("90s", Ok(Expiry::In(Span::from_seconds(90)))),
        ("5m", Ok(Expiry::In(Span::from_seconds(300)))),
        ("1y", Ok(Expiry::In(days(365)))),
        ("3600", Ok(Expiry::In(Span::from_seconds(3_600)))),
        ("never", Ok(Expiry::Never)),
        ("2026-11-21T11:00:00Z", Ok(instant)),
        ("2026-11-21T13:00:00+02:00", Ok(instant)),
        ("", Err(BadExpiry::Unreadable)),
        ("d", Err(BadExpiry::Unreadable)),
        ("-1d", Err(BadExpiry::Unreadable)),
        ("+1d", Err(BadExpiry::Unreadable)),
        ("1.5h", Err(BadExpiry::Unreadable)),
        ("30 d", Err(BadExpiry::Unreadable)),
        ("30D", Err(BadExpiry::Unreadable)),
        ("Never", Err(BadExpiry::Unreadable)),
        ("tomorrow", Err(BadExpiry::Unreadable)),
        ("99999999999999999999d", Err(BadExpiry::Unreadable)),
        ("999999999999999999y", Err(BadExpiry::Unreadable)),
    ] {
        assert_eq!(Expiry::parse(text), expected, "{text:?}");
    }
    let body: Expiry = serde_json::from_value(json!(3600)).unwrap();
    assert_eq!(body, Expiry::In(Span::from_seconds(3_600)));
    assert_eq!(serde_json::from_value::<Expiry>(json!("30d")).unwrap(), Expiry::In(days(30)));
    for bad in [json!(-1), json!(true), json!(null), json!("soon"), json!(1.5)] {
        assert!(serde_json::from_value::<Expiry>(bad).is_err());
    }
}

#[test]
fn a_request_says_its_expiry_in_exactly_one_way() {
    let (span, instant) = (Expiry::In(days(1)), Expiry::At(NOW));
    assert_eq!(Expiry::of_request(Some(span), None, false), Ok(span));
    assert_eq!(Expiry::of_request(None, Some(instant), false), Ok(instant));
    assert_eq!(Expiry::of_request(None, None, true), Ok(Expiry::Never));
    for (span, instant, never) in [
        (None, None, false),
        (Some(span), Some(instant), false),
        (Some(span), None, true),
        (None, Some(instant), true),
        (Some(span), Some(instant), true),
    ] {
        assert_eq!(Expiry::of_request(span, instant, never), Err(BadExpiry::OneWay));
    }
}

#[test]
fn an_expiry_keeps_within_bounds() {
    let least = Span::from_seconds(60);
    let free = ExpiryBounds { least, most: None };
    let bound = ExpiryBounds { least, most: Some(days(90)) };
    let at = |seconds| Expiry::At(NOW.after(std::time::Duration::from_secs(seconds)));
    let past = Expiry::At(NOW.before(std::time::Duration::from_secs(1)));
    let end = |seconds| Ok(Some(NOW.after(std::time::Duration::from_secs(seconds))));
    for (expiry, bounds, expected) in [
        (Expiry::Never, free, Ok(None)),
        (Expiry::Never, bound, Err(BadExpiry::Endless(days(90)))),
        (Expiry::In(days(90)), bound, end(90 * 86_400)),
        (Expiry::In(Span::from_seconds(90 * 86_400 + 1)), bound, Err(BadExpiry::Long(days(90)))),
        (at(90 * 86_400 + 1), bound, Err(BadExpiry::Long(days(90)))),
        (at(60), bound, end(60)),
        (at(59), bound, Err(BadExpiry::Short(least))),
        (at(0), free, Err(BadExpiry::Short(least))),
        (past, free, Err(BadExpiry::Short(least))),
        (
            Expiry::In(Span::from_seconds(0)),
            ExpiryBounds { least: Span::from_seconds(0), most: None },
            Err(BadExpiry::Short(Span::from_seconds(0))),
        ),
        (Expiry::In(Span::from_seconds(u64::MAX)), free, Err(BadExpiry::Long(days(36_500)))),
    ] {
        assert_eq!(expiry.resolve(NOW, bounds), expected, "{expiry:?} {bounds:?}");
    }
}

#[test]
fn reasons_are_one_word_each_and_all_listed() {
    let words: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(words.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}

proptest! {
    #[test]
    fn spans_print_as_they_are_read(seconds in 0..4_000_000_000_u64) {
        let span = Span::from_seconds(seconds);
        prop_assert_eq!(Span::parse(&span.to_string()), Some(span));
        let text = serde_json::to_value(span).unwrap();
        prop_assert_eq!(serde_json::from_value::<Span>(text).unwrap(), span);
    }

    #[test]
    fn an_end_is_always_later_than_now(text in "[0-9]{1,12}[smhdy]?|never|\\PC{0,24}", now in 0..4_000_000_000_i64) {
        let now = Timestamp::from_seconds(now);
        let bounds = ExpiryBounds { least: Span::from_seconds(0), most: None };
        if let Ok(Some(end)) = Expiry::parse(&text).and_then(|expiry| expiry.resolve(now, bounds)) {
            prop_assert!(end > now && end <= now.after(days(36_500).duration()));
        }
    }
}
