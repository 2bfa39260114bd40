//! Other writings of a good message, signed or sealed: padding, alphabets, spare bits, whitespace, other serialisations.

use cyberid_crypto::base64url;
use serde_json::json;

use super::Corpus;

const MANY_DOTS: usize = 4000;

/// Adds them for a kind of message whose text `of` gives.
pub(super) fn add<T: 'static>(corpus: &mut Corpus<T>, of: fn(&T) -> &String) {
    type Write = fn(&str) -> String;
    let writings: [(&str, Write); 33] = [
        ("a space before", |good| format!(" {good}")),
        ("a space behind", |good| format!("{good} ")),
        ("a line break behind", |good| format!("{good}\n")),
        ("CRLF behind", |good| format!("{good}\r\n")),
        ("a tab before", |good| format!("\t{good}")),
        ("a NUL behind", |good| format!("{good}\0")),
        ("a byte order mark before", |good| format!("\u{feff}{good}")),
        ("a line break inside", |good| {
            format!("{}\n{}", &good[..9], &good[9..])
        }),
        ("a space inside", |good| format!("{} {}", &good[..9], &good[9..])),
        ("a space beside a dot", |good| good.replacen('.', ". ", 1)),
        ("full stops of another script", |good| {
            good.replace('.', "\u{3002}")
        }),
        ("dots in percent code", |good| good.replace('.', "%2E")),
        ("dots in another code", |good| good.replace('.', "\\u002e")),
        ("a dot before", |good| format!(".{good}")),
        ("a dot behind", |good| format!("{good}.")),
        ("a part more", |good| format!("{good}.AAAA")),
        ("a part less", |good| good.rsplit_once('.').unwrap().0.into()),
        ("one part", |good| good.replace('.', "")),
        ("nothing", |_| String::new()),
        ("dots alone", |good| ".".repeat(good.matches('.').count())),
        ("very many dots", |_| ".".repeat(MANY_DOTS)),
        ("itself twice", |good| format!("{good}{good}")),
        ("itself twice, with a comma", |good| format!("{good},{good}")),
        ("in quotes", |good| format!("\"{good}\"")),
        ("with a scheme before", |good| format!("Bearer {good}")),
        ("in capitals", str::to_uppercase),
        ("its parts backwards", |good| {
            good.split('.').rev().collect::<Vec<_>>().join(".")
        }),
        ("as an address", |good| format!("data:application/jwt,{good}")),
        ("in base64url once more", |good| {
            base64url::encode(good.as_bytes())
        }),
        ("in full-width letters", |good| {
            let wide = |letter: char| char::from_u32(u32::from(letter) + 0xfee0).unwrap();
            good.chars().map(wide).collect()
        }),
        ("in the general JSON serialisation", general),
        ("in the flattened JSON serialisation", flattened),
        ("longer than any", |good| format!("{good}{}", "A".repeat(70_000))),
    ];
    for (what, write) in writings {
        corpus.add(format!("written with {what}"), move |good: &T, _| write(of(good)));
    }
    for part in 0..5 {
        add_on_part(corpus, of, part);
    }
}

/// What can be wrong with the base64url of one part.
fn add_on_part<T: 'static>(corpus: &mut Corpus<T>, of: fn(&T) -> &String, part: usize) {
    let mut on = |what: &str, change: fn(&str) -> Option<String>| {
        corpus.add_some(format!("part {part} {what}"), move |good: &T, _| {
            let mut parts: Vec<String> = of(good).split('.').map(str::to_owned).collect();
            let text = parts.get(part).filter(|text| !text.is_empty())?;
            parts[part] = change(text)?;
            Some(parts.join("."))
        });
    };
    on("with one sign of padding", |text| Some(format!("{text}=")));
    on("with two signs of padding", |text| Some(format!("{text}==")));
    on("with spare bits set", spare_bits);
    on("in the standard alphabet", |text| {
        Some(standard(text)).filter(|other| other != text)
    });
    on("with a letter less", |text| Some(text[..text.len() - 1].into()));
    on("with a letter of no alphabet", |text| Some(format!("{text}!")));
    on("empty", |_| Some(String::new()));
}

/// The same bytes, if a lax decoder reads them: the last letter's unused bits are not zero (RFC 4648, section 3.5).
fn spare_bits(text: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if text.len().is_multiple_of(4) {
        return None;
    }
    let (rest, last) = text.split_at(text.len() - 1);
    let at = ALPHABET.iter().position(|letter| [*letter] == *last.as_bytes())?;
    Some(format!("{rest}{}", char::from(ALPHABET[at + 1])))
}

/// Base64url's letters in the alphabet of RFC 4648 section 4.
pub(super) fn standard(text: &str) -> String {
    text.replace('-', "+").replace('_', "/")
}

/// RFC 7515 section 7.2.1, RFC 7516 section 7.2.1.
fn general(good: &str) -> String {
    let parts: Vec<&str> = good.split('.').collect();
    match parts.as_slice() {
        [header, payload, signature] => {
            json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]})
        }
        [header, _, iv, ciphertext, tag] => {
            json!({"protected": header, "recipients": [{}], "iv": iv, "ciphertext": ciphertext, "tag": tag})
        }
        _ => json!({}),
    }
    .to_string()
}

/// RFC 7515 section 7.2.2, RFC 7516 section 7.2.2.
fn flattened(good: &str) -> String {
    let parts: Vec<&str> = good.split('.').collect();
    match parts.as_slice() {
        [header, payload, signature] => {
            json!({"payload": payload, "protected": header, "signature": signature})
        }
        [header, _, iv, ciphertext, tag] => {
            json!({"protected": header, "iv": iv, "ciphertext": ciphertext, "tag": tag})
        }
        _ => json!({}),
    }
    .to_string()
}
