//! Where somebody goes when they are in.

use std::time::Duration;

use cardea_model::Timestamp;
use url::form_urlencoded;

/// By how much a provider's clock may be behind.
const SKEW: Duration = Duration::from_secs(60);

/// How the way back to a service's request begins, and the most bytes that it has: those of the request, and our own note.
const SIGN_ON: &str = "/oauth2/authorize?";
const LONGEST_SIGN_ON: usize = 17 << 10;
/// The most bytes of any other way back.
const LONGEST: usize = 2048;

/// Where a person goes after signing in: a path of ours and nothing else, whatever a link said.
#[must_use]
pub fn safe_return(path: &str) -> &str {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    // `//host` and `/\host` are other sites to a browser; a percent-encoded slash may become one on the way.
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.to_ascii_lowercase().starts_with("/%2f");
    let not_again = !path.starts_with("/login") && !path.starts_with("/logout");
    // What a service asks for is as long as it is; anything else that is long is nobody's way back.
    let longest = if path.starts_with(SIGN_ON) { LONGEST_SIGN_ON } else { LONGEST };
    if plain && ours && not_again && path.len() <= longest { path } else { "/" }
}

/// What a service's request says of how the person is to be asked, on the way through the door: they come back without it.
const UPSTREAM_PROMPT: &str = "upstream_prompt";

/// How the provider is to ask somebody who goes back there.
pub(super) fn prompt(way_back: &str) -> Option<&'static str> {
    let request = way_back.strip_prefix(SIGN_ON)?;
    let asked = form_urlencoded::parse(request.as_bytes()).find(|(name, _)| name == UPSTREAM_PROMPT)?.1;
    ["login", "select_account"].into_iter().find(|known| *known == asked)
}

/// Whether the provider was to ask the person anew and says that they have proven who they are before.
pub(super) fn waved_through(way_back: &str, begun_at: Timestamp, auth_time: Option<Timestamp>) -> bool {
    prompt(way_back) == Some("login") && auth_time.is_some_and(|auth_time| auth_time < begun_at.before(SKEW))
}

#[cfg(test)]
mod tests {
    use super::{prompt, safe_return};

    #[test]
    fn nobody_is_sent_to_another_site_after_signing_in() {
        for path in ["/", "/me/keys", "/o/acme/people?after=usr_1"] {
            assert_eq!(safe_return(path), path);
        }
        let long = format!("/{}", "a".repeat(3000));
        let request = |length: usize| format!("/oauth2/authorize?state={}", "a".repeat(length));
        assert_eq!(safe_return(&request(16 << 10)), request(16 << 10));
        let [longer, beside] = [request(17 << 10), format!("/oauth2/authorized?x={}", "a".repeat(3000))];
        let evil = [
            "",
            "//evil",
            "/\\evil",
            "https:evil",
            "https://evil",
            "%2f%2fevil",
            "/%2fevil",
            "/%2Fevil",
            "\t//evil",
            "/\tevil",
            "javascript:alert(1)",
            "/\r\nSet-Cookie: a=b",
            "user@evil",
            "/login?return_to=/login",
            "/logout",
            &long,
            &longer,
            &beside,
        ];
        for path in evil {
            assert_eq!(safe_return(path), "/", "{path:?}");
        }
    }

    #[test]
    fn a_service_s_wish_to_ask_anew_is_told_the_provider() {
        for (way_back, asked) in [
            ("/oauth2/authorize?client_id=web&upstream_prompt=login", Some("login")),
            ("/oauth2/authorize?upstream_prompt=select_account&x=1", Some("select_account")),
            ("/oauth2/authorize?client_id=web", None),
            ("/oauth2/authorize?upstream_prompt=none", None),
            ("/me?upstream_prompt=login", None),
        ] {
            assert_eq!(prompt(way_back), asked, "{way_back}");
        }
    }
}
