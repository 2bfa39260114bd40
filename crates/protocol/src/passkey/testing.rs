//! An authenticator with its browser, in memory: what tests register and sign with. Every part can be altered.

use cyberid_crypto::{PublicKey, Sign, SigningKey, base64url, digest};

use super::authenticator_data::cose_key;
use super::{ALGORITHM, PasskeyAssertion, PasskeyRegistration, SPKI_P256};

/// User present, user verified.
pub const PRESENT_AND_VERIFIED: u8 = 0b101;

/// A passkey in memory, on one site.
pub struct Authenticator {
    key: SigningKey,
    /// The credential's id.
    pub id: Vec<u8>,
    /// Where the browser is.
    pub origin: String,
    /// What the authenticator takes for the site: a host.
    pub rp_id: String,
    /// What it says of its user, and of itself.
    pub flags: u8,
    /// How often it has signed; stays at zero if it does not count.
    pub sign_count: u32,
}

impl Authenticator {
    /// A passkey of `key` on the site `https://{rp_id}`, whose id follows from its key.
    pub fn new(key: SigningKey, rp_id: &str) -> Self {
        Self {
            id: digest::sha256(key.kid().as_bytes()).to_vec(),
            key,
            origin: format!("https://{rp_id}"),
            rp_id: rp_id.into(),
            flags: PRESENT_AND_VERIFIED,
            sign_count: 0,
        }
    }

    /// The credential's id as it stands in messages.
    pub fn id_text(&self) -> String {
        base64url::encode(&self.id)
    }

    /// The registration over a challenge (base64url).
    pub fn registration(&self, challenge: &str) -> PasskeyRegistration {
        let key = self.key.public_key();
        let length = u16::try_from(self.id.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut data = self.authenticator_data(self.flags | 0b100_0000);
        for part in [[0; 16].as_slice(), &length, &self.id, &cose_key(&key)] {
            data.extend_from_slice(part);
        }
        PasskeyRegistration {
            id: self.id_text(),
            client_data_json: base64url::encode(self.client_data("webauthn.create", challenge).as_bytes()),
            authenticator_data: base64url::encode(&data),
            public_key: spki(&key),
            public_key_algorithm: ALGORITHM,
            transports: Some(vec!["internal".into()]),
        }
    }

    /// The assertion over a challenge.
    pub fn assertion(&self, challenge: &[u8; 32]) -> PasskeyAssertion {
        let client = self.client_data("webauthn.get", &base64url::encode(challenge));
        self.sign(&client, &self.authenticator_data(self.flags))
    }

    /// The assertion of these client data and authenticator data, whatever they say.
    pub fn sign(&self, client_data: &str, data: &[u8]) -> PasskeyAssertion {
        let signed = [data, &digest::sha256(client_data.as_bytes())].concat();
        let signature = self.key.sign(&signed).map_or_else(|_| vec![], |raw| der(&raw));
        PasskeyAssertion {
            id: self.id_text(),
            client_data_json: base64url::encode(client_data.as_bytes()),
            authenticator_data: base64url::encode(data),
            signature: base64url::encode(&signature),
        }
    }

    /// The client data of a ceremony over a challenge (base64url).
    pub fn client_data(&self, ceremony: &str, challenge: &str) -> String {
        let origin = &self.origin;
        format!(
            r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#
        )
    }

    /// Authenticator data with these flags and nothing more.
    pub fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let site = digest::sha256(self.rp_id.as_bytes());
        [site.as_slice(), &[flags], &self.sign_count.to_be_bytes()].concat()
    }
}

/// The `SubjectPublicKeyInfo` of a key, base64url.
pub fn spki(key: &PublicKey) -> String {
    base64url::encode(&[SPKI_P256, key.as_sec1()].concat())
}

/// `r || s` as a DER sequence of two positive integers (RFC 3279, section 2.2.3).
fn der(raw: &[u8; 64]) -> Vec<u8> {
    let (r, s) = raw.split_at(32);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, length(&body)], body].concat()
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = match digits.first() {
        Some(first) if *first < 0x80 => &[],
        _ => &[0],
    };
    let value = [sign, digits].concat();
    [vec![0x02, length(&value)], value].concat()
}

/// Below 128 here: two integers of 33 bytes.
fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}
