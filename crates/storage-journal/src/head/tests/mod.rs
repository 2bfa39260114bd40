//! The head under every kind of misfortune.

#![expect(
    clippy::similar_names,
    reason = "a head and what it held, and the last and the next of them"
)]

mod power;
mod steps;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::id::LeafId;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_storage::head::{Head, Held, LedgerHead};
use cyberid_storage::ledger::NewLeaf;
use cyberid_storage::{Result, StorageError, Synchronous, conformance};

use super::{FileHead, HeadError, HeadOptions};
use crate::disk::{Disk, PAGE, RealDisk};
use crate::tests::disks;

/// Small, so that segments turn all the time.
const SMALL: HeadOptions = HeadOptions {
    first_segment: 1 << 15,
    largest_segment: 1 << 17,
    synchronous: Synchronous::Full,
};

/// A directory for a head.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("data").join("head")
    }

    fn create(&self) -> FileHead {
        FileHead::create(self.directory(), Arc::new(SystemRng), SMALL).unwrap()
    }

    fn open(&self) -> FileHead {
        FileHead::open(self.directory(), Arc::new(SystemRng), SMALL).unwrap()
    }

    fn held(&self) -> Option<Held> {
        self.open().load().unwrap()
    }

    fn on(&self, disk: &Arc<impl Disk + 'static>) -> std::result::Result<FileHead, HeadError> {
        let (disk, rng) = (Arc::clone(disk) as _, Arc::new(SystemRng));
        if FileHead::is_there(self.directory()) {
            FileHead::open_on(disk, &self.directory(), rng, SMALL)
        } else {
            FileHead::create_on(disk, &self.directory(), rng, SMALL)
        }
    }

    /// The segments, oldest first.
    fn segments(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory()).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let mut segments: Vec<_> = files.filter(|path| super::segments::is_segment(path)).collect();
        segments.sort();
        segments
    }

    /// What another machine finds in a copy.
    fn copy(&self) -> Self {
        let copy = Self::new();
        std::fs::create_dir_all(copy.directory()).unwrap();
        for file in std::fs::read_dir(self.directory()).unwrap() {
            let file = file.unwrap();
            // A file may be renamed meanwhile.
            let _ = std::fs::copy(file.path(), copy.directory().join(file.file_name()));
        }
        copy
    }
}

fn leaves(count: usize, length: usize) -> Vec<NewLeaf> {
    let leaf = |_| NewLeaf {
        id: LeafId::random(&SystemRng),
        body: "x".repeat(length),
    };
    (0..count).map(leaf).collect()
}

/// Appends a group; `false` if the head stands elsewhere.
fn grow(head: &FileHead, was: Option<&Head>, leaves: &[NewLeaf]) -> Result<Head> {
    let size = was.map_or(0, |was| was.size);
    let next = Head {
        size: size + leaves.len() as u64,
        root: random(&SystemRng),
        note: format!("a note of {size}\n"),
    };
    let staged = head.stage(size, leaves)?;
    assert!(head.advance(staged, was.map(Head::mark), &next)?);
    Ok(next)
}

fn flip(path: &Path, place: u64) {
    let mut file = RealDisk.reopen(path).unwrap();
    let mut byte = [0];
    file.read_at(&mut byte, place).unwrap();
    file.write_at(&[byte[0] ^ 1], place).unwrap();
}

#[test]
fn what_the_port_promises_in_segments_of_any_size() {
    for first_segment in [1 << 15, HeadOptions::default().first_segment] {
        let scenes = std::cell::RefCell::new(Vec::new());
        conformance::head::all(|| {
            let scene = Scene::new();
            let options = HeadOptions {
                first_segment,
                ..SMALL
            };
            let head = FileHead::create(scene.directory(), Arc::new(SystemRng), options).unwrap();
            scenes.borrow_mut().push(scene);
            head.load().unwrap();
            Arc::new(head)
        });
    }
}

#[test]
fn a_head_is_never_made_by_opening_it() {
    let scene = Scene::new();
    let open = || FileHead::open(scene.directory(), Arc::new(SystemRng), SMALL).map(|_| ());
    assert!(matches!(open(), Err(HeadError::Missing(directory)) if directory == scene.directory()));
    assert!(!scene.directory().exists());
    scene.create().close();
    let again = FileHead::create(scene.directory(), Arc::new(SystemRng), SMALL).map(|_| ());
    assert!(matches!(again, Err(HeadError::Exists(_))), "{again:?}");
    assert_eq!(scene.held(), None);
}

