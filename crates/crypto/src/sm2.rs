//! SM2 (GM/T 0003, GB/T 32918) on the curve of GM/T 0003.5, through OpenSSL: signatures with SM3, and agreement.
//!
//! OpenSSL 3.0 signs and verifies a digest of 32 bytes; it takes the signer's ID through a call that the `openssl` crate
//! does not have. So `Z` and the digest are made here (GB/T 32918.2, sections 5.5 and 6.1). A signature is `r || s`, 32
//! bytes each, big-endian.

use std::sync::LazyLock;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcGroupRef, EcKey, EcPoint, EcPointRef, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use sm3::{Digest as _, Sm3};
use zeroize::Zeroizing;

/// The ID that everybody signs under (GM/T 0009, section 10): a key stands for itself here, and for no name.
const ID: &[u8; 16] = b"1234567812345678";

/// The length of the ID in bits.
const ID_BITS: [u8; 2] = 128_u16.to_be_bytes();

/// The curve's `a`, `b` and base point (GM/T 0003.5), as `Z` takes them.
const CURVE: [[u8; 32]; 4] = [
    bytes("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"),
    bytes("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"),
    bytes("32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"),
    bytes("BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"),
];

/// `n - 1`: private keys stand below it (GB/T 32918.1, section 6.1).
const END: [u8; 32] = bytes("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122");

static GROUP: LazyLock<Result<EcGroup, ErrorStack>> = LazyLock::new(|| EcGroup::from_curve_name(Nid::SM2));

/// An uncompressed point: `04 || x || y`.
type Point = [u8; 65];

/// Why OpenSSL did not do it; some distributions build it without SM2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl From<ErrorStack> for Refused {
    fn from(_: ErrorStack) -> Self {
        Self
    }
}

/// A private key that signs.
pub(crate) struct Signer {
    key: PKey<Private>,
    z: [u8; 32],
}

impl Signer {
    /// The key of a private scalar and its point, which [`public_of`] gave.
    pub(crate) fn new(scalar: &[u8; 32], point: &Point) -> Result<Self, Refused> {
        let key = PKey::from_ec_key(private(scalar, point)?)?;
        Ok(Self { key, z: z(point) })
    }

    /// `r || s` of `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], Refused> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        let mut der = Vec::with_capacity(72);
        context.sign_to_vec(&digest(&self.z, message), &mut der)?;
        let signature = EcdsaSig::from_der(&der)?;
        let halves = [signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?];
        halves.concat().try_into().map_err(|_| Refused)
    }
}

/// A private key that agrees.
pub(crate) struct Agreement(EcKey<Private>);

impl Agreement {
    /// The key of a private scalar and its point, which [`public_of`] gave.
    pub(crate) fn new(scalar: &[u8; 32], point: &Point) -> Result<Self, Refused> {
        private(scalar, point).map(Self)
    }

    /// The x coordinate of the private scalar times the peer's point.
    pub(crate) fn agree(&self, peer: &Point) -> Result<Zeroizing<[u8; 32]>, Refused> {
        let group = group()?;
        let mut context = BigNumContext::new_secure()?;
        let mut shared = EcPoint::new(group)?;
        shared.mul2(group, &*point(group, peer)?, self.0.private_key(), &mut context)?;
        let shared = Zeroizing::new(written(group, &shared)?);
        let mut x = Zeroizing::new([0; 32]);
        x.copy_from_slice(shared.get(1..33).ok_or(Refused)?);
        Ok(x)
    }
}

/// The point of a private scalar from 1 to n - 2, or nothing for another number.
pub(crate) fn public_of(scalar: &[u8; 32]) -> Result<Point, Refused> {
    if *scalar >= END || *scalar == [0; 32] {
        return Err(Refused);
    }
    let group = group()?;
    let mut number = BigNum::from_slice(scalar)?;
    number.set_const_time();
    let mut public = EcPoint::new(group)?;
    let made = public.mul_generator2(group, &number, &mut *BigNumContext::new_secure()?);
    number.clear();
    made?;
    written(group, &public)
}

/// Whether these bytes are `04 || x || y` of a point on the curve.
pub(crate) fn is_point(bytes: &Point) -> bool {
    bytes.first() == Some(&4) && group().is_ok_and(|group| point(group, bytes).is_ok())
}

/// Whether `signature`, `r || s`, is that of `message` by the key of this point.
pub(crate) fn is_signature(point: &Point, message: &[u8], signature: &[u8]) -> bool {
    verify(point, message, signature).unwrap_or(false)
}

fn verify(public: &Point, message: &[u8], signature: &[u8]) -> Result<bool, Refused> {
    let signature: &[u8; 64] = signature.try_into().map_err(|_| Refused)?;
    let (r, s) = signature.split_at(32);
    let der = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()?;
    let group = group()?;
    let key = PKey::from_ec_key(EcKey::from_public_key(group, &*point(group, public)?)?)?;
    let mut context = PkeyCtx::new(&key)?;
    context.verify_init()?;
    Ok(context.verify(&digest(&z(public), message), &der)?)
}

/// `Z`, GB/T 32918.2, section 5.5: the signer's ID, the curve and the signer's key.
fn z(point: &Point) -> [u8; 32] {
    let mut hash = Sm3::new_with_prefix(ID_BITS);
    hash.update(ID);
    hash.update(CURVE.as_flattened());
    hash.update(point.get(1..).unwrap_or_default());
    hash.finalize().into()
}

/// What is signed for a message: GB/T 32918.2, section 6.1, steps A1 and A2.
fn digest(z: &[u8; 32], message: &[u8]) -> [u8; 32] {
    Sm3::new_with_prefix(z).chain_update(message).finalize().into()
}

