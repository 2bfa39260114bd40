//! A sealed message that its place would take, and its maker.

use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Suite, aead, base64url, jwe};
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
        let suite = self.suite();
        let ephemeral = AgreementKey::ephemeral_of(suite).unwrap();
        let mut header = json!({"alg": suite.agreement_alg(), "enc": suite.content_alg(),
            "kid": self.recipient.thumbprint(), "cty": "json", "epk": ephemeral.public_key().to_jwk()});
        change(header.as_object_mut().unwrap());
        let aad = base64url::encode(write(&header).as_bytes());
        let shared = ephemeral.agree(&self.recipient).unwrap();
        encrypted(suite, &aad, &shared, plaintext)
    }

    /// The suite that it is sealed in.
    pub(super) fn suite(&self) -> Suite {
        self.recipient.suite()
    }
}

/// The parts of a message under a shared secret.
pub(super) fn encrypted(suite: Suite, aad: &str, shared: &[u8; 32], plaintext: &[u8]) -> String {
    let (key, nonce) = (content_key(suite, shared), [0; aead::NONCE]);
    let sealed = suite.encrypt(&key, nonce, aad.as_bytes(), plaintext);
    let (ciphertext, tag) = sealed.split_at(sealed.len() - 16);
    let [nonce, ciphertext, tag] = [&nonce, ciphertext, tag].map(base64url::encode);
    format!("{aad}..{nonce}.{ciphertext}.{tag}")
}

/// The Concat KDF of RFC 7518, section 4.6.2, without party information.
fn content_key(suite: Suite, shared: &[u8; 32]) -> [u8; 32] {
    let enc = suite.content_alg().as_bytes();
    let length = u32::try_from(enc.len()).unwrap().to_be_bytes();
    let bits = (u32::from(suite.content_key_length()) * 8).to_be_bytes();
    suite.hash(&[&[0, 0, 0, 1], shared.as_slice(), &length, enc, &[0; 8], &bits].concat())
}