#[test]
fn of_two_processes_one_has_the_head() {
    let scene = Scene::new();
    let first = scene.create();
    first.load().unwrap();
    let second = FileHead::open(scene.directory(), Arc::new(SystemRng), SMALL).map(|_| ());
    assert!(matches!(second, Err(HeadError::Locked(directory)) if directory == scene.directory()));
    first.close();
    assert!(
        first.load().is_err() && first.stage(0, &[]).is_err(),
        "it has let go"
    );
    assert_eq!(scene.held(), None);
}

#[test]
fn opening_again_goes_on_wherever_a_segment_ends() {
    let scene = Scene::new();
    scene.create();
    let (mut all, mut last) = (Vec::new(), None);
    for round in 0..60 {
        let head = scene.open();
        let held = head.load().unwrap();
        assert_eq!(held.as_ref().map(|held| &held.head), last.as_ref());
        assert_eq!(held.map_or(Vec::new(), |held| held.leaves), all);
        let group = leaves(round % 5, 700 * (round % 7));
        last = Some(grow(&head, last.as_ref(), &group).unwrap());
        all.extend(group);
    }
    assert!(scene.segments().len() > 2);
}

#[test]
fn settled_segments_are_used_again_and_their_old_groups_are_no_groups() {
    let scene = Scene::new();
    let head = scene.create();
    head.load().unwrap();
    let mut last = grow(&head, None, &[]).unwrap();
    for round in 0..400 {
        last = grow(&head, Some(&last), &leaves(1 + round % 3, 900)).unwrap();
        head.settled(last.size).unwrap();
        if round % 40 == 0 {
            let held = scene.copy().held().unwrap();
            assert_eq!(held.head, last);
            assert!(held.leaves.len() < 100);
        }
    }
    assert!(scene.segments().len() <= 3);
    drop(head);
    assert_eq!(scene.held().unwrap().head, last);
}

#[test]
fn an_altered_byte_is_noticed_wherever_another_group_follows() {
    let scene = Scene::new();
    let head = scene.create();
    head.load().unwrap();
    let mut last = None;
    for _ in 0..60 {
        last = Some(grow(&head, last.as_ref(), &leaves(1, 3000)).unwrap());
    }
    drop(head);
    assert!(scene.segments().len() > 2);
    for segment in 0..2 {
        for page in 1..5 {
            let copy = scene.copy();
            flip(&copy.segments()[segment], page * PAGE as u64 + 300);
            let refused = copy.open().load();
            assert!(
                matches!(refused, Err(StorageError::Corrupt(_))),
                "{segment} {page}: {refused:?}"
            );
        }
        let copy = scene.copy();
        flip(&copy.segments()[segment], 20);
        assert!(matches!(copy.open().load(), Err(StorageError::Corrupt(_))));
    }
}

#[test]
fn a_segment_of_another_head_or_of_another_time_is_noticed() {
    let (scene, other) = (Scene::new(), Scene::new());
    for scene in [&scene, &other] {
        let head = scene.create();
        head.load().unwrap();
        let mut last = None;
        for _ in 0..30 {
            last = Some(grow(&head, last.as_ref(), &leaves(1, 3000)).unwrap());
        }
    }
    std::fs::copy(&other.segments()[1], &scene.segments()[1]).unwrap();
    assert!(matches!(scene.open().load(), Err(StorageError::Corrupt(_))));
}

#[test]
fn what_is_before_a_gap_was_settled() {
    let scene = Scene::new();
    let head = scene.create();
    head.load().unwrap();
    let mut last = None;
    for _ in 0..80 {
        last = Some(grow(&head, last.as_ref(), &leaves(1, 3000)).unwrap());
    }
    drop(head);
    let segments = scene.segments();
    assert!(segments.len() > 3);
    std::fs::remove_file(&segments[1]).unwrap();
    let head = scene.open();
    let held = head.load().unwrap().unwrap();
    assert_eq!(Some(&held.head), last.as_ref());
    assert!(held.first() > 0);
    head.settled(held.first() - 1).unwrap();
    assert!(segments[0].exists(), "nobody has said yet that the store has it");
    head.settled(held.first()).unwrap();
    assert!(!segments[0].exists());
    assert_eq!(head.load().unwrap(), Some(held));
}

#[test]
fn a_head_that_lost_every_group_is_not_that_of_a_new_log() {
    let scene = Scene::new();
    let head = scene.create();
    head.load().unwrap();
    let mut last = None;
    // So many that the next segment is prepared, and has no group.
    while scene.segments().len() < 3 {
        last = Some(grow(&head, last.as_ref(), &leaves(1, 3000)).unwrap());
        head.settled(0).unwrap();
    }
    drop(head);
    let segments = scene.segments();
    std::fs::remove_file(&segments[1]).unwrap();
    assert!(matches!(scene.open().load(), Err(StorageError::Corrupt(_))));
    assert!(segments[0].exists());
}

