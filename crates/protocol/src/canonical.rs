//! Canonical JSON, RFC 8785 (JCS): one value, one text.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value has no canonical JSON, or a text is not canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical JSON")]
pub struct NotCanonical;

/// The canonical text of `value`.
pub fn to_string(value: &impl Serialize) -> Result<String, NotCanonical> {
    serde_json_canonicalizer::to_string(value).map_err(|_| NotCanonical)
}

/// Reads `text`, which must be the canonical text of its value.
pub fn from_str<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, NotCanonical> {
    let value = cyberid_crypto::json::from_slice(text.as_bytes()).map_err(|_| NotCanonical)?;
    if to_string(&value)? == text {
        Ok(value)
    } else {
        Err(NotCanonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8785, section 3.2.2 and 3.2.3, cut to the number forms that we use.
    #[test]
    fn the_example_of_rfc_8785() {
        let value: serde_json::Value = serde_json::from_str(
            r#"{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false],"1":333333333}"#,
        )
        .unwrap();
        let expected = "{\"1\":333333333,\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(to_string(&value).as_deref(), Ok(expected));
    }

    #[test]
    fn another_text_of_the_same_value_is_refused() {
        assert!(from_str::<serde_json::Value>(r#"{"a":1,"b":2}"#).is_ok());
        for text in [
            r#"{"b":2,"a":1}"#,
            r#"{"a":1, "b":2}"#,
            r#"{"a":1,"b":2.0}"#,
            "{\"\\u0061\":1}",
        ] {
            assert_eq!(from_str::<serde_json::Value>(text), Err(NotCanonical), "{text}");
        }
    }
}
