//! Thousands of damaged responses: none makes the reader panic, and none says anything but what was signed.

use std::ops::Range;

use super::world::*;
use crate::saml::*;

/// Numbers that are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound.max(1)
    }

    fn from<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Where elements stand, from their first bracket to their last.
fn elements(xml: &str) -> Vec<Range<usize>> {
    let mut open = Vec::new();
    let mut all = Vec::new();
    for (at, _) in xml.match_indices('<') {
        let end = at + xml[at..].find('>').unwrap_or(0) + 1;
        if xml[at..].starts_with("</") {
            if let Some(begin) = open.pop() {
                all.push(begin..end);
            }
        } else if xml[at..end].ends_with("/>") {
            all.push(at..end);
        } else {
            open.push(at);
        }
    }
    all
}

/// Where attributes stand, with the space before them.
fn attributes(xml: &str) -> Vec<Range<usize>> {
    let ends = xml.match_indices("=\"").filter_map(|(at, _)| {
        let begin = xml[..at].rfind(' ')?;
        let end = at + 2 + xml[at + 2..].find('"')? + 1;
        Some(begin..end)
    });
    ends.collect()
}

/// One way or another to damage a response.
fn damaged(xml: &str, dice: &mut Dice) -> Vec<u8> {
    const LETTERS: &[u8] = b"<>&\"'/=#:! -_.aA0\0\x80\xff\n\t;[]";
    const WORDS: [&str; 8] = [
        "mallory",
        "<!---->",
        "<![CDATA[x]]>",
        "&#97;",
        " ID=\"_a1\"",
        " xmlns:saml=\"urn:x\"",
        "<saml:Assertion/>",
        "_a1",
    ];
    let mut bytes = xml.as_bytes().to_vec();
    let at = dice.below(bytes.len());
    let (elements, attributes) = (elements(xml), attributes(xml));
    // What was cut short may have none left.
    let kinds = if elements.is_empty() || attributes.is_empty() { 5 } else { 10 };
    match dice.below(kinds) {
        0 => bytes[at] = *dice.from(LETTERS),
        1 => bytes.insert(at, *dice.from(LETTERS)),
        2 => bytes.truncate(at),
        3 => drop(bytes.splice(at..at, dice.from(&WORDS).bytes())),
        4 => drop(bytes.drain(at..(at + dice.below(64)).min(xml.len()))),
        5 => {
            // An attribute once more, or elsewhere.
            let (from, to) = (dice.from(&attributes).clone(), dice.from(&attributes).end);
            drop(bytes.splice(to..to, xml[from].bytes()));
        }
        6 => drop(bytes.drain(dice.from(&attributes).clone())),
        7 => drop(bytes.drain(dice.from(&elements).clone())),
        kind => {
            // An element once more, before, behind or inside another one, under its own id or a new one.
            let from = dice.from(&elements).clone();
            let to = dice.from(&elements).clone();
            let to = if dice.below(2) == 0 { to.start } else { to.end };
            let moved = if kind == 8 { xml[from].to_owned() } else { xml[from].replace("ID=\"_", "ID=\"_n") };
            let moved = if dice.below(2) == 0 { moved.replace("alice-1", "mallory") } else { moved };
            drop(bytes.splice(to..to, moved.bytes()));
        }
    }
    bytes
}

#[test]
fn no_damage_gives_another_identity() {
    const EACH: u64 = 4_000;
    let connector = SamlConnector::new(settings());
    let idp = Some(Who::Idp);
    let seeds = [(idp, None), (None, idp), (idp, idp)].map(|(a, r)| Forge::new().signed(a, r).xml());
    let (mut accepted, mut refused) = (0, 0);
    for (number, seed) in seeds.iter().enumerate() {
        let genuine = finish(seed).unwrap();
        for round in 1..=EACH {
            let mut dice = Dice((round + EACH * u64::try_from(number).unwrap()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut xml = damaged(seed, &mut dice);
            if round % 3 == 0
                && let Ok(text) = std::str::from_utf8(&xml)
                && !text.is_empty()
            {
                xml = damaged(text, &mut dice);
            }
            let field = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &xml);
            let posted = Posted::read(&field);
            match posted.and_then(|posted| connector.finish(&flow(), &posted, now())) {
                Ok(said) => {
                    // Outside of what is signed a response may change, and mean the same.
                    assert_eq!(said.identity, genuine.identity, "{round}");
                    assert_eq!(
                        (said.assertion_id, said.replay_until),
                        (genuine.assertion_id.clone(), genuine.replay_until)
                    );
                    accepted += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 5 * accepted && accepted > 0, "{accepted} accepted, {refused} refused");
}
