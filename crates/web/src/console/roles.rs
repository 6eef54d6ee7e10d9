//! The form that gives a role: where it counts, and which it is.

use super::Problems;
use super::rules::ServiceRoles;

/// A role to be given. Posts `team` and `role`.
#[derive(Clone, Debug)]
pub struct RoleForm {
    /// Where it can count: what is posted as `team`, and what people call it; empty is the whole org.
    pub places: Vec<(String, String)>,
    /// Where it counts, as chosen.
    pub team: String,
    /// The roles that can be chosen, by service.
    pub services: Vec<ServiceRoles>,
    /// The service and the role, `registry/admin`, as chosen; empty for none yet.
    pub role: String,
    /// What is wrong (`team`, `role`).
    pub problems: Problems,
}
