//! What outsiders show: officers' orders, passkeys, archives and receipts that people kept.

use cyberid_crypto::{base64url, json};
use cyberid_domain::UnixTime;
use cyberid_protocol::export::Archive;
use cyberid_protocol::official::{check_second, open_order};
use cyberid_protocol::passkey::{PasskeyAssertion, PasskeyRegistration, Site};
use cyberid_protocol::receipt::{ConsentRecord, Receipt};

use crate::{seeds, text};

/// No words are an officer's but those that one signed, and nobody signs twice.
pub(crate) fn order(bytes: &[u8]) -> bool {
    let Some(compact) = text(bytes) else { return false };
    let (authority, now) = (seeds::authority(), UnixTime(seeds::NOW));
    let (order, second) = (seeds::signed_order(), seeds::signed_countersignature());
    let words = |compact: &str| compact.rsplit_once('.').map(|(words, _)| words.to_owned());
    let opened = open_order(compact, &authority, seeds::ISSUER);
    if let Ok(ordered) = &opened {
        assert_eq!(words(compact), words(&order));
        assert!(ordered.order.subject().is_ok());
        let again = check_second(compact, &order, ordered.officer, &authority, seeds::ISSUER, now);
        assert!(again.is_err(), "an order is no countersignature");
    }
    let first = authority.officers.first().unwrap();
    let signed = check_second(compact, &order, first, &authority, seeds::ISSUER, now);
    assert!(signed.is_err() || words(compact) == words(&second));
    opened.is_ok() || signed.is_ok()
}

/// Nothing is signed by a passkey but what it signed, whatever browser and authenticator say.
pub(crate) fn passkey(bytes: &[u8]) -> bool {
    let (site, challenge) = (Site::of(seeds::ISSUER), [5; 32]);
    let key = seeds::signer().public_key();
    if let Ok(assertion) = json::from_slice::<PasskeyAssertion>(bytes) {
        let asserted = assertion.check(&site, &challenge, &key);
        let good = seeds::passkey_assertion();
        let signed = |it: &PasskeyAssertion| (it.client_data_json.clone(), it.authenticator_data.clone());
        assert!(asserted.is_err() || signed(&assertion) == signed(&good));
        assert!(
            assertion.check(&site, &[6; 32], &key).is_err(),
            "another challenge"
        );
        return asserted.is_ok();
    }
    let Ok(registration) = json::from_slice::<PasskeyRegistration>(bytes) else {
        return false;
    };
    let Ok(named) = registration.challenge() else {
        return false;
    };
    let checked = registration.check(&site, &base64url::encode(&challenge));
    assert!(checked.is_err() || named == base64url::encode(&challenge));
    checked.is_ok_and(|credential| base64url::encode(&credential.id) == registration.id)
}

/// Every part of an archive that is taken is the one that was signed, and none is missing.
pub(crate) fn archive(bytes: &[u8]) -> bool {
    let Ok(archive) = json::from_slice::<Archive>(bytes) else {
        return false;
    };
    let verified = archive.verify(seeds::ISSUER, &seeds::signer().public_key());
    let kept = seeds::kept_archive();
    verified.is_ok_and(|verified| {
        assert_eq!(verified.parts, kept.parts);
        true
    })
}

/// A receipt's record is made of its evidence alone: whatever else stands in it is found by making it again.
pub(crate) fn receipt_file(bytes: &[u8]) -> bool {
    let Ok(receipt) = json::from_slice::<Receipt>(bytes) else {
        return false;
    };
    let record = &receipt.record;
    let Ok(read) = record.evidence.read() else {
        return false;
    };
    let _ = read.leaf(&record.evidence.consent, record.life());
    let Ok(made) = ConsentRecord::of(record.evidence.clone(), record.life()) else {
        return false;
    };
    let written = serde_json::to_vec(&made).unwrap();
    assert_eq!(json::from_slice::<ConsentRecord>(&written), Ok(made.clone()));
    made == *record
}
