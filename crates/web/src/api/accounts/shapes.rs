//! The shapes of accounts, entitlements and activations.
#![expect(dead_code, reason = "described and never made: what is sent are the gateway's types")]

use utoipa::ToSchema;

/// Whether others than its owner can have rights in an org.
#[derive(ToSchema)]
#[schema(as = OrgKind, rename_all = "snake_case")]
pub(crate) enum Kind {
    Individual,
    Enterprise,
}

/// Whether an entitlement is held back.
#[derive(ToSchema)]
#[schema(as = EntitlementState, rename_all = "snake_case")]
pub(crate) enum Held {
    Active,
    Suspended,
}

/// An account with its org, one to one.
#[derive(ToSchema)]
pub(crate) struct Account {
    /// `acc_…`
    id: String,
    /// The number that account and org share.
    number: i64,
    name: String,
    description: String,
    recovery_email: Option<String>,
    /// `org_…`
    org_id: String,
    /// The org's name.
    org: String,
    kind: Kind,
}

/// A page of accounts, in the order in which they were made.
#[derive(ToSchema)]
pub(crate) struct Accounts {
    items: Vec<Account>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// A service that an org was given.
#[derive(ToSchema)]
pub(crate) struct Entitlement {
    service: String,
    title: String,
    /// Whether it makes an individual org an enterprise.
    premium: bool,
    /// `active`, `suspended` or `ended`.
    state: String,
    /// When it ends by itself; nothing for never.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
}

/// What an org was given, by service.
#[derive(ToSchema)]
pub(crate) struct Entitlements {
    items: Vec<Entitlement>,
}

/// A service that somebody may claim.
#[derive(ToSchema)]
#[schema(as = ActivationInfo)]
pub(crate) struct Activation {
    /// `act_…`
    id: String,
    service: String,
    /// Whose it is.
    email: String,
    /// `offered`, `expired`, `claimed` or `revoked`.
    state: String,
    /// Whether they may hand it on.
    transferable: bool,
    /// When the entitlement ends; nothing for never.
    #[schema(format = DateTime)]
    entitlement_ends_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When the link is too late.
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(format = DateTime)]
    claimed_at: Option<String>,
    /// The account's id.
    claimed_by: Option<String>,
}

/// A page of activations, the oldest first.
#[derive(ToSchema)]
pub(crate) struct Activations {
    items: Vec<Activation>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// What a link is good for.
#[derive(ToSchema)]
#[schema(as = ActivationLook)]
pub(crate) struct Look {
    service: String,
    title: String,
    /// Whether it makes an individual org an enterprise.
    premium: bool,
    /// Only with this address, verified, can it be claimed.
    email: String,
    transferable: bool,
    #[schema(format = DateTime)]
    expires_at: String,
    /// When the entitlement ends; nothing for never.
    #[schema(format = DateTime)]
    entitlement_ends_at: Option<String>,
    /// Whether you sign in before you claim it; else you are new here and make an account with it.
    sign_in: bool,
    /// The accounts that you own and that gain something by it; none for nobody.
    accounts: Vec<Eligible>,
}

/// An account for which it can be claimed.
#[derive(ToSchema)]
#[schema(as = EligibleAccount)]
pub(crate) struct Eligible {
    account: String,
    number: i64,
    org: String,
    kind: Kind,
}

/// What came of a claim.
#[derive(ToSchema)]
pub(crate) struct Claimed {
    account: Account,
    service: String,
    /// When the entitlement ends; nothing for never.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// Whether the account is new.
    new: bool,
    /// Whether its org was an individual's and is an enterprise from now on.
    converted: bool,
}
