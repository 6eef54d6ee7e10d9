use super::*;

const SPAN: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn count(tries: &Tries, name: &str, now: Timestamp) -> u32 {
    tries.with(|counts| counts.running(name, now).map_or(0, |count| count.tries))
}

#[test]
fn a_name_has_its_tries_and_new_ones_when_the_span_is_over() {
    let tries = Tries::default();
    for second in 0..3 {
        assert_eq!(tries.take("a", 3, SPAN, at(100 + second)), Ok(()));
    }
    assert_eq!(tries.take("a", 3, SPAN, at(110)), Err(Duration::from_secs(50)));
    assert_eq!(count(&tries, "a", at(110)), 3, "what is refused is not counted");
    assert_eq!(tries.take("b", 3, SPAN, at(110)), Ok(()));
    assert_eq!(tries.take("a", 3, SPAN, at(160)), Ok(()));
    assert_eq!(count(&tries, "a", at(160)), 1);
    tries.with(|counts| counts.give_back("a"));
    assert_eq!(count(&tries, "a", at(160)), 0);
    tries.with(|counts| counts.give_back("a"));
    assert_eq!(count(&tries, "a", at(160)), 0, "never less than none");
    tries.forget("a");
    assert_eq!(count(&tries, "a", at(160)), 0);
}

#[test]
fn endless_names_take_no_endless_room_and_are_not_free() {
    let tries = Tries::default();
    for name in 0..MOST_NAMES + 10 {
        tries.with(|counts| counts.add(&name.to_string(), SPAN, at(100)));
    }
    assert!(tries.with(|counts| counts.by_name.len()) <= MOST_NAMES + 1);
    assert_eq!(count(&tries, "another", at(100)), 10);
    assert_eq!(count(&tries, "0", at(100)), 1, "who was there before keeps their own count");
    assert_eq!(tries.take("another", 10, SPAN, at(160)), Ok(()));
    assert_eq!(tries.with(|counts| counts.by_name.len()), 1);
}

#[test]
fn neighbours_are_one_network_in_either_clothes() {
    let of = |text: &str| network(text.parse().ok());
    assert_eq!(of("10.1.2.3"), of("10.1.2.99"));
    assert_eq!(of("10.1.2.3"), of("::ffff:10.1.2.3"));
    assert_ne!(of("10.1.2.3"), of("10.1.3.3"));
    assert_eq!(of("2001:db8:7:1::1"), of("2001:db8:7:2::9"));
    assert_ne!(of("2001:db8:7::1"), of("2001:db8:8::1"));
}
