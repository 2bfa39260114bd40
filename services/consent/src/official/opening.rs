//! The warrant of an official access on its way to vault and custodian.

use cyberid_crypto::base64url;
use cyberid_protocol::official::{OfficialWarrant, OfficialWarrantBody, OneSubject};
use cyberid_protocol::warrant::{Opened, RememberedSize};
use cyberid_storage::official::OfficialAccess;

use super::finding::Found;
use crate::leaf::KeptLeaf;
use crate::opening::{Delivery, TRIES, overtaken_or};
use crate::{Consent, ConsentError};

impl Consent {
    /// Shows the warrant to the vault, which shows it to the custodian.
    pub(super) async fn open_official(
        &self,
        access: &OfficialAccess,
        found: &Found,
        intended: &KeptLeaf,
    ) -> Result<Delivery, ConsentError> {
        let _alone = self.opening.lock().await;
        for _ in 0..TRIES {
            // 6.
            let warrant = self.official_warrant(access, found, intended).await?;
            let proof = warrant.proof.clone();
            let body = OfficialWarrantBody { warrant };
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
    ) -> Result<OfficialWarrant, ConsentError> {
        let (vault, custodian) = tokio::try_join!(
            self.parts.vault.get::<RememberedSize>("/v1/checkpoint"),
            self.parts.custodian.get::<RememberedSize>("/v1/checkpoint"),
        )?;
        let own = intended.index.saturating_add(1);
        let least = vault.size.max(custodian.size).max(own);
        let checkpoint = self.witnessed(least).await?;
        let countersignature = access.countersignature.clone();
        let by_number = matches!(self.one_subject(access)?, OneSubject::Number(_));
        Ok(OfficialWarrant {
            order: access.order.clone(),
            countersignature: countersignature.ok_or(ConsentError::Corrupt("countersignature"))?,
            salt: base64url::encode(&access.salt),
            device_jkt: found.device_jkt.clone(),
            // For whom it opens nothing, it would open the commitment to a number that was not ordered.
            number_salt: by_number.then(|| base64url::encode(&found.number_salt)),
            leaf: intended.body.clone(),
            proof: self.proof_under(intended.index, &checkpoint).await?,
            vault_consistency: self.consistency(vault.size, checkpoint.size()).await?,
            custodian_consistency: self.consistency(custodian.size, checkpoint.size()).await?,
        })
    }
}
