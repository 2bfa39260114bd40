//! Asking for a release of plaintext, receiving it, and confirming its erasure.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, ReleaseId};
use cyberid_protocol::comparison;
use cyberid_protocol::release::{ErasureBody, Redeemed, ReleaseBody, ReleaseRequested, ReleaseView};
use serde::{Deserialize, Serialize};

use crate::identity::{self, ReleasedIdentity};
use crate::{RelyingParty, RelyingPartyError};

/// A release that was asked for: worth keeping until it is redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingRelease {
    /// Its id.
    pub id: ReleaseId,
    /// What the holder's app fetches: for a link or a QR code.
    pub request_uri: String,
    /// Until when the holder can answer.
    pub expires_at: UnixTime,
    /// The four digits to show: the holder's device shows the same.
    pub comparison_code: String,
    pub(crate) purpose: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) idempotency_key: String,
}

impl RelyingParty {
    /// Asks the holder whom it knows as `sub` for plaintext fields.
    pub async fn request_release(
        &self,
        sub: &str,
        purpose: &str,
        fields: &[Field],
    ) -> Result<PendingRelease, RelyingPartyError> {
        let body = ReleaseBody {
            sub: sub.into(),
            purpose: purpose.into(),
            fields: fields.to_vec(),
            nonce: Nonce::random(&*self.rng),
        };
        let requested: ReleaseRequested = self.session.post("/v1/releases", &body).await?;
        Ok(PendingRelease {
            comparison_code: comparison::code(&self.client_id, requested.id.as_str(), &body.nonce),
            id: requested.id,
            request_uri: requested.request_uri,
            expires_at: requested.expires_at,
            purpose: body.purpose,
            fields: body.fields,
            idempotency_key: Nonce::random(&*self.rng).as_str().into(),
        })
    }

    /// Where a release stands.
    pub async fn release_status(&self, id: &ReleaseId) -> Result<ReleaseView, RelyingPartyError> {
        Ok(self.session.get(&format!("/v1/releases/{id}")).await?)
    }

    /// Redeems a granted release. The same answer comes again for ten minutes, so that an answer that got lost can be
    /// asked for again with the same [`PendingRelease`].
    pub async fn redeem(&self, pending: &PendingRelease) -> Result<ReleasedIdentity, RelyingPartyError> {
        let path = format!("/v1/releases/{}/redeem", pending.id);
        let headers = [("idempotency-key", pending.idempotency_key.as_str())];
        let redeemed: Redeemed = self.session.post_empty(&path, &headers).await?;
        let intent = identity::check_intent(self, pending, &redeemed)?;
        self.ledger.admit(intent.checkpoint()).await?;
        self.keep_checkpoint().await?;
        Ok(identity::open(self, pending, intent, &redeemed.identity).await?)
    }

    /// Confirms that what was received under a release is erased.
    pub async fn confirm_erasure(
        &self,
        id: &ReleaseId,
        erased_at: UnixTime,
    ) -> Result<(), RelyingPartyError> {
        let path = format!("/v1/releases/{id}/erasure");
        Ok(self
            .session
            .post_no_content(&path, &ErasureBody { erased_at })
            .await?)
    }
}

#[cfg(test)]
mod tests;
