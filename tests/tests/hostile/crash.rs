//! The operator's own machine: a backup that is put back, and a second sequencer.

use std::fs;
use std::path::Path;

use cyberid_domain::field::Field;
use cyberid_protocol::audit::AuditSummary;
use journeys::{Granted, Part, Process};

use crate::warrants::Scene;

/// A ledger that has grown shorter than what was signed is caught up from the head before anything is signed, and a head
/// that is gone is not made anew: outsiders have seen more.
#[tokio::test]
async fn a_ledger_that_was_rolled_back_is_caught_up_or_not_continued() {
    let mut scene = Scene::set(1).await;
    scene.split.stop(Part::Platform).await;
    let data = scene.split.data(Part::Platform);
    let backup = tempfile::tempdir().unwrap();
    copy(&data, backup.path());
    scene.split.restart(Part::Platform).await;
    let party = scene.split.platform().relying_party().await;
    party.redeem(&scene.granted[0].pending).await.unwrap();
    drop(party);
    let signed = size(&scene).await;
    scene.split.stop(Part::Platform).await;

    copy(backup.path(), &data);
    let head = tempfile::tempdir().unwrap();
    fs::rename(data.join("head"), head.path().join("head")).unwrap();
    assert!(
        !scene.split.try_restart(Part::Platform).await,
        "it starts on a shorter ledger"
    );
    let log = scene.split.log(Part::Platform);
    assert!(log.contains("the ledger's head is missing"), "it says why: {log}");

    // The head has what the restored ledger lacks, and the key holders, who remember, are shown one history.
    fs::rename(head.path().join("head"), data.join("head")).unwrap();
    scene.split.restart(Part::Platform).await;
    let caught_up = size(&scene).await;
    assert!(caught_up > signed, "{caught_up} after {signed}");
    let party = scene.split.platform().relying_party().await;
    let granted = Granted::by(&scene.citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
}

/// How many leaves the ledger has.
async fn size(scene: &Scene) -> u64 {
    let regulator = scene.split.platform().regulator();
    let summary: AuditSummary = regulator.get("/v1/audit/summary").await.unwrap();
    assert_eq!(summary.kinds.values().sum::<u64>(), summary.size);
    summary.size
}

/// The ledger's files from one directory to another, and nothing else of the same name there.
fn copy(from: &Path, to: &Path) {
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        if from.exists() {
            fs::copy(from, to).unwrap();
        } else if to.exists() {
            fs::remove_file(to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_second_platform_on_the_same_data_does_not_start() {
    let scene = Scene::set(0).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut arguments = scene.split.arguments(Part::Platform);
    arguments.extend(["--listen", "127.0.0.1:0"].map(String::from));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let second = Process::try_start_logged(&arguments, log.path()).await;
    assert!(second.is_none(), "two sequencers of one ledger");
    let said = fs::read_to_string(log.path()).unwrap();
    assert!(said.contains("in use by another process"), "it says why: {said}");
    let party = scene.split.platform().relying_party().await;
    Granted::by(&scene.citizen, &party, &[Field::Name]).await;
}
