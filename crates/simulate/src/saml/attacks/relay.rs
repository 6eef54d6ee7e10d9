//! What may travel beside a valid response as `RelayState`: the person is signed in, and stays on the origin.

/// One value of `RelayState`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayState {
    /// A unique name in kebab-case.
    pub name: &'static str,
    /// The value, to be form-encoded.
    pub value: String,
}

/// Every value; the response that it accompanies is valid and answers a request.
pub fn relay_states() -> Vec<RelayState> {
    let table = [
        ("nothing", String::new()),
        ("absolute", "https://evil.example/".to_owned()),
        ("other-authority", "//evil.example/".to_owned()),
        ("backslash", "/\\evil.example/".to_owned()),
        ("tab", "/\t/evil.example/".to_owned()),
        ("script", "javascript:alert(document.domain)".to_owned()),
        ("userinfo", "https://gateway.example@evil.example/".to_owned()),
        ("line-break", "/\r\nSet-Cookie: session=evil".to_owned()),
        ("five-kilobytes", "a".repeat(5 * 1024)),
        ("markup", "\"><script>alert(1)</script>".to_owned()),
        ("unknown-token", "Zm9yZ290dGVuLWJ5LWV2ZXJ5Ym9keS1sb25nLWFnbw".to_owned()),
    ];
    table.into_iter().map(|(name, value)| RelayState { name, value }).collect()
}
