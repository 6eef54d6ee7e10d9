use super::*;
use crate::question::Allowed;

const NODE: &str = "nod_1";
const MANY: Limits = Limits { entries: 100, bytes: 1 << 20 };

fn followed(limits: Limits, now: Instant) -> Memory {
    let mut memory = Memory::new(limits);
    memory.hear(Said::Hello { node: NODE.to_owned(), bound: Duration::from_secs(1) }, now);
    alive(&mut memory, now, 0);
    memory
}

/// A sign of life so many seconds after the start.
fn alive(memory: &mut Memory, start: Instant, seconds: u64) {
    let at = Duration::from_secs(seconds);
    memory.hear(Said::Alive { at, age: Duration::ZERO }, start + at);
}

fn of(node: &str, key: &str) -> Keep {
    let user = Some(format!("usr_of_{key}"));
    Keep { node: node.to_owned(), key: key.to_owned(), user, org: "acme".to_owned(), for_ms: 300_000 }
}

fn yes(key: &str) -> Verdict {
    let (key_id, kind, org) = (key.to_owned(), "personal".to_owned(), "acme".to_owned());
    Verdict::Allowed(Allowed { key_id, kind, org, user: None, expires_at: None })
}

fn keep(memory: &mut Memory, key: &str, now: Instant) {
    let sent = memory.sending(now);
    memory.keep(key.as_bytes(), sent, of(NODE, key), &yes(key));
}

fn known(memory: &mut Memory, now: Instant) -> Vec<&'static str> {
    ["a", "b", "c"].into_iter().filter(|key| memory.look(key.as_bytes(), now).is_some()).collect()
}

#[test]
fn what_a_change_names_is_forgotten_and_nothing_else() {
    let now = Instant::now();
    for (said, left) in [
        (Subject::Key("a".to_owned()), &["b", "c"][..]),
        (Subject::User("usr_of_b".to_owned()), &["a", "c"]),
        (Subject::Org("acme".to_owned()), &[]),
        (Subject::Org("globex".to_owned()), &["a", "b", "c"]),
        (Subject::Key("usr_of_a".to_owned()), &["a", "b", "c"]),
    ] {
        let mut memory = followed(MANY, now);
        ["a", "b", "c"].into_iter().for_each(|key| keep(&mut memory, key, now));
        assert_eq!(known(&mut memory, now), ["a", "b", "c"]);
        memory.hear(Said::Drop(said.clone()), now);
        assert_eq!(known(&mut memory, now), left, "{said:?}");
        assert_eq!(memory.entries.len(), left.len());
        let of_all: usize = memory.about.values().map(HashSet::len).sum();
        assert_eq!((of_all, memory.bytes == 0), (left.len() * 3, left.is_empty()), "nothing is left of what is gone");
    }
}

/// The race of an answer against an end of access: the question was sent, access ended, the word of it came, and only then
/// the answer that was given before. Whoever looks only at what is so when the answer comes remembers it for good.
#[test]
fn an_answer_that_a_change_has_overtaken_is_not_remembered() {
    let now = Instant::now();
    let ended = Said::Drop(Subject::User("usr_of_a".to_owned()));
    let overtaken = |naive: bool| {
        let mut memory = followed(MANY, now);
        let sent = memory.sending(now);
        memory.hear(ended.clone(), now);
        let sent = if naive { memory.sending(now) } else { sent };
        memory.keep(b"a", sent, of(NODE, "a"), &yes("a"));
        memory.look(b"a", now).is_some()
    };
    assert!(overtaken(true), "the race must be lost without the fence");
    assert!(!overtaken(false));
}

#[test]
fn an_answer_of_before_the_feed_or_of_another_node_is_not_remembered() {
    let now = Instant::now();
    let mut memory = Memory::new(MANY);
    keep(&mut memory, "a", now);
    let sent = memory.sending(now);
    memory.hear(Said::Hello { node: NODE.to_owned(), bound: Duration::from_secs(1) }, now);
    alive(&mut memory, now, 0);
    memory.keep(b"b", sent, of(NODE, "b"), &yes("b"));
    let sent = memory.sending(now);
    memory.keep(b"c", sent, of("nod_2", "c"), &yes("c"));
    assert_eq!(known(&mut memory, now), [""; 0]);
}

