//! Messages of every form, written and signed by a small signer that shares no line with the reader.

mod catalogue;
mod conditions;
mod corpus;
mod encryption;
mod gate;
mod identity;
mod logout;
mod metadata;
mod mutations;
mod placements;
mod requests;
mod second_opinion;
mod signatures;
mod world;
