//! ES256 signatures at the edges of what FIPS 186-5, section 6.4.2, takes: whatever library checks them, it takes these
//! and no others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_crypto::{PublicKey, Sign as _, SigningKey, digest, jws};
use p256::elliptic_curve::ops::Reduce as _;
use p256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::elliptic_curve::{Curve as _, PrimeField as _};
use p256::{AffinePoint, FieldBytes, NistP256, ProjectivePoint, Scalar, U256};

const MESSAGE: &[u8] = b"message";
const ORDER: U256 = *NistP256::ORDER.as_ref();

fn public(point: ProjectivePoint) -> PublicKey {
    PublicKey::from_sec1(point.to_affine().to_sec1_point(false).as_bytes()).unwrap()
}

fn hash(message: &[u8]) -> Scalar {
    Scalar::reduce(&FieldBytes::from(digest::sha256(message)))
}

fn inverse(scalar: Scalar) -> Scalar {
    scalar.invert_vartime().unwrap()
}

/// The x coordinate of a point as a signature carries it: below the order.
fn abscissa(point: ProjectivePoint) -> Scalar {
    Scalar::reduce(&point.to_affine().x())
}

fn signature(r: impl Into<U256>, s: impl Into<U256>) -> Vec<u8> {
    let number = |number: U256| number.to_be_bytes().as_ref().to_vec();
    [number(r.into()), number(s.into())].concat()
}

/// The key under which (`r`, `s`) is a signature of [`MESSAGE`] that ends at `point` (SEC 1, section 4.1.6).
fn recovered(point: ProjectivePoint, r: Scalar, s: Scalar) -> PublicKey {
    public((point * s - ProjectivePoint::GENERATOR * hash(MESSAGE)) * inverse(r))
}

/// The first point at or beyond the x coordinate `from`.
fn point_from(from: U256) -> (U256, ProjectivePoint) {
    (0_u32..100)
        .find_map(|step| {
            let x = from.wrapping_add(&U256::from(step));
            let bytes = FieldBytes::try_from(x.to_be_bytes().as_ref()).unwrap();
            let point: Option<AffinePoint> = AffinePoint::decompress(&bytes, 0.into()).into();
            Some((x, point?.into()))
        })
        .unwrap()
}

fn accepts(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    jws::verify_signature(key, message, signature).is_ok()
}

/// RFC 6979, appendix A.2.5, with SHA-256.
#[test]
fn the_signatures_of_rfc_6979_are_taken() {
    let scalar = hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
    let key = SigningKey::from_scalar(&scalar.try_into().unwrap())
        .unwrap()
        .public_key();
    let sample = hex::decode(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    )
    .unwrap();
    let test = hex::decode(
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
         019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    )
    .unwrap();
    assert!(accepts(&key, b"sample", &sample));
    assert!(accepts(&key, b"test", &test));
    assert!(!accepts(&key, b"test", &sample));
    assert!(!accepts(&key, b"sample", &test));
}

#[test]
fn keys_of_tiny_and_greatest_scalars_are_met() {
    for scalar in (1..=40_u64)
        .map(Scalar::from)
        .flat_map(|scalar| [scalar, -scalar])
    {
        let key = SigningKey::from_scalar(&scalar.to_repr().into()).unwrap();
        let signature = key.sign(MESSAGE).unwrap();
        assert!(accepts(&key.public_key(), MESSAGE, &signature));
        assert!(!accepts(&key.public_key(), b"another", &signature));
    }
}

#[test]
fn numbers_outside_of_their_range_are_refused() {
    let (zero, one, top) = (U256::ZERO, U256::ONE, U256::MAX);
    let below = ORDER.wrapping_sub(&one);
    let key = public(ProjectivePoint::GENERATOR);
    let good = SigningKey::from_scalar(&Scalar::ONE.to_repr().into())
        .unwrap()
        .sign(MESSAGE)
        .unwrap();
    let (r, s) = good.split_at(32);
    let (r, s) = (U256::from_be_slice(r), U256::from_be_slice(s));
    assert!(accepts(&key, MESSAGE, &signature(r, s)));
    for wrong in [zero, one, below, ORDER, ORDER.wrapping_add(&one), top] {
        for (r, s) in [(wrong, s), (r, wrong), (wrong, wrong)] {
            assert!(!accepts(&key, MESSAGE, &signature(r, s)), "{r} {s}");
        }
    }
}

