//! AES-256-GCM (NIST SP 800-38D), and SM4-GCM (RFC 8998) for the SM suite, with a nonce that the caller never reuses
//! under one key.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{AesGcm, KeyInit as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::suite::Suite;

/// The length of the tag at the end of a ciphertext in bytes.
pub const TAG: usize = 16;

/// The length of a nonce in bytes.
pub const NONCE: usize = 12;

/// The ciphertext does not open: another key, another context, or altered bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub struct DoesNotOpen;

/// Encrypts `plaintext`, bound to `aad`; the tag is the last 16 bytes.
pub fn encrypt(key: &[u8; 32], nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut bytes = plaintext.to_vec();
    // GCM refuses 2^36 bytes and more; no message of ours comes near.
    let _ =
        cipher(key).seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut bytes);
    bytes
}

/// Decrypts what [`encrypt`] made under the same key, nonce and `aad`.
pub fn decrypt(
    key: &[u8; 32],
    nonce: [u8; NONCE],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let mut bytes = Zeroizing::new(ciphertext.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher(key)
        .open_in_place(nonce, Aad::from(aad), &mut bytes)
        .map_err(|_| DoesNotOpen)?
        .len();
    bytes.truncate(length);
    Ok(bytes)
}

/// The suite's cipher. A key is given with 32 bytes; SM4's is the first 16 of them.
impl Suite {
    /// Encrypts `plaintext`, bound to `aad`; the tag is the last 16 bytes.
    pub fn encrypt(self, key: &[u8; 32], nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        match self {
            Self::Nist => encrypt(key, nonce, aad, plaintext),
            // As for AES: no message comes near the length that GCM refuses.
            Self::Sm => sm4(key)
                .encrypt(&nonce.into(), Payload { msg: plaintext, aad })
                .unwrap_or_default(),
        }
    }

    /// Decrypts what [`encrypt`](Self::encrypt) made under the same key, nonce and `aad`.
    pub fn decrypt(
        self,
        key: &[u8; 32],
        nonce: [u8; NONCE],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        match self {
            Self::Nist => decrypt(key, nonce, aad, ciphertext),
            Self::Sm => sm4(key)
                .decrypt(&nonce.into(), Payload { msg: ciphertext, aad })
                .map(Zeroizing::new)
                .map_err(|_| DoesNotOpen),
        }
    }
}

fn sm4(key: &[u8; 32]) -> AesGcm<Sm4, U12> {
    let (key, _) = key.split_at(16);
    let mut short = Zeroizing::new([0; 16]);
    short.copy_from_slice(key);
    AesGcm::new(&(*short).into())
}

#[expect(clippy::expect_used, reason = "a key of 32 bytes is a key of AES-256")]
fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are a key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_gcm_of_rfc_8998() {
        let unhex = |text: &str| hex::decode(text).unwrap();
        let mut key = [0xff; 32];
        key[..16].copy_from_slice(&unhex("0123456789abcdeffedcba9876543210"));
        let nonce = unhex("00001234567800000000abcd").try_into().unwrap();
        let aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plaintext = unhex(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let expected = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
                        d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
                        83de3541e4c2b58177e065a9bf7b62ec";
        let ciphertext = Suite::Sm.encrypt(&key, nonce, &aad, &plaintext);
        assert_eq!(hex::encode(&ciphertext), expected);
        let opened = Suite::Sm.decrypt(&key, nonce, &aad, &ciphertext);
        assert_eq!(opened.as_deref(), Ok(&plaintext));
        for at in 0..ciphertext.len() {
            let mut altered = ciphertext.clone();
            altered[at] ^= 1;
            let opened = Suite::Sm.decrypt(&key, nonce, &aad, &altered);
            assert_eq!(opened.err(), Some(DoesNotOpen), "at {at}");
        }
        let elsewhere = Suite::Sm.decrypt(&key, nonce, b"other", &ciphertext);
        assert_eq!(elsewhere.err(), Some(DoesNotOpen));
        let other_suite = Suite::Nist.decrypt(&key, nonce, &aad, &ciphertext);
        assert_eq!(other_suite.err(), Some(DoesNotOpen));
    }

    /// The GCM specification (McGrew, Viega), test case 16.
    #[test]
    fn gcm_test_case_16() {
        let key: [u8; 32] = hex::decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
            .unwrap()
            .try_into()
            .unwrap();
        let nonce: [u8; 12] = hex::decode("cafebabefacedbaddecaf888")
            .unwrap()
            .try_into()
            .unwrap();
        let aad = hex::decode("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
        let plaintext = hex::decode("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39").unwrap();
        let expected = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b";
        let ciphertext = encrypt(&key, nonce, &aad, &plaintext);
        assert_eq!(hex::encode(&ciphertext), expected);
        assert_eq!(decrypt(&key, nonce, &aad, &ciphertext).as_deref(), Ok(&plaintext));
        assert_eq!(
            decrypt(&key, nonce, b"other", &ciphertext).err(),
            Some(DoesNotOpen)
        );
    }
}
