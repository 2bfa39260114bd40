//! The strict pieces all the text formats are made of: decimals, base64 and lines.

use base64ct::{Base64, Encoding};

/// Reads an ASCII decimal with no sign and no leading zeroes (`0` itself excepted).
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let digits_only = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if digits_only && canonical {
        text.parse().ok()
    } else {
        None
    }
}

/// Reads standard, padded, canonical base64 (RFC 4648 sections 3.5 and 4).
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Writes standard, padded base64 (RFC 4648 section 4).
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Splits text that is empty or ends in a newline into its lines, without their newlines.
pub(crate) fn terminated_lines(text: &str) -> Option<Vec<&str>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    Some(text.strip_suffix('\n')?.split('\n').collect())
}

/// Says whether every character may stand in a note: no ASCII control character but newline (signed-note, Format).
pub(crate) fn is_note_text(text: &str) -> bool {
    text.bytes().all(|b| b >= b' ' || b == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_canonical() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1_0",
            "0x1",
            "18446744073709551616",
            "\u{0661}",
        ] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn base64_is_canonical() {
        assert_eq!(decode_base64("AA=="), Some(vec![0]));
        for bad in [
            "AA", "AA=", "AB==", "AA==\n", " AA==", "A A=", "AA===", "AAAA====", "_-8=", "AA==AA==",
        ] {
            assert_eq!(decode_base64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn lines_are_terminated() {
        assert_eq!(terminated_lines(""), Some(vec![]));
        assert_eq!(terminated_lines("a\n\nb\n"), Some(vec!["a", "", "b"]));
        assert_eq!(terminated_lines("a\nb"), None);
    }
}
