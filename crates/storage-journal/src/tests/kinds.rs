//! A restart after each kind of entry, and what concurrent callers come to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_domain::check::Check;
use cyberid_storage::StorageError;
use cyberid_storage::journal::Journal as _;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{
    Answered, Kept, Opened, Verification, VerificationState, Verifications as _,
};
use tokio::task::JoinSet;

use super::disks::{Gated, OpenAtLast};
use super::{Scene, is_used, times, visited};
use crate::FileJournal;
use crate::sample::{self, NOW};

const DEVICE: [u8; 16] = [7; 16];
const OTHER: [u8; 16] = [8; 16];

async fn read(journal: &FileJournal, row: &Verification) -> Option<Verification> {
    journal.verification(&row.id).await.unwrap()
}

#[tokio::test]
async fn after_each_kind_of_entry_a_restart_finds_what_was_acknowledged() {
    let scene = Scene::new();
    let mut row = sample::verification();
    let journal = scene.open();
    assert_eq!(journal.ask(&row).await.unwrap(), Kept::Now);
    drop(journal);

    let journal = scene.open();
    assert_eq!(read(&journal, &row).await, Some(row.clone()));
    assert_eq!(journal.open(&row.id, &DEVICE, NOW).await.unwrap(), Opened::Now);
    drop(journal);

    let journal = scene.open();
    row.opener = Some(DEVICE);
    assert_eq!(read(&journal, &row).await, Some(row.clone()));
    assert_eq!(journal.open(&row.id, &OTHER, NOW).await.unwrap(), Opened::Another);
    assert!(journal.agree(&row.id, NOW).await.unwrap());
    drop(journal);

    let journal = scene.open();
    row.guardian_agreed = true;
    assert_eq!(read(&journal, &row).await, Some(row.clone()));
    let (proof, visit, passed) = (sample::proof(), sample::visit(), sample::passed());
    let answered = journal.conclude(&row.id, &passed, Some(&DEVICE), Some(&proof), Some(&visit), NOW);
    assert_eq!(answered.await.unwrap(), Answered::Now);
    drop(journal);

    let journal = scene.open();
    row.state = passed;
    assert_eq!(read(&journal, &row).await, Some(row.clone()));
    assert!(is_used(&journal, &proof).await);
    assert_eq!(times(&journal, &visit).await, 1);
    let (direct, directly) = visited(&journal).await;
    drop(journal);

    let journal = scene.open();
    assert!(is_used(&journal, &direct).await);
    assert_eq!(
        (times(&journal, &visit).await, times(&journal, &directly).await),
        (1, 1)
    );
    let again = journal.conclude(
        &row.id,
        &VerificationState::Declined,
        Some(&DEVICE),
        None,
        None,
        NOW,
    );
    assert_eq!(again.await.unwrap(), Answered::Closed);
}

#[tokio::test]
async fn who_waits_for_a_guardian_is_found_until_one_agreed_and_after_a_restart() {
    let scene = Scene::new();
    let journal = scene.open();
    let waits = |opener| Verification {
        checks: vec![Check::GuardianConsent],
        opener,
        ..sample::verification()
    };
    let rows = [waits(None), waits(None), waits(Some(DEVICE)), waits(None)];
    let ids = async |journal: &FileJournal, now| {
        let found = journal.awaiting_guardian(now).await.unwrap();
        found.into_iter().map(|row| row.id).collect::<BTreeSet<_>>()
    };
    let plain = sample::verification();
    for row in rows.iter().chain([&plain]) {
        journal.ask(row).await.unwrap();
        journal.open(&row.id, &DEVICE, NOW).await.unwrap();
    }
    let [agreed, declined, first, second] = rows;
    assert!(journal.agree(&agreed.id, NOW).await.unwrap());
    let no = journal.conclude(
        &declined.id,
        &VerificationState::Declined,
        Some(&DEVICE),
        None,
        None,
        NOW,
    );
    assert_eq!(no.await.unwrap(), Answered::Now);
    let expected = BTreeSet::from([first.id, second.id, plain.id]);
    assert_eq!(ids(&journal, NOW).await, expected);
    drop(journal);
    let journal = scene.open();
    assert_eq!(ids(&journal, NOW).await, expected);
    assert_eq!(ids(&journal, first.expires_at).await, BTreeSet::new());
    journal
        .forget_verifications(first.expires_at.plus(1))
        .await
        .unwrap();
    assert_eq!(ids(&journal, NOW).await, BTreeSet::new());
}

