//! Messages of every form, written and signed by a small signer that shares no line with the reader.

mod conditions;
mod gate;
mod identity;
mod metadata;
mod placements;
mod requests;
mod signatures;
mod world;
