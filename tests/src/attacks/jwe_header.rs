//! Seals under another header: other algorithms, compression, and ephemeral keys that are none.

use cyberid_crypto::base64url;
use serde_json::{Map, Value, json};

use super::{Corpus, Loot, Seal};

pub(super) fn add(corpus: &mut Corpus<Seal>) {
    add_algorithms(corpus);
    add_compression(corpus);
    add_members(corpus);
    add_ephemeral_keys(corpus);
    add_names(corpus);
}

fn add_algorithms(corpus: &mut Corpus<Seal>) {
    for alg in [
        "dir",
        "none",
        "RSA-OAEP",
        "RSA-OAEP-256",
        "RSA1_5",
        "A256KW",
        "A256GCMKW",
        "ECDH-ES+A128KW",
        "ECDH-ES+A256KW",
        "ECDH-1PU",
        "ecdh-es",
        "urn:oid:2.25.201307078025519426773088791557310160989",
        "",
    ] {
        corpus.add(format!("alg {alg:?}"), move |good, _| {
            good.with_member("alg", alg.into())
        });
    }
    corpus.add("PBES2 with two thousand million rounds", |good, _| {
        good.with_header(|header| {
            header.insert("alg".into(), "PBES2-HS256+A128KW".into());
            header.insert("p2c".into(), json!(2_147_483_647));
            header.insert("p2s".into(), "AAAAAAAAAAA".into());
        })
    });
    for enc in [
        "A128GCM",
        "A192GCM",
        "A128CBC-HS256",
        "A256CBC-HS512",
        "XC20P",
        "a256gcm",
        "SM4-GCM",
        "urn:oid:1.2.156.10197.1.104.2",
        "none",
        "",
    ] {
        corpus.add(format!("enc {enc:?}"), move |good, _| {
            good.with_member("enc", enc.into())
        });
    }
    for name in ["alg", "enc"] {
        corpus.add(format!("no {name}"), move |good, _| {
            good.with_header(|header| drop(header.remove(name)))
        });
        corpus.add(format!("{name} in an array"), move |good, _| {
            good.with_header(|header| {
                let value = header[name].take();
                header.insert(name.into(), json!([value]));
            })
        });
        corpus.add(format!("{name} twice"), move |good, _| {
            good.with_text(|header| format!("{{\"{name}\":\"none\",{}", &header.to_string()[1..]))
        });
    }
}

fn add_compression(corpus: &mut Corpus<Seal>) {
    corpus.add("zip DEF, not compressed", |good, _| {
        good.with_member("zip", "DEF".into())
    });
    corpus.add("zip DEF, stored", |good, _| {
        zipped(good, &stored(&good.plaintext))
    });
    corpus.add("zip DEF, a bomb", |good, _| zipped(good, &bomb()));
    corpus.add("zip GZ", |good, _| good.with_member("zip", "GZ".into()));
    corpus.add("an empty zip", |good, _| good.with_member("zip", "".into()));
}

fn zipped(good: &Seal, plaintext: &[u8]) -> String {
    let zip = |header: &mut Map<String, Value>| drop(header.insert("zip".into(), "DEF".into()));
    good.made(zip, Value::to_string, plaintext)
}

/// One stored block, RFC 1951 section 3.2.4.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [
        &[1],
        length.to_le_bytes().as_slice(),
        &(!length).to_le_bytes(),
        bytes,
    ]
    .concat()
}

