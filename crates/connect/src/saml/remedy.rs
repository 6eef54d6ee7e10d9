//! What an admin changes, there or here, so that it does not happen again.

use super::error::SamlError;

const AT_THE_PROVIDER: &str = "The provider sent something that SAML does not allow. Try again; if it stays so, show this to the people who run the provider";
const COMMENT: &str = "Let the provider send messages without comments, and do not let anything edit them on the way";
const UNSIGNED: &str = "Switch on signing of assertions at the provider (the setting is called `Sign SAML assertion`, `Assertion signature` or `Signed response`)";
const TRANSFORM: &str =
    "Choose exclusive canonicalization (`EXCLUSIVE`, xml-exc-c14n) without comments for signatures at the provider";
const SHA_1: &str =
    "Choose RSA-SHA256 and SHA-256 as signing and digest algorithm at the provider; SHA-1 can be forged";
const SIGNATURE_ALGORITHM: &str =
    "Choose RSA-SHA256 (or RSA or ECDSA with SHA-256, SHA-384 or SHA-512) as signing algorithm at the provider";
const DIGEST: &str =
    "Something changed the message on its way: look for a proxy or a browser extension that edits pages";
const SIGNATURE: &str =
    "The provider signs with a certificate that is not in its metadata here: load its metadata again";
const NO_KEYS: &str =
    "Load metadata that holds the provider's signing certificate (a KeyDescriptor for signing with an X509Certificate)";
const KEY_TRANSPORT: &str = "Choose RSA-OAEP with SHA-1 or SHA-256, and a mask with the same hash, as key transport algorithm at the provider; RSA 1.5 is not safe";
const DECRYPTION: &str = "Load our metadata at the provider again, so that it encrypts for our certificate of today, and switch on signing of assertions there";
const STATUS: &str = "The provider refused; its own log says why. Often the person is not assigned to this application";
const ISSUER: &str = "Make the entity id of the provider here and the issuer that it sends the same, to the letter";
const DESTINATION: &str = "Set the address that the provider answers to (`ACS URL`, `Single sign-on URL`, `Reply URL`) to ours, to the letter";
const IN_RESPONSE_TO: &str = "Begin the sign-in here and use one browser window for it; an old page, a second try or a link of the provider's own does not fit";
const TOO_OLD: &str = "Set the clocks by a time server, there and here; they may differ by 180 seconds";
const AUDIENCE: &str =
    "Set the audience (`Entity ID`, `Identifier`, `Audience URI`) at the provider to our entity id, to the letter";
const SUBJECT_CONFIRMATION: &str =
    "Let the provider confirm the subject by bearer, with recipient, time and the request's id";
const STALE_AUTHENTICATION: &str = "Let the provider honour ForceAuthn, or do not ask people to sign in again here";
const SUBJECT_MISSING: &str = "Let the provider send the NameID, or the attribute that this connection takes as the subject (AD FS sends no NameID until a claim rule does)";
const SUBJECT_UNUSABLE: &str =
    "Let the provider send one value of at most 255 bytes, without line breaks, as what identifies a person";
const SUBJECT_TRANSIENT: &str = "Let the provider send a persistent NameID, or choose an attribute that never changes as the subject of this connection";
const ATTRIBUTE_UNUSABLE: &str = "Map attributes of plain text at the provider, or choose others in this connection";

impl SamlError {
    /// What to change, and where, in whole sentences without the final stop.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NotBase64
            | Self::TooLarge
            | Self::NotXml
            | Self::TooComplex
            | Self::Doctype
            | Self::Identifier
            | Self::Namespace
            | Self::Shape(_)
            | Self::Time(_)
            | Self::StraySignature
            | Self::SignatureShape(_)
            | Self::Reference
            | Self::Version
            | Self::Condition
            | Self::ParameterRepeated(_)
            | Self::ParameterMissing(_)
            | Self::Packing => AT_THE_PROVIDER,
            Self::NotUtf8 => "Let the provider write XML 1.0 in UTF-8",
            Self::Comment => COMMENT,
            Self::AssertionCount => "Let the provider send one assertion in a response, not inside another one",
            Self::Unsigned => UNSIGNED,
            Self::LogoutUnsigned => "Switch on signing of logout messages at the provider",
            Self::Transform => TRANSFORM,
            Self::Sha1 => SHA_1,
            Self::SignatureAlgorithm => SIGNATURE_ALGORITHM,
            Self::Digest => DIGEST,
            Self::Signature => SIGNATURE,
            Self::NoKeys => NO_KEYS,
            Self::KeyTransport => KEY_TRANSPORT,
            Self::ContentCipher => "Choose AES-128 or AES-256, GCM or CBC, as encryption algorithm at the provider",
            Self::Decryption => DECRYPTION,
            Self::Status(_) => STATUS,
            Self::Issuer => ISSUER,
            Self::Destination | Self::Recipient => DESTINATION,
            Self::InResponseTo => IN_RESPONSE_TO,
            Self::TooOld(_) | Self::NotYetValid(_) | Self::Expired(_) => TOO_OLD,
            Self::Audience => AUDIENCE,
            Self::SubjectConfirmation => SUBJECT_CONFIRMATION,
            Self::NoAuthentication => "Let the provider send an AuthnStatement with the assertion",
            Self::StaleAuthentication => STALE_AUTHENTICATION,
            Self::SubjectMissing => SUBJECT_MISSING,
            Self::SubjectUnusable => SUBJECT_UNUSABLE,
            Self::SubjectTransient => SUBJECT_TRANSIENT,
            Self::SubjectEncrypted => "Let the provider encrypt the whole assertion instead of the NameID",
            Self::EmailAmbiguous => "Map one e-mail address a person at the provider",
            Self::EmailUnusable => "Map a plain e-mail address with one `@` and a domain in ASCII at the provider",
            Self::AttributeUnusable => ATTRIBUTE_UNUSABLE,
            Self::OwnKey => "Make new SAML keys for this connection",
            Self::Metadata(error) => error.remedy(),
        }
    }
}
