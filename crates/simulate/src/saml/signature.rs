//! XML signatures as SAML core §5.4 profiles them: one reference to the parent, the enveloped-signature
//! transform, exclusive canonicalization. Every part can be replaced, so that forgeries are built of
//! the same pieces as the true ones.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::keys::{Key, SignatureMethod};
use super::xml::{DS, ENVELOPED, EXCLUSIVE, Space};

/// How a reference is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// The algorithm's URI.
    pub(crate) fn uri(self) -> &'static str {
        match self {
            Digest::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Digest::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Digest::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Digest::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The hash as base64.
    pub(crate) fn of(self, text: &str) -> String {
        let algorithm = match self {
            Digest::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Digest::Sha256 => &digest::SHA256,
            Digest::Sha384 => &digest::SHA384,
            Digest::Sha512 => &digest::SHA512,
        };
        STANDARD.encode(digest::digest(algorithm, text.as_bytes()))
    }
}

/// An element that has no signature yet: its text before and after the place where one belongs.
#[derive(Clone)]
pub(crate) struct Unsigned {
    pub(crate) id: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Unsigned {
    /// The element without a signature, which is also what a reference to it digests.
    pub(crate) fn plain(&self) -> String {
        self.holding("")
    }

    /// The element with this markup where the signature belongs.
    pub(crate) fn holding(&self, signature: &str) -> String {
        format!("{}{signature}{}", self.before, self.after)
    }

    /// The element signed.
    pub(crate) fn signed(&self, signer: &Signer) -> String {
        self.holding(&Skeleton::over(self, signer).signed(signer))
    }
}

/// Who signs, and how.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key: Arc<Key>,
    pub(crate) method: SignatureMethod,
    pub(crate) digest: Digest,
    /// The namespace of signatures under the prefix that the document uses.
    pub(crate) space: Space,
    /// The `PrefixList` of inclusive namespaces, for values typed `xs:…`.
    pub(crate) prefixes: Option<&'static str>,
    /// Whether the certificate is sent along.
    pub(crate) certificate: bool,
}

impl Signer {
    /// A signer as most providers are: SHA-256 throughout, prefix `ds`, the certificate sent along.
    pub(crate) fn new(key: Arc<Key>) -> Signer {
        let method = key.method();
        Signer { key, method, digest: Digest::Sha256, space: DS, prefixes: None, certificate: true }
    }

    fn key_info(&self) -> String {
        if self.certificate { key_info(self.space, &[&certificate(self.space, &self.key)]) } else { String::new() }
    }
}

/// The parts of a signature before it has a value, each as markup in canonical form.
#[derive(Clone)]
pub(crate) struct Skeleton {
    pub(crate) space: Space,
    pub(crate) canonicalization: String,
    pub(crate) method: String,
    pub(crate) references: Vec<String>,
    /// `KeyInfo` and what may follow it.
    pub(crate) rest: String,
}

impl Skeleton {
    /// The signature that the profile demands over this element.
    pub(crate) fn over(element: &Unsigned, signer: &Signer) -> Skeleton {
        Skeleton::with_references(vec![reference_to(element, signer)], signer)
    }

    /// The same with these references.
    pub(crate) fn with_references(references: Vec<String>, signer: &Signer) -> Skeleton {
        let space = signer.space;
        Skeleton {
            space,
            canonicalization: space.inner("CanonicalizationMethod").with("Algorithm", EXCLUSIVE).write(),
            method: method(space, signer.method.uri()),
            references,
            rest: signer.key_info(),
        }
    }

    /// What `SignedInfo` contains.
    fn content(&self) -> String {
        format!("{}{}{}", self.canonicalization, self.method, self.references.concat())
    }

    /// The canonical form of `SignedInfo`, which is what is signed.
    pub(crate) fn canonical(&self) -> String {
        self.space.outer("SignedInfo").holds(&self.content()).write()
    }

    /// `SignedInfo` as it stands within a signature.
    pub(crate) fn signed_info(&self) -> String {
        self.space.inner("SignedInfo").holds(&self.content()).write()
    }

    /// The signature.
    pub(crate) fn signed(&self, signer: &Signer) -> String {
        self.with_value(&signer.key.sign(signer.method, self.canonical().as_bytes()))
    }

    /// The signature with this value, whoever made it.
    pub(crate) fn with_value(&self, value: &[u8]) -> String {
        self.around(&self.signed_info(), value)
    }

    /// The signature around another `SignedInfo` than that of the parts.
    pub(crate) fn around(&self, signed_info: &str, value: &[u8]) -> String {
        let value = self.space.inner("SignatureValue").text(&STANDARD.encode(value)).write();
        self.space.outer("Signature").holds(signed_info).holds(&value).holds(&self.rest).write()
    }
}

/// The one reference of the profile.
pub(crate) fn reference_to(element: &Unsigned, signer: &Signer) -> String {
    let uri = format!("#{}", element.id);
    let transforms = transforms(signer.space, &[&enveloped(signer.space), &exclusive(signer)]);
    reference(signer.space, Some(&uri), &transforms, signer.digest, &signer.digest.of(&element.plain()))
}

/// Any reference.
pub(crate) fn reference(space: Space, uri: Option<&str>, transforms: &str, digest: Digest, value: &str) -> String {
    let method = space.inner("DigestMethod").with("Algorithm", digest.uri()).write();
    let value = space.inner("DigestValue").text(value).write();
    space.inner("Reference").with_some("URI", uri).holds(transforms).holds(&method).holds(&value).write()
}

/// A list of transforms.
pub(crate) fn transforms(space: Space, each: &[&str]) -> String {
    space.inner("Transforms").holds(&each.concat()).write()
}

/// One transform by its algorithm, with content.
pub(crate) fn transform(space: Space, algorithm: &str, content: &str) -> String {
    space.inner("Transform").with("Algorithm", algorithm).holds(content).write()
}

/// The enveloped-signature transform.
pub(crate) fn enveloped(space: Space) -> String {
    transform(space, ENVELOPED, "")
}

/// Exclusive canonicalization as a transform.
pub(crate) fn exclusive(signer: &Signer) -> String {
    let inclusive = signer.prefixes.map(|prefixes| {
        let space = Space { prefix: "ec", uri: EXCLUSIVE };
        space.outer("InclusiveNamespaces").with("PrefixList", prefixes).write()
    });
    transform(signer.space, EXCLUSIVE, &inclusive.unwrap_or_default())
}

/// `SignatureMethod` by its algorithm.
pub(crate) fn method(space: Space, uri: &str) -> String {
    space.inner("SignatureMethod").with("Algorithm", uri).write()
}

/// `KeyInfo` around its parts.
pub(crate) fn key_info(space: Space, parts: &[&str]) -> String {
    space.inner("KeyInfo").holds(&parts.concat()).write()
}

/// `X509Data` with one certificate.
pub(crate) fn certificate(space: Space, key: &Key) -> String {
    let certificate = space.inner("X509Certificate").text(&key.certificate_text()).write();
    space.inner("X509Data").holds(&certificate).write()
}
