//! Disks that fail at every step, and power that is lost.

use std::sync::{Arc, Mutex};

use cyberid_storage::StorageError;
use cyberid_storage::journal::{Journal as _, Visit};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{
    Answered, Kept, Opened, Verification, VerificationState, Verifications as _,
};
use tokio::task::JoinSet;

use super::disks::{Dying, Failing, Powered};
use super::{Scene, is_used, times, visited};
use crate::disk::RealDisk;
use crate::sample::{self, NOW};
use crate::{FileJournal, OpenError};

const DEVICE: [u8; 16] = [7; 16];

/// What was acknowledged, and what was not.
#[derive(Default)]
struct Told {
    asked: Vec<Verification>,
    opened: Vec<Verification>,
    answered: Vec<(Option<Verification>, SingleUse, Visit)>,
    unknown: Vec<SingleUse>,
}

impl Told {
    /// Asks, opens and answers until something is not acknowledged, or enough was.
    async fn of(journal: &FileJournal) -> Self {
        let mut told = Self::default();
        let _ = told.go_on(journal).await;
        told
    }

    async fn go_on(&mut self, journal: &FileJournal) -> Result<(), StorageError> {
        for _ in 0..8 {
            let row = sample::verification();
            assert_eq!(journal.ask(&row).await?, Kept::Now);
            self.asked.push(row.clone());
            assert_eq!(journal.open(&row.id, &DEVICE, NOW).await?, Opened::Now);
            self.opened.push(row.clone());
            let (proof, visit, passed) = (sample::proof(), sample::visit(), sample::passed());
            let (once, kept) = (Some(&proof), Some(&visit));
            self.unknown.push(proof.clone());
            let answered = journal.conclude(&row.id, &passed, Some(&DEVICE), once, kept, NOW);
            assert_eq!(answered.await?, Answered::Now);
            self.unknown.clear();
            self.answered.push((Some(row), proof, visit));
            let (proof, visit) = (sample::proof(), sample::visit());
            self.unknown.push(proof.clone());
            let answered = journal.conclude_direct(&proof, &visit).await?;
            assert_eq!(answered, Answered::Now);
            self.unknown.clear();
            self.answered.push((None, proof, visit));
        }
        Ok(())
    }

    /// Finds everything that was acknowledged.
    async fn is_all_in(&self, journal: &FileJournal) {
        for row in &self.asked {
            assert!(journal.verification(&row.id).await.unwrap().is_some());
        }
        for row in &self.opened {
            let read = journal.verification(&row.id).await.unwrap().unwrap();
            assert_eq!(read.opener, Some(DEVICE));
        }
        for (row, proof, visit) in &self.answered {
            assert_eq!(times(journal, visit).await, 1);
            assert!(is_used(journal, proof).await);
            if let Some(row) = row {
                let read = journal.verification(&row.id).await.unwrap().unwrap();
                assert_eq!(read.state, sample::passed());
            }
        }
    }
}

