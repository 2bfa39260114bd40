//! SHA-256 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869) and comparison in constant time.

use aws_lc_rs::{digest, hkdf, hmac};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

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
        context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(part);
    }
    array(context.sign().as_ref())
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
        assert_ne!(hmac_parts(b"k", &[b"ab", b"c"]), hmac_parts(b"k", &[b"a", b"bc"]));
    }
}
