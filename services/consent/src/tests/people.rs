//! The people of a test: holders with a device key, and what they sign.

use cyberid_crypto::{Sign as _, SigningKey, digest, json};
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::{ConsentId, Nonce, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Clock, UnixTime};
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::{ReleaseRequest, RequestObject};
use cyberid_protocol::withdrawal::Withdrawal;
use cyberid_storage::subject::{HashedPin, NewSubject, SubjectDevice, Subjects};

pub(super) struct Person {
    pub(super) key: SigningKey,
    pub(super) subject: SubjectId,
    pub(super) ages: AgeFlags,
}

impl Person {
    pub(super) fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_scalar(&[seed; 32]).unwrap(),
            subject: SubjectId::from_bytes([seed; 32]),
            ages: Threshold::ALL
                .into_iter()
                .fold(AgeFlags::default(), AgeFlags::with),
        }
    }

    pub(super) fn jkt(&self) -> String {
        self.key.kid().to_owned()
    }

    pub(super) async fn enrol(&self, subjects: &dyn Subjects, now: UnixTime) {
        self.enrol_as(&NetworkNumber::random(&SystemRng), subjects, now)
            .await;
    }

    /// Enrols under this number.
    pub(super) async fn enrol_as(&self, number: &NetworkNumber, subjects: &dyn Subjects, now: UnixTime) {
        subjects.begin_enrolment(&self.subject, now).await.unwrap();
        let new = self.as_new(number, now);
        assert!(subjects.commit_enrolment(&new).await.unwrap());
        subjects.end_enrolment(&self.subject).await.unwrap();
    }

    /// What an enrolment commits of them.
    pub(super) fn as_new(&self, number: &NetworkNumber, now: UnixTime) -> NewSubject {
        NewSubject {
            subject: self.subject,
            number: number.clone(),
            device: SubjectDevice {
                jkt: self.jkt(),
                key: *self.key.public_key().as_sec1(),
                bound_at: now,
            },
            age_flags: self.ages,
            age_tags: Vec::new(),
            pin: HashedPin {
                salt: [1; 16],
                memory_kib: 8,
                passes: 1,
                tag: [1; 32],
            },
            person_tag: *self.subject.as_bytes(),
            document_expires_at: now.plus(1_000_000_000),
            credential_expires_at: now.plus(1_000_000_000),
        }
    }

    pub(super) fn sign_withdrawal(&self, withdrawal: &Withdrawal) -> serde_json::Value {
        serde_json::json!({"withdrawal": withdrawal.sign(&self.key).unwrap()})
    }
}

/// A withdrawal of this consent.
pub(super) fn withdrawal(consent: &ConsentId, now: UnixTime) -> Withdrawal {
    Withdrawal {
        aud: super::platform::ISSUER.into(),
        consent: consent.clone(),
        iat: now,
        exp: now.plus(300),
        jti: Nonce::random(&SystemRng),
    }
}

/// What a compact request object says.
pub(super) fn read_request(compact: &str) -> ReleaseRequest {
    let payload = compact.split('.').nth(1).unwrap();
    let payload = cyberid_crypto::base64url::decode(payload).unwrap();
    match json::from_slice(&payload).unwrap() {
        RequestObject::Release(request) => request,
        RequestObject::Verification(_) => panic!("a verification"),
    }
}

/// The consent to everything that a request object asks.
pub(super) fn agree(compact: &str, clock: &dyn Clock) -> Claims {
    let request = read_request(compact);
    let now = clock.now();
    Claims {
        aud: request.iss,
        rp: request.rp.client_id,
        request: request.id,
        purpose: request.purpose,
        fields: request.fields,
        legal_basis: request.legal_basis,
        retention_days: request.retention_days,
        enc_jkt: request.enc_jkt,
        notice_sha256: request.notice_sha256,
        request_sha256: digest::sha256_base64url(compact.as_bytes()),
        statement_sha256: digest::sha256_base64url(request.statement.text.as_bytes()),
        locale: request.statement.locale,
        iat: now,
        exp: now.plus(3600),
        jti: Nonce::random(&SystemRng),
    }
}
