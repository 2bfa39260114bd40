//! Public keys in the form verifiers are configured with (signed-note, Verifier keys).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey, VerificationAlgorithm};
use thiserror::Error;

use crate::cosignature;
use crate::hash::sha256;
use crate::text;

/// The length of an Ed25519 public key, in bytes (RFC 8032 section 5.1.5).
const ED25519_KEY_LEN: usize = 32;

/// The length of an ML-DSA-44 public key, in bytes (FIPS 204 section 4, table 2).
const ML_DSA_44_KEY_LEN: usize = 1312;

/// The longest name that the message of [`SignatureType::SubtreeV1`] can hold, in bytes.
const MAX_SUBTREE_NAME_LEN: usize = 255;

/// What a key signs, and how (signed-note, Signature types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureType {
    /// `0x01`: Ed25519 over the note text; what a log signs its checkpoints with.
    Ed25519,
    /// `0x04`: timestamped Ed25519 cosignatures; what a witness signs with (tlog-cosignature).
    CosignatureV1,
    /// `0x06`: timestamped ML-DSA-44 cosignatures, which a quantum computer does not forge (tlog-cosignature).
    SubtreeV1,
}

impl SignatureType {
    fn identifier(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
            Self::SubtreeV1 => 0x06,
        }
    }

    fn from_identifier(byte: u8) -> Option<Self> {
        [Self::Ed25519, Self::CosignatureV1, Self::SubtreeV1]
            .into_iter()
            .find(|known| known.identifier() == byte)
    }

    /// Says whether keys of this type are a witness's.
    pub fn is_cosignature(self) -> bool {
        matches!(self, Self::CosignatureV1 | Self::SubtreeV1)
    }

    fn allows(self, name: &str) -> bool {
        is_key_name(name) && (self != Self::SubtreeV1 || name.len() <= MAX_SUBTREE_NAME_LEN)
    }

    fn key_len(self) -> usize {
        match self {
            Self::Ed25519 | Self::CosignatureV1 => ED25519_KEY_LEN,
            Self::SubtreeV1 => ML_DSA_44_KEY_LEN,
        }
    }

    fn algorithm(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 | Self::CosignatureV1 => &ED25519,
            Self::SubtreeV1 => &ML_DSA_44,
        }
    }
}

/// The short id of a key; it identifies, and proves nothing (signed-note, Signatures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// A named public key, written `<name>+<hex key id>+<base64(type || key)>` (signed-note, Verifier keys).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    key_id: KeyId,
    signature_type: SignatureType,
    public_key: Vec<u8>,
}

/// Why text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifierKeyError {
    /// Not three parts joined by plus signs, not canonical hex and base64, or a key of another length than its type has.
    #[error("the verifier key is malformed")]
    Malformed,
    /// The name is empty, has a space, a plus sign or a control character, or is too long for its type.
    #[error("the key name is not allowed")]
    InvalidName,
    /// The signature type is not one of [`SignatureType`].
    #[error("signature type {identifier:#04x} is not supported")]
    UnsupportedType {
        /// The signature type identifier byte.
        identifier: u8,
    },
    /// The key id is not the one of this name, type and key.
    #[error("the key id does not belong to this key")]
    WrongKeyId,
}

impl VerifierKey {
    /// Names a public key, of the length that the type has, and computes its id (signed-note, Signatures).
    pub fn new(
        name: &str,
        signature_type: SignatureType,
        public_key: &[u8],
    ) -> Result<Self, VerifierKeyError> {
        if !signature_type.allows(name) {
            return Err(VerifierKeyError::InvalidName);
        }
        if public_key.len() != signature_type.key_len() {
            return Err(VerifierKeyError::Malformed);
        }
        let key_id = key_id(name, signature_type, public_key);
        Ok(Self {
            name: name.to_owned(),
            key_id,
            signature_type,
            public_key: public_key.to_vec(),
        })
    }

