//! Things to store, each fresh unless its arguments say otherwise.

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, LeafId, Nonce, ReleaseId, SubjectId, VerificationId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_domain::rng::{SystemRng, random};

use crate::event::NewEvent;
use crate::journal::Visit;
use crate::key_holder::BoundDevice;
use crate::promise::PromisedLeaf;
use crate::release::{Grant, Release, ReleaseLeaf};
use crate::relying_party::RelyingParty;
use crate::single_use::SingleUse;
use crate::verification::{Verification, VerificationState};

/// The moment at which everything is made.
pub(super) const NOW: UnixTime = UnixTime(1_784_131_200);

pub(super) fn bytes<const N: usize>() -> [u8; N] {
    random(&SystemRng)
}

pub(super) fn subject() -> SubjectId {
    SubjectId::random(&SystemRng)
}

pub(super) fn client() -> ClientId {
    ClientId::random(&SystemRng)
}

/// A thumbprint's form does not matter to a store.
pub(super) fn jkt() -> String {
    ClientId::random(&SystemRng).to_string()
}

pub(super) fn bound_device(subject: SubjectId) -> BoundDevice {
    BoundDevice {
        subject,
        key: bytes(),
        release_from: UnixTime(0),
        number_commitment: Some(bytes()),
    }
}

pub(super) fn single_use() -> SingleUse {
    SingleUse {
        digest: bytes(),
        forget_at: NOW.plus(600),
    }
}

pub(super) fn visit() -> Visit {
    Visit {
        day: NOW.day_start(),
        tag: bytes(),
        sealed: bytes::<40>().to_vec(),
    }
}

pub(super) fn leaf_body(kind: &str, rp: Option<&ClientId>, time: UnixTime) -> String {
    let time = time.0;
    match rp {
        Some(rp) => format!(r#"{{"kind":"{kind}","rp":"{rp}","time":{time},"v":1}}"#),
        None => format!(r#"{{"kind":"{kind}","time":{time},"v":1}}"#),
    }
}

pub(super) fn promised_leaf() -> PromisedLeaf {
    PromisedLeaf {
        id: LeafId::random(&SystemRng),
        body: leaf_body("consent.granted", Some(&client()), NOW),
    }
}

pub(super) fn event() -> NewEvent {
    NewEvent {
        client_id: client(),
        token: "token".into(),
    }
}

pub(super) fn release_leaf(leaf: &PromisedLeaf) -> ReleaseLeaf {
    ReleaseLeaf {
        id: leaf.id.clone(),
        body: leaf.body.clone(),
    }
}

pub(super) fn application() -> RelyingParty {
    RelyingParty {
        client_id: client(),
        revision: 0,
        registration: r#"{"name":"甲 \"A\""}"#.into(),
        status: RegistrationStatus::Applied,
        applied_by: client(),
        applied_at: NOW,
        expires_at: None,
        certificates: Vec::new(),
        leaf: None,
        waiting_keys: None,
        renewal: None,
    }
}

pub(super) fn verification() -> Verification {
    Verification {
        id: VerificationId::random(&SystemRng),
        client_id: client(),
        purpose: "login".into(),
        checks: vec![Check::SamePerson, Check::AgeOver18],
        factors: vec![Factor::Pin, Factor::Device],
        nonce: Nonce::random(&SystemRng),
        sub: Some("a pseudonym".into()),
        created_at: NOW,
        expires_at: NOW.plus(300),
        opener: None,
        guardian_agreed: false,
        state: VerificationState::Pending,
    }
}

pub(super) fn passed() -> VerificationState {
    VerificationState::Passed {
        attestation: "an attestation".into(),
    }
}

pub(super) fn release() -> Release {
    Release {
        id: ReleaseId::random(&SystemRng),
        client_id: client(),
        sub: "a pseudonym".into(),
        purpose: "delivery".into(),
        fields: vec![Field::Name, Field::BirthDate],
        nonce: Nonce::random(&SystemRng),
        created_at: NOW,
        expires_at: NOW.plus(300),
        status: ReleaseStatus::Requested,
        grant: None,
        leaves: Vec::new(),
    }
}

pub(super) fn grant(subject: SubjectId) -> Grant {
    Grant {
        consent_id: ConsentId::random(&SystemRng),
        consent: "a consent".into(),
        request_object: "a request object".into(),
        subject,
        device_jkt: jkt(),
        salt: bytes(),
        redeem_by: NOW.plus(900),
    }
}
