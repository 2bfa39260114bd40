//! Granting a release: the device signs what it showed, the key that the plaintext goes to, and the fields that the
//! holder chose, each of which is off until it is chosen.

use cyberid_crypto::digest;
use cyberid_domain::check::distinct;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ConsentId, Nonce};
use cyberid_protocol::consent::{Consent, MAX_LIFE};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::{self, AnswerBody};
use cyberid_protocol::sealed::SealedConsent;

use crate::receipt::ReceiptRefused;
use crate::{Holder, HolderError, ReviewedRelease, VerifiedReceipt};

/// A consent that the platform took and that is in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Consented {
    /// The consent's id: what a withdrawal names.
    pub consent_id: ConsentId,
    /// The receipt to keep.
    pub receipt: VerifiedReceipt,
}

impl Holder {
    /// Grants some or all of the fields that a release asks for. The receipt is checked, and its checkpoint has to
    /// agree with what was seen of the ledger before.
    pub async fn grant_release(
        &self,
        reviewed: &ReviewedRelease,
        fields: &[Field],
    ) -> Result<Consented, HolderError> {
        let consent = self.consent(reviewed, fields)?.sign(&*self.key)?;
        let platform = self.platform.sealing_key().await?;
        let body = AnswerBody {
            sealed: Some(SealedConsent::seal(&platform, &consent)?),
            declined: None,
        };
        let path = format!("/v1/requests/{}/answer", reviewed.request().id);
        let answered: request::Consented = self.client().post(&path, &body).await?;
        let consent_id = answered.consent_id;
        // A good receipt of another consent of ours is not the receipt of this one.
        if answered.receipt.record.consent != consent {
            let why = ReceiptRefused::Consent;
            return Err(HolderError::Receipt { consent_id, why });
        }
        let receipt = self.admit_receipt(&consent_id, answered.receipt).await?;
        Ok(Consented { consent_id, receipt })
    }

    fn consent(&self, reviewed: &ReviewedRelease, fields: &[Field]) -> Result<Consent, HolderError> {
        let request = reviewed.request();
        let asked = fields.iter().all(|field| request.fields.contains(field));
        let fields = distinct(fields)
            .filter(|_| asked)
            .ok_or(HolderError::FieldsNotAsked)?;
        let now = self.now();
        Ok(Consent {
            aud: self.platform.issuer().into(),
            rp: request.rp.client_id.clone(),
            request: request.id.clone(),
            purpose: request.purpose.clone(),
            fields,
            legal_basis: request.legal_basis.clone(),
            retention_days: request.retention_days,
            enc_jkt: request.enc_jkt.clone(),
            notice_sha256: request.notice_sha256.clone(),
            request_sha256: reviewed.request_sha256().into(),
            statement_sha256: digest::sha256_base64url(reviewed.statement().as_bytes()),
            locale: request.statement.locale,
            iat: now,
            exp: now.plus(MAX_LIFE),
            jti: Nonce::random(&*self.rng),
        })
    }
}
