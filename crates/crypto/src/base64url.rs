//! Base64url without padding, RFC 4648 section 5, in its canonical form only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of `text`, or nothing if it is padded, has another alphabet, or is not the canonical text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    // This engine takes no padding, and no bits that the text of these bytes would not have.
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The `N` bytes of `text`.
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// Appends the text of `bytes`, without a copy of it anywhere else: it may be secret.
pub(crate) fn append(bytes: &[u8], to: &mut Vec<u8>) {
    let start = to.len();
    let length = base64::encoded_len(bytes.len(), false).unwrap_or_default();
    to.resize(start + length, 0);
    // The space is as long as the text.
    let _ = URL_SAFE_NO_PAD.encode_slice(bytes, to.get_mut(start..).unwrap_or_default());
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

    #[test]
    fn an_array_is_of_its_length() {
        for length in [31, 32, 33] {
            let array = decode_array::<32>(&encode(&vec![7; length]));
            assert_eq!(array, (length == 32).then_some([7; 32]), "{length}");
        }
        assert_eq!(decode_array::<1>("AB"), None);
        assert_eq!(decode_array::<16>(&encode(&[7; 16])), Some([7; 16]));
    }

    /// Every text of up to three characters over a wide alphabet is refused, or is the text of its bytes.
    #[test]
    fn whatever_is_read_is_written_the_same() {
        let alphabet: Vec<char> = (' '..='~').chain(['\n', 'é']).collect();
        let mut texts = vec![String::new()];
        for _ in 0..3 {
            let longer = texts
                .iter()
                .flat_map(|text| alphabet.iter().map(move |last| format!("{text}{last}")));
            texts = longer.collect();
            for text in &texts {
                assert!(
                    decode(text).is_none_or(|bytes| encode(&bytes) == *text),
                    "{text:?}"
                );
            }
        }
    }
}
