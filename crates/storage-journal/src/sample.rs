//! Things to record, for tests.

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_domain::rng::{SystemRng, random};
use cyberid_storage::journal::Visit;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Verification, VerificationState};

use crate::entry::{Entry, UsedProof};

/// The moment at which everything is made: 06:40 in UTC.
pub(crate) const NOW: UnixTime = UnixTime(1_784_097_600);

pub(crate) fn verification() -> Verification {
    Verification {
        id: VerificationId::random(&SystemRng),
        client_id: ClientId::random(&SystemRng),
        purpose: "open-account".into(),
        checks: vec![Check::RealPerson, Check::AgeOver18],
        factors: vec![Factor::Device, Factor::Pin],
        nonce: Nonce::random(&SystemRng),
        sub: Some("a pseudonym".into()),
        created_at: NOW,
        expires_at: NOW.plus(300),
        opener: None,
        guardian_agreed: false,
        state: VerificationState::Pending,
    }
}

pub(crate) fn passed() -> VerificationState {
    VerificationState::Passed {
        attestation: "an attestation".into(),
    }
}

pub(crate) fn proof() -> SingleUse {
    SingleUse {
        digest: random(&SystemRng),
        forget_at: NOW.plus(361),
    }
}

pub(crate) fn visit() -> Visit {
    Visit {
        day: NOW.day_start(),
        tag: random(&SystemRng),
        sealed: random::<540>(&SystemRng).into(),
    }
}

/// One of each kind, with and without what may be absent.
pub(crate) fn entries() -> Vec<Entry> {
    let id = VerificationId::random(&SystemRng);
    let bare = Verification {
        checks: vec![],
        sub: None,
        opener: Some([3; 16]),
        guardian_agreed: true,
        ..verification()
    };
    let proof = UsedProof::from(&proof());
    let concluded = |state, proof, visit| Entry::Concluded {
        id: id.clone(),
        state,
        opener: Some([4; 16]),
        proof,
        visit,
    };
    let failed = VerificationState::Failed {
        attestation: "another".into(),
    };
    vec![
        Entry::Asked(verification()),
        Entry::Asked(bare),
        Entry::Opened {
            id: id.clone(),
            opener: [5; 16],
        },
        Entry::Agreed { id: id.clone() },
        concluded(passed(), Some(proof), Some(visit())),
        concluded(failed, Some(proof), Some(visit())),
        Entry::Concluded {
            id: id.clone(),
            state: VerificationState::Declined,
            opener: None,
            proof: None,
            visit: None,
        },
        Entry::ConcludedDirect {
            proof,
            visit: visit(),
        },
    ]
}
