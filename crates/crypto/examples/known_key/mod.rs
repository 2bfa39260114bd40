//! A public key with tables of its multiples, to be measured beside the check that is in use.
//!
//! ECDSA (FIPS 186-5, section 6.4.2) asks whether `u1 * G + u2 * Q` has the x coordinate `r`. With the multiples of `G`
//! and of `Q` at hand that is a sum of about sixty points, and nothing is doubled. Everything here is public, the key,
//! the message and the signature, so the time it takes may depend on them.

use std::iter;
use std::sync::LazyLock;

use cyberid_crypto::PublicKey;
use cyberid_crypto::digest;
use cyberid_crypto::jwk::InvalidKey;
use p256::elliptic_curve::ops::Reduce as _;
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::elliptic_curve::{BatchNormalize as _, PrimeField as _};
use p256::{AffinePoint, FieldBytes, NonZeroScalar, ProjectivePoint, Scalar};

/// The base point's multiples, 1.7 MB: there is one such table, so its windows are wide.
static GENERATOR: LazyLock<Table<11>> = LazyLock::new(|| Table::new(AffinePoint::GENERATOR));

/// A key's own multiples.
type Multiples = Table<7>;

/// A public key with the tables that check its signatures fast.
pub(crate) struct KnownKey {
    multiples: Multiples,
}

impl KnownKey {
    /// What one key takes in memory, in bytes.
    pub(crate) const BYTES: usize = Multiples::BYTES;

    /// Makes the tables: about 2 milliseconds of work, and 20 more the first time in a process.
    pub(crate) fn new(key: &PublicKey) -> Result<Self, InvalidKey> {
        LazyLock::force(&GENERATOR);
        let point = p256::PublicKey::from_sec1_bytes(key.as_sec1()).map_err(|_| InvalidKey)?;
        Ok(Self {
            multiples: Table::new(*point.as_affine()),
        })
    }

    /// Checks the ES256 `signature` (`r || s`) of `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.fits(message, signature).unwrap_or(false)
    }

    fn fits(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        let (r, s) = numbers(signature)?;
        let inverse: Option<Scalar> = s.invert_vartime().into();
        let inverse = inverse?;
        let hash = Scalar::reduce(&FieldBytes::from(digest::sha256(message)));
        let point = self.sum(&(hash * inverse), &(*r * inverse)).to_affine();
        // x stands below p, which is above the order: both r and r + n are met by reducing it. The point at infinity has
        // the x coordinate 0 here, which is no r.
        Some(Scalar::reduce(&point.x()) == *r)
    }

    /// `u1 * G + u2 * Q`. The terms are fetched before the first is added, so that the waits for memory overlap.
    fn sum(&self, u1: &Scalar, u2: &Scalar) -> ProjectivePoint {
        let mut terms = Vec::with_capacity(Table::<11>::WINDOWS + Multiples::WINDOWS);
        terms.extend(GENERATOR.terms(u1));
        terms.extend(self.multiples.terms(u2));
        terms
            .iter()
            .fold(ProjectivePoint::IDENTITY, |sum, term| sum + term)
    }
}

/// `r` and `s`, each 32 bytes and from 1 to n - 1.
fn numbers(signature: &[u8]) -> Option<(NonZeroScalar, NonZeroScalar)> {
    let signature: &[u8; 64] = signature.try_into().ok()?;
    let number = |bytes: &[u8; 32]| NonZeroScalar::from_repr(FieldBytes::from(*bytes)).into();
    let r: Option<NonZeroScalar> = number(signature.first_chunk()?);
    let s: Option<NonZeroScalar> = number(signature.last_chunk()?);
    r.zip(s)
}

/// The multiples `d * 2^(BITS * i)` of a point, for every window `i` of a scalar and `d` from 1 to `2^(BITS - 1)`.
///
/// Digits are signed, from `1 - 2^(BITS - 1)` to `2^(BITS - 1)`: the negative of a point costs nothing, and so half the
/// multiples need not be kept.
struct Table<const BITS: usize>(Box<[AffinePoint]>);

impl<const BITS: usize> Table<BITS> {
    /// The greatest digit, and the number of points in a window.
    const HALF: usize = 1 << (BITS - 1);

    /// How many windows a scalar has: one bit more than its 256, for the last carry.
    const WINDOWS: usize = 257_usize.div_ceil(BITS);

    /// What the table takes in memory, in bytes.
    const BYTES: usize = Self::WINDOWS * Self::HALF * size_of::<AffinePoint>();

    /// Makes the multiples of `point`.
    fn new(point: AffinePoint) -> Self {
        let mut multiples = Vec::with_capacity(Self::WINDOWS * Self::HALF);
        let mut first = ProjectivePoint::from(point);
        for _ in 0..Self::WINDOWS {
            let step = first.to_affine();
            multiples.extend(iter::successors(Some(first), |last| Some(last + &step)).take(Self::HALF));
            first = multiples.last().map_or(first, |last| last + last);
        }
        Self(ProjectivePoint::batch_normalize(multiples.as_slice()).into())
    }

    /// The points whose sum is `scalar` times this table's: at most one of each window.
    fn terms(&self, scalar: &Scalar) -> impl Iterator<Item = AffinePoint> {
        let scalar = little_endian(scalar);
        let mut carry = 0;
        let windows = self.0.chunks_exact(Self::HALF).enumerate();
        windows.filter_map(move |(at, window)| {
            let digit = bits::<BITS>(&scalar, at * BITS) + carry;
            carry = usize::from(digit > Self::HALF);
            if carry == 0 {
                multiple(window, digit).copied()
            } else {
                multiple(window, 2 * Self::HALF - digit).map(|point| -*point)
            }
        })
    }
}

/// The `digit`th multiple, or none for 0, which adds nothing.
fn multiple(window: &[AffinePoint], digit: usize) -> Option<&AffinePoint> {
    window.get(digit.checked_sub(1)?)
}

/// The scalar's bytes, the lowest first, and some zeros for the windows that reach beyond it.
fn little_endian(scalar: &Scalar) -> [u8; 36] {
    let mut bytes = [0; 36];
    for (byte, of) in bytes.iter_mut().zip(scalar.to_repr().iter().rev()) {
        *byte = *of;
    }
    bytes
}

/// `BITS` bits, at most 25, from the bit `from` on.
fn bits<const BITS: usize>(bytes: &[u8; 36], from: usize) -> usize {
    let word = bytes.get(from / 8..).and_then(<[u8]>::first_chunk);
    let word = u32::from_le_bytes(*word.unwrap_or(&[0; 4]));
    (word >> (from % 8)) as usize % (1 << BITS)
}
