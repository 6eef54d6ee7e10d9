//! From what a response says to the text that is posted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::{Draft, Typed};
use super::encrypt::Sealed;
use super::settings::{Encrypt, Sign};
use super::signature::Signer;

/// How a response is signed and encrypted.
pub(crate) struct Manner<'a> {
    /// `None` signs nothing.
    pub(crate) sign: Option<Sign>,
    pub(crate) signer: Signer,
    pub(crate) encrypt: Option<&'a Encrypt>,
}

impl Draft {
    /// A signer who writes as the document does.
    pub(crate) fn signer(&self, signer: Signer) -> Signer {
        let prefixes = match self.assertion.typed {
            Typed::Protected(_) => Some("xs"),
            Typed::No | Typed::Loose(_) => None,
        };
        Signer { space: self.envelope.spaces.signature, prefixes, ..signer }
    }

    /// The whole response as XML. It is empty, which nobody accepts, if encrypting fails.
    pub(crate) fn compose(&self, manner: &Manner<'_>) -> String {
        let signer = self.signer(manner.signer.clone());
        let unsigned = self.assertion.unsigned();
        let assertion = match manner.sign {
            Some(Sign::Assertion | Sign::Both) => unsigned.signed(&signer),
            Some(Sign::Response) | None => unsigned.plain(),
        };
        let content = match manner.encrypt {
            None => assertion,
            Some(how) => match Sealed::new(self.assertion.loosened(&assertion).as_bytes(), how) {
                Ok(sealed) => sealed.element(self.envelope.spaces.assertion),
                Err(_) => return String::new(),
            },
        };
        let response = self.envelope.around(&content);
        let text = match manner.sign {
            Some(Sign::Response | Sign::Both) => response.signed(&signer),
            Some(Sign::Assertion) | None => response.plain(),
        };
        self.assertion.loosened(&text)
    }
}

/// XML as the value of the form field `SAMLResponse` (SAML bindings §3.5.4).
pub(crate) fn posted(xml: impl AsRef<[u8]>) -> String {
    STANDARD.encode(xml)
}
