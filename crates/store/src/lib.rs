//! Every SQL statement of Cardea, one file per noun, over SQLite or PostgreSQL.
//!
//! Functions are free: readers take a [`db::Conn`], writers a [`db::Tx`], which can read too. They hold no rules: what a
//! missing row means is for the caller to say. Each statement is written once, inside `sql!`, and a test prepares every
//! one of them on both engines. The rules of portable SQL are in `migrations/README.md`.

pub mod db;
pub mod migrate;

pub mod account;
pub mod activation;
pub mod audit;
pub mod client;
pub mod client_assertion;
pub mod code;
pub mod connection;
pub mod entitlement;
pub mod family;
pub mod feed;
pub mod flow;
pub mod generation;
pub mod grant;
pub mod group;
pub mod hold;
pub mod idempotency;
pub mod identity;
pub mod invitation;
pub mod job;
pub mod key;
pub mod key_policy;
pub mod leaving;
pub mod link;
pub mod mail;
pub mod member;
pub mod node;
pub mod operator;
pub mod password;
pub mod person;
pub mod profile;
pub mod receipt;
pub mod record;
pub mod saml;
pub mod secret;
pub mod section;
pub mod session;
pub mod setting;
pub mod signing_key;
pub mod token;