#[test]
fn a_group_that_no_segment_was_made_for_parts_no_chain() {
    // A new log's first group, and one that replaces a staged group that had turned to a new segment.
    for first in [0, 8] {
        let scene = Scene::new();
        let head = scene.create();
        head.load().unwrap();
        let (mut last, mut all) = (None, Vec::new());
        for _ in 0..first {
            let group = leaves(1, 3000);
            last = Some(grow(&head, last.as_ref(), &group).unwrap());
            all.extend(group);
        }
        let size = all.len() as u64;
        head.stage(size, &leaves(9, 3900)).unwrap();
        let large = leaves(30, 60_000);
        let last = grow(&head, last.as_ref(), &large).unwrap();
        all.extend(large);
        drop(head);
        let held = scene.held().unwrap();
        assert_eq!((held.head, held.leaves), (last, all), "{first}");
    }
}

#[test]
fn what_was_staged_before_a_reading_is_nothing_after_it() {
    let scene = Scene::new();
    let head = scene.create();
    head.load().unwrap();
    let next = Head {
        size: 1,
        root: random(&SystemRng),
        note: "a note\n".into(),
    };
    let old = head.stage(0, &leaves(1, 10)).unwrap();
    head.load().unwrap();
    let staged = head.stage(0, &leaves(1, 20)).unwrap();
    assert!(!head.advance(old, None, &next).unwrap());
    assert!(head.advance(staged, None, &next).unwrap());
    assert_eq!(head.load().unwrap().unwrap().head, next);
}

#[test]
fn nobody_else_has_it_while_a_segment_is_made() {
    let scene = Scene::new();
    let gate = disks::Gated::default();
    let head = scene.on(&Arc::new(gate.clone())).unwrap();
    head.load().unwrap();
    let mut last = None;
    for _ in 0..6 {
        last = Some(grow(&head, last.as_ref(), &leaves(1, 3000)).unwrap());
    }
    assert_eq!(scene.segments().len(), 1, "the next one is to be made");
    let open = || FileHead::open(scene.directory(), Arc::new(SystemRng), SMALL);
    std::thread::scope(|scope| {
        let gate = disks::OpenAtLast(gate.clone());
        gate.0.shut();
        let preparing = scope.spawn(|| head.settled(0));
        std::thread::sleep(Duration::from_millis(50));
        let closing = scope.spawn(|| head.close());
        std::thread::sleep(Duration::from_millis(50));
        assert!(matches!(open(), Err(HeadError::Locked(_))));
        drop(gate);
        preparing.join().unwrap().unwrap();
        closing.join().unwrap();
    });
    assert_eq!(scene.segments().len(), 2);
    assert_eq!(scene.held().map(|held| held.head), last);
}

/// A process that ended between a segment's name and its sync leaves a name that may go with the power.
#[test]
fn the_names_of_segments_are_durable_before_anything_is_written_to_them() {
    let scene = Scene::new();
    let disk = disks::Dying::never();
    drop(scene.on(&disk).unwrap());
    assert!(disk.has_synced(&scene.directory()));
    let disk = disks::Dying::never();
    scene.on(&disk).unwrap().load().unwrap();
    assert!(disk.has_synced(&scene.directory()));
}

#[test]
fn without_its_syncs_it_is_still_whole_after_the_process() {
    let scene = Scene::new();
    let options = HeadOptions {
        synchronous: Synchronous::Normal,
        ..SMALL
    };
    let head = FileHead::create(scene.directory(), Arc::new(SystemRng), options).unwrap();
    head.load().unwrap();
    let last = grow(&head, None, &leaves(3, 10)).unwrap();
    drop(head);
    assert_eq!(scene.held().unwrap().head, last);
}

/// A group may be there that was never synced.
#[test]
fn the_last_group_is_written_and_synced_before_it_is_believed() {
    let scene = Scene::new();
    drop(scene.create());
    let failing = || {
        let fails = |step: &u64| {
            let disk = disks::Dying::at(*step, disks::Failing::Once);
            scene.on(&disk).unwrap().load().is_err()
        };
        (0..20).take_while(fails).count()
    };
    let without = failing();
    let head = scene.open();
    head.load().unwrap();
    grow(&head, None, &leaves(1, 10)).unwrap();
    drop(head);
    assert_eq!(failing(), without + 2, "a write and a sync");
}

#[test]
fn the_segment_of_the_head_stays_while_the_next_one_has_no_group() {
    let scene = Scene::new();
    let head = scene.create();
    head.load().unwrap();
    let last = grow(&head, None, &leaves(1, 10)).unwrap();
    let _turned = head.stage(1, &leaves(9, 3900)).unwrap();
    assert_eq!(scene.segments().len(), 2);
    head.settled(last.size).unwrap();
    assert_eq!(head.load().unwrap().unwrap().head, last);
}
