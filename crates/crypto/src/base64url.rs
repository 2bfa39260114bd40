//! Base64url without padding, RFC 4648 section 5, in its canonical form only.

use base64ct::{Base64UrlUnpadded, Encoding};

/// The text of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The bytes of `text`, or nothing if it is padded, has another alphabet, or is not the canonical text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
    (encode(&bytes) == text).then_some(bytes)
}

/// The `N` bytes of `text`.
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_read() {
        assert_eq!(decode("AA"), Some(vec![0]));
        for text in ["AB", "AA==", "A", "A+", "A/AA", "AA\n", " AA"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
