use super::*;

const FEED: &str = ": a comment\nevent: hello\ndata: {\"bound_ms\":1000,\"position\":7,\"node\":\"nod_1\"}\n\n\
    event: drop\r\ndata: {\"user\":\"usr_1\"}\r\n\r\nevent:drop\ndata:{\"org\":\"acme\"}\nid: 3\n\n\
    event: alive\ndata: {\"at_ms\":250,\ndata: \"age_ms\":40}\n\n";

fn expected() -> Vec<Said> {
    vec![
        Said::Hello { node: "nod_1".to_owned(), bound: Duration::from_secs(1) },
        Said::Drop(Subject::User("usr_1".to_owned())),
        Said::Drop(Subject::Org("acme".to_owned())),
        Said::Alive { at: Duration::from_millis(250), age: Duration::from_millis(40) },
    ]
}

#[test]
fn events_are_read_wherever_they_are_cut() {
    for size in 1..=FEED.len() {
        let mut reader = Reader::default();
        let pieces = FEED.as_bytes().chunks(size);
        let said: Vec<Said> = pieces.flat_map(|piece| reader.take(piece).unwrap()).collect();
        assert_eq!(said, expected(), "{size}");
    }
}

#[test]
fn what_is_not_understood_is_said_to_be() {
    for event in [
        "event: hello\ndata: {\"node\":\"nod_1\"}\n\n",
        "event: drop\ndata: {\"team\":\"vision\"}\n\n",
        "event: drop\ndata: {}\n\n",
        "event: drop\ndata: nonsense\n\n",
        "event: alive\ndata: {\"at_ms\":-1,\"age_ms\":0}\n\n",
        "event: another\ndata: {}\n\n",
        "data: {\"user\":\"usr_1\"}\n\n",
    ] {
        assert_eq!(Reader::default().take(event.as_bytes()).unwrap(), [Said::Unknown], "{event}");
    }
    assert_eq!(Reader::default().take(b"event: drop\n\n: nothing\n\n").unwrap(), []);
}

#[test]
fn what_never_ends_is_not_collected() {
    let mut reader = Reader::default();
    let mut taken = 0;
    while reader.take(&[b'x'; 1000]).is_ok() {
        taken += 1;
        assert!(taken < 100);
    }
    let mut reader = Reader::default();
    let ended = (0..100).any(|_| reader.take(format!("data: {}\n", "x".repeat(1000)).as_bytes()).is_err());
    assert!(ended, "a thousand lines of one event");
}
