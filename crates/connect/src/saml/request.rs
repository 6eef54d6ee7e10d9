//! The request that a browser takes to the provider. It is always signed; where that is not asked for it does no harm.

use cardea_model::Timestamp;

use super::names::{ASSERTION, POST, PROTOCOL};
use super::writer::Writer;
use super::{SamlSettings, time};
use crate::connector::Flow;

/// The id of the request of a flow: an id may not begin with a digit, and the flow's state can.
pub(super) fn id(flow: &Flow) -> String {
    format!("_{}", flow.state)
}

/// Whether the person has to prove anew who they are.
pub(super) fn is_forced(flow: &Flow) -> bool {
    flow.prompt == Some("login")
}

/// An AuthnRequest (SAML core §3.4.1), canonical. It asks for no authentication context, which makes some providers
/// refuse, and for no format of the NameID unless the connection says one.
pub(super) fn authentication(settings: &SamlSettings, flow: &Flow, destination: &str, now: Timestamp) -> String {
    let (id, at) = (id(flow), time::written(now));
    let mut xml = Writer::default();
    xml.open(
        "samlp:AuthnRequest",
        &[
            ("xmlns:samlp", Some(PROTOCOL)),
            ("AssertionConsumerServiceURL", Some(&settings.acs)),
            ("Destination", Some(destination)),
            ("ForceAuthn", is_forced(flow).then_some("true")),
            ("ID", Some(&id)),
            ("IssueInstant", Some(&at)),
            ("ProtocolBinding", Some(POST)),
            ("Version", Some("2.0")),
        ],
    );
    xml.leaf("saml:Issuer", &[("xmlns:saml", Some(ASSERTION))], &settings.entity_id);
    if let Some(format) = &settings.name_id_format {
        xml.leaf("samlp:NameIDPolicy", &[("AllowCreate", Some("true")), ("Format", Some(format))], "");
    }
    xml.close("samlp:AuthnRequest").done()
}
