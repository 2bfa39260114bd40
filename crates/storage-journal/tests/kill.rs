//! A real process is killed under load, and nothing that it acknowledged is lost.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where its process cannot be started"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use cyberid_crypto::{Mac, MacKey};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_storage::journal::{Journal as _, Visit};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Verifications as _};
use cyberid_storage_journal::{FileJournal, Options};

/// Names the directory to the process that is to be killed.
const DIRECTORY: &str = "JOURNAL_DIRECTORY";
const DAY: UnixTime = UnixTime(1_784_073_600);

async fn open(directory: &Path) -> FileJournal {
    let keys: [Arc<dyn Mac>; 1] = [Arc::new(MacKey::new([7; 32].into()))];
    let options = Options {
        // Small, so that it dies while segments turn as well.
        first_segment: 1 << 16,
        largest_segment: 1 << 17,
        ..Options::default()
    };
    let opened = FileJournal::open(
        directory,
        &keys,
        Arc::new(SystemClock),
        Arc::new(SystemRng),
        options,
    );
    opened.await.unwrap()
}

/// A proof and its visit, both made of one byte string.
fn use_of(name: [u8; 32]) -> (SingleUse, Visit) {
    let mut tag = [0; 16];
    tag.copy_from_slice(&name[..16]);
    let proof = SingleUse {
        digest: name,
        forget_at: UnixTime(u64::MAX / 2),
    };
    let visit = Visit {
        day: DAY,
        tag,
        sealed: name.repeat(16),
    };
    (proof, visit)
}

fn written(name: [u8; 32]) -> String {
    let digits = name.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn read(line: &str) -> Option<[u8; 32]> {
    let byte = |place: usize| u8::from_str_radix(line.get(2 * place..2 * place + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    bytes?.try_into().ok().filter(|_| line.len() == 64)
}

/// The process that is killed: it says what was acknowledged to it, and goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is started, and killed, by the other test"]
async fn killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let journal = Arc::new(open(Path::new(&directory)).await);
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let journal = Arc::clone(&journal);
        load.spawn(async move {
            loop {
                let name = random(&SystemRng);
                let (proof, visit) = use_of(name);
                let answered = journal.conclude_direct(&proof, &visit).await.unwrap();
                assert_eq!(answered, Answered::Now);
                // A whole line in one write.
                let line = format!("{}\n", written(name));
                std::io::stderr().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    load.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_acknowledged_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("journal");
    let mut all = Vec::new();
    for round in 1..=4 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "killed", "--nocapture"])
            .env(DIRECTORY, &directory)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut told = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| read(&line));
        all.extend(told.by_ref().take(200 * round));
        // SIGKILL: nothing of the process runs any more.
        process.kill().unwrap();
        all.extend(told);
        process.wait().unwrap();
        assert!(all.len() >= 200 * round);

        let journal = open(&directory).await;
        for name in &all {
            let (proof, visit) = use_of(*name);
            let found = journal.visits(visit.day, &visit.tag).await.unwrap();
            assert_eq!(found, std::slice::from_ref(&visit.sealed));
            let again = journal.conclude_direct(&proof, &visit).await.unwrap();
            assert_eq!(again, Answered::Replayed);
        }
    }
}
