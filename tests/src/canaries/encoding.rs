//! The encodings in which a text may have been left somewhere.

use cyberid_crypto::base64url;

/// Their names; `@n` is the text's place in its group of three bytes.
pub(super) const ENCODINGS: [&str; 17] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "hex",
    "hex-upper",
    "base64@0",
    "base64@1",
    "base64@2",
    "base64url@0",
    "base64url@1",
    "base64url@2",
    "json-escape",
    "json-escape-upper",
    "percent",
    "percent-lower",
    "percent-all",
    "form",
];

/// The text in each encoding, under its name. Base64 is what is certain of it whatever stands before and behind.
pub(super) fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let encoded: [Vec<u8>; 17] = [
        bytes.to_vec(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        hex(bytes, "", "0123456789abcdef"),
        hex(bytes, "", "0123456789ABCDEF"),
        base64(bytes, 0),
        base64(bytes, 1),
        base64(bytes, 2),
        base64_for_urls(bytes, 0),
        base64_for_urls(bytes, 1),
        base64_for_urls(bytes, 2),
        json(text, "0123456789abcdef"),
        json(text, "0123456789ABCDEF"),
        percent(bytes, "0123456789ABCDEF", false),
        percent(bytes, "0123456789abcdef", false),
        percent(bytes, "0123456789ABCDEF", true),
        String::from_utf8(percent(bytes, "0123456789ABCDEF", false))
            .unwrap()
            .replace("%20", "+")
            .into_bytes(),
    ];
    ENCODINGS.into_iter().zip(encoded).collect()
}

fn digit(digits: &str, value: u8) -> u8 {
    digits.as_bytes()[usize::from(value)]
}

fn hex(bytes: &[u8], before: &str, digits: &str) -> Vec<u8> {
    let pair = |byte: &u8| [digit(digits, byte >> 4), digit(digits, byte & 15)];
    let each = |byte| [before.as_bytes(), &pair(byte)].concat();
    bytes.iter().flat_map(each).collect()
}

fn json(text: &str, digits: &str) -> Vec<u8> {
    let unit = |unit: u16| [b"\\u".to_vec(), hex(&unit.to_be_bytes(), "", digits)].concat();
    text.encode_utf16().flat_map(unit).collect()
}

fn percent(bytes: &[u8], digits: &str, all: bool) -> Vec<u8> {
    let plain = |byte: &u8| !all && (byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
    let each = |byte: &u8| {
        if plain(byte) {
            vec![*byte]
        } else {
            hex(&[*byte], "%", digits)
        }
    };
    bytes.iter().flat_map(each).collect()
}

fn base64_for_urls(bytes: &[u8], place: usize) -> Vec<u8> {
    let encoded = base64url::encode(&[&[0, 0, 0][..place], bytes].concat()).into_bytes();
    let (first, end) = ((8 * place).div_ceil(6), 8 * (place + bytes.len()) / 6);
    encoded[first..end].to_vec()
}

fn base64(bytes: &[u8], place: usize) -> Vec<u8> {
    let standard = |byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    base64_for_urls(bytes, place).into_iter().map(standard).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str, name: &str) -> String {
        let forms = forms(text);
        let (_, bytes) = forms.iter().find(|(known, _)| *known == name).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    }

    #[test]
    fn a_text_is_found_as_common_tools_write_it() {
        assert_eq!(form("王 A", "hex"), "e78e8b2041");
        assert_eq!(form("王 A", "json-escape-upper"), "\\u738B\\u0020\\u0041");
        assert_eq!(form("王 A", "percent"), "%E7%8E%8B%20A");
        assert_eq!(form("王 A", "percent-all"), "%E7%8E%8B%20%41");
        assert_eq!(form("王 A", "form"), "%E7%8E%8B+A");
        assert_eq!(forms("1A")[1].1, [0x31, 0, 0x41, 0]);
        assert_eq!(forms("1A")[2].1, [0, 0x31, 0, 0x41]);
    }

    #[test]
    fn base64_is_found_wherever_the_text_stands_in_it() {
        let text = "王小明 11010519491231002X";
        for before in 0..6 {
            for behind in 0..3 {
                let whole = [&vec![b'x'; before], text.as_bytes(), &vec![b'y'; behind]].concat();
                let whole = base64url::encode(&whole);
                let part = form(text, &format!("base64url@{}", before % 3));
                assert!(whole.contains(&part), "{before} {behind}");
                assert!(part.len() >= text.len());
            }
        }
    }
}
