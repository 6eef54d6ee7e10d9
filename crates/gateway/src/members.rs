//! What is changed of the people of an org and its account: roles by hand, their place in the account, leaving and coming
//! back.
//!
//! ```text
//! in the org ──remove, leave──► in the account only ──add──► in the org
//!     │                             │       ▲
//!     │               remove_from_account  readmit
//!     │                             ▼       │
//!     └──remove_from_account──────► held, in neither ──add──► in the org
//! ```
//! Whoever leaves loses every role and credential at once, with a receipt; nothing of that comes back with them. Owners are
//! changed by owners, and the last one by nobody.

mod error;
mod grants;
mod leaving;
mod offer;
mod tenants;

pub use error::MemberError;
pub use grants::{Role, give, take};
pub use leaving::{LEFT_ACCOUNT, add, leave, readmit, remove, remove_from_account};
pub use offer::{Offer, offer};
pub use tenants::{TenantView, set_account_role, tenants};
