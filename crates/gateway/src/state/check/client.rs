//! What is wrong with clients.

use super::report::{Name, Report};
use crate::state::{Client, GrantType};
use cardea_connect::KeySet;
use cardea_model::name::is_label;
use url::Url;

pub(super) fn check(report: &mut Report<'_>, path: &str, clients: Option<&[Client]>) {
    for (index, client) in clients.into_iter().flatten().enumerate() {
        of_client(report, &format!("{path}[{index}]"), client);
    }
}

fn of_client(report: &mut Report<'_>, path: &str, client: &Client) {
    let id_path = format!("{path}.client_id");
    // RFC 6749 §2.3.1 and RFC 7617: a colon would end the user name of Basic authentication.
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if !(1..=128).contains(&client.client_id.len()) || !client.client_id.bytes().all(plain) {
        report.say(&id_path, "must be 1 to 128 printable ASCII characters without spaces and colons");
    }
    report.unique(Name::Client, &client.client_id, &id_path);
    if !is_label(&client.name, 200) {
        report.say(&format!("{path}.name"), "must be 1 to 200 bytes of one line");
    }
    report.services(&format!("{path}.services"), client.services.iter().map(String::as_str));
    let lists =
        [("redirect_uris", &client.redirect_uris), ("post_logout_redirect_uris", &client.post_logout_redirect_uris)];
    for (name, uris) in lists {
        for (index, uri) in uris.iter().enumerate() {
            if let Err(what) = redirect_uri(uri) {
                report.say(&format!("{path}.{name}[{index}]"), format!("`{uri}` {what}"));
            }
        }
    }
    for (index, resource) in client.resources.iter().enumerate() {
        // RFC 8707 §2.
        if !Url::parse(resource).is_ok_and(|url| url.fragment().is_none()) {
            report.say(&format!("{path}.resources[{index}]"), "must be an absolute address without a fragment");
        }
    }
    keys(report, path, client);
    let codes = client.grants.contains(&GrantType::AuthorizationCode);
    if codes && client.redirect_uris.is_empty() {
        report.say(&format!("{path}.redirect_uris"), "is needed for the grant `authorization_code`");
    }
    let begins = codes || client.grants.contains(&GrantType::Password);
    if client.grants.contains(&GrantType::RefreshToken) && !begins {
        let what = "`refresh_token` continues `authorization_code` or `password`, and neither is here";
        report.say(&format!("{path}.grants"), what);
    }
    for (index, webhook) in client.webhooks.iter().flatten().enumerate() {
        let within = path;
        let path = format!("{path}.webhooks[{index}]");
        report.address(&format!("{path}.url"), &webhook.url);
        report.unique_in(within, Name::Webhook, &webhook.url, &format!("{path}.url"));
        for (number, event) in webhook.events.iter().enumerate() {
            report.filled(&format!("{path}.events[{number}]"), event);
        }
    }
}

/// One way to authenticate, and keys that verify.
fn keys(report: &mut Report<'_>, path: &str, client: &Client) {
    let ways = [client.secret.is_some(), client.jwks.is_some(), client.jwks_uri.is_some()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        report.say(path, "has one of `secret`, `jwks` and `jwks_uri`, and no two of them");
    }
    if let Some(address) = &client.jwks_uri {
        report.address(&format!("{path}.jwks_uri"), address);
    }
    if let Some(set) = &client.jwks {
        let listed = set.get("keys").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        let good = KeySet::read(set.to_string().as_bytes()).map_or(0, |set| set.count());
        if listed == 0 || good != listed {
            let what = "must be a key set of public keys that sign: RSA of 2048 to 4096 bits, P-256, P-384 or Ed25519";
            report.say(&format!("{path}.jwks"), what);
        }
    }
}

/// RFC 6749 §3.1.2 and RFC 8252 §7.1: absolute, without a fragment; a scheme of a program's own has a dot in it,
/// so that `javascript:` and `data:` are none.
fn redirect_uri(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "is no absolute address")?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        // In the clear for the person's own machine only (RFC 8252 §7.3).
        "http" if matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")) => Ok(()),
        "http" => Err("must begin with `https://`, unless it is a loopback address"),
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("must begin with `https://`, or with a scheme like `com.example.app:`"),
    }
}
