//! The nouns of Cardea and their pure rules: no input, no output, no clock of its own.
//!
//! # Glossary: one word per thing, in code, API, console and docs
//!
//! | word | meaning |
//! |---|---|
//! | account | a tenant: the customer's cloud account |
//! | org | the workspace of an account; exactly one each |
//! | team | an isolated part of an org |
//! | user | a person (the table is `person`, because `user` is a reserved word of SQL) |
//! | member | one user in one account: the row that carries the numbers by which access ends |
//! | owner | the highest privilege in an org; at most three |
//! | connection | one identity provider of an account |
//! | directory | the provisioning (SCIM) side of a connection |
//! | stream | the security events of a connection |
//! | identity | one user at one connection: the subject that signs in, the record that SCIM manages |
//! | client | a service behind the gateway |
//! | service, scope, role | an entry of the catalogue, what may be done in it, a named set of scopes |
//! | entitlement | that an org has a service, until when |
//! | activation | a service that somebody may claim for an account of theirs, by a one-time link |
//! | entity | what a scope acts on, `org/name` or `org/team/name` |
//! | rule | a membership rule: groups of a connection to roles |
//! | key | an API key: personal, service or legacy |
//! | session | a signed-in browser or command line |
//! | hold | one reason why a member may not act, with its source |
//! | epoch, session floor, roles version | the three numbers of a member, see [`numbers`] |
//! | feed | the gapless list of changes that every node follows |
//! | receipt | the evidence of one end of access |

pub mod caller;
pub mod catalogue;
pub mod chance;
pub mod entitlement;
pub mod entity;
pub mod fault;
pub mod id;
pub mod key;
pub mod name;
pub mod numbers;
pub mod registry;
pub mod rule;
pub mod time;

pub use caller::{Caller, Denied, Permission, Person, Place, Standing};
pub use chance::{Random, ShownOnce};
pub use fault::{Fault, Kind};
pub use time::{Clock, Timestamp};
