//! The other side of the gateway, for `cardea demo`, the onboarding test and our tests.
//!
//! It depends on nothing of ours, so that one mistake cannot hide on both sides of a conversation.
//!
//! | module | stands for |
//! |---|---|
//! | [`people`] | the people and groups of one simulated company, the same for both sides |
//! | [`oidc`] | an OpenID provider that really signs and can be told to misbehave |
//! | [`saml`] | a SAML identity provider that signs, encrypts and misbehaves, and a catalogue of attacks |
//! | [`github`] | secret scanning that publishes keys and signs reports with them |
//! | [`scim_client`] | provisioning clients that talk like Okta and like Entra ID |

pub mod github;
pub mod oidc;
pub mod people;
pub mod saml;
pub mod scim_client;

mod chance;
mod page;
