//! Sealed messages, and warrants.

use std::sync::OnceLock;

use cyberid_crypto::{base64url, json, jwe};
use cyberid_domain::UnixTime;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::device::{SealedDevice, SealedPinChange, SealedPinReset};
use cyberid_protocol::face::FaceQuestion;
use cyberid_protocol::life::SealedResumption;
use cyberid_protocol::notice::{NoticeQuery, NoticedDocument};
use cyberid_protocol::official::{Authorities, BoundRecord, OfficialWarrant, OfficialWarrantBody};
use cyberid_protocol::sealed::{SealedConsent, SealedPasskey, SealedProof};
use cyberid_protocol::source::Question;
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

/// What is in a seal is one thing and never two, and a PIN in it has eight digits.
pub(crate) fn sealed(bytes: &[u8]) -> bool {
    let (proof, consent) = (SealedProof::read(bytes), SealedConsent::read(bytes));
    let (device, passkey) = (SealedDevice::read(bytes), SealedPasskey::read(bytes));
    let (change, reset) = (SealedPinChange::read(bytes), SealedPinReset::read(bytes));
    let resumption = SealedResumption::read(bytes);
    let read = [
        proof.is_ok(),
        consent.is_ok(),
        device.is_ok(),
        passkey.is_ok(),
        change.is_ok(),
        reset.is_ok(),
        resumption.is_ok(),
    ];
    assert!(read.iter().filter(|read| **read).count() <= 1, "{read:?}");
    let pins = [
        proof.ok().and_then(|it| it.pin),
        device.ok().map(|it| it.pin),
        passkey.ok().map(|it| it.pin),
        change.ok().map(|it| it.new_pin),
        reset.ok().map(|it| it.pin),
        resumption.ok().map(|it| it.pin),
    ];
    for pin in pins.iter().flatten() {
        assert!(pin.expose().len() == 8 && pin.expose().bytes().all(|byte| byte.is_ascii_digit()));
    }
    read.contains(&true)
}

/// What a source is asked, and what it seals of a document, is one thing and never two.
pub(crate) fn questions(bytes: &[u8]) -> bool {
    let read = [
        json::from_slice::<Question>(bytes).is_ok(),
        json::from_slice::<FaceQuestion>(bytes).is_ok(),
        json::from_slice::<NoticeQuery>(bytes).is_ok(),
        json::from_slice::<NoticedDocument>(bytes).is_ok(),
    ];
    assert!(read.iter().filter(|read| **read).count() <= 1, "{read:?}");
    read.contains(&true)
}

/// A warrant that nobody's ledger holds opens nothing.
pub(crate) fn warrant(bytes: &[u8]) -> bool {
    let warrant = json::from_slice::<WarrantBody>(bytes).map(|body| body.warrant);
    let Ok(warrant) = warrant.or_else(|_| json::from_slice::<Warrant>(bytes)) else {
        return official_warrant(bytes);
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

/// Nor does one that two officers signed.
fn official_warrant(bytes: &[u8]) -> bool {
    let warrant = json::from_slice::<OfficialWarrantBody>(bytes).map(|body| body.warrant);
    let Ok(warrant) = warrant.or_else(|_| json::from_slice::<OfficialWarrant>(bytes)) else {
        return false;
    };
    let authorities = Authorities::new(vec![seeds::authority()]).unwrap();
    let record = BoundRecord {
        number_commitment: None,
    };
    for holder in [KeyHolder::Vault, KeyHolder::Custodian] {
        let (remembered, now) = (Remembered::default(), UnixTime(seeds::NOW));
        let checked = warrant.check(holder, anchors(), &authorities, record, remembered, now);
        assert!(checked.is_err());
    }
    true
}

fn anchors() -> &'static Anchors {
    static ANCHORS: OnceLock<Anchors> = OnceLock::new();
    ANCHORS.get_or_init(|| Anchors {
        issuer: "https://id.example".into(),
        ledger: seeds::log_key(),
        policy: Policy::without_witnesses(seeds::log_key()).unwrap(),
    })
}
