//! The warrant of an official access on its way to vault and custodian.

use cyberid_crypto::base64url;
use cyberid_protocol::official::{OfficialWarrant, OfficialWarrantBody, OneSubject};
use cyberid_protocol::warrant::Opened;
use cyberid_storage::official::OfficialAccess;

use super::finding::Found;
use crate::leaf::KeptLeaf;
use crate::opening::{Delivery, TRIES, overtaken_or};
use crate::{Consent, ConsentError};

impl Consent {
    /// Shows the warrant to the vault, which shows it to the custodians.
    pub(super) async fn open_official(
        &self,
        access: &OfficialAccess,
        found: &Found,
        intended: &KeptLeaf,
    ) -> Result<Delivery, ConsentError> {
        let _alone = self.opening.lock().await;
        for _ in 0..TRIES {
            // 6.
            let body = self.official_warrant(access, found, intended).await?;
            let proof = body.warrant.proof.clone();
            // 7.
            match self.parts.vault.post("/v1/official-openings", &body).await {
                Ok(Opened { identity }) => return Ok(Delivery { identity, proof }),
                Err(error) => overtaken_or(error)?,
            }
        }
        Err(ConsentError::Overtaken)
    }

    async fn official_warrant(
        &self,
        access: &OfficialAccess,
        found: &Found,
        intended: &KeptLeaf,
    ) -> Result<OfficialWarrantBody, ConsentError> {
        let remembered = self.remembered().await?;
        let own = intended.index.saturating_add(1);
        let checkpoint = self.witnessed(remembered.largest().max(own)).await?;
        let proofs = self.proofs_to(&remembered, checkpoint.size()).await?;
        let countersignature = access.countersignature.clone();
        let by_number = matches!(self.one_subject(access)?, OneSubject::Number(_));
        let warrant = OfficialWarrant {
            order: access.order.clone(),
            countersignature: countersignature.ok_or(ConsentError::Corrupt("countersignature"))?,
            salt: base64url::encode(&access.salt),
            device_jkt: found.device_jkt.clone(),
            // For whom it opens nothing, it would open the commitment to a number that was not ordered.
            number_salt: by_number.then(|| base64url::encode(&found.number_salt)),
            leaf: intended.body.clone(),
            proof: self.proof_under(intended.index, &checkpoint).await?,
            vault_consistency: proofs.vault,
            custodian_consistency: proofs.custodian,
        };
        Ok(OfficialWarrantBody {
            warrant,
            custodians: proofs.custodians,
        })
    }
}