/// What a loss of power could take back, nobody is told: neither who did it nor who looks.
#[tokio::test]
async fn what_is_not_yet_durable_is_seen_by_nobody() {
    let scene = Scene::new();
    let disk = Gated::default();
    let journal = Arc::new(scene.open_on(Arc::new(disk.clone())).unwrap());
    let (row, unasked) = (sample::verification(), sample::verification());
    journal.ask(&row).await.unwrap();
    let _gate = OpenAtLast(disk.clone());
    disk.shut();
    let (proof, visit, passed) = (sample::proof(), sample::visit(), sample::passed());
    let asking = journal.ask(&unasked);
    let opening = journal.open(&row.id, &DEVICE, NOW);
    let agreeing = journal.agree(&row.id, NOW);
    let answering = journal.conclude(&row.id, &passed, Some(&DEVICE), Some(&proof), Some(&visit), NOW);
    let looking = async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert_eq!(read(&journal, &unasked).await, None);
            assert_eq!(read(&journal, &row).await.as_ref(), Some(&row));
            assert_eq!(times(&journal, &visit).await, 0);
        }
        // Yet it is decided: another is refused at once.
        assert_eq!(journal.open(&row.id, &OTHER, NOW).await.unwrap(), Opened::Closed);
        let again = journal.conclude_direct(&proof, &sample::visit()).await;
        assert_eq!(again.unwrap(), Answered::Replayed);
        disk.open();
    };
    let (asked, opened, agreed, answered, ()) = tokio::join!(asking, opening, agreeing, answering, looking);
    let told = (
        asked.unwrap(),
        opened.unwrap(),
        agreed.unwrap(),
        answered.unwrap(),
    );
    assert_eq!(told, (Kept::Now, Opened::Now, true, Answered::Now));
    assert_eq!(read(&journal, &row).await.unwrap().state, passed);
    assert_eq!(times(&journal, &visit).await, 1);
    assert!(read(&journal, &unasked).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_concurrent_uses_of_one_proof_exactly_one_wins() {
    let scene = Scene::new();
    let journal = Arc::new(scene.open());
    for _ in 0..20 {
        let (proof, visit) = (sample::proof(), sample::visit());
        let uses: JoinSet<_> = (0..64)
            .map(|_| {
                let (journal, proof, visit) = (Arc::clone(&journal), proof.clone(), visit.clone());
                async move { journal.conclude_direct(&proof, &visit).await.unwrap() }
            })
            .collect();
        let answers = uses.join_all().await;
        let won = answers.iter().filter(|answer| **answer == Answered::Now);
        assert_eq!(won.count(), 1);
        assert_eq!(times(&journal, &visit).await, 1);
    }
}

/// T10: who asks without end leaves as much room as they take.
#[tokio::test]
async fn one_relying_party_leaves_room_for_others() {
    let mut scene = Scene::new();
    scene.options.verifications = 8;
    let journal = scene.open();
    let party = sample::verification().client_id;
    let of_party = || Verification {
        client_id: party.clone(),
        ..sample::verification()
    };
    let ask_often = async || {
        let mut kept = 0;
        for _ in 0..8 {
            kept += usize::from(journal.ask(&of_party()).await.unwrap() == Kept::Now);
        }
        kept
    };
    assert_eq!(ask_often().await, 4);
    for _ in 0..4 {
        assert_eq!(journal.ask(&sample::verification()).await.unwrap(), Kept::Now);
    }
    let full = journal.ask(&sample::verification()).await.unwrap();
    assert_eq!(full, Kept::Full);
    let over = sample::verification().expires_at.plus(1);
    journal.forget_verifications(over).await.unwrap();
    assert_eq!(ask_often().await, 4, "what is forgotten is free again");
}

#[tokio::test]
async fn a_full_journal_takes_no_more_and_says_so() {
    let mut scene = Scene::new();
    scene.options.verifications = 2;
    scene.options.proofs = 1;
    let journal = scene.open();
    let rows = [(); 3].map(|()| sample::verification());
    let mut asked = Vec::new();
    for row in &rows {
        asked.push(journal.ask(row).await.unwrap());
    }
    assert_eq!(asked, [Kept::Now, Kept::Now, Kept::Full]);
    assert_eq!(read(&journal, &rows[2]).await, None);
    visited(&journal).await;
    let refused = journal.conclude_direct(&sample::proof(), &sample::visit()).await;
    assert!(matches!(refused, Err(StorageError::Unknown(_))));
    let row = &rows[0];
    let (visit, passed) = (sample::visit(), sample::passed());
    let proof = SingleUse {
        forget_at: NOW.plus(2000),
        ..sample::proof()
    };
    let answer = async || {
        let answered = journal.conclude(&row.id, &passed, Some(&DEVICE), Some(&proof), Some(&visit), NOW);
        answered.await
    };
    assert!(matches!(answer().await, Err(StorageError::Unknown(_))));
    assert_eq!(
        read(&journal, row).await.as_ref(),
        Some(row),
        "nothing was decided"
    );
    assert!(journal.is_running());
    scene.clock.advance(1000);
    journal.forget_verifications(NOW).await.unwrap();
    assert_eq!(answer().await.unwrap(), Answered::Now);
}

#[tokio::test]
async fn a_journal_is_one_processes_and_a_closed_one_is_over() {
    let scene = Scene::new();
    let journal = scene.open();
    assert!(matches!(scene.try_open(), Err(crate::OpenError::Locked(_))));
    assert!(journal.is_running());
    let (proof, visit) = visited(&journal).await;
    journal.close().await;
    assert!(!journal.is_running());
    let refused = journal.conclude_direct(&sample::proof(), &sample::visit()).await;
    assert!(matches!(refused, Err(StorageError::Unknown(_))));
    assert!(journal.visits(visit.day, &visit.tag).await.is_err());
    assert!(journal.verification(&sample::verification().id).await.is_err());
    let again = scene.open();
    assert!(is_used(&again, &proof).await);
}

#[tokio::test]
async fn a_lone_entry_does_not_wait_for_others() {
    let scene = Scene::new();
    let journal = scene.open();
    visited(&journal).await;
    let began = Instant::now();
    for _ in 0..20 {
        visited(&journal).await;
    }
    // A timer of a group would be waited for 20 times.
    assert!(began.elapsed().as_millis() < 2000, "{:?}", began.elapsed());
}

/// Fifty thousand entries, as a busy server leaves them.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_journal_opens_fast() {
    let mut scene = Scene::new();
    scene.options = crate::Options::default();
    let journal = Arc::new(scene.open());
    let mut uses = JoinSet::new();
    for _ in 0..500 {
        let journal = Arc::clone(&journal);
        uses.spawn(async move {
            for _ in 0..100 {
                visited(&journal).await;
            }
        });
    }
    uses.join_all().await;
    drop(journal);
    let began = Instant::now();
    let journal = scene.open();
    let took = began.elapsed();
    println!("50,000 entries were read in {took:?}");
    assert!(took.as_secs() < 5, "{took:?}");
    visited(&journal).await;
}
