//! The shapes of keys and of the answers about them.

use utoipa::ToSchema;

/// What a key is for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum KeyKind {
    Personal,
    Service,
    Legacy,
}

/// How a key is now.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum KeyState {
    Active,
    Disabled,
    Suspended,
    Expired,
    Revoked,
    Deleted,
}

/// A key without its secret.
#[derive(ToSchema)]
pub(crate) struct Key {
    /// `key_…`
    id: String,
    /// The public part of the secret.
    kid: String,
    /// How the secret begins, to recognise it by.
    display: String,
    kind: KeyKind,
    name: String,
    state: KeyState,
    /// What it may do at the most.
    grants: Vec<Grant>,
    /// The user who made it, `usr_…`.
    created_by: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Nothing for a key that never expires.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// To the minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// The secret before this one, while it works beside it.
    #[schema(nullable = false)]
    old: Option<OldSecret>,
    /// Raised by each change; the ETag.
    version: i64,
}

/// The secret before the current one, in its grace.
#[derive(ToSchema)]
pub(crate) struct OldSecret {
    /// Its public part.
    kid: String,
    #[schema(format = DateTime)]
    valid_until: String,
    /// To the minute: whoever uses it has not changed it yet.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

/// A key of a person of an org, as its admins see it.
#[derive(ToSchema)]
pub(crate) struct PersonsKey {
    /// `usr_…`
    user: String,
    user_name: String,
    email: Option<String>,
    #[serde(flatten)]
    key: Key,
}

/// A page of people's keys, the oldest first.
#[derive(ToSchema)]
pub(crate) struct PersonsKeys {
    items: Vec<PersonsKey>,
    /// Where the next page begins; without one this is the last.
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// What a key reaches.
#[derive(ToSchema)]
pub(crate) struct Reached {
    /// Its parts; nothing else is reached.
    reaches: Vec<Reach>,
    /// What is missing for it to be of use, in words.
    warnings: Vec<String>,
}

/// A part of what a key reaches.
#[derive(ToSchema)]
pub(crate) struct Reach {
    service: String,
    /// Only entities of this type; any, if there is none.
    entity_type: Option<String>,
    /// The entities; none where the service is asked without. `org/*/*` does not mean `org/name` here.
    entities: Option<String>,
    scopes: Vec<String>,
    /// Whether it reaches what is not there yet as well.
    future: bool,
    /// Where that is in every team of the org: those that stand now.
    #[schema(nullable = false)]
    teams: Option<Vec<String>>,
}

/// A ready-made grant of a service key.
#[derive(ToSchema)]
pub(crate) struct Recipe {
    name: String,
    grants: Vec<Grant>,
    /// Whether the org has the service now.
    available: bool,
}

/// What an org wants of its keys.
#[derive(ToSchema)]
pub(crate) struct KeyPolicy {
    /// The longest life of a key, such as `90d`; then none lives for ever. Without one any does.
    max_age: Option<String>,
    /// Whether legacy keys are made and work here.
    legacy: bool,
}

/// What a key may do at one service; only a service: whatever its holder may do there.
#[derive(ToSchema)]
pub(crate) struct Grant {
    service: String,
    /// Only these scopes, by name or alias; `*` alone for all.
    #[schema(nullable = false)]
    scopes: Option<Vec<String>>,
    /// Only entities of this type.
    #[schema(nullable = false)]
    entity_type: Option<String>,
    /// Only entities that one of these patterns names.
    #[schema(nullable = false)]
    entity_values: Option<Vec<String>>,
}

/// A whole service by its name, or a part of one.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum ServiceOfKey {
    Whole(String),
    Part(Grant),
}

/// A service of your org.
#[derive(ToSchema)]
pub(crate) struct Choice {
    service: String,
    title: String,
    /// Whether a key of yours can have it; if not, you have no role there.
    assignable: bool,
}

/// The answer of a check.
#[derive(ToSchema)]
#[schema(as = Verdict)]
pub(crate) struct Verdict {
    allowed: bool,
    /// Why not, in a stable word; with a no only. The rest is there with a yes only.
    #[schema(nullable = false)]
    reason: Option<String>,
    #[schema(nullable = false)]
    key_id: Option<String>,
    #[schema(nullable = false)]
    kind: Option<KeyKind>,
    /// The org's name.
    #[schema(nullable = false)]
    org: Option<String>,
    /// Whose key it is; not for a service key.
    #[schema(nullable = false)]
    user: Option<String>,
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
    /// With a question to `keep` only, where the answer may be kept.
    #[schema(nullable = false)]
    keep: Option<Keep>,
}

/// What an answer rests on: it may be kept by whoever follows the feed of this very node, heard its `hello` before they sent
/// the question and nothing since.
#[derive(ToSchema)]
pub(crate) struct Keep {
    /// Who gave it.
    node: String,
    /// The key.
    key: String,
    /// Whose key it is; not for a service key.
    #[schema(nullable = false)]
    user: Option<String>,
    /// The org's name.
    org: String,
    /// For how long it may be kept at the most, in milliseconds from when the question was sent.
    for_ms: u64,
}

/// The data of an event of the feed. `hello`: `bound_ms`, `position`, `node`. `drop`: one of `user`, `key`, `org`. `alive`:
/// `at_ms`, `age_ms`. Forget everything at an event that you do not know.
#[derive(ToSchema)]
pub(crate) struct FeedEvent {
    /// For how long what was kept may be trusted without a sign of life, in milliseconds.
    #[schema(nullable = false)]
    bound_ms: Option<u64>,
    /// The number of the last change that the node has taken in.
    #[schema(nullable = false)]
    position: Option<i64>,
    /// The node, as answers name it.
    #[schema(nullable = false)]
    node: Option<String>,
    /// All keys of this user may be answered otherwise.
    #[schema(nullable = false)]
    user: Option<String>,
    /// This key may be.
    #[schema(nullable = false)]
    key: Option<String>,
    /// All keys of the org of this name may be.
    #[schema(nullable = false)]
    org: Option<String>,
    /// When this was said, in milliseconds since `hello`.
    #[schema(nullable = false)]
    at_ms: Option<u64>,
    /// How old what the node knows was by then, in milliseconds.
    #[schema(nullable = false)]
    age_ms: Option<u64>,
}

/// The answers of a batch, in the order of its questions.
#[derive(ToSchema)]
pub(crate) struct Verdicts {
    results: Vec<Verdict>,
}
