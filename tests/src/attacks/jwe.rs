//! Seals that are bent, sealed to somebody else, or hold what they should not.

use cyberid_crypto::{Agree as _, AgreementKey, base64url, jwe};
use serde_json::json;

use super::seal::encrypted;
use super::{Corpus, Seal};

pub(super) fn add(corpus: &mut Corpus<Seal>) {
    add_bent(corpus);
    add_elsewhere(corpus);
    add_contents(corpus);
}

/// Parts that were altered after the sealing.
fn add_bent(corpus: &mut Corpus<Seal>) {
    type Bend = fn([String; 5]) -> [String; 5];
    let bytes = |what: &str| what.to_owned();
    let bends: [(String, Bend); 18] = [
        (bytes("a tag of 15 bytes"), |parts| resized(parts, 4, 15)),
        (bytes("a tag of 12 bytes"), |parts| resized(parts, 4, 12)),
        (bytes("a tag of 4 bytes"), |parts| resized(parts, 4, 4)),
        (bytes("no tag"), |parts| resized(parts, 4, 0)),
        (bytes("a tag of 17 bytes"), |parts| resized(parts, 4, 17)),
        (bytes("a byte of the ciphertext in the tag"), |parts| {
            shifted(parts, -1)
        }),
        (bytes("a byte of the tag in the ciphertext"), |parts| {
            shifted(parts, 1)
        }),
        (bytes("an iv of 11 bytes"), |parts| resized(parts, 2, 11)),
        (bytes("an iv of 13 bytes"), |parts| resized(parts, 2, 13)),
        (bytes("an iv of 16 bytes"), |parts| resized(parts, 2, 16)),
        (bytes("no iv"), |parts| resized(parts, 2, 0)),
        (bytes("another iv"), |[header, key, _, ciphertext, tag]| {
            [header, key, base64url::encode(&[1; 12]), ciphertext, tag]
        }),
        (bytes("an encrypted key"), |[header, _, iv, ciphertext, tag]| {
            [header, base64url::encode(&[0; 40]), iv, ciphertext, tag]
        }),
        (bytes("no ciphertext"), |parts| resized(parts, 3, 0)),
        (bytes("a shorter ciphertext"), |parts| {
            let length = base64url::decode(&parts[3]).unwrap().len();
            resized(parts, 3, length - 1)
        }),
        (bytes("a longer ciphertext"), |parts| {
            let length = base64url::decode(&parts[3]).unwrap().len();
            resized(parts, 3, length + 1)
        }),
        (bytes("a bit of the ciphertext turned"), |mut parts| {
            let mut ciphertext = base64url::decode(&parts[3]).unwrap();
            ciphertext[0] ^= 1;
            parts[3] = base64url::encode(&ciphertext);
            parts
        }),
        (bytes("a header with a space more"), |mut parts| {
            let header = base64url::decode(&parts[0]).unwrap();
            let header = String::from_utf8(header).unwrap().replacen(',', ", ", 1);
            parts[0] = base64url::encode(header.as_bytes());
            parts
        }),
    ];
    for (what, bend) in bends {
        corpus.add(what, move |good, _| {
            bend(good.parts().map(str::to_owned)).join(".")
        });
    }
}

/// The same bytes with the border between ciphertext and tag moved.
fn shifted(mut parts: [String; 5], by: isize) -> [String; 5] {
    let [ciphertext, tag] = [3, 4].map(|part: usize| base64url::decode(&parts[part]).unwrap());
    let border = ciphertext.len().checked_add_signed(by).unwrap();
    let all = [ciphertext, tag].concat();
    let (ciphertext, tag) = all.split_at(border);
    parts[3] = base64url::encode(ciphertext);
    parts[4] = base64url::encode(tag);
    parts
}

fn resized(mut parts: [String; 5], part: usize, length: usize) -> [String; 5] {
    let mut bytes = base64url::decode(&parts[part]).unwrap();
    bytes.resize(length, 0);
    parts[part] = base64url::encode(&bytes);
    parts
}

