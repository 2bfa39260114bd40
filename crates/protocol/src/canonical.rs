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

/// Whether `text` is canonical at first sight: one object whose members stand in order, each a text without escapes, a
/// whole number of at most fifteen digits, or a list of such texts. `false` says nothing.
///
/// Such a text is the only one of its value, so that whoever reads it needs not write it again to compare. That holds
/// for a type that writes every member that it reads: `null`, `true` and `false`, which a type may leave out, are not
/// canonical at first sight.
pub fn is_plain(text: &str) -> bool {
    let Some(mut rest) = text.as_bytes().strip_prefix(b"{") else {
        return false;
    };
    let mut last: &[u8] = b"";
    loop {
        let Some((name, after)) = plain_text(rest) else {
            return false;
        };
        // In ASCII the order of bytes is the order of UTF-16 (RFC 8785, section 3.2.3).
        if name <= last || !name.is_ascii() {
            return false;
        }
        let Some(after) = after.strip_prefix(b":").and_then(plain_value) else {
            return false;
        };
        match after {
            [b',', more @ ..] => (last, rest) = (name, more),
            after => return after == b"}",
        }
    }
}

/// What follows the value at the start.
fn plain_value(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'"', ..] => plain_text(bytes).map(|(_, rest)| rest),
        [b'[', b']', rest @ ..] => Some(rest),
        [b'[', items @ ..] => plain_items(items),
        _ => plain_number(bytes),
    }
}

fn plain_items(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        match plain_text(bytes)?.1 {
            [b',', more @ ..] => bytes = more,
            [b']', rest @ ..] => return Some(rest),
            _ => return None,
        }
    }
}

/// The characters between quotes, and what follows.
fn plain_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = bytes.strip_prefix(b"\"")?;
    let end = inside
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    let (text, rest) = inside.split_at(end);
    Some((text, rest.strip_prefix(b"\"")?))
}

fn plain_number(bytes: &[u8]) -> Option<&[u8]> {
    const DIGITS: usize = 15;
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = bytes.split_at(end);
    let canonical = (1..=DIGITS).contains(&end) && (digits == b"0" || !digits.starts_with(b"0"));
    canonical.then_some(rest)
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

    #[test]
    fn what_is_plain_is_canonical() {
        for text in [
            r#"{"a":1}"#,
            r#"{"a":0,"b":"","c":[],"d":["x","y"],"e":999999999999999,"z":"姓名"}"#,
        ] {
            assert!(is_plain(text), "{text}");
            assert!(from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "{",
            "{}",
            "[]",
            r#"{"a":1"#,
            r#"{"a":1}}"#,
            r#"{"a":1,}"#,
            r#"{"a":1} "#,
            r#"{"a": 1}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":01}"#,
            r#"{"a":-1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":1000000000000000}"#,
            r#"{"a":null}"#,
            r#"{"a":true}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":["x",]}"#,
            r#"{"a":["x" "y"]}"#,
            r#"{"a":[1]}"#,
            "{\"a\":\"\\u0061\"}",
            "{\"a\":\"\n\"}",
            "{\"ä\":1}",
            r#"{"a":"#,
            r#"{"a":"b"#,
            r#"{"a"}"#,
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
