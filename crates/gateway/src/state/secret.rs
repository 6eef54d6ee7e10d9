//! A secret in the declarative state: given by the file, or kept where it is.

use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// A secret of the document. An absent one is left as it is, so that the fields are `Option<Secret>`.
///
/// It is always written as `{kept: true}`: an export shows that there is a secret and never which, and applying
/// that export leaves it alone. Where the thing does not exist yet, `kept` is as good as nothing, and an error.
#[derive(Clone)]
pub enum Secret {
    /// The instance has it already.
    Kept,
    /// The file gives it.
    Given(SecretString),
}

impl Secret {
    /// The secret, if the file gave it.
    #[must_use]
    pub const fn given(&self) -> Option<&SecretString> {
        match self {
            Self::Kept => None,
            Self::Given(secret) => Some(secret),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kept, Self::Kept) => true,
            (Self::Given(a), Self::Given(b)) => a.expose_secret().as_bytes().ct_eq(b.expose_secret().as_bytes()).into(),
            (Self::Kept, Self::Given(_)) | (Self::Given(_), Self::Kept) => false,
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("kept", &true)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret in quotes, or `{kept: true}`")
    }

    // The usual complaint about a wrong type quotes the value; a secret that looks like a number is still a secret.
    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Secret, E> {
        Err(unquoted())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(unquoted())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(unquoted())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(unquoted())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Secret, E> {
        if text.is_empty() {
            return Err(E::custom("a secret must not be empty; leave the key out to keep what there is"));
        }
        Ok(Secret::Given(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        match map.next_entry::<String, bool>()? {
            Some((key, true)) if key == "kept" => match map.next_key::<String>()? {
                None => Ok(Secret::Kept),
                Some(key) => Err(A::Error::unknown_field(&key, &["kept"])),
            },
            Some((key, _)) if key != "kept" => Err(A::Error::unknown_field(&key, &["kept"])),
            Some(_) | None => Err(A::Error::custom("a secret is text, or `{kept: true}`")),
        }
    }
}

fn unquoted<E: serde::de::Error>() -> E {
    E::custom("a secret must be text: put it in quotes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_and_never_written() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.given().unwrap().expose_secret(), "hunter2");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#"{"kept":true}"#);
        assert_eq!(format!("{secret:?}"), "Secret");
    }

    #[test]
    fn a_complaint_never_quotes_the_secret() {
        for text in ["4711", "-4711", "4711.5"] {
            let error = serde_json::from_str::<Secret>(text).unwrap_err().to_string();
            assert!(!error.contains("4711") && error.contains("quotes"), "{error}");
        }
    }

    #[test]
    fn a_kept_secret_reads_back_as_kept() {
        let kept: Secret = serde_json::from_str(r#"{"kept":true}"#).unwrap();
        assert_eq!(kept, Secret::Kept);
        assert_ne!(kept, Secret::Given("hunter2".into()));
        for text in ["{}", r#"{"kept":false}"#, r#"{"lost":true}"#, r#"{"kept":true,"x":true}"#, "7", "\"\"", "null"] {
            assert!(serde_json::from_str::<Secret>(text).is_err(), "{text}");
        }
    }
}
