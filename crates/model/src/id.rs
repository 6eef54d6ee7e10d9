//! Ids: a type for each noun, printed as prefix, `_` and 32 hex digits of a UUIDv7. Mixing two does not compile.

use std::fmt;
use std::str::FromStr;

use crate::chance::{self, Random};
use crate::time::Timestamp;

/// Text that is not an id of the kind that was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not an id that starts with `{prefix}_`")]
pub struct BadId {
    /// The prefix that was expected.
    pub prefix: &'static str,
    /// What stood there, cut at 64 characters.
    pub text: String,
}

fn fresh(now: Timestamp, random: &dyn Random) -> u128 {
    let millis = u64::try_from(now.as_micros().div_euclid(1000)).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance::bytes(random)).into_uuid().as_u128()
}

fn parse(prefix: &'static str, text: &str) -> Result<u128, BadId> {
    let bad = || BadId { prefix, text: text.chars().take(64).collect() };
    let hex = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or_else(bad)?;
    let canonical = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !canonical {
        return Err(bad());
    }
    u128::from_str_radix(hex, 16).map_err(|_| bad())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What every such id starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id; ids sort by the time they were made.
            #[must_use]
            pub fn new(now: Timestamp, random: &dyn Random) -> Self {
                Self(fresh(now, random))
            }

            /// Its 16 bytes, for a table in memory that must not be aligned to a number of that size.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// Reads those bytes back.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// Which of `count` shards this id belongs to, spread evenly: the low bits are random.
            #[must_use]
            pub fn shard(&self, count: usize) -> usize {
                let low = usize::try_from(self.0 & 0xffff_ffff).unwrap_or(0);
                low.checked_rem(count).unwrap_or(0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{:032x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse($prefix, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An account: a tenant.
    AccountId = "acc";
    /// The org of an account.
    OrgId = "org";
    /// A team of an org.
    TeamId = "tem";
    /// A user: a person.
    UserId = "usr";
    /// One user in one account; the subject of an end of access.
    MemberId = "mbr";
    /// A connection: an identity provider of an account.
    ConnectionId = "idp";
    /// One user at one connection.
    IdentityId = "idn";
    /// A membership rule.
    RuleId = "rul";
    /// An API key.
    KeyId = "key";
    /// A client: a service behind the gateway.
    ClientId = "cli";
    /// What was granted once to a client, with the tokens of it.
    FamilyId = "fam";
    /// A session.
    SessionId = "ses";
    /// A login that was begun and is not finished.
    FlowId = "flw";
    /// A one-time link.
    LinkId = "lnk";
    /// A service that somebody may claim.
    ActivationId = "act";
    /// An invitation into an account and its org.
    InvitationId = "inv";
    /// An operator's token.
    OperatorId = "opr";
    /// A directory's bearer token.
    DirectoryTokenId = "dtk";
    /// A receipt of an end of access.
    ReceiptId = "rcp";
    /// An audit event.
    AuditId = "aud";
    /// A job.
    JobId = "job";
    /// A message in the outbox.
    MailId = "msg";
    /// A running process that follows the feed.
    NodeId = "nod";
    /// One HTTP request or one job.
    RequestId = "req";
    /// A sign-in's or a provisioning call's trace for the admin.
    TraceId = "trc";
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xab);
        }
    }

    #[test]
    fn an_id_prints_and_reads_back() {
        let id = KeyId::new(Timestamp::from_seconds(1_795_255_200), &Fixed);
        let text = id.to_string();
        assert_eq!(text.len(), "key_".len() + 32);
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn other_kinds_upper_case_and_other_lengths_are_refused() {
        let id = KeyId::new(Timestamp::from_seconds(1_795_255_200), &Fixed).to_string();
        assert!(id.parse::<UserId>().is_err());
        assert!(id.to_uppercase().parse::<KeyId>().is_err());
        assert!("key_".parse::<KeyId>().is_err());
        assert!(format!("key_+{}", id.get(5..).unwrap()).parse::<KeyId>().is_err());
        assert!("ключ".parse::<KeyId>().is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        let early = UserId::new(Timestamp::from_seconds(1), &Fixed);
        let late = UserId::new(Timestamp::from_seconds(2), &Fixed);
        assert!(early < late && early.to_string() < late.to_string());
    }
}
