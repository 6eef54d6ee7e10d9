//! Why a provider's metadata was refused, or a certificate in it.

/// Why metadata or a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// No identity provider in the metadata.
    #[error("the metadata describes no identity provider of SAML 2.0")]
    NoProvider,
    /// Several identity providers, and none was chosen.
    #[error("the metadata describes several identity providers")]
    Several,
    /// The chosen one is not there, or there twice.
    #[error("the metadata does not describe this entity once")]
    Entity,
    /// Its time is over.
    #[error("the metadata is no longer valid")]
    Expired,
    /// An address that no browser may be sent to.
    #[error("an address in the metadata is not allowed")]
    Location,
    /// Nowhere to send the browser.
    #[error("the metadata names no address to sign in at")]
    NoBinding,
    /// No usable signing certificate.
    #[error("the metadata has no usable signing certificate")]
    NoKeys,
    /// Signing certificates, but all too weak.
    #[error("the keys in the metadata are too weak")]
    WeakKeys,
    /// Says that it signs with nothing that we accept.
    #[error("the metadata names no signing algorithm that is accepted")]
    Algorithm,

    /// A certificate that cannot be read.
    #[error("the certificate cannot be read")]
    CertificateUnreadable,
    /// RSA with fewer than 2,048 bits; how many.
    #[error("the certificate's RSA key has {0} bits")]
    WeakKey(u32),
    /// A key of another kind than RSA and P-256, P-384, P-521.
    #[error("the certificate's key is of a kind that is not accepted")]
    KeyKind,
}

impl MetadataError {
    /// A stable word for traces, audit and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoProvider => "metadata_no_provider",
            Self::Several => "metadata_several",
            Self::Entity => "metadata_entity",
            Self::Expired => "metadata_expired",
            Self::Location => "metadata_location",
            Self::NoBinding => "metadata_no_binding",
            Self::NoKeys => "metadata_no_keys",
            Self::WeakKeys => "metadata_weak_keys",
            Self::Algorithm => "metadata_algorithm",
            Self::CertificateUnreadable => "certificate_unreadable",
            Self::WeakKey(_) => "weak_key",
            Self::KeyKind => "key_kind",
        }
    }

    /// What to change at the provider, in whole sentences without the final stop.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoProvider => "Take the metadata of the identity provider, not of a service, and of SAML 2.0",
            Self::Several => "Choose one of the identity providers in the metadata by its entity id",
            Self::Entity => "Choose an entity id that stands in the metadata, once",
            Self::Expired => "Load newer metadata from the provider",
            Self::Location => "Let the provider offer its sign-in and sign-out at https addresses",
            Self::NoBinding => "Let the provider offer sign-in by HTTP-Redirect or HTTP-POST",
            Self::NoKeys => {
                "Load metadata that holds the provider's signing certificate (a KeyDescriptor for signing with an X509Certificate)"
            }
            Self::WeakKeys | Self::WeakKey(_) => {
                "Let the provider sign with an RSA key of at least 2,048 bits, and load its metadata again"
            }
            Self::Algorithm => "Switch the provider from SHA-1 to RSA-SHA256, and load its metadata again",
            Self::CertificateUnreadable => "Take the certificate anew from the provider, whole, as X.509",
            Self::KeyKind => "Let the provider sign with RSA, or with ECDSA on P-256, P-384 or P-521",
        }
    }
}
