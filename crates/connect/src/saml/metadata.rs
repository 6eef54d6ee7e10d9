//! What an identity provider says about itself: the only source of keys and addresses. It is trusted because an admin
//! brought it or the address it is fetched from; it passes the same gate as everything else.

use cardea_model::Timestamp;
use url::Url;

use super::certificate::{Certificate, Method};
use super::error::SamlError;
use super::gate::{self, AGGREGATE, ONE_ENTITY};
use super::metadata_error::MetadataError;
use super::names::{ALGORITHMS, METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE};
use super::time;
use super::tree::{Node, Xml};

/// More signing certificates than this serve only to make work.
const CERTIFICATES_MOST: usize = 16;
/// A longer entity id is none (SAML core §8.3.6).
const ENTITY_ID_MOST: usize = 1_024;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// In the query of a redirect.
    Redirect,
    /// In a form that the browser posts.
    Post,
}

/// Where browsers may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To https addresses only.
    Https,
    /// To plain http on this machine too, for development.
    HttpsOrLoopback,
}

/// An address of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How it is spoken to.
    pub binding: Binding,
    /// Where requests go.
    pub location: Url,
    /// Where answers go, if elsewhere (logout only).
    pub response_location: Option<Url>,
    /// `location` to the letter, as the provider compares it.
    pub(super) written: String,
    /// `response_location` to the letter.
    pub(super) response_written: Option<String>,
}

impl Endpoint {
    /// Where answers go, and to the letter.
    pub(super) fn for_answers(&self) -> (&Url, &str) {
        match (&self.response_location, &self.response_written) {
            (Some(location), Some(written)) => (location, written),
            _ => (&self.location, &self.written),
        }
    }
}

/// One identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpMetadata {
    /// Its name, compared to the letter.
    pub entity_id: String,
    /// Where it signs people in; at least one.
    pub sso: Vec<Endpoint>,
    /// Where it signs people out.
    pub slo: Vec<Endpoint>,
    /// Its signing keys; at least one.
    pub certificates: Vec<Certificate>,
    /// From then on nothing of this holds.
    pub valid_until: Option<Timestamp>,
    /// It demands signed requests; ours always are.
    pub want_requests_signed: bool,
    /// What was passed over, in words for an admin.
    pub skipped: Vec<String>,
}

impl IdpMetadata {
    /// Reads metadata of one entity (at most 1 MiB) or of many (at most 8 MiB); `entity` chooses one of many.
    ///
    /// # Errors
    /// A variant per cause: it cannot be read, describes no provider or several, is over, or is too weak to be safe.
    pub fn read(xml: &str, entity: Option<&str>, reach: Reach, now: Timestamp) -> Result<Self, SamlError> {
        let xml = parse(xml)?;
        let mut providers = Vec::new();
        collect(xml.root(), None, &mut providers)?;
        let mut fitting = providers.iter().filter(|provider| entity.is_none_or(|id| provider.entity_id == id));
        let Some(chosen) = fitting.next() else {
            let error = if providers.is_empty() { MetadataError::NoProvider } else { MetadataError::Entity };
            return Err(error.into());
        };
        if fitting.next().is_some() {
            let error = if entity.is_some() { MetadataError::Entity } else { MetadataError::Several };
            return Err(error.into());
        }
        chosen.read(reach, now)
    }

    /// The entity ids of all identity providers in the metadata, in its order.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn entities(xml: &str) -> Result<Vec<String>, SamlError> {
        let xml = parse(xml)?;
        let mut providers = Vec::new();
        collect(xml.root(), None, &mut providers)?;
        Ok(providers.into_iter().map(|provider| provider.entity_id.to_owned()).collect())
    }

    /// The address for signing in by this binding.
    pub(super) fn sso_by(&self, binding: Binding) -> Result<&Endpoint, SamlError> {
        self.sso.iter().find(|endpoint| endpoint.binding == binding).ok_or(MetadataError::NoBinding.into())
    }

    /// The address for signing out by redirect.
    pub(super) fn slo_by_redirect(&self) -> Result<&Endpoint, SamlError> {
        let mut fitting = self.slo.iter().filter(|endpoint| endpoint.binding == Binding::Redirect);
        fitting.next().ok_or(MetadataError::NoBinding.into())
    }

    /// The keys, if there are any and the metadata still holds. Without keys nothing is accepted, rather than everything.
    pub(super) fn usable(&self, now: Timestamp) -> Result<&[Certificate], SamlError> {
        if self.valid_until.is_some_and(|end| end <= now) {
            return Err(MetadataError::Expired.into());
        }
        if self.certificates.is_empty() { Err(SamlError::NoKeys) } else { Ok(&self.certificates) }
    }
}

fn parse(text: &str) -> Result<Xml, SamlError> {
    let xml = gate::parse(text, &AGGREGATE)?;
    if xml.root().is(METADATA, "EntityDescriptor") && text.len() > ONE_ENTITY.bytes {
        return Err(SamlError::TooLarge);
    }
    Ok(xml)
}

/// An identity provider of SAML 2.0 among the entities.
struct Provider<'d> {
    entity_id: &'d str,
    entity: Node<'d>,
    role: Node<'d>,
    valid_until: Option<Timestamp>,
}

