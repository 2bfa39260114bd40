//! Yielding the shares of the agreed fields. Steps are those of the cycle of a release.

use cyberid_crypto::base64url;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_key_holder::KeyHolderError;
use cyberid_protocol::official::OfficialWarrantBody;
use cyberid_protocol::warrant::{Shares, WarrantBody, YieldedShare};
use cyberid_record::{Place, Side, hand_over, open_share, sealed_to};
use cyberid_storage::custodian::CustodianShare;

use crate::Custodian;

impl Custodian {
    /// Checks the whole warrant and yields the shares of exactly the agreed fields, bound to this warrant.
    pub(crate) async fn yield_shares(&self, body: &WarrantBody) -> Result<Shares, KeyHolderError> {
        let yielded = self.checked_shares(body).await;
        count(&yielded);
        yielded
    }

    /// The same for the fields that an authority's order names.
    pub(crate) async fn yield_official_shares(
        &self,
        body: &OfficialWarrantBody,
    ) -> Result<Shares, KeyHolderError> {
        let yielded = self.checked_official_shares(body).await;
        count(&yielded);
        yielded
    }

    async fn checked_shares(&self, body: &WarrantBody) -> Result<Shares, KeyHolderError> {
        // 6. The warrant, for itself, against its own store.
        let warrant = body.for_custodian(self.gate.remembered_size().await?.size);
        let admitted = self.gate.admit(&warrant).await?;
        // 7. Only then the shares.
        let warrant = &admitted.warrant;
        self.shares_of(&admitted.subject, &warrant.consent.fields, &warrant.leaf_sha256)
            .await
    }

    async fn checked_official_shares(&self, body: &OfficialWarrantBody) -> Result<Shares, KeyHolderError> {
        // 6. The warrant, for itself, against its own store and pins.
        let warrant = body.for_custodian(self.gate.remembered_size().await?.size);
        let admitted = self.gate.admit_official(&warrant).await?;
        // 7. Only then the shares.
        let warrant = &admitted.warrant;
        self.shares_of(&admitted.subject, &warrant.order.fields, &warrant.leaf_sha256)
            .await
    }

    /// The shares of these fields for the vault, bound to this leaf: whole or not at all.
    async fn shares_of(
        &self,
        subject: &SubjectId,
        fields: &[Field],
        leaf_sha256: &str,
    ) -> Result<Shares, KeyHolderError> {
        let kept = self.store.shares(subject, fields).await?;
        if !kept.iter().map(|share| &share.field).eq(fields) {
            return Err(KeyHolderError::FieldMissing);
        }
        let shares = kept.iter().map(|share| self.yielded(subject, leaf_sha256, share));
        Ok(Shares {
            shares: shares.collect::<Result<_, _>>()?,
        })
    }

    fn yielded(
        &self,
        subject: &SubjectId,
        leaf_sha256: &str,
        kept: &CustodianShare,
    ) -> Result<YieldedShare, KeyHolderError> {
        let field = kept.field;
        let place = Place {
            subject: *subject,
            field,
        };
        let key = self.key.find(&sealed_to(&kept.share)?);
        let key = key.ok_or(KeyHolderError::DoesNotOpen)?;
        let share = open_share(Side::Custodian, &*key, &place, &kept.share)?;
        let sealed = hand_over(&share, &self.vault_key.key(), leaf_sha256, &place)?;
        let share = base64url::encode(&sealed);
        Ok(YieldedShare { field, share })
    }
}

/// Counts a yield, or why there was none.
fn count(yielded: &Result<Shares, KeyHolderError>) {
    match yielded {
        Ok(_) => metrics::counter!("custodian_yields_total").increment(1),
        Err(error) => {
            if let Some(reason) = error.refusal() {
                metrics::counter!("custodian_refusals_total", "reason" => reason).increment(1);
            }
        }
    }
}
