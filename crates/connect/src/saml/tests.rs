//! Messages of every form, written and signed by a small signer that shares no line with the reader.

mod canonical;
mod conditions;
mod encryption;
mod gate;
mod identity;
mod logout;
mod metadata;
mod mutations;
mod placements;
mod requests;
mod signatures;
mod world;
