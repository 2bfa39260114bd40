//! The auditor at a shell, beside a live platform: reading on, following, sampling, and what it says when it is lied to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use cyberid_client::Client;
use cyberid_domain::field::Field;
use cyberid_protocol::audit::AuditSummary;
use journeys::{Granted, TestPlatform, executable};
use serde_json::{Value, json};

/// An auditor with a state of its own.
struct Auditor {
    home: tempfile::TempDir,
    url: String,
}

impl Auditor {
    fn of(platform: &TestPlatform) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            url: platform.url().into(),
        }
    }

    fn run(&self, line: &str) -> Output {
        let words = line.split_whitespace().map(|word| word.replace("URL", &self.url));
        Command::new(executable())
            .arg("audit")
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .output()
            .unwrap()
    }

    /// The exit code and the object that was printed.
    fn says(&self, line: &str) -> (i32, Value) {
        let output = self.run(&format!("{line} --json"));
        let said = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), said)
    }
}

/// Waits until a leaf of this kind is under the checkpoint that auditors read, which waits for its witness.
async fn published(platform: &TestPlatform, kind: &str) {
    for _ in 0..100 {
        let summary: AuditSummary = platform.regulator().get("/v1/audit/summary").await.unwrap();
        if summary.kinds.contains_key(kind) && witnessed(platform).await >= summary.size {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ledger never had {kind}")
}

/// The size of the log under the checkpoint that is served.
async fn witnessed(platform: &TestPlatform) -> u64 {
    let client = Client::new(platform.url()).unwrap();
    let checkpoint = String::from_utf8(client.get_bytes("/ledger/checkpoint").await.unwrap()).unwrap();
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

async fn with_a_release(platform: &TestPlatform) {
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
    published(platform, "release.delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_on_follows_and_samples() {
    let platform = TestPlatform::start().await;
    let auditor = Auditor::of(&platform);
    published(&platform, "rp.registered").await;
    let (code, first) = auditor.says("verify --ledger URL --sandbox");
    assert_eq!((code, &first["clean"]), (0, &json!(true)), "{first}");

    with_a_release(&platform).await;
    let (code, second) = auditor.says("verify --ledger URL --sandbox --incremental");
    assert_eq!(
        (code, &second["report"]["from"]),
        (0, &first["report"]["size"]),
        "{second}"
    );
    assert_eq!(second["report"]["releases"], 1);
    let (code, whole) = auditor.says("verify --ledger URL --sandbox --full");
    assert_eq!((code, &whole["report"]["from"]), (0, &json!(0)));
    assert_eq!(whole["report"]["kinds"], second["report"]["kinds"]);

    let (code, seen) = auditor.says("watch --ledger URL --sandbox --once");
    assert_eq!((code, &seen["clean"]), (0, &json!(true)), "{seen}");

    let (code, sample) = auditor.says("sample --ledger URL --sandbox --count 3 --seed s");
    assert_eq!((code, &sample["clean"]), (0, &json!(true)), "{sample}");
    let trace = &sample["releases"][0]["trace"];
    assert_eq!(
        (&trace["consent"], &trace["last"]),
        (&json!(true), &json!("release.delivered"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_gone_or_stale_is_told_from_one_that_is_clean() {
    let platform = TestPlatform::start().await;
    let auditor = Auditor::of(&platform);
    with_a_release(&platform).await;
    assert_eq!(auditor.says("watch --ledger URL --sandbox --once").0, 0);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (code, stale) = auditor.says("watch --ledger URL --sandbox --once --silence 1s");
    assert_eq!((code, &stale["clean"]), (1, &json!(false)), "{stale}");
    platform.stopped().await;
    assert_eq!(auditor.says("watch --ledger URL --sandbox --once").0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_somebody_altered_is_named_also_after_it_was_accepted() {
    let platform = TestPlatform::start().await;
    let auditor = Auditor::of(&platform);
    with_a_release(&platform).await;
    let copy = auditor.home.path().join("copy");
    let out = copy.display();
    assert_eq!(
        auditor
            .says(&format!("export --ledger URL --sandbox --out {out}"))
            .0,
        0
    );
    assert_eq!(auditor.says(&format!("verify --ledger {out}")).0, 0);
    let bundle = only_file(&copy.join("tile/entries/000.p"));
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let (code, found) = auditor.says(&format!("verify --ledger {out}"));
    assert_eq!((code, &found["leaf"]), (1, &json!(0)), "{found}");
    std::fs::remove_file(&bundle).unwrap();
    let (code, found) = auditor.says(&format!("verify --ledger {out}"));
    assert_eq!(code, 1);
    assert!(
        found["path"].as_str().unwrap().starts_with("tile/entries/000.p/"),
        "{found}"
    );
    let state = only_file(&auditor.home.path().join(".cyberid/audit"));
    std::fs::write(&state, b"damaged").unwrap();
    let refused = auditor.run(&format!("verify --ledger {out}"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("move it away")
    );
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap();
    files.next().unwrap().unwrap().path()
}
