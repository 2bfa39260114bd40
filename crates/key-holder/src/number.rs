//! A fresh network number of a record's holder.
//!
//! Against an insider at issuance (T3): an official order opens a record by the number that its commitment opens to, so that
//! whoever could change the commitment alone could lead an order to another person. Issuance can bind a device by evidence that
//! nobody showed: what such a device signs waits here as its consents do.

use cyberid_crypto::{PublicKey, base64url};
use cyberid_domain::clock::SKEW;
use cyberid_protocol::life::Renumbering;
use cyberid_protocol::message;
use cyberid_storage::StorageError;

use crate::{Gate, KeyHolderError};

impl Gate {
    /// Commits the record of the holder who signed to the number of the commitment. Its age does not matter, because an
    /// earlier word never follows a later one: a key holder that was away hears of it when it is back. A word of the future
    /// would bar every one until then.
    pub async fn renumber(&self, compact: &str) -> Result<(), KeyHolderError> {
        let message =
            message::unverified::<Renumbering>(compact).map_err(|_| KeyHolderError::InvalidCommand)?;
        let kid = message
            .kid()
            .map_err(|_| KeyHolderError::InvalidCommand)?
            .to_owned();
        let bound = self.store.device(&kid).await?;
        let bound = bound.ok_or(KeyHolderError::InvalidCommand)?;
        let device = PublicKey::from_sec1(&bound.key).map_err(|_| StorageError::Corrupt("device key"))?;
        let claims: Renumbering = message
            .verify(&device)
            .map_err(|_| KeyHolderError::InvalidCommand)?;
        self.require_cooled_off(&bound)?;
        let commitment = base64url::decode_array(&claims.number_commitment);
        let commitment = commitment.ok_or(KeyHolderError::InvalidCommand)?;
        if claims.aud != self.anchors.issuer {
            return Err(KeyHolderError::InvalidCommand);
        }
        if claims.iat > self.clock.now().plus(SKEW) {
            return Err(KeyHolderError::ExpiredCommand);
        }
        let renumbered = self
            .store
            .renumber(&bound.subject, &commitment, claims.iat)
            .await?;
        renumbered.then_some(()).ok_or(KeyHolderError::InvalidCommand)
    }
}