fn group() -> Result<&'static EcGroupRef, Refused> {
    GROUP.as_deref().map_err(|_| Refused)
}

fn private(scalar: &[u8; 32], public: &Point) -> Result<EcKey<Private>, Refused> {
    let group = group()?;
    let mut number = BigNum::from_slice(scalar)?;
    // The key holds a copy of its own, which it wipes.
    let key = EcKey::from_private_components(group, &number, &*point(group, public)?);
    number.clear();
    Ok(key?)
}

/// The point of these bytes, which OpenSSL takes on the curve only.
fn point(group: &EcGroupRef, bytes: &Point) -> Result<EcPoint, Refused> {
    Ok(EcPoint::from_bytes(group, bytes, &mut *BigNumContext::new()?)?)
}

fn written(group: &EcGroupRef, point: &EcPointRef) -> Result<Point, Refused> {
    let mut context = BigNumContext::new_secure()?;
    let bytes = Zeroizing::new(point.to_bytes(group, PointConversionForm::UNCOMPRESSED, &mut context)?);
    bytes.as_slice().try_into().map_err(|_| Refused)
}

/// 32 bytes as the standard prints them.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, on texts of 64 digits"
)]
const fn bytes(hex: &str) -> [u8; 32] {
    const fn digit(byte: u8) -> u8 {
        if byte <= b'9' {
            byte - b'0'
        } else {
            byte - b'A' + 10
        }
    }
    let (hex, mut out, mut at) = (hex.as_bytes(), [0; 32], 0);
    while at < 32 {
        out[at] = digit(hex[2 * at]) << 4 | digit(hex[2 * at + 1]);
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GM/T 0003.5, appendix A: the signer's key, and a signature of "message digest".
    const SCALAR: [u8; 32] = bytes("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    const X: [u8; 32] = bytes("09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020");
    const Y: [u8; 32] = bytes("CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13");
    const Z: [u8; 32] = bytes("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3");
    const E: [u8; 32] = bytes("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    const R: [u8; 32] = bytes("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3");
    const S: [u8; 32] = bytes("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA");
    const MESSAGE: &[u8] = b"message digest";

    fn example() -> Point {
        [&[4], X.as_slice(), &Y].concat().try_into().unwrap()
    }

    #[test]
    fn the_example_of_gmt_0003_5_verifies_and_nothing_near_it() {
        let point = example();
        assert_eq!(public_of(&SCALAR), Ok(point));
        assert_eq!((z(&point), digest(&Z, MESSAGE)), (Z, E));
        let signature = [R, S].concat();
        assert!(is_signature(&point, MESSAGE, &signature));
        assert!(!is_signature(&point, b"message digesu", &signature));
        for at in 0..signature.len() {
            let mut altered = signature.clone();
            altered[at] ^= 1;
            assert!(!is_signature(&point, MESSAGE, &altered), "at {at}");
        }
        assert!(!is_signature(&public_of(&Z).unwrap(), MESSAGE, &signature));
    }

    #[test]
    fn a_signature_is_written_in_one_way_only() {
        let point = example();
        let key = Signer::new(&SCALAR, &point).unwrap();
        let good = key.sign(MESSAGE).unwrap();
        assert!(is_signature(&point, MESSAGE, &good));
        assert_ne!(key.sign(MESSAGE).unwrap(), good, "a fresh nonce each time");
        let (r, s) = good.split_at(32);
        let order = bytes("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
        let (zero, top) = ([0; 32], [0xff; 32]);
        for wrong in [zero.as_slice(), &order, &END, &top] {
            assert!(!is_signature(&point, MESSAGE, &[wrong, s].concat()));
            assert!(!is_signature(&point, MESSAGE, &[r, wrong].concat()));
        }
        for length in [0, 32, 63] {
            assert!(!is_signature(&point, MESSAGE, &good[..length]));
        }
        assert!(!is_signature(&point, MESSAGE, &[good.as_slice(), &[0]].concat()));
    }

    #[test]
    fn only_points_of_the_curve_are_points() {
        let point = example();
        assert!(is_point(&point));
        for at in 0..point.len() {
            let mut altered = point;
            altered[at] ^= 1;
            assert!(!is_point(&altered), "at {at}");
        }
        let mut hybrid = point;
        hybrid[0] = 6 + (point[64] & 1);
        assert!(!is_point(&hybrid), "another encoding of the same point");
    }

    #[test]
    fn scalars_stand_from_one_to_two_below_the_order() {
        let mut last = END;
        last[31] -= 1;
        let mut one = [0; 32];
        one[31] = 1;
        for good in [one, last] {
            let point = public_of(&good).unwrap();
            let signature = Signer::new(&good, &point).unwrap().sign(MESSAGE).unwrap();
            assert!(is_signature(&point, MESSAGE, &signature));
        }
        for wrong in [[0; 32], END, [0xff; 32]] {
            assert_eq!(public_of(&wrong), Err(Refused));
        }
    }

    #[test]
    fn two_sides_agree_and_a_point_of_another_curve_does_not() {
        let (one, two) = (public_of(&SCALAR).unwrap(), public_of(&Z).unwrap());
        let agreed = Agreement::new(&SCALAR, &one).unwrap().agree(&two).unwrap();
        assert_eq!(agreed, Agreement::new(&Z, &two).unwrap().agree(&one).unwrap());
        assert_eq!(
            Agreement::new(&SCALAR, &one).unwrap().agree(&[4; 65]),
            Err(Refused)
        );
    }
}
