//! What the provider publishes about itself (SAML metadata §2.4.3).

use std::sync::Arc;

use super::keys::{Key, KeyKind};
use super::modes::MetadataMode;
use super::settings::SamlProviderSettings;
use super::shapes::Shape;
use super::signature::{certificate, key_info};
use super::time::instant;
use super::xml::{DS, Element, INSTANCE, METADATA, PROTOCOL, Space};

const MD: Space = Space { prefix: "md", uri: METADATA };
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// The metadata, wrong in these ways.
pub(crate) fn metadata(
    settings: &SamlProviderSettings,
    shape: Shape,
    keys: &[Arc<Key>],
    modes: &[MetadataMode],
) -> String {
    let now = (settings.now)();
    let mut published: Vec<String> = keys.iter().map(|key| descriptor_of(key)).collect();
    let mut entity = settings.entity_id.clone();
    let mut sign_on = settings.endpoint("/sso");
    let mut valid_until = None;
    let (mut prologue, mut padding, mut aggregate) = ("", String::new(), false);
    for mode in modes {
        match mode {
            MetadataMode::NoKeys => published.clear(),
            MetadataMode::WeakKey => {
                let weak = Key::generate(KeyKind::Rsa1024, &settings.entity_id, now);
                published = weak.iter().map(descriptor_of).collect();
            }
            MetadataMode::KeysWithoutUse => reuse(&mut published, ""),
            MetadataMode::EncryptionKeysOnly => reuse(&mut published, " use=\"encryption\""),
            MetadataMode::ScriptUrl => sign_on = "javascript:alert(document.domain)".to_owned(),
            MetadataMode::Expired => valid_until = Some(instant(now - 86_400)),
            MetadataMode::Doctype => prologue = "<!DOCTYPE md:EntityDescriptor>",
            MetadataMode::Entity(other) => entity.clone_from(other),
            MetadataMode::Aggregate => aggregate = true,
            MetadataMode::Huge => padding = " ".repeat(50 * 1024 * 1024),
            MetadataMode::Status(_) => {}
        }
    }
    let describe = |space: Element, entity: &str| {
        space
            .with("entityID", entity)
            .with_some("validUntil", valid_until.as_deref())
            .holds(&federation(shape))
            .holds(&role(settings, &published, &sign_on))
            .holds(&padding)
            .write()
    };
    let body = if aggregate {
        let first = describe(MD.inner("EntityDescriptor"), "https://first.example/saml");
        let second = describe(MD.inner("EntityDescriptor"), &entity);
        MD.outer("EntitiesDescriptor").holds(&first).holds(&second).write()
    } else {
        describe(MD.outer("EntityDescriptor"), &entity)
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{prologue}{body}")
}

/// The role of an identity provider.
fn role(settings: &SamlProviderSettings, keys: &[String], sign_on: &str) -> String {
    let service = |kind: &str, binding: &str, address: &str| {
        MD.inner(kind).with("Binding", binding).with("Location", address).write()
    };
    let sign_out = settings.endpoint("/slo");
    let format = MD.inner("NameIDFormat").text("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified").write();
    MD.inner("IDPSSODescriptor")
        .with("WantAuthnRequestsSigned", "false")
        .with("protocolSupportEnumeration", PROTOCOL)
        .holds(&keys.concat())
        .holds(&service("SingleLogoutService", REDIRECT, &sign_out))
        .holds(&service("SingleLogoutService", POST, &sign_out))
        .holds(&format)
        .holds(&service("SingleSignOnService", REDIRECT, sign_on))
        .holds(&service("SingleSignOnService", POST, sign_on))
        .write()
}

/// Says something else about what the keys are for.
fn reuse(published: &mut [String], usage: &str) {
    for descriptor in published {
        *descriptor = descriptor.replacen(" use=\"signing\"", usage, 1);
    }
}

fn descriptor_of(key: &Key) -> String {
    let info = key_info(DS, &[&certificate(DS, key)]);
    let info = info.replacen("<ds:KeyInfo>", &DS.outer("KeyInfo").opening(), 1);
    MD.inner("KeyDescriptor").with("use", "signing").holds(&info).write()
}

/// The WS-Federation role that Microsoft's products publish in the same document.
fn federation(shape: Shape) -> String {
    match shape {
        Shape::Entra | Shape::EntraOverage | Shape::AdFs => MD
            .inner("RoleDescriptor")
            .declares("fed", "http://docs.oasis-open.org/wsfed/federation/200706")
            .declares("xsi", INSTANCE)
            .with("protocolSupportEnumeration", "http://docs.oasis-open.org/wsfed/federation/200706")
            .with("xsi:type", "fed:SecurityTokenServiceType")
            .write(),
        Shape::Generic
        | Shape::Okta
        | Shape::Google
        | Shape::Ping
        | Shape::OneLogin
        | Shape::Shibboleth
        | Shape::Keycloak => String::new(),
    }
}
