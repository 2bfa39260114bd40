//! Granting a release: the device signs what it showed, the key that the plaintext goes to, and the fields that the
//! holder chose, each of which is off until it is chosen.

use cyberid_crypto::digest;
use cyberid_domain::check::distinct;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ConsentId, Nonce};
use cyberid_protocol::consent::{Consent, MAX_LIFE};
use cyberid_protocol::guardian_release::{self, GuardianRelease};
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
        self.grant_release_with(reviewed, fields, None).await
    }

    /// The same, with the agreement of a guardian ([`Holder::guardian_release`]), for whoever is under 14.
    pub async fn grant_release_with(
        &self,
        reviewed: &ReviewedRelease,
        fields: &[Field],
        guardian: Option<&str>,
    ) -> Result<Consented, HolderError> {
        let consent = self.consent(reviewed, fields)?.sign(&*self.key)?;
        let platform = self.platform.sealing_key().await?;
        let body = AnswerBody {
            sealed: Some(SealedConsent::seal_with(&platform, &consent, guardian)?),
            declined: None,
        };
        let path = format!("/v1/requests/{}/answer", reviewed.request().id);
        let answered: request::Consented = self.client().post(&path, &body).await?;
        let consent_id = answered.consent_id;
        // A good receipt of another consent of ours is not the receipt of this one.
        if answered.receipt.record.evidence.consent != consent {
            let why = ReceiptRefused::Consent;
            return Err(HolderError::Receipt { consent_id, why });
        }
        let receipt = self.admit_receipt(&consent_id, answered.receipt).await?;
        Ok(Consented { consent_id, receipt })
    }

    /// This device's agreement that its holder's ward, by that device key, releases these fields at most: for ten minutes,
    /// and for this one release.
    pub fn guardian_release(
        &self,
        reviewed: &ReviewedRelease,
        ward_jkt: &str,
        fields: &[Field],
    ) -> Result<String, HolderError> {
        let request = reviewed.request();
        let asked = fields.iter().all(|field| request.fields.contains(field));
        if !asked || distinct(fields).is_none() {
            return Err(HolderError::FieldsNotAsked);
        }
        let now = self.now();
        let agreement = GuardianRelease {
            aud: self.platform.issuer().into(),
            ward_jkt: ward_jkt.into(),
            request: request.id.clone(),
            request_sha256: digest::sha256_base64url(reviewed.compact().as_bytes()),
            fields: fields.to_vec(),
            iat: now,
            exp: now.plus(guardian_release::MAX_LIFE),
            jti: Nonce::random(&*self.rng),
        };
        Ok(agreement.sign(&*self.key)?)
    }

    fn consent(&self, reviewed: &ReviewedRelease, fields: &[Field]) -> Result<Consent, HolderError> {
        let request = reviewed.request();
        let asked = fields.iter().all(|field| request.fields.contains(field));
        let chosen = distinct(fields)
            .filter(|_| asked)
            .ok_or(HolderError::FieldsNotAsked)?;
        // In the order in which they were asked, each by its own yes.
        let mut fields = request.fields.clone();
        fields.retain(|field| chosen.contains(field));
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
            request_sha256: digest::sha256_base64url(reviewed.compact().as_bytes()),
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
    use cyberid_protocol::receipt::Receipt;
    use cyberid_protocol::request::{ReleaseRequest, RequestObject};
    use cyberid_protocol::statement::Locale;
    use cyberid_protocol::withdrawal::{Withdrawal, WithdrawalBody};

    use super::*;
    use crate::ReviewedRequest;
    use crate::platform_double::PlatformDouble;
    use crate::testing::{certificate, granted, met, opened, receipt, release, shown};

    const ANSWER: &str = "POST /v1/requests/rel_AAAAAAAAAAAAAAAAAAAAAA/answer";

    async fn reviewed(double: &PlatformDouble, holder: &Holder) -> ReviewedRelease {
        review(double, holder, release(double, &certificate(double))).await
    }

    async fn review(double: &PlatformDouble, holder: &Holder, request: ReleaseRequest) -> ReviewedRelease {
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
    async fn fields_are_granted_in_the_order_in_which_they_were_asked() {
        let (double, holder) = met().await;
        let mut request = release(&double, &certificate(&double));
        request.fields.reverse();
        let reviewed = review(&double, &holder, shown(request)).await;
        let mut chosen = reviewed.request().fields.clone();
        chosen.sort();
        assert_ne!(chosen, reviewed.request().fields);
        holder.grant_release(&reviewed, &chosen).await.unwrap_err();
        let body: AnswerBody = serde_json::from_slice(&double.received(ANSWER)[0].body).unwrap();
        let sealed = SealedConsent::read(&opened(&double, &body.sealed.unwrap())).unwrap();
        let consent: Consent = open(&sealed.consent, &holder.public_key()).unwrap();
        assert_eq!(consent.differs_from(reviewed.request(), reviewed.compact()), None);
    }

    #[tokio::test]
    async fn the_receipt_of_another_consent_is_not_this_ones() {
        let (double, holder) = met().await;
        let reviewed = reviewed(&double, &holder).await;
        let (_, compact) = sent(&double, &holder, &reviewed).await;
        let receipt = receipt(&double, reviewed.compact(), &compact, &[granted()]);
        let consent_id = receipt.record.id().clone();
        let answer = request::Consented {
            consent_id: consent_id.clone(),
            receipt,
        };
        double.script_json(ANSWER, &answer);
        let why = ReceiptRefused::Consent;
        let refused = holder.grant_release(&reviewed, &[Field::Name]).await;
        assert_eq!(refused, Err(HolderError::Receipt { consent_id, why }));
    }

    /// A consent that the platform took, and its receipt, which the holder fetches.
    struct Given {
        double: Arc<PlatformDouble>,
        holder: Holder,
        request: String,
        consent: String,
        id: ConsentId,
    }

    impl Given {
        async fn start() -> Self {
            let (double, holder) = met().await;
            let reviewed = reviewed(&double, &holder).await;
            let (_, consent) = sent(&double, &holder, &reviewed).await;
            let receipt = receipt(&double, reviewed.compact(), &consent, &[granted()]);
            let id = receipt.record.id().clone();
            double.script_json(&format!("GET /v1/consents/{id}/receipt"), &receipt);
            let request = reviewed.compact().to_owned();
            Self {
                double,
                holder,
                request,
                consent,
                id,
            }
        }

        fn receipt(&self, life: &[(LeafKind, cyberid_domain::UnixTime)]) -> Receipt {
            receipt(&self.double, &self.request, &self.consent, life)
        }

        fn refused(&self, why: ReceiptRefused) -> HolderError {
            let consent_id = self.id.clone();
            HolderError::Receipt { consent_id, why }
        }
    }

    #[tokio::test]
    async fn a_receipt_is_checked_and_its_tree_remembered() {
        let given = Given::start().await;
        let holder = &given.holder;
        let receipt = holder.receipt(&given.id).await.unwrap();
        assert_eq!(receipt.leaf().kind, LeafKind::ConsentGranted);
        assert_eq!(holder.ledger().last().await, receipt.tree());
        let asked = given.double.received("POST /oauth/token");
        assert_eq!(asked.len(), 1, "a receipt is for its holder");
        let other: ConsentId = "con_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        let refused = holder.admit_receipt(&other, receipt.receipt().clone()).await;
        let why = ReceiptRefused::AnotherConsent;
        let consent_id = other;
        assert_eq!(refused, Err(HolderError::Receipt { consent_id, why }));
    }

    #[tokio::test]
    async fn the_receipt_of_another_event_is_not_the_one_that_was_asked_for() {
        let given = Given::start().await;
        let asked = given
            .holder
            .receipt_of(&given.id, LeafKind::ReleaseDelivered)
            .await;
        assert_eq!(asked, Err(given.refused(ReceiptRefused::LeafDiffers)));
        let line = format!("GET /v1/consents/{}/receipt", given.id);
        let query = format!("{line}?kind=release.delivered");
        assert_eq!(given.double.received(&line)[0].line, query);
    }

    #[tokio::test]
    async fn a_receipt_from_a_forked_ledger_is_refused() {
        let given = Given::start().await;
        let (double, holder) = (&given.double, &given.holder);
        double.append("a leaf that only this holder is shown");
        let seen = holder.ledger().advance().await.unwrap();
        double.log.lock().unwrap().leaves.clear();
        let forged = given.receipt(&[granted()]);
        // The same leaf at the same place, in a log that continues otherwise.
        double.append("other");
        double.append("leaves");
        let receipt = Receipt {
            proof: double.log.lock().unwrap().proof(0),
            ..forged
        };
        let refused = holder.admit_receipt(&given.id, receipt).await;
        assert!(
            matches!(refused, Err(HolderError::Ledger(LedgerRefused::Forked { .. }))),
            "{refused:?}"
        );
        assert_eq!(holder.ledger().last().await, seen);
    }

    #[tokio::test]
    async fn withdrawing_is_one_signed_call_and_ends_in_the_ledger() {
        let given = Given::start().await;
        let (double, holder) = (&given.double, &given.holder);
        let line = format!("POST /v1/consents/{}/withdraw", given.id);
        let grants = holder.receipt(&given.id).await.unwrap();
        double.script_json(&line, grants.receipt());
        let refused = holder.withdraw(&given.id).await;
        assert_eq!(refused, Err(given.refused(ReceiptRefused::LeafDiffers)));
        let (_, at) = granted();
        let events = [granted(), (LeafKind::ConsentWithdrawn, at)];
        double.script_json(&line, &given.receipt(&events));
        let ended = holder.withdraw(&given.id).await.unwrap();
        assert_eq!(ended.leaf().kind, LeafKind::ConsentWithdrawn);
        assert!(ended.leaf().previous.is_some());
        let body: WithdrawalBody = serde_json::from_slice(&double.received(&line)[0].body).unwrap();
        let claims: Withdrawal = open(&body.withdrawal, &holder.public_key()).unwrap();
        assert_eq!((claims.aud, claims.consent), (double.issuer.clone(), given.id));
    }
}
