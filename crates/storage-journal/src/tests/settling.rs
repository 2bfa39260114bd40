//! Settling: what is left of a segment are its visits, sorted.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::{Clock as _, DAY};
use cyberid_storage::journal::{Journal as _, Visit};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Verifications as _};

use super::disks::{Dying, Failing};
use super::{Scene, is_used, times};
use crate::FileJournal;
use crate::disk::RealDisk;
use crate::sample::{self, NOW};

/// Longer than anything but a visit matters.
const OVER: u64 = 2000;

fn visits(count: usize) -> Vec<Visit> {
    (0..count).map(|_| sample::visit()).collect()
}

async fn keep(journal: &FileJournal, visits: &[Visit]) {
    for visit in visits {
        let answered = journal.conclude_direct(&sample::proof(), visit).await.unwrap();
        assert_eq!(answered, Answered::Now);
    }
}

/// Lets time pass until only visits matter, and settles everything.
async fn settle(scene: &Scene, journal: FileJournal) -> FileJournal {
    scene.clock.advance(OVER + DAY);
    drop(journal);
    let journal = scene.open();
    tend(scene, &journal).await;
    journal
}

/// Settles and merges what is over.
async fn tend(scene: &Scene, journal: &FileJournal) {
    journal.forget_verifications(scene.clock.now()).await.unwrap();
    journal.settle().await.unwrap();
}

async fn are_all_there_once(journal: &FileJournal, visits: &[Visit]) {
    for visit in visits {
        assert_eq!(times(journal, visit).await, 1);
        let other_day = visit.day.plus(DAY);
        assert!(journal.visits(other_day, &visit.tag).await.unwrap().is_empty());
    }
}

