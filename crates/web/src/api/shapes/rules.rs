//! The shapes of membership rules, previews and explanations.
#![expect(dead_code, reason = "described and never made: what is sent are the gateway's types")]

use utoipa::ToSchema;

use super::Role;

/// The rules of an org.
#[derive(ToSchema)]
pub(crate) struct Rules {
    /// Whether rules give roles now.
    active: bool,
    /// The generation in force; 0 for none.
    generation: i64,
    #[schema(format = DateTime)]
    activated_at: Option<String>,
    /// Whether the rules below differ from those in force.
    pending: bool,
    /// The connections whose groups rules can read.
    connections: Vec<String>,
    rules: Vec<Rule>,
}

/// A rule.
#[derive(ToSchema)]
pub(crate) struct Rule {
    /// `rul_…`
    id: String,
    name: String,
    connection: String,
    /// Whether it counts at all; left out when it does.
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// It applies if any of these meets the groups.
    any_of: Vec<Matcher>,
    /// `member` or `admin`.
    account_role: String,
    grants: Vec<RuleGrant>,
    /// Why it gives less than it says: a team that has ended, a service that the org has lost.
    broken: Vec<String>,
}

/// A rule as it is written.
#[derive(ToSchema)]
pub(crate) struct NewRule {
    /// Unique in the org.
    name: String,
    /// The connection's name.
    connection: String,
    /// Whether it counts at all; yes, if left out.
    #[schema(nullable = false)]
    enabled: Option<bool>,
    any_of: Vec<Matcher>,
    /// `member` (the default) or `admin`.
    #[schema(nullable = false)]
    account_role: Option<String>,
    grants: Vec<RuleGrant>,
}

/// Exactly one of the operations, or `all_of` with `none_of`.
#[derive(ToSchema)]
pub(crate) struct Matcher {
    /// The claim that it reads, or a pointer such as `/realm_access/roles`; the connection's own, if left out. Beside
    /// `all_of` it stands for the parts that name none.
    #[schema(nullable = false)]
    claim: Option<String>,
    #[schema(nullable = false)]
    equals: Option<String>,
    #[schema(nullable = false)]
    one_of: Option<Vec<String>>,
    #[schema(nullable = false)]
    starts_with: Option<String>,
    #[schema(nullable = false)]
    ends_with: Option<String>,
    /// It describes the whole group.
    #[schema(nullable = false)]
    regex: Option<String>,
    #[schema(nullable = false)]
    external_id: Option<String>,
    /// Each of these is met by some group.
    #[schema(nullable = false, no_recursion)]
    all_of: Option<Vec<Matcher>>,
    /// None of these is met by any group.
    #[schema(nullable = false, no_recursion)]
    none_of: Option<Vec<Matcher>>,
    #[schema(nullable = false)]
    ignore_case: Option<bool>,
}

/// A role that a rule gives.
#[derive(ToSchema)]
pub(crate) struct RuleGrant {
    /// Without one it is for the whole org.
    #[schema(nullable = false)]
    team: Option<String>,
    /// Left out for `user_admin`.
    #[schema(nullable = false)]
    service: Option<String>,
    role: String,
}

/// What activation would do.
#[derive(ToSchema)]
pub(crate) struct Preview {
    /// For `activate`.
    digest: String,
    generation: i64,
    counts: Counts,
    /// `many_lose_everything`, `you_lose_user_admin`, `nobody_matches`, `roles_stay`.
    guards: Vec<String>,
    /// Rules that name a team or a service which is not there.
    broken: Vec<String>,
    /// Rules that read a claim of which no sign-in has told anything yet.
    unasked: Vec<Unasked>,
    /// Whom it changes, those who lose most first; at the most 200.
    people: Vec<Changed>,
}

/// A claim that a rule reads and nobody has told.
#[derive(ToSchema)]
pub(crate) struct Unasked {
    rule: String,
    claim: String,
}

