//! Private keys that sign notes, wherever they are kept.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, ML_DSA_44_SIGNING, PqdsaKeyPair};
use thiserror::Error;

use super::{KeyId, SignatureType, VerifierKey, VerifierKeyError};

/// A private key that can sign for its [`VerifierKey`]; a keystore or a hardware module implements this.
pub trait NoteSigner {
    /// The public half, by which signatures will be checked.
    fn verifier_key(&self) -> &VerifierKey;

    /// Makes the bare signature of exactly `message`: 64 bytes of Ed25519, 2420 of ML-DSA-44.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError>;

    /// The name of the key.
    fn name(&self) -> &str {
        self.verifier_key().name()
    }

    /// The id of the key.
    fn key_id(&self) -> KeyId {
        self.verifier_key().key_id()
    }
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignerError {
    /// The key cannot be reached or refused to sign.
    #[error("the signing key is not available")]
    Unavailable,
    /// The key is of another [`SignatureType`]: a witness key signs no note, a log key makes no cosignature.
    #[error("the key does not make this type of signature")]
    WrongSignatureType,
    /// The text is not a note text, or is not what this key's owner signs.
    #[error("the text cannot be signed")]
    UnsignableText,
    /// The origin of the checkpoint is not the name of the key.
    #[error("the checkpoint is of another log")]
    WrongOrigin,
    /// The time is zero, which states no time, or past `2^63 - 1` seconds (tlog-cosignature, Format).
    #[error("the time is out of range")]
    TimeOutOfRange,
}

/// An Ed25519 private key in memory. It cannot be printed.
pub struct Ed25519Signer {
    key: VerifierKey,
    pair: Ed25519KeyPair,
}

impl Ed25519Signer {
    /// A key that signs notes, from its RFC 8032 seed.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        Self::with_type(name, SignatureType::Ed25519, seed)
    }

    /// A witness key that makes cosignatures, from its RFC 8032 seed.
    pub fn cosigner_from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        Self::with_type(name, SignatureType::CosignatureV1, seed)
    }

    fn with_type(
        name: &str,
        signature_type: SignatureType,
        seed: &[u8; 32],
    ) -> Result<Self, VerifierKeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| VerifierKeyError::Malformed)?;
        let key = VerifierKey::new(name, signature_type, pair.public_key().as_ref())?;
        Ok(Self { key, pair })
    }
}

impl NoteSigner for Ed25519Signer {
    fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let signature = self
            .pair
            .try_sign(message)
            .map_err(|_| SignerError::Unavailable)?;
        Ok(signature.as_ref().to_vec())
    }
}

/// An ML-DSA-44 private key in memory, which cosigns. It cannot be printed.
pub struct MlDsa44Signer {
    key: VerifierKey,
    pair: PqdsaKeyPair,
}

impl MlDsa44Signer {
    /// A witness key that makes cosignatures, from its seed (FIPS 204 section 6.1).
    pub fn cosigner_from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        let pair =
            PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed).map_err(|_| VerifierKeyError::Malformed)?;
        let key = VerifierKey::new(name, SignatureType::SubtreeV1, pair.public_key().as_ref())?;
        Ok(Self { key, pair })
    }
}

impl NoteSigner for MlDsa44Signer {
    fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
        let made = self.pair.sign(message, &mut signature);
        made.map(|_| signature).map_err(|_| SignerError::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SignedNote;

    #[test]
    fn the_published_note_is_signed_byte_for_byte() {
        // From the tests of golang.org/x/mod/sumdb/note: seed, text and note.
        let skey = crate::text::decode_base64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
        let signer = Ed25519Signer::from_seed("PeterNeumann", skey[1..].try_into().unwrap())
            .ok()
            .unwrap();
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(signer.verifier_key().to_string(), vkey);

        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(
            SignedNote::sign(text, &signer).unwrap().to_string(),
            format!("{text}\n{line}")
        );
    }

    #[test]
    fn the_type_is_part_of_the_key_id() {
        let log = Ed25519Signer::from_seed("name", &[9; 32]).ok().unwrap();
        let witness = Ed25519Signer::cosigner_from_seed("name", &[9; 32]).ok().unwrap();
        assert_eq!(
            log.verifier_key().public_key(),
            witness.verifier_key().public_key()
        );
        assert_ne!(log.key_id(), witness.key_id());
    }
}
