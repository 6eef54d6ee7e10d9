//! Everything that the provider can be told to do wrong.
//!
//! A mode is grouped by the stage of a login that it spoils. Modes add up until
//! [`super::OidcProvider::behave`].

use serde_json::Value;

/// One way of misbehaving.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// A whole answer of one endpoint is spoilt.
    Answer(Endpoint, Answer),
    /// The metadata is wrong.
    Discovery(DiscoveryMode),
    /// The published keys are wrong.
    Jwks(JwksMode),
    /// The authorization response is wrong.
    Response(ResponseMode),
    /// The token response is wrong.
    Token(TokenMode),
    /// The ID token's header or signature is wrong.
    Header(HeaderMode),
    /// The ID token's claims are wrong; it is still signed properly.
    Claims(ClaimsMode),
    /// The userinfo is wrong.
    Userinfo(UserinfoMode),
}

/// An endpoint whose whole answer can be spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`
    Discovery,
    /// `/jwks`
    Jwks,
    /// `/token`
    Token,
    /// `/userinfo`
    Userinfo,
}

impl Endpoint {
    /// The path under the issuer.
    pub fn path(self) -> &'static str {
        match self {
            Endpoint::Discovery => "/.well-known/openid-configuration",
            Endpoint::Jwks => "/jwks",
            Endpoint::Token => "/token",
            Endpoint::Userinfo => "/userinfo",
        }
    }
}

/// How a whole answer is spoilt. Where it can, the true answer hides behind the trap, so that a client
/// which walks into it is caught by succeeding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This status with a short text.
    Status(u16),
    /// No answer at all until the client gives up or the provider stops.
    Hang,
    /// The true answer behind 50 MiB of blanks, which JSON permits.
    Huge,
    /// A 307 to the same endpoint, which then answers truly.
    Redirect,
    /// An HTML page with status 200.
    Html,
    /// The true answer under this content type.
    ContentType(String),
}

/// What is wrong in the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum DiscoveryMode {
    /// The issuer is this one.
    OtherIssuer(String),
    /// `authorization_response_iss_parameter_supported` is left out. The parameter itself goes on;
    /// [`ResponseMode::NoIss`] drops it.
    NoIssParameter,
    /// `jwks_uri` is a link-local address, that of cloud metadata services.
    PrivateJwks,
    /// This member has this value.
    Member(String, Value),
    /// This member is left out.
    Without(String),
}

/// What is wrong in the published keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksMode {
    /// No keys.
    Empty,
    /// The signing key's `kid` stands at a foreign key.
    Poisoned,
    /// Entries that nobody can use stand before the true ones; RFC 7517 §5 wants them ignored.
    JunkEntries,
    /// So many more entries.
    Many(usize),
    /// A foreign key with the same `kid` stands before the true one.
    DuplicateKid,
    /// The true key is marked `use: enc`.
    ForEncryption,
    /// A symmetric key with the signing key's `kid` stands instead of it.
    Symmetric,
    /// No entry has a `kid`.
    NoKids,
}

/// What is wrong in the authorization response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// `state` is missing.
    NoState,
    /// `state` is another.
    WrongState,
    /// `iss` is missing though the metadata promises it (RFC 9207 §2.4).
    NoIss,
    /// `iss` is another provider's.
    WrongIss,
    /// `code` stands twice.
    DuplicateCode,
    /// An error instead of a code (RFC 6749 §4.1.2.1).
    Error {
        /// The error code.
        error: String,
        /// Its description, as hostile as wanted.
        description: String,
    },
}

/// What is wrong in the token response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// `token_type` is `mac`.
    TypeMac,
    /// `id_token` is missing.
    NoIdToken,
    /// `access_token` is missing.
    NoAccessToken,
    /// The ID token of the login before is sent again.
    EarlierIdToken,
}

/// What is wrong in the ID token's header or signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderMode {
    /// `alg` is `none` and the signature empty.
    AlgNone,
    /// The same, spelt `nOnE`.
    AlgNoneOddCase,
    /// `alg` is this name though the true key signed.
    AlgName(String),
    /// HS256 with the public key's PEM as secret.
    Hs256WithPublicKey,
    /// HS256 with the client secret.
    Hs256WithClientSecret,
    /// A `kid` that nobody published, another for each token.
    UnknownKid,
    /// This `kid`, for injections.
    Kid(String),
    /// The true `kid` over a foreign key's signature.
    KnownKidOtherKey,
    /// No `kid`.
    NoKid,
    /// Signed by a foreign key that `jku` points to (RFC 7515 §4.1.2).
    Jku,
    /// Signed by a foreign key, `x5u` pointing to the provider (RFC 7515 §4.1.5).
    X5u,
    /// Signed by a foreign key that stands in `jwk` (RFC 7515 §4.1.3).
    EmbeddedJwk,
    /// An extension that must be understood (RFC 7515 §4.1.11).
    Crit,
    /// `typ` of an access token (RFC 9068).
    TypAtJwt,
    /// `typ` of a logout token (OpenID Back-Channel Logout).
    TypLogoutJwt,
    /// One bit of the signature is flipped.
    BrokenSignature,
}

