//! Audits and exports that go on: from where the last one ended, and from where one was cut off.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod ledger;
mod memory;

use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use cyberid_auditor::{
    ANCHORS_FILE, AuditAnchors, AuditFailure, DirectorySource, Finding, Kept, LedgerSource, Look, Silence,
    SourceError, State, Watch, audit, audit_on, export,
};
use cyberid_domain::UnixTime;
use ledger::{START, anchors, checkpoint, leaves};
use memory::{Memory, in_memory};

/// A ledger that counts what is read, and that cannot be read any more after so many times.
struct Counted {
    ledger: Memory,
    read: Mutex<Vec<String>>,
    until: usize,
}

impl Counted {
    fn new(ledger: Memory, until: usize) -> Self {
        Self {
            ledger,
            read: Mutex::default(),
            until,
        }
    }

    fn bundles(&self) -> Vec<String> {
        let read = self.read.lock().unwrap();
        read.iter()
            .filter(|path| path.contains("entries"))
            .cloned()
            .collect()
    }
}

#[async_trait]
impl LedgerSource for Counted {
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let gone = {
            let mut read = self.read.lock().unwrap();
            read.push(path.to_owned());
            read.len() > self.until
        };
        if gone {
            return Err(SourceError {
                path: path.into(),
                cause: "the connection broke".into(),
                absent: false,
            });
        }
        self.ledger.read(path).await
    }
}

fn log(size: usize) -> Memory {
    in_memory(leaves().take(size))
}

async fn go_on(source: &dyn LedgerSource, state: &mut State) -> Result<u64, AuditFailure> {
    let (log, policy) = anchors();
    let report = audit_on(source, &log, &policy, state, &mut |_, _| {}, &mut |_| Ok(())).await?;
    Ok(report.from)
}

fn text() -> AuditAnchors {
    let (log, policy) = anchors();
    AuditAnchors {
        vkey: log.to_string(),
        policy: String::from_utf8(policy.to_bytes()).unwrap(),
    }
}

#[tokio::test]
async fn only_new_leaves_are_read_and_the_end_is_the_same_whatever_the_steps() {
    let mut whole = State::default();
    go_on(&log(1000), &mut whole).await.unwrap();
    for steps in [
        vec![1, 255, 256, 257, 1000],
        vec![0, 700, 700, 999, 1000],
        vec![512, 1000],
    ] {
        let mut state = State::default();
        let mut last = 0;
        for size in steps {
            let counted = Counted::new(log(size), usize::MAX);
            assert_eq!(go_on(&counted, &mut state).await, Ok(last as u64));
            assert_eq!(state.read(), size as u64);
            let expected = size.div_ceil(256)
                - if size > last {
                    last / 256
                } else {
                    size.div_ceil(256)
                };
            assert_eq!(counted.bundles().len(), expected, "{last} {size}");
            last = size;
        }
        assert!(!state.is_interrupted());
        assert_eq!(state, whole);
    }
}

#[tokio::test]
async fn an_audit_that_was_cut_off_anywhere_goes_on_from_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let (log_key, policy) = anchors();
    let mut whole = State::default();
    go_on(&log(1000), &mut whole).await.unwrap();
    let total = 1 + 5 + 4;
    for until in 0..total {
        let _ = std::fs::remove_file(&file);
        let cut = Counted::new(log(1000), until);
        let mut state = State::default();
        let mut keep = |state: &State| Kept::save(&file, &text(), state);
        let failed = audit_on(&cut, &log_key, &policy, &mut state, &mut |_, _| {}, &mut keep).await;
        assert!(
            matches!(failed, Err(AuditFailure::Unreadable(_))),
            "{until}: {failed:?}"
        );
        let kept = Kept::load(&file)
            .unwrap()
            .map(|kept| kept.state)
            .unwrap_or_default();
        let mut on = kept.clone();
        // Meanwhile the log grew.
        let rest = Counted::new(log(1000), usize::MAX);
        assert_eq!(go_on(&rest, &mut on).await, Ok(kept.read()));
        assert_eq!(rest.bundles().len() as u64, 4 - kept.read() / 256);
        assert_eq!((on.read(), on == whole), (1000, true));
        assert_eq!(kept.is_interrupted(), kept.read() > 0);
    }
}

