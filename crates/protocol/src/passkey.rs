//! Passkeys: W3C Web Authentication Level 3, <https://www.w3.org/TR/webauthn-3/>, as far as a platform with one origin
//! needs it.
//!
//! In scope: registering a credential (section 7.1) from the members of the browser's `toJSON()` that a server without
//! attestation needs (section 5.1.8), and verifying an assertion (section 7.2). One algorithm, ES256 (-7), and always with
//! user verification. Not in scope: attestation (nothing here depends on the maker of an authenticator), extensions (none
//! is asked for), frames of other origins.
//!
//! An assertion's challenge is the SHA-256 of the compact proof that it comes with ([`challenge_of`]), so that it agrees
//! to everything that the proof says, and to nothing else.

mod authenticator_data;
mod client_data;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use cyberid_crypto::{PublicKey, base64url, digest, ecdsa};
use cyberid_domain::UnixTime;
use serde::{Deserialize, Serialize};

use authenticator_data::AuthenticatorData;
use client_data::ClientData;

/// The COSE algorithm that passkeys sign with: ES256.
pub const ALGORITHM: i64 = -7;

/// The lengths that a credential's id may have, in bytes (section 4, "credential ID", and section 6.5.1).
pub const ID_LENGTHS: std::ops::RangeInclusive<usize> = 16..=1023;

/// A new credential, as `PublicKeyCredential.toJSON()` and the accessors of its response give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyRegistration {
    /// The credential's id, base64url.
    pub id: String,
    /// What the browser says that it did, base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// What the authenticator says, base64url.
    pub authenticator_data: String,
    /// The credential's key: `SubjectPublicKeyInfo` in DER, base64url.
    pub public_key: String,
    /// The key's algorithm: -7 only.
    pub public_key_algorithm: i64,
    /// How the authenticator can be reached; not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transports: Option<Vec<String>>,
}

/// The use of a passkey, as `PublicKeyCredential.toJSON()` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyAssertion {
    /// The credential's id, base64url.
    pub id: String,
    /// What the browser says that it did, base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// What the authenticator says, base64url.
    pub authenticator_data: String,
    /// ECDSA in DER over `authenticatorData || SHA-256(clientDataJSON)`, base64url.
    pub signature: String,
}

/// A holder's passkey, as the holder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyView {
    /// The credential's id, base64url.
    pub id: String,
    /// When it was registered.
    pub created_at: UnixTime,
}

/// The answer of `GET /v1/me/passkeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passkeys {
    /// The holder's passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
}

/// The body of `POST /v1/me/passkeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPasskeyBody {
    /// A JWE to the platform that holds `{passkey, pin}`: a [`PasskeyRegistration`] and the holder's PIN.
    pub sealed: String,
}

/// The answer of `POST /v1/me/passkeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyAdded {
    /// The credential's id, base64url.
    pub id: String,
}

/// The platform as `WebAuthn` knows it: one origin, and its host as the "relying party".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    origin: String,
    rp_id_hash: [u8; 32],
}

/// A credential that was registered well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: Vec<u8>,
    /// Its key.
    pub key: PublicKey,
    /// Whether it may be copied to other devices of its owner.
    pub backup_eligible: bool,
    /// How often it has signed, if it counts.
    pub sign_count: u32,
}

/// What a good assertion says of its credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asserted {
    /// Whether it may be copied to other devices of its owner.
    pub backup_eligible: bool,
    /// How often it has signed, if it counts.
    pub sign_count: u32,
}

/// Why a registration or an assertion is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefused {
    /// A member is not base64url, or not of the length or form that the standard gives it.
    #[error("a member is not of its form")]
    Form,
    /// A registration where an assertion is needed, or the other way round.
    #[error("made for another ceremony")]
    Ceremony,
    /// The challenge is another one.
    #[error("the challenge is another one")]
    Challenge,
    /// Made on another site, or inside a frame of one.
    #[error("made on another site")]
    Origin,
    /// The authenticator was asked for another site.
    #[error("the authenticator signed for another site")]
    RpId,
    /// The key is not ES256, or not the one that the authenticator names.
    #[error("the key is not ES256, or not the one that the authenticator names")]
    Key,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Signature,
    /// Nobody was there.
    #[error("nobody was present")]
    NotPresent,
    /// Nobody showed who they are to the authenticator.
    #[error("the user was not verified")]
    NotVerified,
    /// The flags contradict each other.
    #[error("the flags contradict each other")]
    Flags,
}