/// What is wrong in the ID token's claims.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimsMode {
    /// `nonce` is another.
    WrongNonce,
    /// `nonce` is missing.
    NoNonce,
    /// `iss` is another provider.
    WrongIssuer,
    /// `aud` is another client.
    WrongAudience,
    /// `aud` lists another client besides ours; `azp` is ours.
    ExtraAudience,
    /// `azp` is another client.
    WrongAzp,
    /// The token ended so many seconds ago.
    ExpiredBy(i64),
    /// `exp` is a string.
    ExpiresAsText,
    /// `iat` lies so many seconds ahead; negative for long ago.
    IssuedAheadBy(i64),
    /// `nbf` lies so many seconds ahead.
    NotBeforeAheadBy(i64),
    /// `at_hash` is another token's.
    WrongAtHash,
    /// `at_hash` is missing, which the code flow permits.
    NoAtHash,
    /// This claim is missing.
    Without(String),
    /// This claim has this value.
    Set(String, Value),
}

/// What is wrong in the userinfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserinfoMode {
    /// `sub` is another person's.
    OtherSub,
    /// `sub` is missing.
    NoSub,
}

impl From<DiscoveryMode> for Mode {
    fn from(mode: DiscoveryMode) -> Mode {
        Mode::Discovery(mode)
    }
}

impl From<JwksMode> for Mode {
    fn from(mode: JwksMode) -> Mode {
        Mode::Jwks(mode)
    }
}

impl From<ResponseMode> for Mode {
    fn from(mode: ResponseMode) -> Mode {
        Mode::Response(mode)
    }
}

impl From<TokenMode> for Mode {
    fn from(mode: TokenMode) -> Mode {
        Mode::Token(mode)
    }
}

impl From<HeaderMode> for Mode {
    fn from(mode: HeaderMode) -> Mode {
        Mode::Header(mode)
    }
}

impl From<ClaimsMode> for Mode {
    fn from(mode: ClaimsMode) -> Mode {
        Mode::Claims(mode)
    }
}

impl From<UserinfoMode> for Mode {
    fn from(mode: UserinfoMode) -> Mode {
        Mode::Userinfo(mode)
    }
}

/// The modes that are on, in the order they were switched on; picked out by stage.
#[derive(Clone, Default)]
pub(crate) struct Modes(pub(crate) Vec<Mode>);

impl Modes {
    pub(crate) fn answer(&self, path: &str) -> Option<Answer> {
        self.0.iter().find_map(|mode| {
            if let Mode::Answer(endpoint, answer) = mode
                && endpoint.path() == path
            {
                return Some(answer.clone());
            }
            None
        })
    }

    pub(crate) fn discovery(&self) -> Vec<DiscoveryMode> {
        self.pick(|mode| if let Mode::Discovery(mode) = mode { Some(mode.clone()) } else { None })
    }

    pub(crate) fn jwks(&self) -> Vec<JwksMode> {
        self.pick(|mode| if let Mode::Jwks(mode) = mode { Some(mode.clone()) } else { None })
    }

    pub(crate) fn response(&self) -> Vec<ResponseMode> {
        self.pick(|mode| if let Mode::Response(mode) = mode { Some(mode.clone()) } else { None })
    }

    pub(crate) fn token(&self) -> Vec<TokenMode> {
        self.pick(|mode| if let Mode::Token(mode) = mode { Some(*mode) } else { None })
    }

    pub(crate) fn header(&self) -> Vec<HeaderMode> {
        self.pick(|mode| if let Mode::Header(mode) = mode { Some(mode.clone()) } else { None })
    }

    pub(crate) fn claims(&self) -> Vec<ClaimsMode> {
        self.pick(|mode| if let Mode::Claims(mode) = mode { Some(mode.clone()) } else { None })
    }

    pub(crate) fn userinfo(&self) -> Vec<UserinfoMode> {
        self.pick(|mode| if let Mode::Userinfo(mode) = mode { Some(*mode) } else { None })
    }

    fn pick<M>(&self, of_stage: impl Fn(&Mode) -> Option<M>) -> Vec<M> {
        self.0.iter().filter_map(of_stage).collect()
    }
}