#[tokio::test]
async fn what_was_read_in_part_still_has_to_be_continued() {
    let mut state = State::default();
    go_on(&log(300), &mut state).await.unwrap();
    let mut other: Vec<String> = leaves().take(400).collect();
    other.swap(2, 3);
    let failed = go_on(&in_memory(&other), &mut state.clone()).await;
    assert_eq!(failed, Err(Finding::Rewritten { kept: 300 }.into()));
    let failed = go_on(&in_memory(&other[..300]), &mut state).await;
    assert_eq!(failed, Err(Finding::Forked { size: 300 }.into()));
    // The proof: two checkpoints under one signature.
    let both = [state.checkpoint(), state.shown()].map(|note| note.unwrap().to_owned());
    assert!(
        both[0] != both[1] && both.iter().all(|note| note.contains("\n300\n")),
        "{both:?}"
    );
    state.read_anew();
    assert_eq!(
        (state.read(), state.accepted().map(|(size, _)| size)),
        (0, Some(300))
    );
}

#[tokio::test]
async fn an_order_that_breaks_between_two_audits_is_noticed() {
    let all: Vec<String> = leaves().take(600).collect();
    for seam in [10, 255, 256, 300] {
        let mut state = State::default();
        go_on(&in_memory(&all[..seam]), &mut state).await.unwrap();
        let mut doubled = all.clone();
        doubled.insert(seam, all[seam - 1].clone());
        let failed = go_on(&in_memory(&doubled), &mut state).await;
        let index = seam as u64;
        assert!(
            matches!(failed, Err(AuditFailure::Found(Finding::Chain { index: i, .. })) if i == index),
            "{failed:?}"
        );
    }
}

struct Followed {
    state: State,
    now: u64,
}

async fn look(watch: &mut Watch<'_>, followed: &mut Followed) -> Result<Look, AuditFailure> {
    let now = UnixTime(followed.now);
    watch
        .look(&mut followed.state, now, &mut |_, _| {}, &mut |_| Ok(()))
        .await
}

