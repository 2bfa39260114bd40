//! The curves, by name or in full. Part 12 has keys carry their curve's parameters in full; they are taken only if they are
//! those of a named curve to the last byte, the generator included (else whoever chooses the generator signs for anybody).

use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Any, Sequence, Tag, Tagged as _};

use crate::Refusal;

/// A curve that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

/// `ECParameters` (ANSI X9.62, RFC 3279).
#[derive(Sequence)]
struct Parameters<'a> {
    version: u8,
    field: FieldId<'a>,
    curve: Coefficients<'a>,
    base: OctetStringRef<'a>,
    order: UintRef<'a>,
    #[asn1(optional = "true")]
    cofactor: Option<u8>,
}

#[derive(Sequence)]
struct FieldId<'a> {
    kind: ObjectIdentifier,
    prime: UintRef<'a>,
}

#[derive(Sequence)]
struct Coefficients<'a> {
    a: OctetStringRef<'a>,
    b: OctetStringRef<'a>,
    #[asn1(optional = "true")]
    seed: Option<BitStringRef<'a>>,
}

/// The numbers of a curve, in hexadecimal (SEC 2, sections 2.4.2 and 2.5.1).
struct Numbers {
    prime: &'static str,
    a: &'static str,
    b: &'static str,
    x: &'static str,
    y: &'static str,
    order: &'static str,
}

const PRIME_FIELD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.1.1");

const P256: Numbers = Numbers {
    prime: "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF",
    a: "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC",
    b: "5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B",
    x: "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296",
    y: "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
    order: "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
};

const P384: Numbers = Numbers {
    prime: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF",
    a: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFC",
    b: "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF",
    x: "AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7",
    y: "3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F",
    order: "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
};

impl Curve {
    /// The curve of a key's parameters.
    pub(crate) fn of(parameters: &Any) -> Result<Self, Refusal> {
        let curve = match parameters.tag() {
            Tag::ObjectIdentifier => parameters.decode_as().ok().and_then(|oid| Self::named(&oid)),
            Tag::Sequence => parameters.decode_as().ok().and_then(|full| Self::in_full(&full)),
            _ => None,
        };
        curve.ok_or(Refusal::UnknownAlgorithm)
    }

    fn named(oid: &ObjectIdentifier) -> Option<Self> {
        match oid.to_string().as_str() {
            "1.2.840.10045.3.1.7" => Some(Self::P256),
            "1.3.132.0.34" => Some(Self::P384),
            _ => None,
        }
    }

    fn in_full(full: &Parameters<'_>) -> Option<Self> {
        let is = |numbers: &Numbers| full.are(numbers);
        match (is(&P256), is(&P384)) {
            (true, _) => Some(Self::P256),
            (_, true) => Some(Self::P384),
            _ => None,
        }
    }
}

impl Parameters<'_> {
    fn are(&self, numbers: &Numbers) -> bool {
        // The seed says how the coefficients were found, and changes nothing.
        (1..=3).contains(&self.version)
            && self.field.kind == PRIME_FIELD
            && hex(self.field.prime.as_bytes()) == numbers.prime
            && hex(self.curve.a.as_bytes()) == numbers.a
            && hex(self.curve.b.as_bytes()) == numbers.b
            && self.is_generator(numbers)
            && hex(self.order.as_bytes()) == numbers.order
            && self.cofactor.is_none_or(|cofactor| cofactor == 1)
    }

    /// The generator, uncompressed or compressed (SEC 1, section 2.3.3); both curves' have an odd y.
    fn is_generator(&self, numbers: &Numbers) -> bool {
        let base = hex(self.base.as_bytes());
        base == ["04", numbers.x, numbers.y].concat() || base == ["03", numbers.x].concat()
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    digits.map(|digit| digit.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use der::{Decode as _, Encode as _};

    use super::*;
    use crate::synthetic::{Digest, Key, KeyKind};

    /// The parameters of a fresh key, as OpenSSL writes them.
    fn parameters(kind: KeyKind) -> Vec<u8> {
        let key = Key::make(kind, Digest::Sha256).unwrap().public().unwrap();
        key.algorithm.parameters.unwrap().to_der().unwrap()
    }

    fn curve(der: &[u8]) -> Option<Curve> {
        Curve::of(&Any::from_der(der).ok()?).ok()
    }

    #[test]
    fn a_curve_in_full_is_the_named_one_to_the_last_byte() {
        let full = parameters(KeyKind::P256InFull);
        assert_eq!(curve(&full), Some(Curve::P256));
        assert_eq!(curve(&parameters(KeyKind::P256)), Some(Curve::P256));
        assert_eq!(curve(&parameters(KeyKind::P384)), Some(Curve::P384));
        assert_eq!(curve(&parameters(KeyKind::P521)), None);
        // The seed (21 bytes at 124) says nothing; what else is changed is another curve, or another generator.
        let taken: Vec<usize> = (0..full.len())
            .filter(|at| {
                let mut other = full.clone();
                other[*at] ^= 1;
                curve(&other).is_some()
            })
            .collect();
        let harmless = |at: &usize| (124..145).contains(at) || *at == 5;
        assert!(taken.iter().all(harmless), "{taken:?}");
        assert!(taken.len() > 15);
    }
}