/// A number with the order added to it says the same, and is refused.
#[test]
fn a_signature_is_written_in_one_way_only() {
    let (x, point) = point_from(U256::ONE);
    let (r, s) = (abscissa(point), Scalar::from(5_u64));
    let key = recovered(point, r, s);
    assert!(accepts(&key, MESSAGE, &signature(r, s)));
    let beyond = |number: U256| number.wrapping_add(&ORDER);
    assert!(!accepts(&key, MESSAGE, &signature(beyond(x), s)));
    assert!(!accepts(&key, MESSAGE, &signature(r, beyond(s.into()))));
}

#[test]
fn numbers_at_the_end_of_their_range_are_taken() {
    let (_, near_order) = point_from(ORDER.wrapping_sub(&U256::from(100_u32)));
    let (_, near_zero) = point_from(U256::ONE);
    for point in [near_order, near_zero] {
        for s in [Scalar::ONE, -Scalar::ONE, Scalar::from(2_u64)] {
            let r = abscissa(point);
            assert!(accepts(&recovered(point, r, s), MESSAGE, &signature(r, s)));
        }
    }
}

/// x coordinates from the order up to p: the signature carries them less the order.
#[test]
fn an_x_coordinate_beyond_the_order_is_met() {
    let (x, point) = point_from(ORDER.wrapping_add(&U256::ONE));
    let (r, s) = (abscissa(point), Scalar::from(77_u64));
    assert_eq!(U256::from(r).wrapping_add(&ORDER), x);
    let key = recovered(point, r, s);
    assert!(accepts(&key, MESSAGE, &signature(r, s)));
    assert!(!accepts(&key, MESSAGE, &signature(x, s)));
}

/// `u1 * G = -(u2 * Q)`: their sum has no x coordinate, and so no signature fits.
#[test]
fn a_sum_at_infinity_is_no_signature() {
    for r in [1_u64, 2, 3, 0x1234_5678].map(Scalar::from) {
        let key = public(ProjectivePoint::GENERATOR * (-hash(MESSAGE) * inverse(r)));
        for s in [1_u64, 2, 3, 0x8765_4321].map(Scalar::from) {
            assert!(!accepts(&key, MESSAGE, &signature(r, s)));
            assert!(!accepts(&key, MESSAGE, &signature(-r, s)));
        }
    }
}

/// `u1 * G = u2 * Q`: their sum is a doubling.
#[test]
fn a_sum_of_equals_is_met() {
    for k in [2_u64, 3, 0x1234_5678].map(Scalar::from) {
        let r = abscissa(ProjectivePoint::GENERATOR * k);
        let s = hash(MESSAGE).double() * inverse(k);
        let key = public(ProjectivePoint::GENERATOR * (hash(MESSAGE) * inverse(r)));
        assert!(accepts(&key, MESSAGE, &signature(r, s)));
        assert!(!accepts(&key, MESSAGE, &signature(r, s + Scalar::ONE)));
    }
}

#[test]
fn a_signature_has_64_bytes() {
    let key = SigningKey::from_scalar(&[7; 32]).unwrap();
    let good = key.sign(MESSAGE).unwrap().to_vec();
    let public = key.public_key();
    assert!(accepts(&public, MESSAGE, &good));
    for length in [0, 1, 32, 63] {
        assert!(!accepts(&public, MESSAGE, &good[..length]));
    }
    for extra in [0, 1] {
        assert!(!accepts(&public, MESSAGE, &[good.clone(), vec![extra]].concat()));
        assert!(!accepts(&public, MESSAGE, &[vec![extra], good.clone()].concat()));
    }
}
