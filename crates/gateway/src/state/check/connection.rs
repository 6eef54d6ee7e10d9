//! What is wrong with a connection.

use super::report::{Name, Report};
use crate::state::{Connection, Kind, Stage};
use cardea_model::name::domain;

/// What a sign-in by password is called, where a connection stands otherwise.
const LOCAL: &str = "password";

pub(super) fn check(report: &mut Report<'_>, path: &str, connection: &Connection) {
    let name_path = format!("{path}.name");
    report.label(&name_path, &connection.name);
    // `/login/password` is where passwords are typed: nobody could sign in through a connection of that name.
    if connection.name == LOCAL && connection.stage != Stage::Off {
        report.say(&name_path, format!("`{LOCAL}` is the name of signing in here, without a provider"));
    }
    report.unique(Name::Connection, &connection.name, &name_path);
    match connection.kind {
        Kind::Oidc => oidc(report, path, connection),
        Kind::Saml => saml(report, path, connection),
    }
    groups(report, path, connection);
    for (index, text) in connection.domains.iter().enumerate() {
        let path = format!("{path}.domains[{index}]");
        match domain(text) {
            Some(domain) => report.unique(Name::Domain, &domain, &path),
            None => report.say(&path, format!("`{text}` is no domain")),
        }
    }
}

fn oidc(report: &mut Report<'_>, path: &str, connection: &Connection) {
    match &connection.issuer {
        None => report.say(&format!("{path}.issuer"), "is needed for `kind: oidc`"),
        Some(issuer) => {
            report.address(&format!("{path}.issuer"), issuer);
            if names_no_tenant(issuer) {
                let what = "is shared by all of Entra ID's tenants; use your own, like \
                    `https://login.microsoftonline.com/{tenant id}/v2.0`";
                report.say(&format!("{path}.issuer"), what);
            }
        }
    }
    match &connection.client_id {
        None => report.say(&format!("{path}.client_id"), "is needed for `kind: oidc`"),
        Some(id) => report.filled(&format!("{path}.client_id"), id),
    }
    if let Some(claim) = &connection.subject_claim {
        report.filled(&format!("{path}.subject_claim"), claim);
    }
    if let Some(scopes) = &connection.scopes {
        for (index, scope) in scopes.iter().enumerate() {
            // RFC 6749 §3.3: one token; a space would smuggle in a second.
            if scope.is_empty() || !scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
                report.say(&format!("{path}.scopes[{index}]"), format!("`{scope}` is no scope"));
            }
        }
        if !scopes.iter().any(|scope| scope == "openid") {
            report.say(&format!("{path}.scopes"), "must have `openid`, without which there is no ID token");
        }
    }
    let others = [
        ("metadata", connection.metadata.is_some()),
        ("metadata_url", connection.metadata_url.is_some()),
        ("attributes", connection.attributes.is_some()),
        ("idp_initiated", connection.idp_initiated.is_some()),
    ];
    strangers(report, path, &others, "saml");
}

/// Whoever signs in there may come from any tenant, and their metadata states a template for an issuer.
fn names_no_tenant(issuer: &str) -> bool {
    let Some(path) = issuer.strip_prefix("https://login.microsoftonline.com/") else { return false };
    matches!(path.split('/').next(), Some("common" | "organizations" | "consumers"))
}

fn saml(report: &mut Report<'_>, path: &str, connection: &Connection) {
    match (&connection.metadata, &connection.metadata_url) {
        (None, None) => report.say(
            &format!("{path}.metadata"),
            "`metadata`, `metadata_file` or `metadata_url` is needed for `kind: saml`",
        ),
        (Some(_), Some(_)) => report.say(&format!("{path}.metadata_url"), "stands beside `metadata`; give one of them"),
        (Some(text), None) if !text.trim_start().starts_with('<') => {
            report.say(&format!("{path}.metadata"), "is no XML")
        }
        (Some(_), None) => {}
        (None, Some(url)) => report.address(&format!("{path}.metadata_url"), url),
    }
    let attributes = connection.attributes.iter();
    for (field, name) in attributes.flat_map(|names| {
        [
            ("subject", Some(&names.subject)),
            ("email", names.email.as_ref()),
            ("given_name", names.given_name.as_ref()),
            ("family_name", names.family_name.as_ref()),
            ("groups", names.groups.as_ref()),
        ]
    }) {
        if let Some(name) = name {
            report.filled(&format!("{path}.attributes.{field}"), name);
        }
    }
    let others = [
        ("client_id", connection.client_id.is_some()),
        ("client_secret", connection.client_secret.is_some()),
        ("token_auth", connection.token_auth.is_some()),
        ("scopes", connection.scopes.is_some()),
        ("response_mode", connection.response_mode.is_some()),
        ("subject_claim", connection.subject_claim.is_some()),
    ];
    strangers(report, path, &others, "oidc");
}

/// Settings of the other protocol: a sign that the kind is wrong.
fn strangers(report: &mut Report<'_>, path: &str, settings: &[(&str, bool)], kind: &str) {
    for (field, _) in settings.iter().filter(|(_, given)| *given) {
        report.say(&format!("{path}.{field}"), format!("belongs to `kind: {kind}`"));
    }
}

fn groups(report: &mut Report<'_>, path: &str, connection: &Connection) {
    let groups = &connection.groups;
    if groups.claim.is_some() && groups.pointer.is_some() {
        report.say(&format!("{path}.groups.pointer"), "stands beside `claim`; give one of them");
    }
    if let Some(claim) = &groups.claim {
        report.filled(&format!("{path}.groups.claim"), claim);
    }
    if let Some(pointer) = &groups.pointer {
        report.text(&format!("{path}.groups.pointer"), pointer, 1_000);
        if !pointer.starts_with('/') {
            report.say(
                &format!("{path}.groups.pointer"),
                format!("`{pointer}` must begin with `/`, like `/realm_access/roles`"),
            );
        }
    }
}
