//! Why a sign-in at a provider failed: a variant per cause that the admin's trace tells apart.
//! No variant carries a token, a code, a body or a claim.

use cardea_model::{Fault, Kind};

use crate::fetch::FetchError;
use crate::saml::SamlError;

/// Which of the provider's addresses was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The metadata document.
    Discovery,
    /// The signing keys.
    Keys,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint.
    Userinfo,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Discovery => "metadata",
            Self::Keys => "signing keys",
            Self::Token => "token endpoint",
            Self::Userinfo => "userinfo endpoint",
        })
    }
}

/// Why there is no [`Identity`](crate::Identity).
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// An address of the provider is one that we never call.
    #[error("the address of the provider's {step} is not allowed")]
    OutboundForbidden {
        /// Which address.
        step: Step,
        /// What is wrong with it.
        #[source]
        source: FetchError,
    },
    /// The provider did not answer, or not as a server that works.
    #[error("the provider's {step} gave no usable answer")]
    Unreachable {
        /// Which address.
        step: Step,
        /// What happened.
        #[source]
        source: FetchError,
    },

    /// The issuer in the connection is no address.
    #[error("the issuer is not a URL")]
    IssuerUnusable,
    /// The metadata is not the JSON document that OpenID Connect Discovery §3 describes.
    #[error("the provider's metadata cannot be read")]
    MetadataUnreadable,
    /// A member that we need is not in the metadata.
    #[error("the provider's metadata lacks `{0}`")]
    MetadataIncomplete(&'static str),
    /// The metadata states another issuer (OpenID Connect Discovery §4.3); the comparison is exact.
    #[error("the provider's metadata states another issuer")]
    MetadataIssuer,
    /// The provider signs with no algorithm that we accept.
    #[error("the provider offers no signing algorithm that is accepted")]
    NoAlgorithm,

    /// The flow or the redirect address is not one that we made: our own mistake.
    #[error("the sign-in cannot be put into a request")]
    FlowUnusable,
    /// A parameter of the answer came twice.
    #[error("the parameter `{0}` is repeated")]
    ParameterRepeated(&'static str),
    /// The answer's `state` is missing or another's (RFC 6749 §10.12).
    #[error("the answer does not belong to this sign-in")]
    State,
    /// The metadata promises `iss` in answers, and it is not there (RFC 9207 §2.4).
    #[error("the answer does not name its issuer")]
    AnswerIssuerMissing,
    /// The answer names another issuer (RFC 9207 §2.4).
    #[error("the answer names another issuer")]
    AnswerIssuer,
    /// The provider answered with an error; its code, cleaned.
    #[error("the provider answered `{0}`")]
    ProviderError(String),
    /// The answer has no code.
    #[error("the answer has no code")]
    CodeMissing,

    /// The token endpoint refused the code; its error code, cleaned.
    #[error("the token endpoint answered `{0}`")]
    TokenRefused(String),
    /// The token endpoint's answer is not the JSON of RFC 6749 §5.
    #[error("the token endpoint's answer cannot be read")]
    TokenUnreadable,
    /// The access token is of a type other than Bearer.
    #[error("the access token is not a bearer token")]
    TokenType,
    /// There is no ID token in the answer.
    #[error("the token endpoint's answer has no ID token")]
    IdTokenMissing,

    /// The ID token is not a signed JWT with the claims of OpenID Connect Core §2.
    #[error("the ID token cannot be read")]
    IdTokenUnreadable,
    /// The ID token is encrypted.
    #[error("the ID token is encrypted")]
    Encrypted,
    /// The ID token's header demands extensions (RFC 7515 §4.1.11).
    #[error("the ID token's header demands an extension")]
    CriticalHeader,
    /// The token is of another kind, such as an access or logout token (RFC 8725 §3.11).
    #[error("the token is not an ID token")]
    TokenKind,
    /// The ID token is signed with an algorithm that is not accepted here.
    #[error("the ID token's signing algorithm is not accepted")]
    Algorithm,
    /// The provider's key set is not one (RFC 7517 §5), or has more than 100 keys.
    #[error("the provider's signing keys cannot be read")]
    KeysUnreadable,
    /// The provider does not publish the key that signed the ID token.
    #[error("the ID token is signed with an unknown key")]
    UnknownKey,
    /// More than one key could have signed the ID token.
    #[error("the ID token does not say which key signed it")]
    AmbiguousKey,
    /// The ID token's signature is wrong.
    #[error("the ID token's signature is wrong")]
    Signature,
    /// The ID token is another issuer's.
    #[error("the ID token's issuer is wrong")]
    Issuer,
    /// The ID token is not for us, or not only for us.
    #[error("the ID token's audience is wrong")]
    Audience,
    /// The ID token was issued to another party.
    #[error("the ID token's authorized party is wrong")]
    AuthorizedParty,
    /// The ID token has expired.
    #[error("the ID token has expired")]
    Expired,
    /// The ID token was issued in the future or too long ago.
    #[error("the ID token's time of issue is too far from now")]
    IssuedAt,
    /// The ID token is not valid yet.
    #[error("the ID token is not valid yet")]
    NotYetValid,
    /// The ID token's nonce is missing or another sign-in's.
    #[error("the ID token does not belong to this sign-in")]
    Nonce,
    /// The ID token's `sub` is empty or longer than 255 characters.
    #[error("the ID token's subject is not usable")]
    Subject,
    /// The access token is not the one that the ID token speaks of.
    #[error("the access token does not belong to the ID token")]
    AccessTokenHash,
    /// The ID token is of another tenant of the same provider.
    #[error("the ID token is of another tenant")]
    Tenant,

    /// The userinfo answer is about another person (OpenID Connect Core §5.3.2).
    #[error("the userinfo answer is about somebody else")]
    UserinfoSubject,
    /// The userinfo answer cannot be read, and the ID token alone does not say enough.
    #[error("the userinfo answer cannot be read")]
    UserinfoUnreadable,
    /// The claim that the connection takes as the subject is not in the ID token.
    #[error("the claim that identifies the person is missing")]
    SubjectClaim,

    /// What a SAML provider said or is.
    #[error(transparent)]
    Saml(#[from] SamlError),
}

impl ConnectError {
    /// A failed request to one of the provider's addresses.
    #[must_use]
    pub const fn outward(step: Step, source: FetchError) -> Self {
        if matches!(source, FetchError::Forbidden(_)) {
            Self::OutboundForbidden { step, source }
        } else {
            Self::Unreachable { step, source }
        }
    }

    /// A stable word for traces, audit and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::OutboundForbidden { .. } => "outbound_forbidden",
            Self::Unreachable { step: Step::Discovery, .. } => "discovery_unreachable",
            Self::Unreachable { step: Step::Keys, .. } => "keys_unreachable",
            Self::Unreachable { step: Step::Token, .. } => "token_unreachable",
            Self::Unreachable { step: Step::Userinfo, .. } => "userinfo_unreachable",
            Self::IssuerUnusable => "issuer_unusable",
            Self::MetadataUnreadable => "discovery_unreadable",
            Self::MetadataIncomplete(_) => "discovery_incomplete",
            Self::MetadataIssuer => "discovery_issuer_mismatch",
            Self::NoAlgorithm => "no_common_algorithm",
            Self::FlowUnusable => "flow_unusable",
            Self::ParameterRepeated(_) => "parameter_repeated",
            Self::State => "state_mismatch",
            Self::AnswerIssuerMissing => "answer_issuer_missing",
            Self::AnswerIssuer => "answer_issuer_mismatch",
            Self::ProviderError(_) => "provider_error",
            Self::CodeMissing => "code_missing",
            Self::TokenRefused(_) => "token_refused",
            Self::TokenUnreadable => "token_unreadable",
            Self::TokenType => "token_type",
            Self::IdTokenMissing => "id_token_missing",
            Self::IdTokenUnreadable => "id_token_unreadable",
            Self::Encrypted => "id_token_encrypted",
            Self::CriticalHeader => "critical_header",
            Self::TokenKind => "token_kind",
            Self::Algorithm => "algorithm",
            Self::KeysUnreadable => "keys_unreadable",
            Self::UnknownKey => "unknown_key",
            Self::AmbiguousKey => "ambiguous_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorizedParty => "authorized_party",
            Self::Expired => "expired",
            Self::IssuedAt => "issued_at",
            Self::NotYetValid => "not_yet_valid",
            Self::Nonce => "nonce",
            Self::Subject => "subject",
            Self::AccessTokenHash => "access_token_hash",
            Self::Tenant => "tenant",
            Self::UserinfoSubject => "userinfo_subject",
            Self::UserinfoUnreadable => "userinfo_unreadable",
            Self::SubjectClaim => "subject_claim_missing",
            Self::Saml(error) => error.reason(),
        }
    }
}

