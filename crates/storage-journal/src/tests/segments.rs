//! The bytes of segments: torn, altered, stolen.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::Verifications as _;

use cyberid_domain::rng::SystemRng;

use super::disks::{Dying, Gated, OpenAtLast};
use super::small::Small;
use super::{Scene, is_used, key, times, visited};
use crate::disk::{PAGE, RealDisk};
use crate::place::{Place, UNFINISHED};
use crate::seal::SegmentKey;
use crate::{OpenError, sample, segment};

/// The one segment with entries of a scene after so many, each a group of its own, as a crash leaves it.
async fn written(scene: &Scene, groups: usize) -> (std::path::PathBuf, Vec<SingleUse>) {
    let journal = scene.open();
    let mut proofs = Vec::new();
    for _ in 0..groups {
        proofs.push(visited(&journal).await.0);
    }
    let file = scene.files(".segment")[0].clone();
    let bytes = fs::read(&file).unwrap();
    drop(journal);
    fs::write(&file, bytes).unwrap();
    (file, proofs)
}

fn alter(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[place] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// How many bytes the group at `page` takes, without the zeros after it.
fn length(bytes: &[u8], page: usize) -> usize {
    4 + u32::from_be_bytes(bytes[page * PAGE..page * PAGE + 4].try_into().unwrap()) as usize
}

#[tokio::test]
async fn an_end_that_is_torn_at_any_byte_takes_nothing_else_with_it() {
    let scene = Scene::new();
    let (file, proofs) = written(&scene, 3).await;
    let bytes = fs::read(&file).unwrap();
    let whole = length(&bytes, 3);
    assert!(whole > 500 && whole < PAGE);
    let torn = scene.copy();
    let torn_file = torn.directory().join(file.file_name().unwrap());
    let place = Place::new(
        torn.directory(),
        Arc::new(RealDisk),
        Arc::new(SystemRng),
        vec![key(1)],
        9,
    );
    for kept in 0..=whole {
        let mut bytes = bytes.clone();
        bytes[3 * PAGE + kept..].fill(0);
        fs::write(&torn_file, &bytes).unwrap();
        let read = segment::read(&place, 0).unwrap();
        assert_eq!(read.groups.len(), if kept == whole { 3 } else { 2 }, "{kept}");
    }
    for kept in (0..whole).step_by(100) {
        let torn = scene.copy();
        let mut bytes = bytes.clone();
        bytes[3 * PAGE + kept..].fill(0);
        fs::write(torn.directory().join(file.file_name().unwrap()), &bytes).unwrap();
        let journal = torn.open();
        for (proof, used) in proofs.iter().zip([true, true, false]) {
            assert_eq!(is_used(&journal, proof).await, used, "{kept}");
        }
        // What is recorded after it is found, whatever stands before.
        let (proof, visit) = visited(&journal).await;
        drop(journal);
        let journal = torn.open();
        assert!(is_used(&journal, &proof).await);
        assert_eq!(times(&journal, &visit).await, 1);
    }
}

#[tokio::test]
async fn a_file_that_ends_early_is_a_torn_end() {
    let scene = Scene::new();
    let (file, proofs) = written(&scene, 2).await;
    let bytes = fs::read(&file).unwrap();
    for kept in [2 * PAGE, 2 * PAGE + 1, 2 * PAGE + 100] {
        let torn = scene.copy();
        fs::write(torn.directory().join(file.file_name().unwrap()), &bytes[..kept]).unwrap();
        let journal = torn.open();
        assert!(is_used(&journal, &proofs[0]).await);
        assert!(!is_used(&journal, &proofs[1]).await);
    }
}

#[tokio::test]
async fn a_group_that_was_altered_before_another_is_named_to_the_operator() {
    let scene = Scene::new();
    let (file, _) = written(&scene, 3).await;
    let bytes = fs::read(&file).unwrap();
    for page in [1, 2] {
        for place in (0..length(&bytes, page)).step_by(37).chain([0, 1, 2, 3]) {
            let altered = scene.copy();
            let file = altered.directory().join(file.file_name().unwrap());
            alter(&file, page * PAGE + place);
            let refused = altered.try_open().map(drop).unwrap_err();
            let OpenError::Altered {
                file: named,
                page: at,
            } = refused
            else {
                panic!("{refused}");
            };
            assert_eq!((named, at), (file, page as u64));
        }
    }
    let emptied = scene.copy();
    let emptied_file = emptied.directory().join(file.file_name().unwrap());
    let mut bytes = bytes.clone();
    bytes[PAGE..2 * PAGE].fill(0);
    fs::write(emptied_file, &bytes).unwrap();
    let refused = emptied.try_open().map(drop);
    assert!(matches!(refused, Err(OpenError::Altered { page: 1, .. })));
}

#[tokio::test]
async fn a_segment_is_known_by_its_first_page_and_its_name() {
    let scene = Scene::new();
    let (file, _) = written(&scene, 1).await;
    let altered = scene.copy();
    alter(&altered.directory().join(file.file_name().unwrap()), 30);
    assert!(matches!(altered.try_open().map(drop), Err(OpenError::Foreign(_))));
    let renamed = scene.copy();
    let (from, to) = (
        renamed.directory().join(file.file_name().unwrap()),
        renamed.directory().join("000000000077.segment"),
    );
    fs::rename(from, to).unwrap();
    assert!(matches!(renamed.try_open().map(drop), Err(OpenError::Foreign(_))));
}

#[tokio::test]
async fn a_journal_outlives_its_key_and_opens_with_no_other() {
    let scene = Scene::new();
    let (_, proofs) = written(&scene, 1).await;
    let disk = || Arc::new(RealDisk);
    let refused = scene.open_with(disk(), &[2]).map(drop);
    assert!(matches!(refused, Err(OpenError::Foreign(_))));
    let rotated = scene.open_with(disk(), &[2, 1]).unwrap();
    assert!(is_used(&rotated, &proofs[0]).await);
    let (proof, visit) = visited(&rotated).await;
    drop(rotated);
    let rotated = scene.open_with(disk(), &[2, 1]).unwrap();
    assert!(is_used(&rotated, &proof).await);
    assert_eq!(times(&rotated, &visit).await, 1);
    drop(rotated);
    assert!(
        scene.open_with(disk(), &[1]).is_err(),
        "what is new is under the new key"
    );
}

#[tokio::test]
async fn nothing_of_an_entry_stands_in_the_files_and_equal_entries_look_different() {
    let scene = Scene::new();
    let journal = scene.open();
    let row = sample::verification();
    journal.ask(&row).await.unwrap();
    journal.open(&row.id, &[77; 16], sample::NOW).await.unwrap();
    let (proof, visit, passed) = (sample::proof(), sample::visit(), sample::passed());
    let answered = journal.conclude(
        &row.id,
        &passed,
        Some(&[77; 16]),
        Some(&proof),
        Some(&visit),
        sample::NOW,
    );
    answered.await.unwrap();
    let rows = [row.id.as_str(), row.client_id.as_str(), row.nonce.as_str()];
    let needles = rows.map(str::as_bytes).into_iter().chain([
        row.purpose.as_bytes(),
        b"a pseudonym",
        b"an attestation",
        b"real_person",
        &[77; 16],
        &proof.digest[..8],
        &visit.tag[..8],
        &visit.sealed[..16],
    ]);
    let segments: Vec<u8> = scene
        .copy()
        .files("")
        .iter()
        .flat_map(|file| fs::read(file).unwrap())
        .collect();
    for needle in needles {
        let found = segments.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{}", String::from_utf8_lossy(needle));
    }
    // The same under a key of another segment is nothing alike.
    let again = Scene::new();
    let other = again.open();
    other.ask(&row).await.unwrap();
    let page =
        |scene: &Scene| fs::read(&scene.copy().files(".segment")[0]).unwrap()[PAGE..PAGE + 64].to_vec();
    let (one, another) = (page(&scene), page(&again));
    let same = one.iter().zip(&another).filter(|(left, right)| left == right);
    assert!(same.count() < 16);
}

#[tokio::test]
async fn segments_turn_when_they_are_full_or_their_time_is_over() {
    let scene = Scene::new();
    let journal = scene.open();
    let mut kept = Vec::new();
    for _ in 0..50 {
        kept.push(visited(&journal).await);
    }
    let full = scene.files(".segment").len();
    assert!(full > 2, "{full}");
    scene.clock.advance(scene.options.window);
    visited(&journal).await;
    visited(&journal).await;
    drop(journal);
    let journal = scene.open();
    for (proof, visit) in &kept {
        assert!(is_used(&journal, proof).await);
        assert_eq!(times(&journal, visit).await, 1);
    }
}

#[tokio::test]
async fn what_a_process_left_unfinished_is_removed() {
    let scene = Scene::new();
    drop(scene.open());
    let left = scene.directory().join("000000000009.tmp");
    fs::write(&left, "half").unwrap();
    let journal = scene.open();
    assert!(!left.exists());
    assert!(scene.files(UNFINISHED).is_empty() || journal.is_running());
    journal.close().await;
    assert_eq!(
        scene.files(".segment"),
        Vec::<std::path::PathBuf>::new(),
        "nothing was recorded"
    );
    assert_eq!(scene.files(UNFINISHED), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_another_version_recorded_is_no_torn_end() {
    let scene = Scene::new();
    let (file, _) = written(&scene, 2).await;
    let mut bytes = fs::read(&file).unwrap();
    let salt = bytes[24..56].try_into().unwrap();
    let unknown_kind = SegmentKey::derive(&*key(1), 0, &salt).seal(2, &[99; 40]);
    bytes[2 * PAGE..3 * PAGE].copy_from_slice(&unknown_kind);
    fs::write(&file, &bytes).unwrap();
    let opened = scene.try_open().map(drop).unwrap_err();
    assert!(
        matches!(&opened, OpenError::NotUnderstood { file: named, page: 2 } if *named == file),
        "{opened}"
    );
}

#[tokio::test]
async fn a_segment_that_finds_no_room_leaves_it_to_a_smaller_one() {
    let scene = Scene::new();
    let first = scene.options.first_segment;
    // The first, one of twice its size, and then no room for one of four times but for a smallest one.
    let disk = Small::of(4 * first);
    let journal = scene.open_on(disk).unwrap();
    let groups = (first + 2 * first) / PAGE as u64 - 2;
    for _ in 0..=groups {
        visited(&journal).await;
    }
    assert_eq!(scene.files(".segment").len(), 3);
    drop(journal);
    assert!(scene.files(UNFINISHED).is_empty());
}

#[test]
fn what_was_not_made_whole_leaves_nothing_behind() {
    let scene = Scene::new();
    let disk = Arc::new(RealDisk);
    fs::create_dir(scene.directory()).unwrap();
    let place = Place::new(scene.directory(), disk, Arc::new(SystemRng), vec![key(1)], 9);
    let made = place.make(&place.segment(1), |file| {
        file.write_at(b"half", 0)?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(made.is_err());
    assert!(scene.files("").is_empty());
}

#[tokio::test]
async fn the_directory_itself_is_made_durable() {
    let scene = Scene::new();
    let disk = Dying::never();
    drop(scene.open_on(disk.clone()).unwrap());
    assert!(disk.has_synced(scene.folder.path()));
}

#[tokio::test]
async fn nobody_else_has_the_directory_while_something_is_still_written() {
    let scene = Scene::new();
    let disk = Gated::default();
    let _open = OpenAtLast(disk.clone());
    let journal = Arc::new(scene.open_on(Arc::new(disk.clone())).unwrap());
    disk.shut();
    let close = || {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move { journal.close().await })
    };
    let answering = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move { visited(&journal).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let (first, second) = (close(), close());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(matches!(scene.try_open().map(drop), Err(OpenError::Locked(_))));
    disk.open();
    first.await.unwrap();
    second.await.unwrap();
    let (proof, _) = answering.await.unwrap();
    assert!(is_used(&scene.open(), &proof).await);
}

/// Whoever ends a journal does not wait for the whole of a segment that rests while it is made.
#[test]
fn a_segment_that_nobody_needs_any_more_is_given_up_and_leaves_nothing() {
    let scene = Scene::new();
    fs::create_dir(scene.directory()).unwrap();
    let place = Place::new(
        scene.directory(),
        Arc::new(RealDisk),
        Arc::new(SystemRng),
        vec![key(1)],
        9,
    );
    let looks = Cell::new(0);
    let is_needed = || looks.replace(looks.get() + 1) < 2;
    assert!(segment::Segment::make_beside(&place, 1 << 30, is_needed).is_err());
    assert_eq!(looks.get(), 3);
    assert_eq!(fs::read_dir(scene.directory()).unwrap().count(), 0);
    assert!(segment::Segment::make_beside(&place, 1 << 20, || true).is_ok());
    assert_eq!(scene.files(".segment").len(), 1);
}