/// How many people, by what becomes of them.
#[derive(ToSchema)]
pub(crate) struct Counts {
    people: u64,
    owners: u64,
    /// Whose roles come from rules now.
    managed: u64,
    matched: u64,
    gaining: u64,
    losing: u64,
    losing_everything: u64,
    unchanged: u64,
    /// From roles by hand to roles by rules.
    migrated: u64,
    /// With roles by hand that stay.
    unmatched: u64,
    /// Whose last sign-in left the groups out or cut them off.
    unknown: u64,
    never_seen: u64,
}

/// One person whom it changes.
#[derive(ToSchema)]
pub(crate) struct Changed {
    /// `usr_…`
    user: String,
    name: String,
    email: Option<String>,
    migrated: bool,
    added: Vec<Named>,
    removed: Vec<Named>,
}

/// A role in words.
#[derive(ToSchema)]
pub(crate) struct Named {
    #[schema(nullable = false)]
    team: Option<String>,
    /// `account` for the role in the account.
    service: String,
    role: String,
}

/// Rules that came in force.
#[derive(ToSchema)]
pub(crate) struct Activated {
    generation: i64,
    /// As it was counted right before; whoever signed in between is judged by these rules, and not among those counted so.
    counts: Counts,
    /// What the preview had said, where people have signed in since and it is something else now.
    previewed: Option<Previewed>,
}

/// What a preview said.
#[derive(ToSchema)]
pub(crate) struct Previewed {
    people: u64,
    gaining: u64,
    losing: u64,
}

/// What is in force now.
#[derive(ToSchema)]
pub(crate) struct Generation {
    generation: i64,
}

/// What rules make of claims.
#[derive(ToSchema)]
pub(crate) struct Tried {
    /// What the connection's own claim says: `present`, `missing` or `overage`.
    said: String,
    groups: Vec<Group>,
    /// What the other claims say that rules read.
    claims: Vec<TriedClaim>,
    account_role: String,
    roles: Vec<Role>,
    near_misses: Vec<NearMiss>,
    remarks: Vec<String>,
}

/// What a claim says that rules read besides the connection's own.
#[derive(ToSchema)]
pub(crate) struct TriedClaim {
    claim: String,
    /// `present`, `missing` or `overage`.
    said: String,
    groups: Vec<Group>,
}

/// A group and the rules that it meets.
#[derive(ToSchema)]
pub(crate) struct Group {
    value: String,
    rules: Vec<String>,
}

/// A rule that would match but for case or blanks.
#[derive(ToSchema)]
pub(crate) struct NearMiss {
    rule: String,
    wanted: String,
    group: String,
}

/// Why somebody has their roles.
#[derive(ToSchema)]
pub(crate) struct Explanation {
    /// `usr_…`
    user: String,
    /// `owner`, `left`, `manual` or `rules`.
    source: String,
    account_role: String,
    generation: i64,
    /// Stable words for what decides.
    codes: Vec<String>,
    roles: Vec<Role>,
    said: Vec<Said>,
    near_misses: Vec<NearMiss>,
    /// What a check of their key says, if one was asked about.
    #[schema(nullable = false)]
    key: Option<KeyVerdict>,
}

/// What a check of somebody's key says.
#[derive(ToSchema)]
pub(crate) struct KeyVerdict {
    allowed: bool,
    /// The word that services read.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The step that says no: `key`, `holder`, `sign_in`, `question`, `service`, `grant` or `role`.
    #[schema(nullable = false)]
    step: Option<String>,
}

/// What one claim of a connection last said.
#[derive(ToSchema)]
pub(crate) struct Said {
    connection: String,
    /// The claim, where it is not the connection's own.
    #[schema(nullable = false)]
    claim: Option<String>,
    /// `present`, `missing` or `overage`.
    said: String,
    /// To the hour.
    #[schema(format = DateTime)]
    seen_at: String,
    groups: Vec<Group>,
}
