//! Everything that lies about is stolen: databases, logs, metrics, and not the passphrases.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_client::Client;
use cyberid_crypto::Mac as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_keystore::{Keystore, role};
use journeys::{Granted, Part, Person};
use serde::Deserialize;

use crate::canary::{canaries, holds};
use crate::operator::keystore;
use crate::warrants::Scene;

#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
}

/// Every file below a directory.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

/// Two enrolments, a verification each, a release that was redeemed and withdrawn, and one that was only granted.
#[tokio::test]
async fn no_name_number_or_birth_date_stands_in_any_file_log_or_metric() {
    let mut scene = Scene::set(2).await;
    let platform = scene.split.platform();
    let (other, party) = (platform.citizen(1).await, platform.relying_party().await);
    let both = [Field::Name, Field::BirthDate];
    let granted = Granted::by(&other, &party, &both).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    assert_eq!(
        released.field(Field::Name).unwrap().expose(),
        other.person.document.name
    );
    party.redeem(&scene.granted[0].pending).await.unwrap();
    other
        .holder
        .withdraw(&granted.consented.consent_id)
        .await
        .unwrap();
    let canaries = canaries(&[&scene.citizen, &other]);

    // While everything runs, with the write-ahead logs as they are, and after everything has stopped.
    let mut scanned = Vec::new();
    for part in Part::ALL {
        let metrics = scene
            .split
            .client(part)
            .get_bytes("/metrics")
            .await
            .unwrap_or_default();
        scanned.push((PathBuf::from(format!("metrics of the {part:?}")), metrics));
        scanned.extend(files(&scene.split.data(part)));
    }
    assert!(
        scanned
            .iter()
            .any(|(path, _)| path.to_string_lossy().ends_with("vault.db-wal"))
    );
    drop(party);
    for part in [Part::Platform, Part::Vault, Part::Custodian, Part::Witness] {
        scene.split.stop(part).await;
        scanned.extend(files(&scene.split.data(part)));
        let log = scene.split.log(part);
        assert!(part == Part::Witness || !log.is_empty(), "{part:?} logs");
        scanned.push((PathBuf::from(format!("log of the {part:?}")), log.into_bytes()));
    }
    for (path, bytes) in &scanned {
        for (text, needle) in &canaries {
            let how = String::from_utf8_lossy(needle);
            assert!(!holds(bytes, needle), "{text} as {how} in {}", path.display());
        }
    }
}

/// Whoever guesses numbers has nothing to hold a guess against: the index is keyed, and the key is in the keystore.
#[tokio::test]
async fn a_thousand_likely_numbers_hit_no_tag_of_the_blind_index() {
    let mut scene = Scene::set(0).await;
    let platform = scene.split.platform();
    let People { people } = Client::get(&platform.client, "/sandbox/people?limit=300")
        .await
        .unwrap();
    let tried = people
        .iter()
        .any(|person| person.document.number == scene.citizen.person.document.number);
    assert!(tried, "the right number is among those that are tried");
    scene.split.stop(Part::Vault).await;
    let stolen = files(&scene.split.data(Part::Vault));
    let index = keystore(&scene.split, Part::Vault).mac::<role::Index>().unwrap();
    let person = &scene.citizen.person.document;
    let parts = [
        &b"cyberid/v1/person"[..],
        person.kind.as_str().as_bytes(),
        person.number.as_bytes(),
    ];
    let tag = index.mac(&parts);
    assert!(
        stolen.iter().any(|(_, bytes)| holds(bytes, &tag)),
        "with the key the tag is found"
    );

    let (mut guesses, suite) = (0, journeys::suite());
    for Person { document, .. } in &people {
        let (kind, number) = (document.kind.as_str(), document.number.as_str());
        let joined = format!("{kind}|{number}");
        let parts = [&b"cyberid/v1/person"[..], kind.as_bytes(), number.as_bytes()];
        for guess in [
            suite.hash(number.as_bytes()),
            suite.hash(joined.as_bytes()),
            suite.hmac_parts(&[], &parts),
            suite.hmac_parts(&[0; 32], &parts),
            suite.hmac_parts(&[], &[number.as_bytes()]),
        ] {
            guesses += 1;
            let hit = stolen.iter().any(|(_, bytes)| holds(bytes, &guess));
            assert!(!hit, "{joined}");
        }
    }
    assert!(guesses >= 1000, "{guesses}");
}

/// Keys lie sealed under a passphrase that lies elsewhere.
#[tokio::test]
async fn without_its_passphrase_no_stolen_keystore_opens() {
    let mut scene = Scene::set(0).await;
    for part in [Part::Platform, Part::Vault, Part::Custodian, Part::Witness] {
        scene.split.stop(part).await;
        let folder = scene.split.data(part).join("keys");
        for guess in ["", "passphrase", "cyberid"] {
            let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
            let guess = SecretBytes::from(guess.to_owned());
            assert!(Keystore::open(&folder, &guess, clock, rng).is_err(), "{part:?}");
        }
        let secret = scene.split.passphrase(part);
        for (path, bytes) in files(&scene.split.data(part)) {
            assert!(
                !holds(&bytes, secret.expose()),
                "the passphrase in {}",
                path.display()
            );
        }
        keystore(&scene.split, part);
    }
}