/// Every provider in `node` and below; what holds of a group holds of its members.
fn collect<'d>(node: Node<'d>, outer: Option<Timestamp>, all: &mut Vec<Provider<'d>>) -> Result<(), SamlError> {
    let valid_until = earlier(outer, node)?;
    if node.is(METADATA, "EntitiesDescriptor") {
        for member in node.elements() {
            if member.is(METADATA, "EntitiesDescriptor") || member.is(METADATA, "EntityDescriptor") {
                collect(member, valid_until, all)?;
            }
        }
        return Ok(());
    }
    if !node.is(METADATA, "EntityDescriptor") {
        return Err(MetadataError::NoProvider.into());
    }
    let of_saml_2 = |role: &Node<'_>| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    if let Some(role) = node.named(METADATA, "IDPSSODescriptor").find(of_saml_2) {
        let entity_id = node.attribute("entityID").filter(|id| !id.trim().is_empty() && id.len() <= ENTITY_ID_MOST);
        let entity_id = entity_id.ok_or(SamlError::Shape("entityID"))?;
        all.push(Provider { entity_id, entity: node, role, valid_until: earlier(valid_until, role)? });
    }
    Ok(())
}

fn earlier(outer: Option<Timestamp>, node: Node<'_>) -> Result<Option<Timestamp>, SamlError> {
    Ok([outer, time::of(node, "validUntil")?].into_iter().flatten().min())
}

impl Provider<'_> {
    fn read(&self, reach: Reach, now: Timestamp) -> Result<IdpMetadata, SamlError> {
        if self.valid_until.is_some_and(|end| end <= now) {
            return Err(MetadataError::Expired.into());
        }
        algorithms(self.entity)?;
        algorithms(self.role)?;
        let sso = endpoints(self.role, "SingleSignOnService", reach)?;
        if sso.is_empty() {
            return Err(MetadataError::NoBinding.into());
        }
        let mut skipped = Vec::new();
        let certificates = certificates(self.role, &mut skipped)?;
        Ok(IdpMetadata {
            entity_id: self.entity_id.to_owned(),
            sso,
            slo: endpoints(self.role, "SingleLogoutService", reach)?,
            certificates,
            valid_until: self.valid_until,
            want_requests_signed: matches!(self.role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
            skipped,
        })
    }
}

/// Fails if algorithms are listed and none of them is accepted.
fn algorithms(holder: Node<'_>) -> Result<(), SamlError> {
    let listed = holder.named(METADATA, "Extensions").flat_map(|all| all.named(ALGORITHMS, "SigningMethod"));
    let mut listed = listed.peekable();
    let known = |method: Node<'_>| method.attribute("Algorithm").is_some_and(|name| Method::named(name).is_ok());
    if listed.peek().is_none() || listed.any(known) { Ok(()) } else { Err(MetadataError::Algorithm.into()) }
}

/// The endpoints that a browser can be sent to; other bindings are passed over, but no bad address is.
fn endpoints(role: Node<'_>, name: &'static str, reach: Reach) -> Result<Vec<Endpoint>, MetadataError> {
    let mut all = Vec::new();
    for service in role.named(METADATA, name) {
        let binding = match service.attribute("Binding") {
            Some(REDIRECT) => Binding::Redirect,
            Some(POST) => Binding::Post,
            _ => continue,
        };
        let written = service.attribute("Location").ok_or(MetadataError::Location)?;
        let response_written = service.attribute("ResponseLocation");
        all.push(Endpoint {
            binding,
            location: address(written, reach)?,
            response_location: response_written.map(|text| address(text, reach)).transpose()?,
            written: written.to_owned(),
            response_written: response_written.map(str::to_owned),
        });
    }
    Ok(all)
}

fn address(text: &str, reach: Reach) -> Result<Url, MetadataError> {
    let url = Url::parse(text).map_err(|_| MetadataError::Location)?;
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let scheme = url.scheme() == "https" || url.scheme() == "http" && loopback && reach == Reach::HttpsOrLoopback;
    let plain = url.has_host() && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if scheme && plain && text.len() <= 2_048 { Ok(url) } else { Err(MetadataError::Location) }
}

/// Every usable signing certificate. A key whose use is not said serves for signing too (SAML metadata §2.4.1.1).
fn certificates(role: Node<'_>, skipped: &mut Vec<String>) -> Result<Vec<Certificate>, SamlError> {
    let mut good: Vec<Certificate> = Vec::new();
    let mut weak = false;
    for descriptor in role.named(METADATA, "KeyDescriptor") {
        if !matches!(descriptor.attribute("use"), None | Some("signing")) {
            continue;
        }
        let data = descriptor.named(SIGNATURE, "KeyInfo").flat_map(|info| info.named(SIGNATURE, "X509Data"));
        let mut found = data.flat_map(|data| data.named(SIGNATURE, "X509Certificate")).peekable();
        if found.peek().is_none() {
            skipped.push("a signing key without a certificate was passed over".to_owned());
        }
        for written in found {
            let der = written.text().and_then(|text| gate::base64(&text)).ok_or(MetadataError::CertificateUnreadable);
            match der.and_then(Certificate::read) {
                Ok(certificate) if good.contains(&certificate) => {}
                Ok(certificate) if good.len() < CERTIFICATES_MOST => good.push(certificate),
                Ok(_) => return Err(SamlError::TooComplex),
                Err(error) => {
                    weak |= matches!(error, MetadataError::WeakKey(_));
                    skipped.push(format!("a signing certificate was passed over: {error}"));
                }
            }
        }
    }
    match (good.is_empty(), weak) {
        (false, _) => Ok(good),
        (true, true) => Err(MetadataError::WeakKeys.into()),
        (true, false) => Err(MetadataError::NoKeys.into()),
    }
}
