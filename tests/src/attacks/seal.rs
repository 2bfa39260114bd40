//! A sealed message that its place would take, and its maker.

use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, aead, base64url, digest, jwe};
use serde_json::{Map, Value, json};

/// A good sealed message.
#[derive(Clone)]
pub struct Seal {
    /// To whom.
    pub recipient: PublicKey,
    /// What is in it.
    pub plaintext: Vec<u8>,
    /// The message itself.
    pub compact: String,
    /// What else its place needs, such as an address that is good for this message only.
    pub context: Value,
}

impl Seal {
    /// Seals as every honest party does.
    pub fn to(recipient: PublicKey, plaintext: &[u8]) -> Self {
        Self {
            compact: jwe::seal(&recipient, "json", plaintext).unwrap(),
            plaintext: plaintext.to_vec(),
            context: Value::Null,
            recipient,
        }
    }

    /// The same with what its place needs.
    #[must_use]
    pub fn at(self, context: Value) -> Self {
        Self { context, ..self }
    }

    /// The five parts.
    pub(super) fn parts(&self) -> [&str; 5] {
        let parts: Vec<&str> = self.compact.split('.').collect();
        parts.try_into().unwrap()
    }

    /// Other words, sealed well.
    pub(super) fn around(&self, plaintext: &[u8]) -> String {
        jwe::seal(&self.recipient, "json", plaintext).unwrap()
    }

    /// The same words under another header, sealed so that a reader who does not look at the change would open it.
    pub(super) fn with_header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        self.made(change, Value::to_string, &self.plaintext)
    }

    /// The same with a member of the header set.
    pub(super) fn with_member(&self, name: &str, value: Value) -> String {
        self.with_header(|header| drop(header.insert(name.into(), value)))
    }

    /// The same with the header written in another way.
    pub(super) fn with_text(&self, write: impl FnOnce(&Value) -> String) -> String {
        self.made(|_| (), write, &self.plaintext)
    }

    /// Seals other bytes under a changed header.
    pub(super) fn made(
        &self,
        change: impl FnOnce(&mut Map<String, Value>),
        write: impl FnOnce(&Value) -> String,
        plaintext: &[u8],
    ) -> String {
        let ephemeral = AgreementKey::ephemeral().unwrap();
        let mut header = json!({"alg": "ECDH-ES", "enc": "A256GCM", "kid": self.recipient.thumbprint(),
            "cty": "json", "epk": ephemeral.public_key().to_jwk()});
        change(header.as_object_mut().unwrap());
        let aad = base64url::encode(write(&header).as_bytes());
        let key = content_key(&ephemeral.agree(&self.recipient).unwrap());
        encrypted(&aad, &key, plaintext)
    }
}

/// The parts of a message under a content key.
pub(super) fn encrypted(aad: &str, key: &[u8; 32], plaintext: &[u8]) -> String {
    let nonce = [0; aead::NONCE];
    let sealed = aead::encrypt(key, nonce, aad.as_bytes(), plaintext);
    let (ciphertext, tag) = sealed.split_at(sealed.len() - 16);
    let [nonce, ciphertext, tag] = [&nonce, ciphertext, tag].map(base64url::encode);
    format!("{aad}..{nonce}.{ciphertext}.{tag}")
}

/// The Concat KDF of RFC 7518, section 4.6.2, for A256GCM without party information.
pub(super) fn content_key(shared: &[u8; 32]) -> [u8; 32] {
    const ENC: &[u8] = b"\0\0\0\x07A256GCM";
    digest::sha256(&[&[0, 0, 0, 1], shared.as_slice(), ENC, &[0; 8], &[0, 0, 1, 0]].concat())
}
