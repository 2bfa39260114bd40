//! What stands behind the leaves of one release, for a sample that is traced end to end.

use cyberid_crypto::{Jwk, PublicKey, base64url};
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_protocol::audit::{AuditEntry, TracedRelease};

use crate::{Audit, AuditError};

impl Audit {
    /// What is known of a release that was granted; nothing for others. Why it is asked for is recorded with who asks.
    pub(crate) async fn trace(
        &self,
        regulator: &ClientId,
        id: &ReleaseId,
        reason: &str,
    ) -> Result<Option<TracedRelease>, AuditError> {
        let Some(traced) = self.oversight.traced(id).await? else {
            return Ok(None);
        };
        tracing::info!(%regulator, release = %id, reason, "a release is traced");
        metrics::counter!("cyberid_releases_traced_total").increment(1);
        let empty = TracedRelease {
            release_id: id.clone(),
            leaves: self.leaves_at(&traced.places).await?,
            consent: None,
            request_object: None,
            salt: None,
            device_jwk: None,
        };
        let Some(evidence) = traced.evidence else {
            return Ok(Some(empty));
        };
        Ok(Some(TracedRelease {
            device_jwk: evidence.device_key.as_ref().map(device_jwk).transpose()?,
            consent: Some(evidence.consent),
            request_object: Some(evidence.request_object),
            salt: Some(base64url::encode(&evidence.salt)),
            ..empty
        }))
    }

    async fn leaves_at(&self, places: &[u64]) -> Result<Vec<AuditEntry>, AuditError> {
        // One that the witnesses have seen: a sample is proved to the regulator, whatever the platform says.
        let checkpoint = self.reader.published().await?;
        let mut entries = Vec::with_capacity(places.len());
        for place in places.iter().filter(|place| **place < checkpoint.size()) {
            let leaf = self.store.leaves(*place, 1).await?.into_iter().next();
            let leaf = leaf
                .filter(|leaf| leaf.index == *place)
                .ok_or(AuditError::Corrupt("leaf index"))?;
            entries.push(self.proved(leaf, &checkpoint).await?);
        }
        Ok(entries)
    }
}

fn device_jwk(key: &[u8; 65]) -> Result<Jwk, AuditError> {
    let key = PublicKey::from_sec1(key).map_err(|_| AuditError::Corrupt("device key"))?;
    Ok(key.to_jwk())
}