/// One block of fixed codes (RFC 1951, section 3.2.6): an `a`, and then itself 258 times over, twenty thousand times.
fn bomb() -> Vec<u8> {
    let mut bits = vec![true, true, false];
    let mut code = |value: u32, length: u32| bits.extend((0..length).rev().map(|at| value >> at & 1 == 1));
    code(0x30 + u32::from(b'a'), 8);
    for _ in 0..20_000 {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    code(0, 7);
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks(8).map(byte).collect()
}

fn add_members(corpus: &mut Corpus<Seal>) {
    for (name, value) in [
        ("apu", json!("QWxpY2U")),
        ("apv", json!("Qm9i")),
        ("apu", json!("")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("x5c", json!(["AAAA"])),
        ("p2c", json!(2_147_483_647)),
        ("tag", json!("AAAA")),
        ("iv", json!("AAAA")),
        ("nobody-knows", json!(1)),
        ("typ", json!(1)),
        ("cty", json!([])),
    ] {
        corpus.add(format!("a header {name} {value}"), move |good, _| {
            good.with_member(name, value.clone())
        });
    }
    for name in ["jku", "x5u"] {
        corpus.add(format!("{name} to a listener"), move |good, loot: &Loot| {
            good.with_member(name, format!("http://{}/", loot.sink).into())
        });
    }
    corpus.add("jwk beside", |good, loot| {
        good.with_member("jwk", json!(loot.own.public_key().to_jwk()))
    });
    corpus.add("a deep header", |good, _| good.with_text(|_| "[".repeat(2000)));
    corpus.add("a header with a byte order mark", |good, _| {
        good.with_text(|header| format!("\u{feff}{header}"))
    });
    corpus.add("a header with bytes behind", |good, _| {
        good.with_text(|header| format!("{header}0"))
    });
    corpus.add("a header in an array", |good, _| {
        good.with_text(|header| format!("[{header}]"))
    });
    corpus.add("an empty header", |good, _| good.with_text(|_| "{}".into()));
    corpus.add("no header", |good, _| good.with_text(|_| String::new()));
}

fn add_ephemeral_keys(corpus: &mut Corpus<Seal>) {
    let zeros = base64url::encode(&[0; 32]);
    // y^2 = x^3 - 3x + b has no solution at x = 1 .. on the twist: whatever y is, the point is on another curve.
    let one = {
        let mut bytes = [0; 32];
        bytes[31] = 1;
        base64url::encode(&bytes)
    };
    let mut bend = |what: &str, members: Vec<(&'static str, Value)>| {
        corpus.add(format!("an ephemeral key {what}"), move |good, _| {
            good.with_header(|header| {
                let key = header["epk"].as_object_mut().unwrap();
                key.extend(
                    members
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), value.clone())),
                );
            })
        });
    };
    bend("off the curve", vec![("y", zeros.clone().into())]);
    bend(
        "at infinity",
        vec![("x", zeros.clone().into()), ("y", zeros.clone().into())],
    );
    bend("on a twist", vec![("x", one.clone().into()), ("y", one.into())]);
    // The modulus of the field, by which a coordinate is zero once more: of P-256, and of the SM2 curve.
    for (curve, modulus) in [
        ("P-256", "_____wAAAAEAAAAAAAAAAAAAAAD_______________8"),
        ("SM2", "_____v____________________8AAAAA__________8"),
    ] {
        bend(&format!("not reduced on {curve}"), vec![("x", modulus.into())]);
    }
    bend("of all bits", vec![("x", base64url::encode(&[255; 32]).into())]);
    bend("on P-384 by name", vec![("crv", "P-384".into())]);
    bend("on secp256k1 by name", vec![("crv", "secp256k1".into())]);
    bend(
        "on X25519 by name",
        vec![("kty", "OKP".into()), ("crv", "X25519".into())],
    );
    bend(
        "that is symmetric",
        vec![("kty", "oct".into()), ("k", "AAAA".into())],
    );
    bend("with its private half", vec![("d", zeros.into())]);
    bend("with an unknown member", vec![("z", "AA".into())]);
    bend("of 31 bytes", vec![("x", base64url::encode(&[1; 31]).into())]);
    bend("of 33 bytes", vec![("y", base64url::encode(&[1; 33]).into())]);
    bend("of numbers", vec![("x", json!(1)), ("y", json!(2))]);
    bend("of nothing", vec![("x", "".into()), ("y", "".into())]);
    for (what, value) in [
        ("null", Value::Null),
        ("a text", json!("AAAA")),
        ("an array", json!([])),
        ("empty", json!({})),
    ] {
        corpus.add(format!("an ephemeral key that is {what}"), move |good, _| {
            good.with_member("epk", value.clone())
        });
    }
    corpus.add("no ephemeral key", |good, _| {
        good.with_header(|header| drop(header.remove("epk")))
    });
    corpus.add("another ephemeral key", |good, loot| {
        good.with_member("epk", json!(loot.own.public_key().to_jwk()))
    });
    corpus.add("the recipient's key for an ephemeral one", |good, _| {
        good.with_member("epk", json!(good.recipient.to_jwk()))
    });
}

fn add_names(corpus: &mut Corpus<Seal>) {
    for (what, value) in [
        ("null", Value::Null),
        ("empty", json!("")),
        ("a number", json!(1)),
        ("a path", json!("../../../../dev/null")),
        ("SQL", json!("' OR 1=1 --")),
        ("too long", json!("k".repeat(9000))),
        ("unknown", json!(base64url::encode(&[9; 32]))),
    ] {
        corpus.add(format!("a kid that is {what}"), move |good, _| {
            good.with_member("kid", value.clone())
        });
    }
    corpus.add("a kid in an array", |good, _| {
        good.with_member("kid", json!([good.recipient.thumbprint()]))
    });
    corpus.add("the kid of a key of another role", |good, loot| {
        let mut kids = loot.keys.iter().filter(|key| **key != good.recipient);
        good.with_member("kid", kids.next_back().unwrap().thumbprint().into())
    });
}