impl Fault for ConnectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unreachable { .. } => Kind::Unavailable,
            Self::OutboundForbidden { .. }
            | Self::IssuerUnusable
            | Self::MetadataUnreadable
            | Self::MetadataIncomplete(_)
            | Self::MetadataIssuer
            | Self::NoAlgorithm => Kind::Unprocessable,
            Self::FlowUnusable | Self::Saml(SamlError::OwnKey) => Kind::Internal,
            Self::ParameterRepeated(_) => Kind::Invalid,
            Self::ProviderError(_) => Kind::Refused,
            Self::State
            | Self::AnswerIssuerMissing
            | Self::AnswerIssuer
            | Self::CodeMissing
            | Self::TokenRefused(_)
            | Self::TokenUnreadable
            | Self::TokenType
            | Self::IdTokenMissing
            | Self::IdTokenUnreadable
            | Self::Encrypted
            | Self::CriticalHeader
            | Self::TokenKind
            | Self::Algorithm
            | Self::KeysUnreadable
            | Self::UnknownKey
            | Self::AmbiguousKey
            | Self::Signature
            | Self::Issuer
            | Self::Audience
            | Self::AuthorizedParty
            | Self::Expired
            | Self::IssuedAt
            | Self::NotYetValid
            | Self::Nonce
            | Self::Subject
            | Self::AccessTokenHash
            | Self::Tenant
            | Self::UserinfoSubject
            | Self::UserinfoUnreadable
            | Self::SubjectClaim
            | Self::Saml(_) => Kind::Unauthenticated,
        }
    }

    fn code(&self) -> &'static str {
        self.reason()
    }
}