/// Sealed to somebody else, or by a guess of the secret.
fn add_elsewhere(corpus: &mut Corpus<Seal>) {
    corpus.add("sealed to a key of the attacker", |good, loot| {
        jwe::seal(&loot.own.public_key(), "json", &good.plaintext).unwrap()
    });
    corpus.add(
        "sealed to a key of the attacker, in the recipient's name",
        |good, loot| {
            let other = Seal {
                recipient: loot.own.public_key(),
                ..good.clone()
            };
            other.with_member("kid", good.recipient.thumbprint().into())
        },
    );
    for index in 0..6 {
        corpus.add_some(format!("sealed to the signing key {index}"), move |good, loot| {
            let other = loot
                .keys
                .iter()
                .filter(|key| **key != good.recipient)
                .nth(index)?;
            Some(jwe::seal(other, "json", &good.plaintext).unwrap())
        });
    }
    corpus.add("sealed to a key that is no more", |good, _| {
        let gone = AgreementKey::ephemeral_of(good.suite()).unwrap();
        jwe::seal(&gone.public_key(), "json", &good.plaintext).unwrap()
    });
    for (what, secret) in [("zeros", [0; 32]), ("all bits", [255; 32])] {
        corpus.add(
            format!("sealed under a shared secret of {what}"),
            move |good, _| {
                let [header, ..] = good.parts();
                encrypted(good.suite(), header, &secret, &good.plaintext)
            },
        );
    }
    corpus.add("sealed under the ephemeral key's own coordinate", |good, loot| {
        let suite = good.suite();
        let header = json!({"alg": suite.agreement_alg(), "enc": suite.content_alg(),
            "epk": loot.own.public_key().to_jwk()});
        let shared: [u8; 32] = loot.own.public_key().as_sec1()[1..33].try_into().unwrap();
        let header = base64url::encode(header.to_string().as_bytes());
        encrypted(suite, &header, &shared, &good.plaintext)
    });
    corpus.add("a signed message in place of the seal", |_, loot| {
        loot.others.first().unwrap().1.clone()
    });
    corpus.add("what is in the seal, without a seal", |good, _| {
        String::from_utf8(good.plaintext.clone()).unwrap()
    });
}

/// Sealed well, with contents that are not what this place takes.
fn add_contents(corpus: &mut Corpus<Seal>) {
    type Write = fn(&str) -> Vec<u8>;
    let contents: [(&str, Write); 16] = [
        ("nothing", |_| Vec::new()),
        ("an empty object", |_| b"{}".into()),
        ("null", |_| b"null".into()),
        ("an array of it", |text| format!("[{text}]").into()),
        ("it as a text", |text| json!(text).to_string().into()),
        ("it after a byte order mark", |text| {
            format!("\u{feff}{text}").into()
        }),
        ("it and bytes behind", |text| format!("{text}x").into()),
        ("it and a NUL", |text| format!("{text}\0").into()),
        ("it twice", |text| format!("{text}{text}").into()),
        ("it in UTF-16", |text| {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }),
        ("invalid UTF-8", |text| [text.as_bytes(), &[0xff]].concat()),
        ("half of it", |text| text.as_bytes()[..text.len() / 2].into()),
        ("an unknown member first", |text| {
            format!("{{\"x\":1,{}", &text[1..]).into()
        }),
        ("an empty member first", |text| {
            format!("{{\"\":\"\",{}", &text[1..]).into()
        }),
        ("a deep array", |_| "[".repeat(20_000).into()),
        ("another seal", |text| {
            let key = AgreementKey::ephemeral().unwrap().public_key();
            jwe::seal(&key, "json", text.as_bytes()).unwrap().into()
        }),
    ];
    for (what, write) in contents {
        corpus.add(format!("holding {what}"), move |good, _| {
            good.around(&write(str::from_utf8(&good.plaintext).unwrap()))
        });
    }
    corpus.add("holding itself, sealed", |good, _| {
        good.around(good.compact.as_bytes())
    });
    corpus.add("holding each member twice", |good, _| {
        let text = str::from_utf8(&good.plaintext).unwrap();
        let inner = text.get(1..text.len() - 1).unwrap_or_default();
        good.around(format!("{{{inner},{inner}}}").as_bytes())
    });
}
