use std::collections::HashSet;

use cardea_model::chance::{Random, base62};
use cardea_model::id::{MemberId, OrgId};

use super::super::Memory;
use super::*;

/// Counts up, so that no two draws are the same.
struct Counting(AtomicU32);
impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let draw = self.0.fetch_add(1, Ordering::Relaxed);
        for (place, byte) in bytes.iter_mut().enumerate() {
            let mixed = draw.wrapping_mul(2_654_435_761).rotate_left(u32::try_from(place % 32).unwrap());
            *byte = mixed.to_le_bytes()[place % 4];
        }
    }
}

fn row(random: &dyn Random, version: i64) -> Resident {
    Resident {
        id: KeyId::new(Timestamp::from_seconds(1), random),
        kid: String::new(),
        kind: "personal".to_owned(),
        org: OrgId::new(Timestamp::from_seconds(1), random),
        member: Some(MemberId::new(Timestamp::from_seconds(1), random)),
        mac: vec![0; 34],
        state: "active".to_owned(),
        grants: "[]".to_owned(),
        epoch: 1,
        expires_at: None,
        valid_until: None,
        version,
    }
}

fn entry(row: &Resident) -> KeyEntry {
    let memory = Memory::default();
    KeyEntry::new(row, Arc::default(), memory.holder(row.org)).unwrap()
}

/// What a table of so many keys takes, in bytes: the map's buckets with a byte of its own each, and the blocks.
fn bytes_of(keys: &Keys) -> usize {
    let buckets = (keys.places.capacity() * 8 / 7).next_power_of_two();
    let place = size_of::<(Kid, u32)>() + 1;
    buckets * place + keys.blocks.iter().map(|block| block.capacity() * size_of::<KeyEntry>()).sum::<usize>()
}

#[test]
fn a_resident_key_takes_at_most_130_bytes() {
    assert_eq!(size_of::<KeyEntry>(), 88);
    let random = Counting(AtomicU32::new(1));
    let mut keys = Keys::default();
    let mut seen = HashSet::new();
    // A shard of one of 64 of a million keys, and the moments at which its map has just grown.
    let mut worst = 0;
    while keys.len() < 16_000 {
        let kid = Kid::parse(&base62(&random, 12)).unwrap();
        if seen.insert(kid) {
            keys.put(kid, entry(&row(&random, 1)));
        }
        if keys.len() > 7_000 {
            worst = worst.max(bytes_of(&keys) / keys.len());
        }
    }
    assert!(worst <= 130, "{worst} bytes a key");
}

#[test]
fn an_older_version_never_takes_the_place_of_a_newer_one() {
    let random = Counting(AtomicU32::new(1));
    let kid = Kid::parse("Ab3dEf6hIj9L").unwrap();
    let mut keys = Keys::default();
    let (old, mut new) = (row(&random, 1), row(&random, 2));
    new.state = "disabled".to_owned();
    keys.put(kid, entry(&new));
    keys.put(kid, entry(&old));
    assert_eq!(keys.get(&kid).unwrap().state, KeyState::Disabled);
    assert_eq!(keys.get(&kid).unwrap().id(), new.id);
    // A use that is noted is written once, and not lost by a change of the key.
    keys.get(&kid).unwrap().note_use(Timestamp::from_seconds(600));
    new.version = 3;
    keys.put(kid, entry(&new));
    assert_eq!(keys.take_uses(), [(kid, Timestamp::from_seconds(600))]);
    assert_eq!(keys.take_uses(), []);
    keys.forget(&kid);
    assert!(keys.get(&kid).is_none() && keys.len() == 0);
}

#[test]
fn a_replaced_secret_ends_with_its_grace_or_with_its_key() {
    let random = Counting(AtomicU32::new(1));
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    for (expires, until, ends, replaced) in [
        (None, None, None, false),
        (at(9), None, at(9), false),
        (None, at(5), at(5), true),
        (at(9), at(5), at(5), true),
        (at(9), at(12), at(9), false),
    ] {
        let mut row = row(&random, 1);
        (row.expires_at, row.valid_until) = (expires, until);
        let entry = entry(&row);
        assert_eq!((entry.expires_at(), entry.replaced), (ends, replaced));
    }
    // Numbers that no row has are no key.
    let mut wrong = row(&random, 1);
    wrong.epoch = -1;
    assert!(KeyEntry::new(&wrong, Arc::default(), Memory::default().holder(wrong.org)).is_none());
}
