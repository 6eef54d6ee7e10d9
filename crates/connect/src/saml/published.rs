//! What we say about ourselves to a provider. Providers act on it: without `WantAssertionsSigned` some stop signing, and
//! without a key for encryption some fail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::keys::SpKeys;
use super::names::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, ENCRYPTION_11, METADATA, MGF1_SHA256, OAEP, OAEP_MGF1P, POST,
    PROTOCOL, REDIRECT, SHA1, SHA256, SIGNATURE,
};
use super::writer::Writer;

/// Our metadata for one connection: entity id, where responses are posted to, where logout messages go, and every
/// certificate. It does not expire; providers that fetch it may look again each hour.
#[must_use]
pub fn sp_metadata(entity_id: &str, acs: &str, slo: &str, keys: &SpKeys) -> String {
    let mut xml = Writer::default();
    xml.open(
        "md:EntityDescriptor",
        &[("xmlns:md", Some(METADATA)), ("cacheDuration", Some("PT1H")), ("entityID", Some(entity_id))],
    );
    xml.open(
        "md:SPSSODescriptor",
        &[
            ("AuthnRequestsSigned", Some("true")),
            ("WantAssertionsSigned", Some("true")),
            ("protocolSupportEnumeration", Some(PROTOCOL)),
        ],
    );
    for certificate in &keys.signing_certificates {
        xml.open("md:KeyDescriptor", &[("use", Some("signing"))]);
        key_info(&mut xml, certificate);
        xml.close("md:KeyDescriptor");
    }
    xml.open("md:KeyDescriptor", &[("use", Some("encryption"))]);
    key_info(&mut xml, &keys.encryption_certificate);
    encryption_methods(&mut xml);
    xml.close("md:KeyDescriptor");
    for binding in [REDIRECT, POST] {
        xml.leaf("md:SingleLogoutService", &[("Binding", Some(binding)), ("Location", Some(slo))], "");
    }
    xml.leaf(
        "md:AssertionConsumerService",
        &[("Binding", Some(POST)), ("Location", Some(acs)), ("index", Some("0")), ("isDefault", Some("true"))],
        "",
    );
    xml.close("md:SPSSODescriptor").close("md:EntityDescriptor").done()
}

fn key_info(xml: &mut Writer, certificate: &[u8]) {
    xml.open("ds:KeyInfo", &[("xmlns:ds", Some(SIGNATURE))])
        .open("ds:X509Data", &[])
        .leaf("ds:X509Certificate", &[], &STANDARD.encode(certificate))
        .close("ds:X509Data")
        .close("ds:KeyInfo");
}

/// What we decrypt, the best first.
fn encryption_methods(xml: &mut Writer) {
    for cipher in [AES256_GCM, AES128_GCM, AES256_CBC, AES128_CBC] {
        xml.leaf("md:EncryptionMethod", &[("Algorithm", Some(cipher))], "");
    }
    let hash = |xml: &mut Writer, name| {
        xml.leaf("ds:DigestMethod", &[("xmlns:ds", Some(SIGNATURE)), ("Algorithm", Some(name))], "");
    };
    xml.open("md:EncryptionMethod", &[("Algorithm", Some(OAEP))]);
    hash(xml, SHA256);
    xml.leaf("xenc11:MGF", &[("xmlns:xenc11", Some(ENCRYPTION_11)), ("Algorithm", Some(MGF1_SHA256))], "");
    xml.close("md:EncryptionMethod");
    xml.open("md:EncryptionMethod", &[("Algorithm", Some(OAEP_MGF1P))]);
    hash(xml, SHA1);
    xml.close("md:EncryptionMethod");
}
