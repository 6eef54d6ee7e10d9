//! A key in an address: addresses are written into logs, histories and referrers, so whoever sent it there has told it to
//! many. The request is refused, and they are told.

use axum::http::{StatusCode, Uri};
use cardea_gateway::state::format::{LENGTH, parse};

use crate::problem::Problem;

/// Whether a key stands in the path or the query.
pub(crate) fn key_in(uri: &Uri) -> bool {
    holds_key(uri.path()) || uri.query().is_some_and(holds_key)
}

/// Whether a key stands in the text.
pub(crate) fn holds_key(text: &str) -> bool {
    text.match_indices("cda").any(|(at, _)| {
        let candidate = text.get(at..at.saturating_add(LENGTH));
        candidate.and_then(|text| parse(text).ok()).is_some_and(|parsed| parsed.prefix.key_kind().is_some())
    })
}

/// What is said to whoever sent it.
pub(crate) fn refusal() -> Problem {
    let detail = "a key stands in the address of this request, where logs keep it: send it in the body or the \
                  `Authorization` header, and rotate this key now";
    Problem::new(StatusCode::BAD_REQUEST, "key_in_url", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF";

    #[test]
    fn a_key_is_found_wherever_it_stands_in_an_address() {
        for address in [format!("/x?key={KEY}"), format!("/{KEY}/x"), format!("/x?a=cda&b=cdacda{KEY}z")] {
            assert!(key_in(&address.parse().unwrap()), "{address}");
        }
        // What is no key, or another kind of secret, has its own place.
        let link = "cdai_000000000000_";
        for address in
            [format!("/link/{link}"), format!("/x?key={}", KEY.replace("JmOGF", "JmOGG")), "/x?cda".to_owned()]
        {
            assert!(!key_in(&address.parse().unwrap()), "{address}");
        }
    }
}
