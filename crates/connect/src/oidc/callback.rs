//! The parameters that the browser brings back (OpenID Connect Core §3.1.2.5, RFC 9207).

use crate::connector::{Flow, Parameters};
use crate::error::ConnectError;

/// The code, if the answer belongs to `flow` and comes from `issuer`. `promised` says whether the provider's metadata
/// promises to name the issuer in each answer.
pub(super) fn code(arrival: &Parameters, flow: &Flow, issuer: &str, promised: bool) -> Result<String, ConnectError> {
    // Repeated parameters are refused before any is read: two readers might choose different ones (RFC 6749 §3.1).
    let state = single(arrival, "state")?;
    let stated = single(arrival, "iss")?;
    let error = single(arrival, "error")?;
    let code = single(arrival, "code")?;
    // An answer that was not asked for is somebody else's: login CSRF (RFC 6749 §10.12).
    if state != Some(flow.state.as_str()) {
        return Err(ConnectError::State);
    }
    // An answer of another provider is a mix-up attack (RFC 9207 §2.4); errors carry the issuer too.
    match stated {
        Some(stated) if stated != issuer => return Err(ConnectError::AnswerIssuer),
        None if promised => return Err(ConnectError::AnswerIssuerMissing),
        Some(_) | None => {}
    }
    if let Some(error) = error {
        return Err(ConnectError::ProviderError(clean(error)));
    }
    code.filter(|code| !code.is_empty()).map(str::to_owned).ok_or(ConnectError::CodeMissing)
}

/// The value of a parameter that may stand once.
fn single<'a>(arrival: &'a Parameters, name: &'static str) -> Result<Option<&'a str>, ConnectError> {
    let mut values = arrival.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(ConnectError::ParameterRepeated(name)),
    }
}

/// An error code of somebody else, fit for a page and a log: at most 64 characters of those that codes are made of.
pub(super) fn clean(code: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let code: String = code.chars().filter(plain).take(64).collect();
    if code.is_empty() { "unnamed_error".to_owned() } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://idp.example";

    fn read(parameters: &[(&str, &str)], promised: bool) -> Result<String, &'static str> {
        let flow =
            Flow { state: "s".into(), nonce: "n".into(), pkce_verifier: "v".into(), login_hint: None, prompt: None };
        let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        code(&Parameters(parameters), &flow, ISSUER, promised).map_err(|e| e.reason())
    }

    #[test]
    fn a_good_answer_gives_its_code() {
        assert_eq!(
            read(&[("code", "c"), ("state", "s"), ("iss", ISSUER), ("session_state", "x")], true),
            Ok("c".into())
        );
        assert_eq!(read(&[("code", "c"), ("state", "s")], false), Ok("c".into()));
    }

    #[test]
    fn an_answer_to_another_request_is_refused() {
        assert_eq!(read(&[("code", "c")], false), Err("state_mismatch"));
        assert_eq!(read(&[("code", "c"), ("state", "")], false), Err("state_mismatch"));
        assert_eq!(read(&[("code", "c"), ("state", "S")], false), Err("state_mismatch"));
        assert_eq!(read(&[("error", "access_denied")], false), Err("state_mismatch"));
    }

    #[test]
    fn an_answer_of_another_provider_is_refused() {
        for promised in [true, false] {
            let wrong = [("code", "c"), ("state", "s"), ("iss", "https://idp.example/")];
            assert_eq!(read(&wrong, promised), Err("answer_issuer_mismatch"));
        }
        assert_eq!(read(&[("code", "c"), ("state", "s")], true), Err("answer_issuer_missing"));
        assert_eq!(read(&[("error", "e"), ("state", "s")], true), Err("answer_issuer_missing"));
    }

    #[test]
    fn a_repeated_parameter_is_refused_even_if_equal() {
        for name in ["code", "state", "iss", "error"] {
            let mut parameters = vec![("code", "c"), ("state", "s"), ("iss", ISSUER), (name, "c")];
            parameters.push((name, "c"));
            assert_eq!(read(&parameters, false), Err("parameter_repeated"), "{name}");
        }
    }

    #[test]
    fn an_error_stands_above_a_code_and_is_cleaned() {
        assert_eq!(read(&[("error", "access_denied"), ("state", "s"), ("code", "c")], false), Err("provider_error"));
        assert_eq!(read(&[("state", "s")], false), Err("code_missing"));
        assert_eq!(read(&[("state", "s"), ("code", "")], false), Err("code_missing"));
        assert_eq!(clean("access_denied"), "access_denied");
        assert_eq!(clean("<script>alert(1)</script>\r\n"), "scriptalert1script");
        assert_eq!(clean("☃"), "unnamed_error");
        assert_eq!(clean(&"a".repeat(500)).len(), 64);
    }
}
