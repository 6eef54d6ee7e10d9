//! Secrets and signatures: the secrets that we issue, how they are kept, and how other people's secrets are sealed.
//!
//! | module | what it is for |
//! |---|---|
//! | [`mod@format`] | the one text form of everything we issue: prefix, id, secret, checksum |
//! | [`pepper`] | the file from which every key of the instance derives; message authentication codes of secrets |
//! | [`seal`] | encryption of secrets that we must be able to read again |
//! | [`jose`] | the key pairs that sign tokens |
//! | [`ecdsa`] | signatures of others |
//! | [`certificate`] | the authority that vouches for those that sign registries' tokens |
//! | [`hash`] | digests and comparisons |

pub mod certificate;
pub mod ecdsa;
pub mod format;
pub mod hash;
pub mod jose;
pub mod pepper;
pub mod seal;

pub use format::{BadFormat, Kid, Parsed, Prefix, Secret, parse};
pub use pepper::{BadPepper, Mac, Peppers};
pub use seal::{SealError, Sealer};
