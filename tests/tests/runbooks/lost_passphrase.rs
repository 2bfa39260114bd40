//! docs/runbooks/lost-passphrase.md

use std::fs;

use cyberid_domain::field::Field;
use journeys::{Citizen, Granted, Part, verified_sub};
use serde_json::Value;

use crate::scene::{Scene, fails, run};

const PART: Part = Part::Custodian;

/// The coordinates of the custodian's active public half, as a configuration names them.
fn pinned(scene: &Scene) -> [String; 2] {
    let keys = scene.split.keys(PART);
    let is_active = |key: &&Value| key["role"] == "custodian" && key["state"] == "active";
    let key = keys.iter().find(is_active).unwrap();
    ["x", "y"].map(|member| key["public"][member].as_str().unwrap().to_owned())
}

/// Has the operator write another passphrase down, and gives the arguments by which it is used.
fn passphrase(scene: &Scene, text: &str) -> [String; 4] {
    let secret = scene.split.passphrase_file(PART);
    fs::write(&secret, text).unwrap();
    let data = scene.split.data(PART).display().to_string();
    [
        "--data".into(),
        data,
        "--passphrase-file".into(),
        secret.display().to_string(),
    ]
}

async fn releases_name(scene: &Scene, citizen: &Citizen) -> bool {
    let party = scene.split.platform().relying_party().await;
    let granted = Granted::by(citizen, &party, &[Field::Name]).await;
    let Ok(released) = party.redeem(&granted.pending).await else {
        return false;
    };
    released.field(Field::Name).unwrap().expose() == citizen.person.document.name
}

#[tokio::test]
async fn without_its_passphrase_a_keystore_is_gone_and_people_prove_their_documents_again() {
    let mut scene = Scene::set(1).await;
    assert!(releases_name(&scene, &scene.citizen).await);
    let sub = {
        let party = scene.split.platform().relying_party().await;
        verified_sub(&party, &scene.citizen).await
    };
    let old = pinned(&scene);
    scene.split.stop(PART).await;

    // What cannot be recovered: no guess opens the keystore, and none changes it.
    let keystore = scene.split.data(PART).join("keys").join("keystore.json");
    let sealed = fs::read(&keystore).unwrap();
    let guess = passphrase(&scene, "perhaps this one");
    let guess: Vec<&str> = guess.iter().map(String::as_str).collect();
    assert!(!scene.split.try_restart(PART).await);
    for command in [&["keys", "list"][..], &["keys", "check"], &["shares", "status"]] {
        let said = fails(&[command, &guess].concat());
        assert!(said.contains("does not open this keystore"), "{said}");
    }
    assert_eq!(fs::read(&keystore).unwrap(), sealed);

    // 1. New keys; the old list is kept, in case the passphrase is found.
    let keys = scene.split.data(PART).join("keys");
    fs::rename(&keys, keys.with_extension("lost")).unwrap();
    let fresh = passphrase(&scene, "written down twice, in two safes");
    let fresh: Vec<&str> = fresh.iter().map(String::as_str).collect();
    let suite = journeys::suite();
    let init = [
        "keys",
        "init",
        "--for",
        "custodian",
        "--suite",
        suite.name(),
        "--json",
    ];
    run(&[&init[..], &fresh].concat());
    // 2. Everybody who pinned the old public half pins the new one.
    let new = pinned(&scene);
    let changes = [(&*old[0], &*new[0]), (&*old[1], &*new[1])];
    scene.split.restart(PART).await;
    for part in [Part::Vault, Part::Platform] {
        scene.reconfigure(part, &changes).await;
    }

    // What is sealed to the lost key opens for nobody, and is counted.
    assert!(!releases_name(&scene, &scene.citizen).await);
    let counted = std::process::Command::new(journeys::executable())
        .args([&["shares", "status", "--json"][..], &fresh].concat())
        .output()
        .unwrap();
    let counted: Vec<Value> = serde_json::from_slice(&counted.stdout).unwrap();
    let lost = counted.iter().find(|seals| seals["state"].is_null()).unwrap();
    assert_eq!(lost["shares"], Field::ALL.len());
    // What everybody else has is untouched: accounts stay, and whoever comes is enrolled.
    let party = scene.split.platform().relying_party().await;
    assert_eq!(verified_sub(&party, &scene.citizen).await, sub);
    let newcomer = scene.split.platform().citizen(1).await;
    assert!(releases_name(&scene, &newcomer).await);

    // 3. People prove their documents again, and their records are sealed anew.
    let stated = scene.citizen.person.enrolment();
    let proved = scene
        .citizen
        .holder
        .prove_document(&stated.document, &stated.evidence);
    proved.await.unwrap();
    assert!(releases_name(&scene, &scene.citizen).await);
}
