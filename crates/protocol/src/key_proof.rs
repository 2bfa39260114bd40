//! Proof of possession of a device key, with the key itself in the header.

use cyberid_crypto::jws::{self, InvalidJws, Unverified};
use cyberid_crypto::{KeyFailure, PublicKey, Sign};
use cyberid_domain::UnixTime;
use cyberid_domain::id::Nonce;
use serde::{Deserialize, Serialize};

const TYP: &str = "cyberid-key-proof+jwt";

/// For how many seconds a key proof is fresh.
pub const MAX_AGE: u64 = 300;

/// The claims of a key proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyProof {
    /// The platform's issuer.
    pub aud: String,
    /// A nonce that the platform gave.
    pub nonce: Nonce,
    /// When it was signed.
    pub iat: UnixTime,
}

impl KeyProof {
    /// Signs the claims with the key that they prove.
    pub fn sign(&self, key: &dyn Sign) -> Result<String, KeyFailure> {
        jws::sign_embedding_key(key, TYP, self)
    }

    /// The proven key and the claims.
    pub fn open(compact: &str) -> Result<(PublicKey, Self), InvalidJws> {
        let message = Unverified::parse(compact, TYP)?;
        let key = message.embedded_key()?;
        Ok((key, message.verify(&key)?))
    }
}
