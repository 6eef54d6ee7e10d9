//! The sections of the configuration and their defaults. What each key means stands in `config/example.toml`,
//! which a test holds equal to these.

use super::units::{size, span};
use cardea_gateway::leaks::github::PUBLISHED_AT;
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that an operator can set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The issuer and the start of every address we hand out; no trailing slash.
    pub(crate) public_url: String,
    /// Where the server listens.
    pub(crate) listen: SocketAddr,
    /// The catalogue of services; without one, the built-in.
    pub(crate) catalogue: Option<PathBuf>,
    pub(crate) node: Node,
    pub(crate) http: Http,
    pub(crate) database: Database,
    pub(crate) keys: Keys,
    pub(crate) leaks: Leaks,
    pub(crate) outbound: Outbound,
    pub(crate) onboarding: Onboarding,
    pub(crate) revocation: Revocation,
    pub(crate) mail: Mail,
    pub(crate) sessions: Sessions,
    pub(crate) auth: Auth,
    pub(crate) roles: Roles,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8700".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8700)),
            catalogue: None,
            node: Node::default(),
            http: Http::default(),
            database: Database::default(),
            keys: Keys::default(),
            leaks: Leaks::default(),
            outbound: Outbound::default(),
            onboarding: Onboarding::default(),
            revocation: Revocation::default(),
            mail: Mail::default(),
            sessions: Sessions::default(),
            auth: Auth::default(),
            roles: Roles::default(),
            limits: Limits::default(),
            log: Log::default(),
        }
    }
}

/// `[node]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Node {
    /// The name in receipts and metrics; without one, the host's.
    pub(crate) name: Option<String>,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// The proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Connections that are open at once.
    pub(crate) max_connections: u32,
}

impl Default for Http {
    fn default() -> Self {
        Self { trusted_proxies: Vec::new(), max_connections: 4096 }
    }
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Database {
    /// `sqlite://PATH` or `postgres://…`; may hold a password.
    pub(crate) url: SecretString,
    /// SQLite connections that read.
    pub(crate) readers: u32,
    /// PostgreSQL connections.
    pub(crate) pool: u32,
    /// Bytes of page cache over all SQLite connections.
    #[serde(deserialize_with = "size")]
    pub(crate) cache_bytes: u64,
    /// Bytes of the SQLite file that are mapped into memory.
    #[serde(deserialize_with = "size")]
    pub(crate) mmap_bytes: u64,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: "sqlite://data/cardea.db".into(),
            readers: 4,
            pool: 16,
            cache_bytes: 32 << 20,
            mmap_bytes: 256 << 20,
        }
    }
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keys {
    /// The file of the pepper; made on first start.
    pub(crate) pepper_file: PathBuf,
    /// How long what an identity provider last said keeps the keys of whom rules manage alive; zero is for ever.
    #[serde(deserialize_with = "span")]
    pub(crate) claims_max_age: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self { pepper_file: "data/pepper".into(), claims_max_age: Duration::from_secs(7 * 24 * HOUR) }
    }
}

/// `[leaks]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Leaks {
    /// Where GitHub publishes the keys with which it signs its reports.
    pub(crate) github_keys_url: String,
    /// The same document as a file; then nobody is asked.
    pub(crate) github_keys_file: Option<PathBuf>,
}

impl Default for Leaks {
    fn default() -> Self {
        Self { github_keys_url: PUBLISHED_AT.to_owned(), github_keys_file: None }
    }
}

/// `[outbound]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Outbound {
    /// Private ranges where identity providers may stand.
    pub(crate) allow_cidrs: Vec<IpNet>,
    /// Certificates (PEM) trusted besides the public authorities.
    pub(crate) ca_file: Option<PathBuf>,
}

/// `[onboarding]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Onboarding {
    /// How a customer proves a domain.
    pub(crate) domain_proof: DomainProof,
    /// Who lets a tested connection go live.
    pub(crate) approval: Approval,
    /// Which name server is asked.
    pub(crate) resolver: Resolver,
}

/// How a customer proves that a domain is theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DomainProof {
    /// A TXT record.
    #[default]
    Dns,
}

/// Who lets a tested connection go live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    /// The passed test.
    #[default]
    Automatic,
    /// An operator.
    Operator,
}

/// Which name server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Resolver {
    /// Those of the system.
    #[default]
    System,
    /// This one.
    At(SocketAddr),
}

impl TryFrom<String> for Resolver {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "system" {
            return Ok(Self::System);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| format!("`{text}` is no name server; write `system` or an address like `127.0.0.1:5353`"))
    }
}

/// `[revocation]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Revocation {
    /// How long a node may answer from memory after it last read the feed.
    #[serde(deserialize_with = "span")]
    pub(crate) bound: Duration,
}

impl Default for Revocation {
    fn default() -> Self {
        Self { bound: Duration::from_secs(1) }
    }
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mail {
    /// Where messages go.
    pub(crate) transport: Transport,
    /// The folder of `file`.
    pub(crate) path: PathBuf,
    /// The server of `smtp`; may hold a password.
    pub(crate) url: Option<SecretString>,
    /// The sender of every message.
    pub(crate) from: String,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            transport: Transport::File,
            path: "data/mail".into(),
            url: None,
            from: "noreply@cardea.invalid".to_owned(),
        }
    }
}

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    /// Into a folder, one `.eml` each.
    File,
    /// To a mail server.
    Smtp,
}

/// `[sessions]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sessions {
    /// How long a session lives at most.
    #[serde(deserialize_with = "span")]
    pub(crate) max_age: Duration,
    /// How long it lives unused.
    #[serde(deserialize_with = "span")]
    pub(crate) idle: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(12 * HOUR), idle: Duration::from_secs(HOUR) }
    }
}

/// `[auth]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Auth {
    /// Whether the password grant answers.
    pub(crate) password_grant: bool,
    /// Whether anybody may make an account of their own.
    pub(crate) sign_up: bool,
}

/// `[roles]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Roles {
    /// Whether one `user_admin` may make another.
    pub(crate) user_admin_may_grant_user_admin: bool,
}

impl Default for Roles {
    fn default() -> Self {
        Self { user_admin_may_grant_user_admin: true }
    }
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Owners of an org, invited ones too.
    pub(crate) org_owners: u32,
    /// Sign-ins that one network may begin in a minute, and finish.
    pub(crate) sign_ins_per_minute: u32,
    pub(crate) personal_keys_per_user: u32,
    pub(crate) service_keys_per_org: u32,
    #[serde(deserialize_with = "span")]
    pub(crate) invitation_default: Duration,
    #[serde(deserialize_with = "span")]
    pub(crate) invitation_min: Duration,
    #[serde(deserialize_with = "span")]
    pub(crate) invitation_max: Duration,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Default for Limits {
    fn default() -> Self {
        Self {
            org_owners: 3,
            sign_ins_per_minute: 300,
            personal_keys_per_user: 8,
            service_keys_per_org: 64,
            invitation_default: Duration::from_secs(6 * HOUR),
            invitation_min: Duration::from_secs(5 * MINUTE),
            invitation_max: Duration::from_secs(30 * DAY),
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `info`, or filters like `info,cardea_gateway=debug`.
    pub(crate) level: String,
    /// The form of a line.
    pub(crate) format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Auto }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// One object a line.
    Json,
}