/// Everything that was begun after a failure is refused, and nothing is read.
async fn has_stopped(journal: &FileJournal) {
    let row = sample::verification();
    assert!(!journal.is_running());
    assert!(journal.ask(&row).await.is_err());
    assert!(journal.verification(&row.id).await.is_err());
    assert!(journal.open(&row.id, &DEVICE, NOW).await.is_err());
    assert!(journal.agree(&row.id, NOW).await.is_err());
    assert!(journal.awaiting_guardian(NOW).await.is_err());
    let declined = VerificationState::Declined;
    assert!(
        journal
            .conclude(&row.id, &declined, None, None, None, NOW)
            .await
            .is_err()
    );
    let direct = journal.conclude_direct(&sample::proof(), &sample::visit()).await;
    assert!(matches!(direct, Err(StorageError::Unknown(_))));
    assert!(journal.forget_verifications(NOW).await.is_err());
    let visit = sample::visit();
    assert!(journal.visits(visit.day, &visit.tag).await.is_err());
    assert!(journal.forget_visits(NOW).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_step_fails_nothing_that_was_acknowledged_is_lost() {
    for failing in [Failing::Before, Failing::After, Failing::Once] {
        let (mut hits, mut stops, mut happened, mut did_not) = (0, 0, 0, 0);
        for step in 0.. {
            let scene = Scene::new();
            let disk = Dying::at(step, failing);
            let told = match scene.open_on(disk.clone()) {
                Err(OpenError::File { .. }) => Told::default(),
                Err(other) => panic!("{other}"),
                Ok(journal) => {
                    let told = Told::of(&journal).await;
                    if told.answered.len() < 16 {
                        stops += 1;
                        has_stopped(&journal).await;
                    }
                    told
                }
            };
            if !disk.has_died() {
                assert_eq!(told.answered.len(), 16);
                break;
            }
            hits += 1;
            let journal = scene.open();
            told.is_all_in(&journal).await;
            for proof in &told.unknown {
                if is_used(&journal, proof).await {
                    happened += 1;
                } else {
                    did_not += 1;
                }
            }
        }
        println!("{failing:?}: {hits} steps, {stops} stops, {happened} happened, {did_not} did not");
        assert!(hits > 50 && stops > 20 && did_not > 0, "{failing:?}");
        // "An error was returned, but it happened" is a case of its own: what was used stays used.
        assert!(happened > 0, "{failing:?}");
    }
}

#[tokio::test]
async fn a_failure_while_opening_is_an_error_and_the_next_opening_finds_everything() {
    let scene = Scene::new();
    let journal = scene.open();
    let told = Told::of(&journal).await;
    let mut hits = 0;
    for failing in [Failing::Before, Failing::After, Failing::Once] {
        for step in 0.. {
            let crashed = scene.copy();
            std::fs::write(crashed.directory().join("000000000099.tmp"), "half").unwrap();
            let disk = Dying::at(step, failing);
            let opened = crashed.open_on(disk.clone());
            if opened.is_ok() {
                break;
            }
            hits += 1;
            assert!(matches!(opened.map(drop), Err(OpenError::File { .. })));
            told.is_all_in(&crashed.open()).await;
        }
    }
    assert!(hits > 20, "{hits}");
}

#[tokio::test]
async fn what_stood_last_after_a_crash_is_written_and_synced_again() {
    let scene = Scene::new();
    let journal = scene.open();
    visited(&journal).await;
    let crashed = scene.copy();
    let disk = Dying::never();
    crashed.open_on(disk.clone()).unwrap();
    assert_eq!(disk.reopened(), 1, "nobody knows whether it was synced");
    drop(journal);
    let disk = Dying::never();
    scene.open_on(disk.clone()).unwrap();
    assert_eq!(disk.reopened(), 0, "a journal that was closed is whole");
}

/// Loses the power under load; returns how many pages were lost, and whether everything that was acknowledged is there.
async fn lose_power(lies: bool) -> (usize, bool) {
    let scene = Scene::new();
    let disk = Powered::new(lies);
    let journal = Arc::new(scene.open_on(disk.clone()).unwrap());
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut load = JoinSet::new();
    for _ in 0..32 {
        let (journal, told) = (Arc::clone(&journal), Arc::clone(&told));
        load.spawn(async move {
            loop {
                let acknowledged = visited(&journal).await;
                told.lock().unwrap().push(acknowledged);
            }
        });
    }
    while told.lock().unwrap().len() < 500 {
        tokio::task::yield_now().await;
    }
    let acknowledged = told.lock().unwrap().clone();
    let (found, lost) = disk.cut(|| scene.copy(), Scene::directory);
    load.shutdown().await;
    let Ok(journal) = found.open_on(Arc::new(RealDisk)) else {
        return (lost, false);
    };
    for (proof, visit) in &acknowledged {
        if times(&journal, visit).await != 1 || !is_used(&journal, proof).await {
            return (lost, false);
        }
    }
    (lost, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_of_power_takes_nothing_that_was_acknowledged() {
    let mut lost = 0;
    for _ in 0..20 {
        let (pages, all) = lose_power(false).await;
        assert!(all);
        lost += pages;
    }
    assert!(lost > 0, "the power was lost while something was written");
    // And without a sync it does: the test can tell.
    let (lost, all) = lose_power(true).await;
    assert!(lost > 0 && !all);
}
