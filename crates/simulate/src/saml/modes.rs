//! Everything that the provider can be told to do wrong while it runs; the catalogue of attacks is a
//! separate thing, see [`super::attacks`].

use super::document::Draft;
use super::keys::SignatureMethod;
use super::shapes::{Shape, guid};
use super::signature::{Digest, Signer};
use super::time::instant;

/// One way of misbehaving; modes add up until [`super::SamlProvider::behave`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The response is wrong.
    Response(ResponseMode),
    /// The metadata is wrong.
    Metadata(MetadataMode),
}

impl From<ResponseMode> for Mode {
    fn from(mode: ResponseMode) -> Mode {
        Mode::Response(mode)
    }
}

impl From<MetadataMode> for Mode {
    fn from(mode: MetadataMode) -> Mode {
        Mode::Metadata(mode)
    }
}

/// What is wrong with a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// Nothing is signed.
    Unsigned,
    /// A key signs that nobody published.
    RogueKey,
    /// Signature and digest use SHA-1, as old installations do.
    Sha1,
    /// The NameID is changed after signing.
    TamperedNameId,
    /// Response and assertion name another issuer.
    WrongIssuer,
    /// The assertion is meant for another service.
    WrongAudience,
    /// The bearer may show it elsewhere only.
    WrongRecipient,
    /// The response is addressed elsewhere.
    WrongDestination,
    /// It answers another request.
    WrongInResponseTo,
    /// It answers no request.
    Unsolicited,
    /// The provider's clock is behind by so many seconds, or ahead if negative.
    ClockBehindBy(i64),
    /// The person signed in so many seconds ago, whatever the request demanded.
    OldSession(i64),
    /// The session ends in so many seconds.
    SessionEndsIn(i64),
    /// No NameID, as AD FS without a rule.
    NoNameId,
    /// No groups.
    NoGroups,
    /// This person is in too many groups: Entra ID's link instead of them.
    Overage,
    /// The sign-in failed with these status codes, the outermost first.
    Refuses(Vec<String>),
}

/// What is wrong with the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataMode {
    /// No certificate at all.
    NoKeys,
    /// Only a certificate of 1024 bits.
    WeakKey,
    /// Certificates without a `use`, which are for signing as well.
    KeysWithoutUse,
    /// Certificates for encryption only.
    EncryptionKeysOnly,
    /// The sign-on address is a script.
    ScriptUrl,
    /// It was valid until yesterday.
    Expired,
    /// It begins with a document type.
    Doctype,
    /// It is of this entity instead.
    Entity(String),
    /// Two entities in one document, ours the second.
    Aggregate,
    /// 50 MiB of blanks stand before its end.
    Huge,
    /// The answer has this status and no metadata.
    Status(u16),
}

impl ResponseMode {
    /// What is wrong with what is said.
    pub(crate) fn spoil_draft(&self, draft: &mut Draft, now: i64) {
        match self {
            ResponseMode::WrongIssuer => {
                draft.envelope.issuer = Some("https://other-idp.example".to_owned());
                draft.assertion.issuer = draft.envelope.issuer.clone();
            }
            ResponseMode::WrongAudience => {
                draft.conditions(|said| said.audiences = vec![vec!["https://other-service.example".to_owned()]]);
            }
            ResponseMode::WrongRecipient => {
                draft.confirmation(|said| said.recipient = Some("https://other-service.example/acs".to_owned()));
            }
            ResponseMode::WrongDestination => {
                draft.envelope.destination = Some("https://other-service.example/acs".to_owned());
            }
            ResponseMode::WrongInResponseTo => draft.answer(Some("_a-request-that-nobody-made")),
            ResponseMode::Unsolicited => draft.answer(None),
            ResponseMode::OldSession(seconds) => draft.authentication(|said| said.instant = instant(now - seconds)),
            ResponseMode::SessionEndsIn(seconds) => {
                draft.authentication(|said| said.session_until = Some(instant(now + seconds)));
            }
            ResponseMode::NoNameId => draft.assertion.name_id = None,
            ResponseMode::NoGroups => {
                draft.assertion.attributes.retain(|attribute| !is_groups(&attribute.name));
            }
            ResponseMode::Overage => {
                let assertion = &mut draft.assertion;
                assertion.attributes.retain(|attribute| !is_groups(&attribute.name));
                let link = format!("https://graph.windows.net/{}/users/x/getMemberObjects", guid("tenant"));
                if let Some(mut first) = assertion.attributes.first().cloned() {
                    first.name = "http://schemas.microsoft.com/claims/groups.link".to_owned();
                    first.values = vec![link];
                    assertion.attributes.push(first);
                }
            }
            ResponseMode::Refuses(_)
            | ResponseMode::Unsigned
            | ResponseMode::RogueKey
            | ResponseMode::Sha1
            | ResponseMode::TamperedNameId
            | ResponseMode::ClockBehindBy(_) => {}
        }
    }

    /// The status codes with which the sign-in fails.
    pub(crate) fn refusal(&self) -> Option<&Vec<String>> {
        if let ResponseMode::Refuses(codes) = self { Some(codes) } else { None }
    }

    /// Seconds that the clock is behind.
    pub(crate) fn clock_behind(&self) -> i64 {
        if let ResponseMode::ClockBehindBy(seconds) = self { *seconds } else { 0 }
    }

    /// What is wrong with the signature, apart from its key.
    pub(crate) fn spoil_signer(&self, signer: &mut Signer) {
        if *self == ResponseMode::Sha1 {
            signer.method = SignatureMethod::RsaSha1;
            signer.digest = Digest::Sha1;
        }
    }
}

/// Whether some shape calls the groups so.
fn is_groups(name: &str) -> bool {
    Shape::ALL.iter().any(|shape| shape.attributes().groups == name)
}
