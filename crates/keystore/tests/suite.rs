//! A keystore is of one suite, from its first key on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::Path;
use std::sync::Arc;

use cyberid_crypto::{AgreementKey, Suite, hpke, jws};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_keystore::{KdfCost, Keystore, KeystoreError, PublicHalf, RoleName, role};

const ROLES: [RoleName; 4] = [
    RoleName::Attestation,
    RoleName::Vault,
    RoleName::Pairwise,
    RoleName::Ledger,
];

fn open(folder: &Path) -> Keystore {
    let clock = Arc::new(ManualClock::new(UnixTime(9)));
    let passphrase = SecretBytes::from(b"passphrase".to_vec());
    Keystore::open_or_create(folder, &passphrase, KdfCost::INSECURE, clock, Arc::new(SystemRng)).unwrap()
}

fn suites(keystore: &Keystore) -> Vec<Suite> {
    let keys = keystore.list().into_iter();
    keys.filter_map(|key| match key.public {
        Some(PublicHalf::Point(public)) => Some(public.suite()),
        _ => None,
    })
    .collect()
}

#[test]
fn keys_are_made_for_the_suite_that_was_chosen_and_no_other_is_chosen_after() {
    for (chosen, other) in [(Suite::Nist, Suite::Sm), (Suite::Sm, Suite::Nist)] {
        let folder = tempfile::tempdir().unwrap();
        let keystore = open(folder.path());
        assert_eq!(keystore.settle_suite(Some(chosen)), Ok(chosen));
        keystore.ensure(&ROLES).unwrap();
        let refused = KeystoreError::AnotherSuite {
            kept: chosen,
            asked: other,
        };
        assert_eq!(keystore.settle_suite(Some(other)), Err(refused.clone()));
        drop(keystore);
        let keystore = open(folder.path());
        assert_eq!(keystore.settle_suite(Some(other)), Err(refused));
        assert_eq!(keystore.settle_suite(None), Ok(chosen));
        keystore.rotate(RoleName::Attestation).unwrap();
        assert!(suites(&keystore).iter().all(|suite| *suite == chosen));
        assert_eq!(suites(&keystore).len(), 3);
        assert!(keystore.list().iter().all(|key| key.suite == chosen));
    }
}

#[test]
fn keys_of_the_sm_suite_do_their_work_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let keystore = open(folder.path());
    keystore.settle_suite(Some(Suite::Sm)).unwrap();
    keystore.ensure(&ROLES).unwrap();
    let public = keystore.signer::<role::Attestation>().unwrap().public_key();
    let vault = keystore.opener::<role::Vault>().unwrap().public_key();
    let sealed = hpke::seal(&vault, b"info", b"aad", b"share").unwrap();
    let tag = cyberid_crypto::Mac::mac(&keystore.mac::<role::Pairwise>().unwrap(), &[b"message"]);
    ROLES
        .iter()
        .for_each(|role| assert_eq!(keystore.check(*role), Ok(())));
    drop(keystore);
    let keystore = open(folder.path());
    let signer = keystore.signer::<role::Attestation>().unwrap().current();
    let signature = signer.sign(b"message").unwrap();
    assert_eq!(jws::verify_signature(&public, b"message", &signature), Ok(()));
    let opener = keystore.opener::<role::Vault>().unwrap().current();
    let share = hpke::open(&*opener, b"info", b"aad", &sealed).unwrap();
    assert_eq!(share.as_slice(), b"share");
    let again = cyberid_crypto::Mac::mac(&keystore.mac::<role::Pairwise>().unwrap(), &[b"message"]);
    assert_eq!(again, tag);
    assert!(
        hpke::open(
            &AgreementKey::ephemeral_of(Suite::Sm).unwrap(),
            b"info",
            b"aad",
            &sealed
        )
        .is_err()
    );
}

/// What was written before there were suites says none, and is of the first.
#[test]
fn a_keystore_that_says_nothing_is_of_the_first_suite() {
    let folder = tempfile::tempdir().unwrap();
    let keystore = open(folder.path());
    keystore.ensure(&ROLES).unwrap();
    let text = std::fs::read_to_string(folder.path().join(cyberid_keystore::FILE)).unwrap();
    assert!(!text.contains("suite"));
    assert_eq!(keystore.settle_suite(None), Ok(Suite::Nist));
}