    /// The name of the key; for a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256 over name, newline, type and key.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// What the key signs.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The bytes of the public key: 32 of Ed25519, 1312 of ML-DSA-44.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Says whether `signature` (without the key id) is this key's signature of a note with this text.
    pub fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match self.signature_type {
            SignatureType::Ed25519 => self.verify_bare(text.as_bytes(), signature),
            SignatureType::CosignatureV1 | SignatureType::SubtreeV1 => {
                cosignature::checked_timestamp(self, text, signature).is_some()
            }
        }
    }

    /// Checks a bare signature of `message` (RFC 8032 section 5.1.7; FIPS 204 section 5.3, with an empty context).
    pub(crate) fn verify_bare(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.signature_type.algorithm(), &self.public_key)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[self.signature_type.identifier()], self.public_key.as_slice()].concat();
        write!(
            f,
            "{}+{}+{}",
            self.name,
            self.key_id,
            text::encode_base64(&material)
        )
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(vkey: &str) -> Result<Self, VerifierKeyError> {
        // The base64 may hold plus signs of its own; the name may not.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Malformed);
        };
        let material = text::decode_base64(material).ok_or(VerifierKeyError::Malformed)?;
        let (&identifier, public_key) = material.split_first().ok_or(VerifierKeyError::Malformed)?;
        let signature_type = SignatureType::from_identifier(identifier)
            .ok_or(VerifierKeyError::UnsupportedType { identifier })?;
        let key = Self::new(name, signature_type, public_key)?;
        if key.key_id.to_string() == id {
            Ok(key)
        } else {
            Err(VerifierKeyError::WrongKeyId)
        }
    }
}

/// Says whether a key may be so named: not empty, no Unicode space, no plus, no control (signed-note, Format).
pub fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    !name.is_empty() && name.chars().all(allowed)
}

fn key_id(name: &str, signature_type: SignatureType, public_key: &[u8]) -> KeyId {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[signature_type.identifier()], public_key]).0;
    KeyId([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of golang.org/x/mod/sumdb/note.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn published_keys_are_read_as_written() {
        let witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
        for (vkey, signature_type) in [
            (PETER, SignatureType::Ed25519),
            (witness, SignatureType::CosignatureV1),
        ] {
            let key: VerifierKey = vkey.parse().unwrap();
            assert_eq!(key.to_string(), vkey);
            assert_eq!(key.signature_type(), signature_type);
        }
    }

    #[test]
    fn no_part_of_a_key_is_a_key() {
        for start in 0..PETER.len() {
            for end in start..=PETER.len() {
                let whole = start == 0 && end == PETER.len();
                assert_eq!(
                    PETER[start..end].parse::<VerifierKey>().is_ok(),
                    whole,
                    "{start} {end}"
                );
            }
        }
    }

    #[test]
    fn no_altered_key_is_a_key() {
        for i in 0..PETER.len() {
            let mut altered = PETER.as_bytes().to_vec();
            altered[i] += 1;
            assert!(
                String::from_utf8(altered)
                    .unwrap()
                    .parse::<VerifierKey>()
                    .is_err(),
                "{i}"
            );
        }
    }

    #[test]
    fn refusals_say_why() {
        let parse = |vkey: &str| vkey.parse::<VerifierKey>().unwrap_err();
        assert_eq!(
            parse(&PETER.replace("c74f20a3", "c74f20a4")),
            VerifierKeyError::WrongKeyId
        );
        assert_eq!(
            parse(&PETER.replace("c74f20a3", "C74F20A3")),
            VerifierKeyError::WrongKeyId
        );
        assert_eq!(
            parse(&PETER.replace("Peter", "Paul")),
            VerifierKeyError::WrongKeyId
        );
        assert_eq!(
            parse(&PETER.replace("PeterNeumann", "")),
            VerifierKeyError::InvalidName
        );
        assert_eq!(
            parse(&PETER.replace("PeterNeumann", "Peter Neumann")),
            VerifierKeyError::InvalidName
        );
        assert_eq!(
            parse("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="),
            VerifierKeyError::Malformed
        );
        assert_eq!(
            parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
            VerifierKeyError::UnsupportedType { identifier: 0x65 }
        );
    }

    #[test]
    fn key_names() {
        for good in ["a", "example.com/log", "网.example", "é"] {
            assert!(is_key_name(good), "{good}");
        }
        for bad in [
            "",
            "a b",
            "a+b",
            "a\nb",
            "a\u{2003}b",
            "a\u{a0}",
            "a\u{0}",
            "\u{7f}",
        ] {
            assert!(!is_key_name(bad), "{bad:?}");
        }
    }
}
