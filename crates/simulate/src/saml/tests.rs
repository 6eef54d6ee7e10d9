//! The provider judged by an XML parser and a canonicalizer that it does not use itself.

mod catalogue;
mod judge;
mod provider;
mod shapes;
