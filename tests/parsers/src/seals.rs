//! Sealed messages, and warrants.

use std::sync::OnceLock;

use cyberid_crypto::{base64url, json, jwe};
use cyberid_domain::UnixTime;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::sealed::{SealedConsent, SealedProof};
use cyberid_protocol::warrant::{Anchors, Remembered, Warrant, WarrantBody};
use cyberid_tlog::policy::Policy;

use crate::{seeds, text};

/// Nothing opens but what was sealed, and each part has one text.
pub(crate) fn jwe(bytes: &[u8]) -> bool {
    let Some(compact) = text(bytes) else { return false };
    let Ok(sealed) = jwe::Sealed::parse(compact) else {
        return false;
    };
    for part in compact.split('.') {
        assert_eq!(base64url::encode(&base64url::decode(part).unwrap()), part);
    }
    let Ok(opened) = sealed.open(&seeds::recipient()) else {
        return false;
    };
    assert!(
        seeds::PLAINTEXTS
            .iter()
            .any(|plain| plain.as_bytes() == opened.as_slice())
    );
    true
}

/// What is in a seal is one of two things, and never both.
pub(crate) fn sealed(bytes: &[u8]) -> bool {
    let (proof, consent) = (SealedProof::read(bytes), SealedConsent::read(bytes));
    assert!(proof.is_err() || consent.is_err());
    let taken = proof.is_ok() || consent.is_ok();
    if let Ok(proof) = proof
        && let Some(pin) = proof.pin
    {
        assert_eq!(pin.expose().len(), 8);
    }
    taken
}

/// A warrant that nobody's ledger holds opens nothing.
pub(crate) fn warrant(bytes: &[u8]) -> bool {
    let warrant = json::from_slice::<WarrantBody>(bytes).map(|body| body.warrant);
    let Ok(warrant) = warrant.or_else(|_| json::from_slice::<Warrant>(bytes)) else {
        return false;
    };
    let device = seeds::signer().public_key();
    for holder in [KeyHolder::Vault, KeyHolder::Custodian] {
        let checked = warrant.check(
            holder,
            anchors(),
            &device,
            Remembered::default(),
            UnixTime(seeds::NOW),
        );
        assert!(checked.is_err());
    }
    warrant.device_jkt().is_ok()
}

fn anchors() -> &'static Anchors {
    static ANCHORS: OnceLock<Anchors> = OnceLock::new();
    ANCHORS.get_or_init(|| Anchors {
        issuer: "https://id.example".into(),
        ledger: seeds::log_key(),
        policy: Policy::without_witnesses(seeds::log_key()).unwrap(),
    })
}