fn silent(result: Result<Look, AuditFailure>) -> Silence {
    match result {
        Err(AuditFailure::Found(Finding::Silent(silence))) => silence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_log_that_nobody_vouches_for_any_more_is_silent() {
    let (key, policy) = anchors();
    let mut ledger = log(300);
    let (size, root) = {
        let mut state = State::default();
        go_on(&ledger, &mut state).await.unwrap();
        state.accepted().unwrap()
    };
    let cosigned = START + 6;
    let mut followed = Followed {
        state: State::default(),
        now: cosigned + 600,
    };
    let mut watch = Watch::new(&ledger, &key, &policy, 600, UnixTime(followed.now));
    assert!(matches!(
        look(&mut watch, &mut followed).await,
        Ok(Look::Clean(_))
    ));
    followed.now += 1;
    assert_eq!(
        silent(look(&mut watch, &mut followed).await),
        Silence::Stale { bound: 600 }
    );
    // An idle log is cosigned anew at the same size.
    ledger.0.insert(
        "checkpoint".into(),
        checkpoint(size, root, Some(cosigned + 500)).into_bytes(),
    );
    let mut watch = Watch::new(&ledger, &key, &policy, 600, UnixTime(followed.now));
    assert!(matches!(
        look(&mut watch, &mut followed).await,
        Ok(Look::Clean(_))
    ));
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_silent_in_time() {
    let (key, policy) = anchors();
    let gone = Counted::new(log(3), 0);
    let mut followed = Followed {
        state: State::default(),
        now: 1000,
    };
    let mut watch = Watch::new(&gone, &key, &policy, 600, UnixTime(1000));
    for now in [1000, 1600] {
        followed.now = now;
        assert!(matches!(
            look(&mut watch, &mut followed).await,
            Ok(Look::Unreachable { .. })
        ));
    }
    followed.now = 1601;
    assert!(matches!(
        silent(look(&mut watch, &mut followed).await),
        Silence::Unreachable { seconds: 601, .. }
    ));
}

#[tokio::test]
async fn a_log_that_is_followed_is_read_as_it_grows_and_its_first_contradiction_is_raised() {
    let (key, policy) = anchors();
    let mut followed = Followed {
        state: State::default(),
        now: START,
    };
    for size in [10, 10, 300, 700] {
        let ledger = log(size);
        followed.now = START + size as u64 / 50;
        let mut watch = Watch::new(&ledger, &key, &policy, 600, UnixTime(followed.now));
        let Ok(Look::Clean(report)) = look(&mut watch, &mut followed).await else {
            panic!("{size}")
        };
        assert_eq!(report.size, size as u64);
    }
    let shrunk = log(699);
    let mut watch = Watch::new(&shrunk, &key, &policy, 600, UnixTime(followed.now));
    let failed = look(&mut watch, &mut followed).await;
    assert_eq!(failed, Err(Finding::Cut { size: 699, kept: 700 }.into()));
}

async fn exported(ledger: &dyn LedgerSource, directory: &Path) -> Result<u64, AuditFailure> {
    export(ledger, &text(), directory, &mut |_, _| {}).await
}

async fn audited(directory: &Path) -> Result<u64, AuditFailure> {
    let (key, policy) = anchors();
    let source = DirectorySource::new(directory);
    audit(&source, &key, &policy, None, &mut |_, _| {})
        .await
        .map(|report| report.size)
}

#[tokio::test]
async fn an_export_grows_and_is_always_one_that_an_audit_accepts() {
    let folder = tempfile::tempdir().unwrap();
    for size in [3, 300, 512, 700, 1000] {
        let counted = Counted::new(log(size), usize::MAX);
        assert_eq!(exported(&counted, folder.path()).await, Ok(size as u64));
        assert_eq!(audited(folder.path()).await, Ok(size as u64));
        let partials = std::fs::read_dir(folder.path().join("tile/entries")).unwrap();
        assert!(
            partials
                .filter(|entry| entry.as_ref().unwrap().path().is_dir())
                .count()
                <= 1
        );
    }
    let again = Counted::new(log(1000), usize::MAX);
    exported(&again, folder.path()).await.unwrap();
    assert_eq!(*again.read.lock().unwrap(), ["checkpoint"]);
}

#[tokio::test]
async fn an_export_that_was_cut_off_anywhere_goes_on_and_leaves_the_old_one_good() {
    let folder = tempfile::tempdir().unwrap();
    exported(&log(300), folder.path()).await.unwrap();
    for until in 1..8 {
        let cut = Counted::new(log(1000), until);
        let ended = exported(&cut, folder.path()).await;
        let expected = if ended.is_ok() { 1000 } else { 300 };
        assert_eq!(audited(folder.path()).await, Ok(expected), "{until}");
    }
    assert_eq!(exported(&log(1000), folder.path()).await, Ok(1000));
    assert_eq!(audited(folder.path()).await, Ok(1000));
}

#[tokio::test]
async fn a_directory_of_another_ledger_or_of_more_of_this_one_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    exported(&log(300), folder.path()).await.unwrap();
    let shorter = exported(&log(299), folder.path()).await;
    assert_eq!(shorter, Err(Finding::Cut { size: 299, kept: 300 }.into()));
    std::fs::write(folder.path().join(ANCHORS_FILE), b"{}").unwrap();
    assert!(exported(&log(400), folder.path()).await.is_err());
}
