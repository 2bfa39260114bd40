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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cyberid_client::ledger::LedgerRefused;
    use cyberid_domain::id::RequestId;
    use cyberid_protocol::leaf::LeafKind;
    use cyberid_protocol::message::open;
    use cyberid_protocol::request::RequestObject;
    use cyberid_protocol::statement::Locale;
    use cyberid_protocol::withdrawal::{Withdrawal, WithdrawalBody};

    use super::*;
    use crate::ReviewedRequest;
    use crate::platform_double::PlatformDouble;
    use crate::testing::{certificate, consent_id, granted, key, met, opened, receipt, release};

    const ANSWER: &str = "POST /v1/requests/rel_AAAAAAAAAAAAAAAAAAAAAA/answer";

    async fn reviewed(double: &PlatformDouble, holder: &Holder) -> ReviewedRelease {
        let request = release(double, &certificate(double));
        let id = RequestId::Release(request.id.clone());
        let compact = double.sign("request", &RequestObject::Release(request));
        match holder.review(&compact, &id, Locale::English).await.unwrap() {
            ReviewedRequest::Release(reviewed) => reviewed,
            ReviewedRequest::Verification(_) => panic!("a release"),
        }
    }

    /// The platform's side of a grant, which the double cannot play: grants once without it, and reads what came.
    async fn sent(double: &PlatformDouble, holder: &Holder, reviewed: &ReviewedRelease) -> (Consent, String) {
        holder.grant_release(reviewed, &[Field::Name]).await.unwrap_err();
        let body: AnswerBody = serde_json::from_slice(&double.received(ANSWER)[0].body).unwrap();
        let sealed = SealedConsent::read(&opened(double, &body.sealed.unwrap())).unwrap();
        (
            open(&sealed.consent, &holder.public_key()).unwrap(),
            sealed.consent,
        )
    }

    #[tokio::test]
    async fn a_consent_names_what_was_shown_and_what_was_chosen() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder).await;
        let (consent, _) = sent(&double, &holder, &reviewed).await;
        let asked = reviewed.request();
        assert_eq!(
            (&consent.aud, &consent.rp, &consent.request),
            (&double.issuer, &asked.rp.client_id, &asked.id)
        );
        assert_eq!(
            consent.fields,
            [Field::Name],
            "what was not chosen is not granted"
        );
        assert_eq!(
            consent.statement_sha256,
            digest::sha256_base64url(reviewed.statement().as_bytes())
        );
        assert_eq!(
            (&consent.enc_jkt, &consent.notice_sha256),
            (&asked.enc_jkt, &asked.notice_sha256)
        );
        assert_eq!(
            (&consent.legal_basis, consent.retention_days),
            (&asked.legal_basis, asked.retention_days)
        );
        assert_eq!(consent.exp.since(consent.iat), MAX_LIFE);
    }

    #[tokio::test]
    async fn only_fields_that_were_asked_can_be_granted() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder).await;
        for fields in [
            &[][..],
            &[Field::BirthDate],
            &[Field::Name, Field::BirthDate],
            &[Field::Name, Field::Name],
        ] {
            let refused = holder.grant_release(&reviewed, fields).await;
            assert_eq!(refused, Err(HolderError::FieldsNotAsked), "{fields:?}");
        }
        assert!(double.received(ANSWER).is_empty());
    }

    #[tokio::test]
    async fn the_receipt_of_another_consent_is_not_this_ones() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder).await;
        let (earlier, compact) = sent(&double, &holder, &reviewed).await;
        let leaf = granted(&earlier, &compact, &key(7));
        let receipt = receipt(&double, reviewed.request(), &earlier, &compact, &leaf);
        let consent_id = consent_id();
        double.script_json(
            ANSWER,
            &request::Consented {
                consent_id: consent_id.clone(),
                receipt,
            },
        );
        let why = ReceiptRefused::Consent;
        let refused = holder.grant_release(&reviewed, &[Field::Name]).await;
        assert_eq!(refused, Err(HolderError::Receipt { consent_id, why }));
    }

    /// A consent that the platform took, and its receipt, which the holder fetches.
    async fn consented() -> (
        Arc<PlatformDouble>,
        Holder,
        cyberid_protocol::leaf::Leaf,
        Consent,
        String,
    ) {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder).await;
        let (consent, compact) = sent(&double, &holder, &reviewed).await;
        let leaf = granted(&consent, &compact, &key(7));
        let receipt = receipt(&double, reviewed.request(), &consent, &compact, &leaf);
        double.script_json("GET /v1/consents/con_AAAAAAAAAAAAAAAAAAAAAA/receipt", &receipt);
        (double, holder, leaf, consent, compact)
    }

    #[tokio::test]
    async fn a_receipt_is_checked_and_its_tree_remembered() {
        let (double, holder, leaf, ..) = consented().await;
        let receipt = holder.receipt(&consent_id()).await.unwrap();
        assert_eq!(*receipt.leaf(), leaf);
        assert_eq!(holder.ledger().last().await, receipt.tree());
        assert_eq!(
            double.received("POST /oauth/token").len(),
            1,
            "a receipt is for its holder"
        );
        let other: ConsentId = "con_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        let refused = holder.admit_receipt(&other, receipt.receipt().clone()).await;
        let why = ReceiptRefused::AnotherConsent;
        assert_eq!(
            refused,
            Err(HolderError::Receipt {
                consent_id: other,
                why
            })
        );
    }

    #[tokio::test]
    async fn a_receipt_from_a_forked_ledger_is_refused() {
        let (double, holder, _, consent, compact) = consented().await;
        double.append("a leaf that only this holder is shown");
        let seen = holder.ledger().advance().await.unwrap();
        double.log.lock().unwrap().leaves.clear();
        let reviewed = reviewed(&double, &holder).await;
        let leaf = granted(&consent, &compact, &key(7));
        let forged = receipt(&double, reviewed.request(), &consent, &compact, &leaf);
        // The same leaf at the same place, in a log that continues otherwise.
        double.append("other");
        double.append("leaves");
        let receipt = cyberid_protocol::receipt::Receipt {
            proof: double.log.lock().unwrap().proof(0),
            ..forged
        };
        let refused = holder.admit_receipt(&consent_id(), receipt).await;
        assert!(
            matches!(refused, Err(HolderError::Ledger(LedgerRefused::Forked { .. }))),
            "{refused:?}"
        );
        assert_eq!(holder.ledger().last().await, seen);
    }

    #[tokio::test]
    async fn withdrawing_is_one_signed_call_and_ends_in_the_ledger() {
        let (double, holder, leaf, consent, compact) = consented().await;
        let reviewed = reviewed(&double, &holder).await;
        let line = "POST /v1/consents/con_AAAAAAAAAAAAAAAAAAAAAA/withdraw";
        let still = holder.receipt(&consent_id()).await.unwrap();
        double.script_json(line, still.receipt());
        let refused = holder.withdraw(&consent_id()).await;
        let (consent_id, why) = (consent_id(), ReceiptRefused::LeafDiffers);
        assert_eq!(
            refused,
            Err(HolderError::Receipt {
                consent_id: consent_id.clone(),
                why
            })
        );
        let leaf = leaf.followed_by(LeafKind::ConsentWithdrawn, leaf.time).unwrap();
        double.script_json(
            line,
            &receipt(&double, reviewed.request(), &consent, &compact, &leaf),
        );
        let receipt = holder.withdraw(&consent_id).await.unwrap();
        assert_eq!(*receipt.leaf(), leaf);
        let body: WithdrawalBody = serde_json::from_slice(&double.received(line)[0].body).unwrap();
        let withdrawal: Withdrawal = open(&body.withdrawal, &holder.public_key()).unwrap();
        assert_eq!(
            (withdrawal.aud, withdrawal.consent),
            (double.issuer.clone(), consent_id)
        );
    }
}
