//! What the operator decided, as the use cases need it.

use std::time::Duration;

use ipnet::IpNet;

use crate::leaks::github::KeySource;

/// The settings of one node.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address that everybody outside uses, without a final slash; also the issuer.
    pub public_url: String,
    /// Whether this is a throw-away instance, which says so on every page.
    pub demo: bool,
    /// What this node is called on receipts.
    pub node_name: String,
    /// How long a node may go without reading the feed before it stops trusting its memory.
    pub bound: Duration,
    /// The longest life of a session.
    pub session_max_age: Duration,
    /// How long a session lives without being used.
    pub session_idle: Duration,
    /// How long the groups that a connection said last are good for the keys of those whom rules manage; zero: for ever.
    pub claims_max_age: Duration,
    /// How many owners an org may have.
    pub org_owners: usize,
    /// Whether one `user_admin` may make another; owners may in any case.
    pub user_admin_may_grant_user_admin: bool,
    /// Whether scripts may exchange a local person's password for tokens.
    pub password_grant: bool,
    /// Whether anybody may make an account of their own.
    pub sign_up: bool,
    /// How many personal keys one user may have.
    pub personal_keys_per_user: i64,
    /// How many service keys one org may have.
    pub service_keys_per_org: i64,
    /// Where the keys are with which GitHub signs its reports.
    pub github_keys: KeySource,
    /// How long a one-time link is good, unless an invitation says otherwise.
    pub link_life: Duration,
    /// The shortest time for which an invitation is good.
    pub invitation_min: Duration,
    /// The longest time for which an invitation is good.
    pub invitation_max: Duration,
    /// How many password hashes may be computed at once.
    pub hashers: usize,
    /// How many password checks may wait for their turn.
    pub hash_queue: usize,
    /// How many failed password tries one account has from one network in fifteen minutes.
    pub password_tries: u32,
    /// How many sign-ins at providers one network may begin in a minute, and how many it may finish.
    pub sign_ins_per_minute: u32,
    /// The proxies whose word is taken for where a request came from.
    pub trusted_proxies: Vec<IpNet>,
    /// How many requests a second one directory may send to this node; 0 for no limit.
    pub directory_rate: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8700".to_owned(),
            demo: false,
            node_name: "node".to_owned(),
            bound: Duration::from_secs(1),
            session_max_age: Duration::from_secs(12 * 3600),
            session_idle: Duration::from_secs(3600),
            claims_max_age: Duration::from_secs(7 * 86_400),
            org_owners: 3,
            user_admin_may_grant_user_admin: true,
            password_grant: false,
            sign_up: false,
            personal_keys_per_user: 8,
            service_keys_per_org: 64,
            github_keys: KeySource::default(),
            link_life: Duration::from_secs(6 * 3600),
            invitation_min: Duration::from_secs(5 * 60),
            invitation_max: Duration::from_secs(30 * 86_400),
            hashers: 2,
            hash_queue: 32,
            password_tries: 10,
            sign_ins_per_minute: 300,
            trusted_proxies: Vec::new(),
            directory_rate: 500,
        }
    }
}