fn records(scene: &Scene) -> Vec<Vec<u8>> {
    let files = scene.files(".visits");
    let bytes = files.iter().map(|file| fs::read(file).unwrap());
    bytes
        .flat_map(|bytes| bytes.chunks(16 + 540).map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect()
}

#[tokio::test]
async fn what_is_settled_is_found_and_nothing_but_visits_is_left() {
    let scene = Scene::new();
    let journal = scene.open();
    let row = sample::verification();
    journal.ask(&row).await.unwrap();
    let mut kept = visits(60);
    kept[7].tag = kept[8].tag;
    kept[9].sealed = vec![1; 30];
    for visit in &mut kept[50..] {
        visit.day = visit.day.plus(DAY);
    }
    keep(&journal, &kept).await;
    let two = async |journal: &FileJournal| journal.visits(kept[7].day, &kept[7].tag).await.unwrap().len();
    assert_eq!(two(&journal).await, 2);
    let journal = settle(&scene, journal).await;
    scene.clock.advance(DAY);
    tend(&scene, &journal).await;
    assert_eq!(two(&journal).await, 2);
    let others: Vec<Visit> = [&kept[..7], &kept[9..]].concat();
    are_all_there_once(&journal, &others).await;
    let runs = scene.files(".visits").len();
    assert_eq!(
        runs,
        3,
        "one of each day and length: {:?}",
        scene.files(".visits")
    );
    let bytes: u64 = scene
        .files(".visits")
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    assert_eq!(
        bytes,
        59 * (16 + 540) + 16 + 30,
        "sealed visits and their tags alone"
    );
    drop(journal);
    let journal = scene.open();
    are_all_there_once(&journal, &others).await;
    assert!(journal.verification(&row.id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_still_matters_is_not_settled() {
    let scene = Scene::new();
    let journal = scene.open();
    let (mut row, proof, visit) = (sample::verification(), sample::proof(), sample::visit());
    row.expires_at = NOW.plus(5000);
    journal.ask(&row).await.unwrap();
    journal.conclude_direct(&proof, &visit).await.unwrap();
    drop(journal);
    let journal = scene.open();
    let tend = async |seconds| {
        scene.clock.advance(seconds);
        journal.forget_verifications(scene.clock.now()).await.unwrap();
        journal.settle().await.unwrap();
    };
    tend(0).await;
    assert!(is_used(&journal, &proof).await);
    tend(1000).await;
    // The proof is forgotten, and the verification is not.
    assert_eq!(scene.files(".visits").len(), 0);
    let crashed = scene.copy().open();
    assert_eq!(crashed.verification(&row.id).await.unwrap(), Some(row.clone()));
    tend(4001).await;
    assert_eq!(scene.files(".visits").len(), 1);
    assert_eq!(times(&journal, &visit).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settling_is_whole_or_done_again_whatever_step_it_dies_at() {
    let scene = Scene::new();
    let kept = visits(40);
    keep(&scene.open(), &kept).await;
    assert!(scene.files(".segment").len() > 1);
    scene.clock.advance(OVER + DAY);
    for failing in [Failing::Before, Failing::After] {
        let mut hits = 0;
        for step in 0.. {
            let dying = scene.copy();
            let disk = Dying::at(step, failing);
            if let Ok(journal) = dying.open_on(disk.clone()) {
                let now = dying.clock.now();
                let forgotten = journal.forget_verifications(now).await;
                let settled = journal.settle().await;
                // Until it stops, it answers.
                for visit in &kept {
                    if let Ok(found) = journal.visits(visit.day, &visit.tag).await {
                        assert_eq!(found, std::slice::from_ref(&visit.sealed));
                    }
                }
                drop((forgotten, settled));
            }
            hits += u64::from(disk.has_died());
            let journal = dying.open();
            are_all_there_once(&journal, &kept).await;
            tend(&dying, &journal).await;
            are_all_there_once(&journal, &kept).await;
            let mut sorted = records(&dying);
            sorted.dedup();
            assert_eq!(sorted.len(), kept.len());
            if !disk.has_died() {
                break;
            }
        }
        assert!(hits > 30, "{hits}");
    }
}

#[tokio::test]
async fn nothing_is_left_of_the_order_in_which_visits_came() {
    let kept = visits(50);
    let reversed: Vec<Visit> = kept.iter().rev().cloned().collect();
    let mut files = Vec::new();
    for order in [&kept, &reversed] {
        let scene = Scene::new();
        let journal = scene.open();
        keep(&journal, order).await;
        settle(&scene, journal).await;
        let runs = scene.files(".visits");
        assert_eq!(runs.len(), 1, "a day that is over is one file");
        files.push(fs::read(&runs[0]).unwrap());
        assert!(records(&scene).is_sorted());
    }
    assert_eq!(files[0], files[1]);
}

#[tokio::test]
async fn a_day_under_way_has_few_runs() {
    let scene = Scene::new();
    let mut journal = scene.open();
    let mut kept = Vec::new();
    for _ in 0..40 {
        let visit = sample::visit();
        let proof = SingleUse {
            forget_at: scene.clock.now().plus(361),
            ..sample::proof()
        };
        let answered = journal.conclude_direct(&proof, &visit).await.unwrap();
        assert_eq!(answered, Answered::Now);
        kept.push(visit);
        scene.clock.advance(400);
        drop(journal);
        journal = scene.open();
        tend(&scene, &journal).await;
    }
    assert_eq!(scene.clock.now().day_start(), NOW.day_start());
    let runs = scene.files(".visits").len();
    assert_eq!(runs, 2 + 8, "two of sixteen each, and what came after");
    are_all_there_once(&journal, &kept).await;
    drop(journal);
    are_all_there_once(&scene.open(), &kept).await;
}

/// As the service's housekeeping does, and nobody else: nothing more is recorded.
#[tokio::test]
async fn an_idle_journal_is_settled_too() {
    let scene = Scene::new();
    let journal = scene.open();
    let kept = visits(3);
    keep(&journal, &kept).await;
    scene.clock.advance(OVER);
    for _ in 0..1000 {
        journal.forget_verifications(scene.clock.now()).await.unwrap();
        journal.forget_visits(UnixTime(0)).await.unwrap();
        if scene.files(".visits").len() == 1 {
            return are_all_there_once(&journal, &kept).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}", scene.files(""));
}

#[tokio::test]
async fn forgotten_days_are_gone_settled_or_not_and_do_not_come_back() {
    let scene = Scene::new();
    let journal = scene.open();
    let mut kept = visits(10);
    for visit in &mut kept[5..] {
        visit.day = visit.day.plus(DAY);
    }
    keep(&journal, &kept).await;
    // Unsettled.
    let second = NOW.day_start().plus(DAY);
    assert_eq!(journal.forget_visits(second).await.unwrap(), 5);
    assert_eq!(journal.forget_visits(second).await.unwrap(), 0);
    for visit in &kept[..5] {
        assert_eq!(times(&journal, visit).await, 0);
    }
    are_all_there_once(&journal, &kept[5..]).await;
    // Also once they are settled.
    scene.clock.advance(OVER);
    while records(&scene).len() < 5 {
        journal.forget_verifications(scene.clock.now()).await.unwrap();
        journal.forget_visits(UnixTime(0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    journal.settle().await.unwrap();
    assert_eq!(records(&scene).len(), 5);
    are_all_there_once(&journal, &kept[5..]).await;
    assert_eq!(journal.forget_visits(second.plus(DAY)).await.unwrap(), 5);
    assert_eq!(scene.files(".visits").len(), 0);
    for visit in &kept {
        assert_eq!(times(&journal, visit).await, 0);
    }
    drop(journal);
    let journal = scene.open_on(Arc::new(RealDisk)).unwrap();
    for visit in &kept {
        assert_eq!(times(&journal, visit).await, 0);
    }
}
