//! Yielding the shares of the agreed fields. Steps are those of the cycle of a release.

use cyberid_crypto::base64url;
use cyberid_key_holder::{Admitted, KeyHolderError};
use cyberid_protocol::warrant::{Shares, Warrant, YieldedShare};
use cyberid_record::{Place, Side, hand_over, open_share, sealed_to};
use cyberid_storage::custodian::CustodianShare;

use crate::Custodian;

impl Custodian {
    /// Checks the whole warrant and yields the shares of exactly the agreed fields, bound to this warrant.
    pub(crate) async fn yield_shares(&self, warrant: &Warrant) -> Result<Shares, KeyHolderError> {
        let yielded = self.checked_shares(warrant).await;
        match &yielded {
            Ok(_) => metrics::counter!("custodian_yields_total").increment(1),
            Err(error) => {
                if let Some(reason) = error.refusal() {
                    metrics::counter!("custodian_refusals_total", "reason" => reason).increment(1);
                }
            }
        }
        yielded
    }

    async fn checked_shares(&self, warrant: &Warrant) -> Result<Shares, KeyHolderError> {
        // 6. The warrant, for itself, against its own store.
        let admitted = self.gate.admit(warrant).await?;
        // 7. Only then the shares, whole or not at all.
        let agreed = &admitted.warrant.consent.fields;
        let kept = self.store.shares(&admitted.subject, agreed).await?;
        if !kept.iter().map(|share| &share.field).eq(agreed) {
            return Err(KeyHolderError::FieldMissing);
        }
        let shares = kept.iter().map(|share| self.yielded(&admitted, share));
        Ok(Shares {
            shares: shares.collect::<Result<_, _>>()?,
        })
    }

    fn yielded(&self, admitted: &Admitted, kept: &CustodianShare) -> Result<YieldedShare, KeyHolderError> {
        let field = kept.field;
        let place = Place {
            subject: admitted.subject,
            field,
        };
        let key = self.key.find(&sealed_to(&kept.share)?);
        let key = key.ok_or(KeyHolderError::DoesNotOpen)?;
        let share = open_share(Side::Custodian, &*key, &place, &kept.share)?;
        let sealed = hand_over(&share, &self.vault_key, &admitted.warrant.leaf_sha256, &place)?;
        let share = base64url::encode(&sealed);
        Ok(YieldedShare { field, share })
    }
}
