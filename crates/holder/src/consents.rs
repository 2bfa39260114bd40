//! Consents after they were given: their receipts, and their end.

use cyberid_domain::id::{ConsentId, Nonce};
use cyberid_protocol::cancellation::{self, Cancellation, CancellationBody};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::withdrawal::{MAX_LIFE, Withdrawal, WithdrawalBody};

use crate::receipt::{ReceiptRefused, check_receipt, verify_receipt};
use crate::{Holder, HolderError, VerifiedReceipt};

impl Holder {
    /// Withdraws a consent, in one call, by whichever of the holder's devices it was given. The receipt says that the ledger
    /// knows of it.
    pub async fn withdraw(&self, consent_id: &ConsentId) -> Result<VerifiedReceipt, HolderError> {
        let now = self.now();
        let withdrawal = Withdrawal {
            aud: self.platform.issuer().into(),
            consent: consent_id.clone(),
            iat: now,
            exp: now.plus(MAX_LIFE),
            jti: Nonce::random(&*self.rng),
        };
        let withdrawal = withdrawal.sign(&*self.key)?;
        let path = format!("/v1/consents/{consent_id}/withdraw");
        let receipt = self.client().post(&path, &WithdrawalBody { withdrawal }).await?;
        let receipt = self.admit_holders_receipt(consent_id, receipt).await?;
        if receipt.leaf().kind == LeafKind::ConsentWithdrawn {
            Ok(receipt)
        } else {
            let (consent_id, why) = (consent_id.clone(), ReceiptRefused::LeafDiffers);
            Err(HolderError::Receipt { consent_id, why })
        }
    }

    /// Ends the identifier for ever, and with it every consent. What is kept here, receipts above all, still proves what
    /// it proved: by then nobody else has the salts.
    pub async fn cancel(&self) -> Result<(), HolderError> {
        let now = self.now();
        let cancellation = Cancellation {
            aud: self.platform.issuer().into(),
            iat: now,
            exp: now.plus(cancellation::MAX_LIFE),
            jti: Nonce::random(&*self.rng),
        };
        let cancellation = cancellation.sign(&*self.key)?;
        let body = CancellationBody { cancellation };
        Ok(self.client().post_no_content("/v1/me/cancel", &body).await?)
    }

    /// The receipt of a consent: that it was granted.
    pub async fn receipt(&self, consent_id: &ConsentId) -> Result<VerifiedReceipt, HolderError> {
        self.receipt_of(consent_id, LeafKind::ConsentGranted).await
    }

    /// The receipt of what became of a consent: its last leaf of this kind, and all that went before. Another device of the
    /// holder, or a code, may have given it: [`VerifiedReceipt::device`] says which.
    pub async fn receipt_of(
        &self,
        consent_id: &ConsentId,
        kind: LeafKind,
    ) -> Result<VerifiedReceipt, HolderError> {
        let path = format!("/v1/consents/{consent_id}/receipt?kind={}", kind.as_str());
        let receipt = self.session.get(&path).await?;
        let receipt = self.admit_holders_receipt(consent_id, receipt).await?;
        if receipt.leaf().kind == kind {
            Ok(receipt)
        } else {
            let (consent_id, why) = (consent_id.clone(), ReceiptRefused::LeafDiffers);
            Err(HolderError::Receipt { consent_id, why })
        }
    }

    /// Checks a receipt of this device, and that its checkpoint agrees with what was seen of the ledger before.
    pub async fn admit_receipt(
        &self,
        consent_id: &ConsentId,
        receipt: Receipt,
    ) -> Result<VerifiedReceipt, HolderError> {
        let checked = check_receipt(receipt, self.platform.anchors(), &self.public_key());
        self.admit_checked(consent_id, checked).await
    }

    /// The same whichever key gave the consent.
    async fn admit_holders_receipt(
        &self,
        consent_id: &ConsentId,
        receipt: Receipt,
    ) -> Result<VerifiedReceipt, HolderError> {
        let checked = verify_receipt(receipt, self.platform.anchors());
        self.admit_checked(consent_id, checked).await
    }

    async fn admit_checked(
        &self,
        consent_id: &ConsentId,
        checked: Result<VerifiedReceipt, ReceiptRefused>,
    ) -> Result<VerifiedReceipt, HolderError> {
        let refused = |why| HolderError::Receipt {
            consent_id: consent_id.clone(),
            why,
        };
        let receipt = checked.map_err(refused)?;
        if receipt.receipt().record.id() != consent_id {
            return Err(refused(ReceiptRefused::AnotherConsent));
        }
        self.ledger.admit(receipt.checkpoint()).await?;
        Ok(receipt)
    }
}
