//! The use cases: everything Cardea does, without HTTP and without SQL.
//!
//! | room | what happens there |
//! |---|---|
//! | [`login`] | a federated or local sign-in, from the first click to the session |
//! | [`session`] | what a session is good for, and its end by its own holder |
//! | [`factors`] | what local people prove themselves with: their password, and its change |
//! | [`membership`] | groups to roles, by the rules of an org |
//! | [`oauth`] | clients, their tokens, and the keys that sign |
//! | [`apps`] | clients that an account makes for its scripts |
//! | [`registry`] | tokens for container registries, as docker asks for them |
//! | [`keys`] | API keys of people and of orgs; [`check`] answers what a key may do |
//! | [`leaks`] | somebody shows a key that they have found |
//! | [`provisioning`] | what a directory says over SCIM |
//! | [`revocation`] | **the only place that ends access**, and its receipts |
//! | [`feed`] | how every node hears of it; [`memory`] is what a node keeps |
//! | [`accounts`] | accounts, owners, operators and one-time links |
//! | [`orgs`] | what an org is, and its teams |
//! | [`entitlements`] | which services an org has, and until when |
//! | [`activations`] | services that people claim for accounts of theirs, by one-time links |
//! | [`invitations`] | how people are asked to come, and how they come |
//! | [`owners`] | who owns an org, and how an owner goes |
//! | [`contact`] | a person writes to the owners of their org |
//! | [`switching`] | from one org to another without signing in anew |
//! | [`people`] | who is in an org, with which roles and why |
//! | [`members`] | what is changed of them: roles by hand, leaving and coming back |
//! | [`users`] | local people whom an admin makes, their first password and its end |
//! | [`declare`] | declarative state: plan, apply, export |
//! | [`audit`] | the log and its seal |
//! | [`jobs`] | work that follows a commit |
//! | [`mail`] | messages to people, written with their cause |
//! | [`catalogue`] | which services, roles and scopes hold |
//! | [`doctor`] | how a running installation is |
//! | [`ground`] | what a node stands on |

pub mod accounts;
pub mod activations;
pub mod app;
pub mod apps;
pub mod audit;
pub mod catalogue;
pub mod check;
pub mod connections;
pub mod contact;
pub mod context;
pub mod declare;
pub mod doctor;
pub mod entitlements;
pub mod error;
pub mod factors;
pub mod feed;
pub mod ground;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod leaks;
pub mod login;
pub mod mail;
pub mod members;
pub mod membership;
pub mod memory;
pub mod metrics;
pub mod oauth;
pub mod orgs;
pub mod owners;
pub mod password;
pub mod pause;
pub mod people;
pub mod provisioning;
pub mod registry;
pub mod revocation;
pub mod roles;
pub mod rules;
pub mod saml;
pub mod session;
pub mod settings;
pub mod state;
pub mod switching;
pub mod tries;
pub mod usage;
pub mod users;

pub use app::{App, Given, Parts, StartError};
pub use context::Ctx;
pub use error::GatewayError;
pub use settings::Settings;
