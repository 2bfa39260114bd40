//! Headers that claim to change how a message is read (RFC 7515 section 4.1.11, RFC 7797), and others nobody asked for.

use cyberid_crypto::base64url;
use serde_json::{Value, json};

use super::{Corpus, Token};

pub(super) fn add(corpus: &mut Corpus<Token>) {
    for (what, value) in [
        ("empty", json!([])),
        ("of a claim", json!(["exp"])),
        ("of a registered header", json!(["alg"])),
        (
            "of nothing that is there",
            json!(["http://openbanking.org.uk/iat"]),
        ),
        ("twice the same", json!(["exp", "exp"])),
        ("a text", json!("exp")),
        ("null", Value::Null),
    ] {
        corpus.add(format!("crit {what}"), move |good, _| {
            good.with_header(|header| {
                header.insert("crit".into(), value.clone());
                header.insert("exp".into(), json!(1));
            })
        });
    }
    for (what, crit, b64) in [
        ("b64 true with crit", true, true),
        ("b64 false with crit, encoded after all", true, false),
        ("b64 false without crit, encoded after all", false, false),
    ] {
        corpus.add(what, move |good, _| {
            good.with_raw_header(header(good, crit, b64).as_bytes())
        });
    }
    for (what, crit) in [("b64 false with crit", true), ("b64 false without crit", false)] {
        corpus.add(format!("{what}, not encoded"), move |good, _| {
            unencoded(good, crit)
        });
        corpus.add(format!("{what}, detached"), move |good, _| {
            let compact = unencoded(good, crit);
            let (header, rest) = compact.split_once('.').unwrap();
            format!("{header}..{}", rest.rsplit_once('.').unwrap().1)
        });
    }
    for (name, value) in [
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("exp", json!(4_000_000_000_u64)),
        ("url", json!("https://other.example/")),
        ("nobody-knows", json!(1)),
        ("Alg", json!("none")),
        ("", json!("")),
    ] {
        corpus.add(format!("a header {name:?}"), move |good, _| {
            good.with_member(name, value.clone())
        });
    }
}

fn header(good: &Token, crit: bool, b64: bool) -> String {
    let mut header = good.header.clone();
    header["b64"] = b64.into();
    if crit {
        header["crit"] = json!(["b64"]);
    }
    header.to_string()
}

/// RFC 7797, section 5.2.
fn unencoded(good: &Token, crit: bool) -> String {
    let header = base64url::encode(header(good, crit, false).as_bytes());
    let signed = format!("{header}.{}", good.claims);
    let signature = good.key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url::encode(&signature))
}
