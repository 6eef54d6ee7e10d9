//! Why a message, a document or a key was refused: a variant per cause that an admin must tell apart.
//! No variant carries XML, a name of a person or the value of an attribute.

use cardea_model::{Fault, Kind};

use super::metadata_error::MetadataError;

/// Why there is no statement, no metadata or no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// The form field or query parameter is not base64.
    #[error("the message is not base64")]
    NotBase64,
    /// More bytes than any honest message has.
    #[error("the message is too large")]
    TooLarge,
    /// Another encoding than UTF-8, or another version of XML than 1.0.
    #[error("the message is not XML 1.0 in UTF-8")]
    NotUtf8,
    /// Not well-formed.
    #[error("the message is not well-formed XML")]
    NotXml,
    /// Too deep, or too many elements or attributes.
    #[error("the message has too many elements or attributes, or nests them too deeply")]
    TooComplex,
    /// A document type definition, something else that begins `<!`, or an XInclude.
    #[error("the message has a document type definition or an inclusion")]
    Doctype,
    /// A comment or a processing instruction.
    #[error("the message has a comment or a processing instruction")]
    Comment,
    /// An id that is repeated, prefixed or written oddly.
    #[error("an id in the message is repeated or not one of SAML")]
    Identifier,
    /// A namespace that is relative or taken back.
    #[error("a namespace in the message is not absolute")]
    Namespace,
    /// An element that has to be there once is missing, repeated, or holds what it may not.
    #[error("the message is not built as SAML demands at `{0}`")]
    Shape(&'static str),
    /// A time that is missing or not written in UTC.
    #[error("the time `{0}` is missing or not in UTC")]
    Time(&'static str),

    /// None or several assertions, or one inside another.
    #[error("the response does not hold exactly one assertion")]
    AssertionCount,
    /// Neither response nor assertion is signed.
    #[error("neither the response nor the assertion is signed")]
    Unsigned,
    /// A signature that is neither the response's nor the assertion's own.
    #[error("there is a signature where none belongs")]
    StraySignature,
    /// A signature that is not of the form of SAML core §5.4.
    #[error("the signature is not built as SAML demands at `{0}`")]
    SignatureShape(&'static str),
    /// A signature over something else than the element that it stands in.
    #[error("the signature is not about the element that it stands in")]
    Reference,
    /// A canonicalization or transform other than the exclusive and the enveloped one.
    #[error("the signature uses a canonicalization or transform that is not accepted")]
    Transform,
    /// SHA-1 in the signature or in its digest.
    #[error("the message is signed with SHA-1")]
    Sha1,
    /// Another algorithm that is not accepted.
    #[error("the message is signed with an algorithm that is not accepted")]
    SignatureAlgorithm,
    /// Changed after it was signed.
    #[error("the message was changed after it was signed")]
    Digest,
    /// Signed by none of the provider's keys.
    #[error("the message is signed by none of the keys in the provider's metadata")]
    Signature,
    /// The metadata that is held has no key.
    #[error("there is no key to check signatures with")]
    NoKeys,

    /// The content's key is encrypted with PKCS #1 1.5, or with a mixture of hashes.
    #[error("the assertion's key is encrypted with an algorithm that is not accepted")]
    KeyTransport,
    /// The content is encrypted with another cipher than AES-128 or AES-256 in CBC or GCM mode.
    #[error("the assertion is encrypted with an algorithm that is not accepted")]
    ContentCipher,
    /// Not decrypted, or what came out is no signed assertion; which of them is not said, or it would help to guess.
    #[error("the assertion could not be decrypted, or no signed assertion was inside")]
    Decryption,

    /// Another version than 2.0.
    #[error("the message is not of SAML 2.0")]
    Version,
    /// The provider says that it did not sign anybody in; the last part of its code.
    #[error("the provider answered `{0}`")]
    Status(String),
    /// Another entity than the one that the connection is with.
    #[error("the message is issued by another entity")]
    Issuer,
    /// Sent to another address of ours, or of others.
    #[error("the message was made for another address")]
    Destination,
    /// Not the answer to this request.
    #[error("the message does not answer this request")]
    InResponseTo,
    /// Made too long ago; seconds.
    #[error("the message was made {0} seconds ago")]
    TooOld(i64),
    /// Valid only later; seconds.
    #[error("the message is valid only in {0} seconds")]
    NotYetValid(i64),
    /// Valid no longer; seconds.
    #[error("the message expired {0} seconds ago")]
    Expired(i64),
    /// Not for us.
    #[error("the assertion is for another audience")]
    Audience,
    /// A condition that we do not know, and so cannot fulfil (SAML core §2.5.1).
    #[error("the assertion has a condition that is not known")]
    Condition,
    /// No bearer confirmation that holds here.
    #[error("the assertion has no bearer confirmation for this sign-in")]
    SubjectConfirmation,
    /// The bearer confirmation is for another address.
    #[error("the assertion is confirmed for another address")]
    Recipient,
    /// It does not say that anybody signed in.
    #[error("the assertion does not say that anybody signed in")]
    NoAuthentication,
    /// The person was to sign in anew, and did not.
    #[error("the person was to sign in again and did not")]
    StaleAuthentication,

    /// The name or attribute that identifies the person is missing.
    #[error("what identifies the person is missing")]
    SubjectMissing,
    /// It is empty, too long, repeated or holds control characters.
    #[error("what identifies the person is not usable")]
    SubjectUnusable,
    /// It is another one each time.
    #[error("the name of the person is a transient one")]
    SubjectTransient,
    /// It is encrypted by itself.
    #[error("the name of the person is encrypted")]
    SubjectEncrypted,
    /// More than one e-mail address.
    #[error("there is more than one e-mail address")]
    EmailAmbiguous,
    /// An e-mail address that could be taken for another one.
    #[error("the e-mail address is not usable")]
    EmailUnusable,
    /// An attribute that is asked for holds elements instead of text.
    #[error("an attribute that is asked for does not hold text")]
    AttributeUnusable,

    /// What the provider says about itself cannot be used.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// One of our own keys cannot be used: our own mistake.
    #[error("a key of this service cannot be used")]
    OwnKey,

    /// A parameter of the query that came twice.
    #[error("the parameter `{0}` is repeated")]
    ParameterRepeated(&'static str),
    /// A parameter of the query that is missing.
    #[error("the parameter `{0}` is missing")]
    ParameterMissing(&'static str),
    /// A logout message without a signature.
    #[error("the logout message is not signed")]
    LogoutUnsigned,
    /// What is in the query is not DEFLATE, or far too much of it.
    #[error("the message is not packed as the redirect binding demands")]
    Packing,
}

impl SamlError {
    /// A stable word for traces, audit and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotBase64 => "not_base64",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotXml => "not_xml",
            Self::TooComplex => "too_complex",
            Self::Doctype => "doctype",
            Self::Comment => "comment",
            Self::Identifier => "identifier",
            Self::Namespace => "namespace",
            Self::Shape(_) => "shape",
            Self::Time(_) => "time",
            Self::AssertionCount => "assertion_count",
            Self::Unsigned => "unsigned",
            Self::StraySignature => "stray_signature",
            Self::SignatureShape(_) => "signature_shape",
            Self::Reference => "signature_reference",
            Self::Transform => "signature_transform",
            Self::Sha1 => "sha1",
            Self::SignatureAlgorithm => "signature_algorithm",
            Self::Digest => "digest",
            Self::Signature => "signature",
            Self::NoKeys => "no_keys",
            Self::KeyTransport => "key_transport",
            Self::ContentCipher => "content_cipher",
            Self::Decryption => "decryption",
            Self::Version => "version",
            Self::Status(_) => "provider_error",
            Self::Issuer => "issuer",
            Self::Destination => "destination",
            Self::InResponseTo => "in_response_to",
            Self::TooOld(_) => "too_old",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::Expired(_) => "expired",
            Self::Audience => "audience",
            Self::Condition => "condition",
            Self::SubjectConfirmation => "subject_confirmation",
            Self::Recipient => "recipient",
            Self::NoAuthentication => "no_authentication",
            Self::StaleAuthentication => "stale_authentication",
            Self::SubjectMissing => "subject_missing",
            Self::SubjectUnusable => "subject_unusable",
            Self::SubjectTransient => "subject_transient",
            Self::SubjectEncrypted => "subject_encrypted",
            Self::EmailAmbiguous => "email_ambiguous",
            Self::EmailUnusable => "email_unusable",
            Self::AttributeUnusable => "attribute_unusable",
            Self::Metadata(error) => error.reason(),
            Self::OwnKey => "own_key",
            Self::ParameterRepeated(_) => "parameter_repeated",
            Self::ParameterMissing(_) => "parameter_missing",
            Self::LogoutUnsigned => "logout_unsigned",
            Self::Packing => "packing",
        }
    }
}

impl Fault for SamlError {
    fn kind(&self) -> Kind {
        match self {
            Self::OwnKey => Kind::Internal,
            Self::NoKeys | Self::Metadata(_) => Kind::Unprocessable,
            Self::Status(_) => Kind::Refused,
            Self::NotBase64
            | Self::TooLarge
            | Self::NotUtf8
            | Self::NotXml
            | Self::TooComplex
            | Self::Doctype
            | Self::Comment
            | Self::Identifier
            | Self::Namespace
            | Self::Shape(_)
            | Self::Time(_)
            | Self::ParameterRepeated(_)
            | Self::ParameterMissing(_)
            | Self::Packing => Kind::Invalid,
            Self::AssertionCount
            | Self::Unsigned
            | Self::StraySignature
            | Self::SignatureShape(_)
            | Self::Reference
            | Self::Transform
            | Self::Sha1
            | Self::SignatureAlgorithm
            | Self::Digest
            | Self::Signature
            | Self::LogoutUnsigned
            | Self::KeyTransport
            | Self::ContentCipher
            | Self::Decryption
            | Self::Version
            | Self::Issuer
            | Self::Destination
            | Self::InResponseTo
            | Self::TooOld(_)
            | Self::NotYetValid(_)
            | Self::Expired(_)
            | Self::Audience
            | Self::Condition
            | Self::SubjectConfirmation
            | Self::Recipient
            | Self::NoAuthentication
            | Self::StaleAuthentication
            | Self::SubjectMissing
            | Self::SubjectUnusable
            | Self::SubjectTransient
            | Self::SubjectEncrypted
            | Self::EmailAmbiguous
            | Self::EmailUnusable
            | Self::AttributeUnusable => Kind::Unauthenticated,
        }
    }

    fn code(&self) -> &'static str {
        self.reason()
    }
}
