//! SHA-256 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869) and comparison in constant time; and for the SM suite the same
//! over SM3 (GM/T 0004).

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use aws_lc_rs::{digest, hkdf, hmac};
use sm3::{Digest as _, Sm3};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::suite::Suite;

/// The SHA-256 digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The SHA-256 digest of `bytes` in base64url, as our messages carry it.
pub fn sha256_base64url(bytes: &[u8]) -> String {
    crate::base64url::encode(&sha256(bytes))
}

/// HMAC-SHA-256 over the parts, each preceded by its length (4 bytes, big-endian), so that no two lists of
/// parts are the same message.
pub fn hmac_parts(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(&length(part));
        context.update(part);
    }
    array(context.sign().as_ref())
}

/// The suite's hash, and what is made of it: SHA-256, or SM3. Both have 32 bytes.
impl Suite {
    /// The digest of `bytes`.
    pub fn hash(self, bytes: &[u8]) -> [u8; 32] {
        match self {
            Self::Nist => sha256(bytes),
            Self::Sm => Sm3::digest(bytes).into(),
        }
    }

    /// HMAC over the parts, one after the other.
    pub fn hmac(self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Nist => hmac_sha256(key, parts),
            Self::Sm => hmac_sm3(key, parts),
        }
    }

    /// HMAC over the parts, each preceded by its length, as [`hmac_parts`] does it.
    pub fn hmac_parts(self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Nist => hmac_parts(key, parts),
            Self::Sm => {
                let lengths: Vec<_> = parts.iter().map(|part| length(part)).collect();
                let pairs = lengths.iter().zip(parts);
                let flat: Vec<_> = pairs
                    .flat_map(|(length, part)| [length.as_slice(), part])
                    .collect();
                hmac_sm3(key, &flat)
            }
        }
    }

    /// HKDF of `secret` to 32 bytes.
    pub fn hkdf(self, salt: &[u8], secret: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
        match self {
            Self::Nist => hkdf(salt, secret, info),
            Self::Sm => {
                let extracted = Zeroizing::new(hmac_sm3(salt, &[secret]));
                Zeroizing::new(hmac_sm3(extracted.as_ref(), &[info, &[1]]))
            }
        }
    }
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    array(context.sign().as_ref())
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn hmac_sm3(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Hmac::<Sm3>::new_from_slice(key).expect("any key is a key");
    parts.iter().for_each(|part| context.update(part));
    context.finalize().into_bytes().into()
}

fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// HKDF-SHA-256 of `secret` to 32 bytes.
pub fn hkdf(salt: &[u8], secret: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut out = Zeroizing::new([0; 32]);
    let info = [info];
    // 32 bytes are one block: expansion cannot be refused.
    let _ = prk
        .expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut()));
    out
}

/// Whether two byte strings are equal, in time that depends on their lengths only.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 example, "abc".
    #[test]
    fn sha256_of_abc() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(sha256(b"abc")), expected);
    }

    /// RFC 5869, appendix A.1, the first 32 bytes.
    #[test]
    fn hkdf_case_one() {
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let okm = hkdf(&salt, &[0x0b; 22], &info);
        assert_eq!(
            hex::encode(*okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        for suite in Suite::ALL {
            let of = |parts: &[&[u8]]| suite.hmac_parts(b"k", parts);
            assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
            assert_eq!(of(&[b"ab"]), suite.hmac(b"k", &[b"\0\0\0\x02ab"]));
        }
        assert_eq!(Suite::Nist.hmac_parts(b"k", &[b"a"]), hmac_parts(b"k", &[b"a"]));
    }

    /// GM/T 0004, appendix A: 3 bytes, and 64.
    #[test]
    fn sm3_of_the_two_examples() {
        assert_eq!(
            hex::encode(Suite::Sm.hash(b"abc")),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
        assert_eq!(
            hex::encode(Suite::Sm.hash(&b"abcd".repeat(16))),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
    }

    #[test]
    fn the_hkdf_over_sm3_is_the_one_of_rfc_5869() {
        let extracted = Suite::Sm.hmac(b"salt", &[b"secret"]);
        let expanded = Suite::Sm.hmac(&extracted, &[b"info", &[1]]);
        assert_eq!(*Suite::Sm.hkdf(b"salt", b"secret", b"info"), expanded);
        assert_eq!(
            *Suite::Nist.hkdf(b"salt", b"secret", b"info"),
            *hkdf(b"salt", b"secret", b"info")
        );
    }
}
