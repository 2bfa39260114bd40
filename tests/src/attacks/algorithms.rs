//! Another algorithm than the one of its place: none, a symmetric one under a public key, another curve or family.

use cyberid_crypto::{PublicKey, Suite, base64url, digest};
use serde_json::{Value, json};

use super::{Corpus, Token};

const UNSIGNED: [&str; 5] = ["none", "None", "NONE", "nOnE", ""];
const OTHERS: [&str; 18] = [
    "none",
    "HS256",
    "HS384",
    "HS512",
    "ES256K",
    "ES384",
    "ES512",
    "RS256",
    "PS256",
    "EdDSA",
    "Ed25519",
    "SM2",
    "SM2SM3",
    "SM3withSM2",
    "1.2.156.10197.1.501",
    "urn:oid:1.2.156.10197.1.301.1",
    "es256",
    "SHA256withECDSA",
];

/// A value made of the right name.
type Form = fn(&str) -> Value;

pub(super) fn add(corpus: &mut Corpus<Token>) {
    for name in UNSIGNED {
        corpus.add(format!("alg {name:?} without a signature"), move |good, _| {
            let compact = good.with_member("alg", name.into());
            format!("{}.", compact.rsplit_once('.').unwrap().0)
        });
    }
    for name in OTHERS {
        corpus.add(format!("alg {name:?} with a good signature"), move |good, _| {
            good.with_member("alg", name.into())
        });
    }
    add_twists(corpus);
    let values: [(&str, Form); 4] = [
        ("null", |_| Value::Null),
        ("an array", |alg| json!([alg])),
        ("a number", |_| json!(256)),
        ("an object", |alg| json!({ "alg": alg })),
    ];
    for (what, value) in values {
        corpus.add(format!("alg as {what}"), move |good, _| {
            good.with_member("alg", value(right(good)))
        });
    }
    corpus.add("no alg", |good, _| {
        good.with_header(|header| drop(header.remove("alg")))
    });
    add_confusions(corpus);
}

/// The name of the algorithm that the message is signed with.
fn right(good: &Token) -> &'static str {
    good.key.public_key().suite().signing_alg()
}

/// The right name, written in another way.
fn add_twists(corpus: &mut Corpus<Token>) {
    type Twist = fn(&str) -> String;
    let twists: [(&str, Twist); 6] = [
        ("in small letters", str::to_ascii_lowercase),
        ("in capitals", str::to_ascii_uppercase),
        ("with a space behind", |alg| format!("{alg} ")),
        ("with a space before", |alg| format!(" {alg}")),
        ("with a NUL at its end", |alg| format!("{alg}\0")),
        ("cut short", |alg| alg[..alg.len() - 1].to_owned()),
    ];
    for (what, twist) in twists {
        corpus.add_some(format!("the right alg {what}"), move |good, _| {
            let twisted = twist(right(good));
            (twisted != right(good)).then(|| good.with_member("alg", twisted.into()))
        });
    }
}

/// HS256 whose secret is what everybody knows.
fn add_confusions(corpus: &mut Corpus<Token>) {
    type Encoding = fn(&PublicKey) -> Vec<u8>;
    let encodings: [(&str, Encoding); 9] = [
        ("uncompressed point", |key| key.as_sec1().to_vec()),
        ("compressed point", compressed),
        ("bare coordinates", |key| key.as_sec1()[1..].to_vec()),
        ("first coordinate", |key| key.as_sec1()[1..33].to_vec()),
        ("SubjectPublicKeyInfo", spki),
        ("PEM", |key| pem(key).into_bytes()),
        ("PEM and a line break", |key| {
            format!("{}\n", pem(key)).into_bytes()
        }),
        ("JWK", |key| serde_json::to_vec(&key.to_jwk()).unwrap()),
        ("thumbprint", |key| key.thumbprint().into_bytes()),
    ];
    for (what, encode) in encodings {
        corpus.add(format!("HS256 under the {what} of the key"), move |good, _| {
            hs256(good, &encode(&good.key.public_key()))
        });
        corpus.add(
            format!("HS256 under the {what} of another's key"),
            move |good, loot| hs256(good, &encode(loot.keys.first().unwrap())),
        );
    }
    corpus.add("HS256 under no key", |good, _| hs256(good, b""));
}

fn hs256(good: &Token, secret: &[u8]) -> String {
    let compact = good.with_member("alg", "HS256".into());
    let signed = compact.rsplit_once('.').unwrap().0;
    format!("{signed}.{}", base64url::encode(&hmac(secret, signed.as_bytes())))
}

/// HMAC-SHA-256, RFC 2104.
fn hmac(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let mut key = [0; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&digest::sha256(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let inner = digest::sha256(&[&key.map(|byte| byte ^ 0x36), message].concat());
    digest::sha256(&[key.map(|byte| byte ^ 0x5c).as_slice(), &inner].concat())
}

fn compressed(key: &PublicKey) -> Vec<u8> {
    let point = key.as_sec1();
    let sign = 2 + (point[64] & 1);
    [&[sign], &point[1..33]].concat()
}

/// RFC 5480; for SM2 GM/T 0006.
fn spki(key: &PublicKey) -> Vec<u8> {
    const PREFIX: [u8; 15] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
    ];
    let curve = match key.suite() {
        Suite::Nist => [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        Suite::Sm => [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d],
    };
    [PREFIX.as_slice(), &curve, &[0x03, 0x42, 0x00], key.as_sec1()].concat()
}

fn pem(key: &PublicKey) -> String {
    let text = super::encoding::standard(&base64url::encode(&spki(key)));
    let padded = format!("{text:=<width$}", width = text.len().next_multiple_of(4));
    let lines: Vec<&str> = padded
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    /// RFC 4231, test case 2.
    #[test]
    fn hmac_is_the_standard_one() {
        let tag = super::hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
