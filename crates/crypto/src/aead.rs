//! AES-256-GCM (NIST SP 800-38D) with a nonce that the caller never reuses under one key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

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

#[expect(clippy::expect_used, reason = "a key of 32 bytes is a key of AES-256")]
fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are a key"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