/// The challenge of the assertion that comes with a proof: SHA-256 of the compact proof.
pub fn challenge_of(proof: &str) -> [u8; 32] {
    digest::sha256(proof.as_bytes())
}

impl Site {
    /// The site of an issuer: an address without a path.
    pub fn of(issuer: &str) -> Self {
        let authority = issuer
            .split_once("://")
            .map_or(issuer, |(_, authority)| authority);
        let port = authority
            .rfind(':')
            .filter(|at| !authority.ends_with(']') && authority.len() > *at);
        let host = port.and_then(|at| authority.get(..at)).unwrap_or(authority);
        Self {
            origin: issuer.to_owned(),
            rp_id_hash: digest::sha256(host.as_bytes()),
        }
    }
}

impl PasskeyRegistration {
    /// The challenge that it says it answers, base64url: for finding out whether it was given out.
    pub fn challenge(&self) -> Result<String, PasskeyRefused> {
        Ok(ClientData::read(&self.client_data_json)?.challenge)
    }

    /// The credential, if it was made on this site over this challenge (base64url), by somebody whom the authenticator
    /// verified (section 7.1, without attestation).
    pub fn check(&self, site: &Site, challenge: &str) -> Result<Credential, PasskeyRefused> {
        let client = ClientData::read(&self.client_data_json)?;
        client.check("webauthn.create", challenge, &site.origin)?;
        let bytes = base64url::decode(&self.authenticator_data).ok_or(PasskeyRefused::Form)?;
        let data = AuthenticatorData::read(&bytes)?;
        let id = credential_id(&self.id).ok_or(PasskeyRefused::Form)?;
        if data.rp_id_hash != site.rp_id_hash {
            return Err(PasskeyRefused::RpId);
        }
        let key = self.key().ok_or(PasskeyRefused::Key)?;
        data.attests(&id, &key)?;
        data.require_user()?;
        Ok(Credential {
            id,
            key,
            backup_eligible: data.backup_eligible(),
            sign_count: data.sign_count,
        })
    }

    fn key(&self) -> Option<PublicKey> {
        let spki = base64url::decode(&self.public_key)?;
        let point = spki.strip_prefix(SPKI_P256).filter(|point| point.len() == 65)?;
        let es256 = self.public_key_algorithm == ALGORITHM;
        es256.then(|| PublicKey::from_sec1(point).ok()).flatten()
    }
}

impl PasskeyAssertion {
    /// The id of the credential that it names, if it can be one.
    pub fn credential_id(&self) -> Option<Vec<u8>> {
        credential_id(&self.id)
    }

    /// What it says of its credential, if `key` signed it on this site over this challenge, with a verified user
    /// (section 7.2). Whether the counter went forward is for whoever keeps it to say.
    pub fn check(
        &self,
        site: &Site,
        challenge: &[u8; 32],
        key: &PublicKey,
    ) -> Result<Asserted, PasskeyRefused> {
        let client = ClientData::read(&self.client_data_json)?;
        client.check("webauthn.get", &base64url::encode(challenge), &site.origin)?;
        let bytes = base64url::decode(&self.authenticator_data).ok_or(PasskeyRefused::Form)?;
        let data = AuthenticatorData::read(&bytes)?;
        if data.rp_id_hash != site.rp_id_hash {
            return Err(PasskeyRefused::RpId);
        }
        let signature = base64url::decode(&self.signature).ok_or(PasskeyRefused::Form)?;
        let signed = [bytes.as_slice(), &client.sha256].concat();
        if !ecdsa::is_der_signature(key, &signed, &signature) {
            return Err(PasskeyRefused::Signature);
        }
        data.require_no_attestation()?;
        data.require_user()?;
        Ok(Asserted {
            backup_eligible: data.backup_eligible(),
            sign_count: data.sign_count,
        })
    }
}

/// What stands before the point in the `SubjectPublicKeyInfo` of every uncompressed P-256 key (RFC 5480, section 2).
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The bytes of a credential's id.
pub fn credential_id(text: &str) -> Option<Vec<u8>> {
    base64url::decode(text).filter(|id| ID_LENGTHS.contains(&id.len()))
}

#[cfg(test)]
mod tests;
