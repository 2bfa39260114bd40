//! How long an audit takes: `cargo xtask bench audit [LEAVES [DIRECTORY]]`.
//!
//! Makes an export of a million leaves, or takes the one that an earlier run left in the directory, and audits it in a
//! process of its own on one core, with the state kept as the command keeps it; and once more from that state, where
//! nothing is new. The last line of standard output is JSON.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement prints, and stops at a surprise"
)]

#[path = "../tests/ledger/mod.rs"]
mod ledger;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use cyberid_auditor::{AuditAnchors, DirectorySource, Kept, State, audit_on};
use serde_json::{Value, json};

/// After how many leaves the state is kept, as in `cyberid audit verify`.
const KEEP: u64 = 1 << 18;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [measure, size, directory] = arguments.as_slice()
        && measure == "measure"
    {
        println!("{}", measured(size.parse().unwrap(), Path::new(directory)));
        return;
    }
    let size: usize = arguments.first().map_or(1_000_000, |size| size.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let directory = arguments
        .get(1)
        .map_or(temporary.path().to_owned(), PathBuf::from);
    if !directory.join("checkpoint").exists() {
        eprintln!("making {size} leaves in {}", directory.display());
        make(size, &directory);
    }
    println!("{}", on_one_core(size, &directory));
}

fn make(size: usize, directory: &Path) {
    ledger::publish(ledger::leaves().take(size), |path, bytes| {
        let target = directory.join(path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, bytes).unwrap();
    });
}

fn on_one_core(size: usize, directory: &Path) -> Value {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(std::env::current_exe().unwrap());
    command.args(["measure", &size.to_string()]).arg(directory);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn measured(size: u64, directory: &Path) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(measure(size, directory))
}

async fn measure(size: u64, directory: &Path) -> Value {
    let file = directory.join("bench.state");
    let mut state = State::default();
    let (seconds, saved) = timed(directory, &mut state, &file).await;
    assert_eq!(state.read(), size);
    let bytes = std::fs::metadata(&file).unwrap().len();
    let began = Instant::now();
    let mut again = Kept::load(&file).unwrap().unwrap().state;
    let loading = began.elapsed().as_secs_f64();
    let (nothing, _) = timed(directory, &mut again, &file).await;
    json!({
        "leaves": size,
        "seconds": seconds,
        "leaves_per_second": size as f64 / seconds,
        "entries_bytes": folder_bytes(&directory.join("tile/entries")),
        "states_kept": saved,
        "state_bytes": bytes,
        "state_load_seconds": loading,
        "nothing_new_seconds": nothing,
        "peak_memory_bytes": peak_memory(),
    })
}

/// How long an audit on from `state` takes, and how often the state was kept.
async fn timed(directory: &Path, state: &mut State, file: &Path) -> (f64, u32) {
    let (log, policy) = ledger::anchors();
    let anchors = AuditAnchors {
        vkey: log.to_string(),
        policy: String::from_utf8(policy.to_bytes()).unwrap(),
    };
    let source = DirectorySource::new(directory);
    let (mut kept, mut saved) = (state.read(), 0);
    let mut keep = |state: &State| {
        let is_whole = state.accepted().is_some_and(|(size, _)| size == state.read());
        if state.read() - kept >= KEEP || is_whole && state.read() != kept {
            Kept::save(file, &anchors, state)?;
            (kept, saved) = (state.read(), saved + 1);
        }
        Ok(())
    };
    let began = Instant::now();
    let report = audit_on(&source, &log, &policy, state, &mut |_, _| {}, &mut keep).await;
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(report.unwrap().warnings.count, 0);
    (seconds, saved)
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    let sizes = entries.map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folder_bytes(&path)
        } else {
            std::fs::metadata(path).unwrap().len()
        }
    });
    sizes.sum()
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}
