//! A signed message that its place would take, and what it is made of.

use std::sync::Arc;

use cyberid_crypto::{Sign, base64url};
use serde_json::{Map, Value, json};

/// A good message.
#[derive(Clone)]
pub struct Token {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// Who signs: its author, or the attacker where the author is not one of those who attack.
    pub key: Arc<dyn Sign>,
    /// The message itself.
    pub compact: String,
    /// What else its place needs, such as an address that is good for this message only.
    pub context: Value,
}

impl Token {
    /// A message whose header names its key.
    pub fn of(typ: &str, claims: Value, key: Arc<dyn Sign>) -> Self {
        let header = json!({"alg": alg(&*key), "typ": typ, "kid": key.kid()});
        Self::new(header, claims, key)
    }

    /// A message whose header holds its key.
    pub fn embedding(typ: &str, claims: Value, key: Arc<dyn Sign>) -> Self {
        let header = json!({"alg": alg(&*key), "typ": typ, "jwk": key.public_key().to_jwk()});
        Self::new(header, claims, key)
    }

    /// A message that somebody else made, in the hands of who signs with `key`.
    pub fn stolen(compact: String, key: Arc<dyn Sign>) -> Self {
        let part = |index| {
            let part: &str = compact.split('.').nth(index).unwrap();
            serde_json::from_slice(&base64url::decode(part).unwrap()).unwrap()
        };
        Self {
            header: part(0),
            claims: part(1),
            key,
            context: Value::Null,
            compact,
        }
    }

    /// The same with what its place needs.
    #[must_use]
    pub fn at(self, context: Value) -> Self {
        Self { context, ..self }
    }

    fn new(header: Value, claims: Value, key: Arc<dyn Sign>) -> Self {
        let compact = sign(
            &*key,
            header.to_string().as_bytes(),
            claims.to_string().as_bytes(),
        );
        Self {
            header,
            claims,
            key,
            compact,
            context: Value::Null,
        }
    }

    /// The three parts.
    pub(super) fn parts(&self) -> [&str; 3] {
        let parts: Vec<&str> = self.compact.split('.').collect();
        parts.try_into().unwrap()
    }

    /// What is signed.
    pub(super) fn signed(&self) -> &str {
        self.compact.rsplit_once('.').unwrap().0
    }

    /// The signature's bytes: `r || s`, also where the message has a tag in its place.
    pub(super) fn signature(&self) -> Vec<u8> {
        let [_, _, signature] = self.parts();
        let signature = base64url::decode(signature).unwrap();
        if signature.len() == 64 {
            signature
        } else {
            self.key.sign(self.signed().as_bytes()).unwrap().to_vec()
        }
    }

    /// The same words under other bytes for a signature.
    pub(super) fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.signed(), base64url::encode(signature))
    }

    /// Signed again with another header.
    pub(super) fn with_header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        self.with_header_by(&*self.key, change)
    }

    /// The same, signed by somebody.
    pub(super) fn with_header_by(
        &self,
        key: &dyn Sign,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> String {
        let mut header = self.header.clone();
        change(header.as_object_mut().unwrap());
        sign(
            key,
            header.to_string().as_bytes(),
            self.claims.to_string().as_bytes(),
        )
    }

    /// Signed again with a member of the header set.
    pub(super) fn with_member(&self, name: &str, value: Value) -> String {
        self.with_header(|header| drop(header.insert(name.into(), value)))
    }

    /// Signed again with other claims.
    pub(super) fn with_claims(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut claims = self.claims.clone();
        change(claims.as_object_mut().unwrap());
        self.with_payload(claims.to_string().as_bytes())
    }

    /// Signed again with a claim set, if it has that claim.
    pub(super) fn with_claim(&self, name: &str, value: Value) -> Option<String> {
        self.claims
            .get(name)
            .is_some()
            .then(|| self.with_claims(|claims| drop(claims.insert(name.into(), value))))
    }

    /// Signed again with these bytes for claims.
    pub(super) fn with_payload(&self, payload: &[u8]) -> String {
        sign(&*self.key, self.header.to_string().as_bytes(), payload)
    }

    /// Signed again with these bytes for a header.
    pub(super) fn with_raw_header(&self, header: &[u8]) -> String {
        sign(&*self.key, header, self.claims.to_string().as_bytes())
    }
}

fn alg(key: &dyn Sign) -> &'static str {
    key.public_key().suite().signing_alg()
}

/// Signs any bytes as a header and any bytes as a payload.
pub(super) fn sign(key: &dyn Sign, header: &[u8], payload: &[u8]) -> String {
    let signed = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url::encode(&signature))
}
