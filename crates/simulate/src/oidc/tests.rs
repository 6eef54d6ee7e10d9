//! The provider driven from outside, as a relying party and a browser do.

mod flow;
mod harness;
mod judge;
mod misbehaviour;
mod refusals;
