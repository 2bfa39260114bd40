//! Signatures that are none: zeros, the order, another form, another length, another text's.

use cyberid_crypto::{Suite, base64url};

use super::{Corpus, Token};

/// The order of P-256 (SP 800-186, section 3.2.1.3), or of the SM2 curve (GM/T 0003.5).
const fn order(suite: Suite) -> [u8; 32] {
    match suite {
        Suite::Nist => [
            0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
        ],
        Suite::Sm => [
            0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0x72, 0x03, 0xdf, 0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x23,
        ],
    }
}

pub(super) fn add(corpus: &mut Corpus<Token>) {
    add_numbers(corpus);
    add_forms(corpus);
    add_borrowed(corpus);
}

/// The other signature of the same words by the same key: `(r, n - s)`.
///
/// JOSE does not ask ES256 for the lower of the two, so that both verify. Nothing may depend on which of them came.
/// An SM2 signature has no twin.
pub fn twin(compact: &str) -> String {
    let (signed, signature) = compact.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let other = from_the_order(Suite::Nist, s);
    format!("{signed}.{}", base64url::encode(&[r, &other].concat()))
}

/// `n - value`.
fn from_the_order(suite: Suite, value: &[u8]) -> [u8; 32] {
    let mut rest = order(suite);
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(rest[at]) - i16::from(value[at]) - borrow;
        borrow = i16::from(difference < 0);
        rest[at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    rest
}

fn add_numbers(corpus: &mut Corpus<Token>) {
    use Number::{All, One, Order, Zero};
    for (what, r, s) in [
        ("of zeros", Zero, Zero),
        ("of ones", One, One),
        ("of the order", Order, Order),
        ("of the order and zero", Order, Zero),
        ("of zero and the order", Zero, Order),
        ("of one and zero", One, Zero),
        ("of zero and one", Zero, One),
        ("of all bits", All, All),
    ] {
        corpus.add(format!("a signature {what}"), move |good, _| {
            let suite = suite(good);
            good.with_signature(&[r.of(suite), s.of(suite)].concat())
        });
    }
    for (what, value) in [("zero", Zero), ("the order", Order), ("all bits", All)] {
        corpus.add(format!("r is {what}"), move |good, _| {
            good.with_signature(&[&value.of(suite(good)), &good.signature()[32..]].concat())
        });
        corpus.add(format!("s is {what}"), move |good, _| {
            good.with_signature(&[&good.signature()[..32], &value.of(suite(good))].concat())
        });
    }
    add_sums(corpus);
}

/// Numbers whose sum is the order: SM2 has no more of the key in its check then (GM/T 0003.2, section 7.1, step B5).
fn add_sums(corpus: &mut Corpus<Token>) {
    corpus.add("r and s make the order, with r kept", |good, _| {
        let r = &good.signature()[..32];
        good.with_signature(&[r, &from_the_order(suite(good), r)].concat())
    });
    corpus.add("r and s make the order, with s kept", |good, _| {
        let s = &good.signature()[32..];
        good.with_signature(&[&from_the_order(suite(good), s), s].concat())
    });
    corpus.add("r is one and s makes the order", |good, _| {
        let one = Number::One.of(suite(good));
        good.with_signature(&[one, from_the_order(suite(good), &one)].concat())
    });
    // ECDSA has this one for a second signature, and every place says what that does: its twin.
    corpus.add_some("s from the order, where that is no twin", |good, _| {
        let signature = good.signature();
        let (r, s) = signature.split_at(32);
        let other = from_the_order(Suite::Sm, s);
        (suite(good) == Suite::Sm).then(|| good.with_signature(&[r, &other].concat()))
    });
}

fn suite(good: &Token) -> Suite {
    good.key.public_key().suite()
}

/// A number that is none of a signature.
#[derive(Clone, Copy)]
enum Number {
    Zero,
    One,
    Order,
    All,
}

impl Number {
    fn of(self, suite: Suite) -> [u8; 32] {
        match self {
            Self::Zero => [0; 32],
            Self::One => {
                let mut bytes = [0; 32];
                bytes[31] = 1;
                bytes
            }
            Self::Order => order(suite),
            Self::All => [0xff; 32],
        }
    }
}

fn add_forms(corpus: &mut Corpus<Token>) {
    type Form = fn(&[u8]) -> Vec<u8>;
    let forms: [(&str, Form); 14] = [
        ("in DER", der),
        ("in DER, filled up to 72 bytes", |bytes| {
            let mut der = der(bytes);
            der.resize(72, 0);
            der
        }),
        ("of no bytes", |_| Vec::new()),
        ("of one byte", |_| vec![0]),
        ("of 32 bytes", |bytes| bytes[..32].to_vec()),
        ("of 63 bytes", |bytes| bytes[..63].to_vec()),
        ("of 63 bytes, without its first", |bytes| bytes[1..].to_vec()),
        ("of 65 bytes", |bytes| [bytes, &[0]].concat()),
        ("of 65 bytes, after a zero", |bytes| [&[0], bytes].concat()),
        ("of 65 bytes, with a recovery byte", |bytes| {
            [bytes, &[27]].concat()
        }),
        ("of 96 bytes", |bytes| {
            [&[0; 16], &bytes[..32], &[0; 16], &bytes[32..]].concat()
        }),
        ("twice", |bytes| [bytes, bytes].concat()),
        ("with r and s changed over", |bytes| {
            [&bytes[32..], &bytes[..32]].concat()
        }),
        ("backwards", |bytes| bytes.iter().rev().copied().collect()),
    ];
    for (what, form) in forms {
        corpus.add(format!("a signature {what}"), move |good, _| {
            good.with_signature(&form(&good.signature()))
        });
    }
    for (what, bit) in [("first", 0x80_u8), ("last", 1)] {
        corpus.add(
            format!("a signature with its {what} bit turned"),
            move |good, _| {
                let mut bytes = good.signature();
                let at = if bit == 1 { bytes.len() - 1 } else { 0 };
                bytes[at] ^= bit;
                good.with_signature(&bytes)
            },
        );
    }
    corpus.add("a signature in hexadecimal", |good, _| {
        let signature = good.signature();
        let hex: Vec<String> = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        format!("{}.{hex}", good.signed())
    });
    corpus.add("the part of the signature left out", |good, _| {
        good.signed().to_owned()
    });
}

/// Signatures of other texts by the right key, and of this text by another.
fn add_borrowed(corpus: &mut Corpus<Token>) {
    type Text = fn(&Token) -> Vec<u8>;
    let texts: [(&str, Text); 6] = [
        ("of the header alone", |good| good.parts()[0].into()),
        ("of the payload alone", |good| good.parts()[1].into()),
        ("of payload and header", |good| {
            let [header, payload, _] = good.parts();
            format!("{payload}.{header}").into()
        }),
        ("of the words without base64url", |good| {
            format!("{}.{}", good.header, good.claims).into()
        }),
        ("of the words' digest", |good| {
            suite(good).hash(good.signed().as_bytes()).into()
        }),
        ("of nothing", |_| Vec::new()),
    ];
    for (what, text) in texts {
        corpus.add(format!("a signature {what}"), move |good, _| {
            good.with_signature(&good.key.sign(&text(good)).unwrap())
        });
    }
    corpus.add("the signature of another message", |good, loot| {
        let (_, other) = loot
            .others
            .iter()
            .find(|(_, other)| other.split('.').count() == 3)
            .unwrap();
        format!("{}.{}", good.signed(), other.rsplit_once('.').unwrap().1)
    });
    corpus.add("claims exchanged under a good signature", |good, _| {
        let mut claims = good.claims.clone();
        claims["aud"] = "https://other.example".into();
        let [header, _, signature] = good.parts();
        format!(
            "{header}.{}.{signature}",
            base64url::encode(claims.to_string().as_bytes())
        )
    });
}

/// ECDSA-Sig-Value, RFC 3279 section 2.2.3.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign: &[u8] = if bytes.first().is_none_or(|byte| *byte > 127) {
            &[0]
        } else {
            &[]
        };
        let bytes = [sign, &bytes].concat();
        [&[2, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], both.as_slice()].concat()
}
