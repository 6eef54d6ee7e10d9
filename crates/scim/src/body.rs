//! Reads a request's body: one JSON object, bounded in size and depth, no name twice.
//!
//! A name given twice is refused because two readers would see two different requests (RFC 8259 §4).

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Number, Value};

use crate::error::{ScimError, shown};

/// The largest body in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 32;

/// The JSON object in `bytes`; 413 when too large, else 400 `invalidSyntax` with line and column.
pub fn parse_body(bytes: &[u8]) -> Result<Map<String, Value>, ScimError> {
    if bytes.len() > MAX_BODY {
        return Err(ScimError::new(
            413,
            format!("The body is larger than {MAX_BODY} bytes. Send less in one request."),
        ));
    }
    let mut reader = Deserializer::from_slice(bytes);
    let value = Level(MAX_DEPTH)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| ScimError::invalid_syntax(format!("The body is not acceptable JSON: {error}.")))?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ScimError::invalid_syntax("The body must be a JSON object."))
        }
    }
}

/// How many levels may still open.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn below<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(format!("more than {MAX_DEPTH} levels deep")))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(below)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("`{}` is given twice", shown(&name))));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ScimType;

    fn refused(text: &str) -> String {
        let error = parse_body(text.as_bytes()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        error.detail
    }

    #[test]
    fn malformed_json_is_refused_with_its_position() {
        assert!(refused("{\n \"a\": tru }").contains("line 2 column"));
        assert!(refused("").contains("line 1 column 0"));
        assert!(refused("{} x").contains("trailing characters"));
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        assert!(refused(r#"{"a":{"active":true,"active":false}}"#).contains("`active` is given twice"));
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse_body(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert!(refused(&nested(MAX_DEPTH)).contains("levels deep"));
        assert!(refused(&nested(100_000)).contains("levels deep"));
        assert_eq!(parse_body(&vec![b' '; MAX_BODY + 1]).unwrap_err().status, 413);
    }

    #[test]
    fn only_an_object_is_a_body() {
        assert!(refused("[]").contains("must be a JSON object"));
        assert_eq!(
            Value::Object(parse_body(br#"{"a":[1,-1,1.5,"x",null,true]}"#).unwrap()),
            json!({"a": [1, -1, 1.5, "x", null, true]})
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_body(&bytes);
        }
    }
}