#[test]
fn silence_for_longer_than_the_bound_ends_trust_and_a_sign_of_life_restores_it() {
    let start = Instant::now();
    let second = |span: u64| start + Duration::from_secs(span);
    let mut memory = followed(MANY, start);
    keep(&mut memory, "a", start);
    assert_eq!(known(&mut memory, second(1)), ["a"]);
    let after = second(1) + Duration::from_millis(1);
    assert_eq!(known(&mut memory, after), [""; 0]);
    assert!(!memory.is_trusted(after));
    // Had anything changed, the same stream would have said it before.
    alive(&mut memory, start, 9);
    assert_eq!(known(&mut memory, second(10)), ["a"]);
}

#[test]
fn nothing_is_remembered_for_longer_than_the_gateway_says() {
    let start = Instant::now();
    let mut memory = followed(MANY, start);
    let sent = memory.sending(start);
    memory.keep(b"a", sent, Keep { for_ms: 2500, ..of(NODE, "a") }, &yes("a"));
    alive(&mut memory, start, 2);
    let end = start + Duration::from_millis(2500);
    assert_eq!(known(&mut memory, end - Duration::from_millis(1)), ["a"]);
    assert_eq!(known(&mut memory, end), [""; 0]);
    assert!(memory.entries.is_empty() && memory.about.is_empty());
    let sent = memory.sending(start);
    memory.keep(b"a", sent, Keep { for_ms: u64::MAX, ..of(NODE, "a") }, &yes("a"));
    memory.keep(b"b", sent, Keep { for_ms: 0, ..of(NODE, "b") }, &yes("b"));
    assert!(!known(&mut memory, start).contains(&"b"));
}

#[test]
fn the_loss_of_the_feed_and_a_word_that_nobody_knows_end_everything() {
    let now = Instant::now();
    let mut memory = followed(MANY, now);
    keep(&mut memory, "a", now);
    memory.hear(Said::Unknown, now);
    assert!(memory.is_trusted(now));
    assert_eq!(known(&mut memory, now), [""; 0]);
    keep(&mut memory, "a", now);
    let sent = memory.sending(now);
    memory.lose();
    assert!(!memory.is_trusted(now));
    alive(&mut memory, now, 0);
    memory.hear(Said::Hello { node: NODE.to_owned(), bound: Duration::from_secs(1) }, now);
    alive(&mut memory, now, 0);
    memory.keep(b"b", sent, of(NODE, "b"), &yes("b"));
    assert_eq!(known(&mut memory, now), [""; 0]);
}

#[test]
fn it_never_grows_beyond_its_limits() {
    let now = Instant::now();
    let mut memory = followed(Limits { entries: 10, bytes: 1 << 20 }, now);
    for number in 0..1000 {
        keep(&mut memory, &number.to_string(), now);
        assert!(memory.entries.len() <= 10);
        assert!(memory.look(number.to_string().as_bytes(), now).is_some(), "the newest is there");
    }
    assert_eq!(memory.about.len(), 21);
    let mut memory = followed(Limits { entries: 1000, bytes: 10 * ENTRY }, now);
    for number in 0..1000 {
        keep(&mut memory, &number.to_string(), now);
        keep(&mut memory, &number.to_string(), now);
        assert!(memory.bytes <= 10 * ENTRY && memory.bytes > 0);
    }
    assert_eq!(memory.entries.len(), 9);
    for limits in [Limits { entries: 0, bytes: 1 << 20 }, Limits { entries: 10, bytes: 100 }] {
        let mut memory = followed(limits, now);
        keep(&mut memory, "a", now);
        assert_eq!((memory.entries.len(), memory.bytes), (0, 0));
    }
}
