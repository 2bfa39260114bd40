//! The examples in other languages, which use nothing of ours: each registers a customer at a real platform, and
//! refuses what a liar in the platform's place says.
//!
//! They need the packages that `cargo xtask setup` installs; without them these tests fail, and never skip.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod liar;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use cyberid_holder::ReviewedRequest;
use cyberid_protocol::statement::Locale;
use journeys::{Citizen, TestPlatform, verified_sub};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use liar::{Liar, Lie};

/// The interpreter and the script.
type Example = [PathBuf; 2];

fn python() -> Example {
    example(
        "target/examples-venv/bin/python",
        "examples/python/register_customer.py",
    )
}

fn node() -> Example {
    let modules = root().join("examples/node/node_modules/jose");
    assert!(
        modules.exists(),
        "run `cargo xtask setup`: {} is missing",
        modules.display()
    );
    ["node".into(), root().join("examples/node/register-customer.mjs")]
}

fn example(interpreter: &str, script: &str) -> Example {
    let interpreter = root().join(interpreter);
    let there = interpreter.exists();
    assert!(
        there,
        "run `cargo xtask setup`: {} is missing",
        interpreter.display()
    );
    [interpreter, root().join(script)]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test]
async fn the_python_example_registers_a_customer() {
    registers(&python()).await;
}

#[tokio::test]
async fn the_node_example_registers_a_customer() {
    registers(&node()).await;
}

#[tokio::test]
async fn the_python_example_believes_no_lie() {
    believes_no_lie(&python()).await;
}

#[tokio::test]
async fn the_node_example_believes_no_lie() {
    believes_no_lie(&node()).await;
}

async fn registers(example: &Example) {
    let platform = TestPlatform::start().await;
    let citizen = platform.citizen(0).await;
    let known = verified_sub(&platform.relying_party().await, &citizen).await;

    let agreed = answered(example, platform.url(), &citizen, true).await;
    assert!(agreed.status.success(), "{agreed:?}");
    let said = String::from_utf8(agreed.stdout).unwrap();
    assert_eq!(
        said,
        format!("customer {known}\n"),
        "the same person is the same customer"
    );

    let declined = answered(example, platform.url(), &citizen, false).await;
    assert_refused(&declined, "declined");

    let stranger = with_a_strangers_key(example, &platform).await;
    assert_refused(&stranger, "invalid_client");
}

/// Runs an example against a platform, and answers its request in the citizen's place.
async fn answered(example: &Example, platform: &str, citizen: &Citizen, agrees: bool) -> Output {
    let mut child = start(example, &[platform]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut uri = String::new();
    stdout.read_line(&mut uri).await.unwrap();
    let request = citizen
        .holder
        .fetch_request(uri.trim(), Locale::English)
        .await
        .unwrap();
    match &request {
        ReviewedRequest::Verification(asked) if agrees => {
            citizen.holder.answer_verification(asked, None).await.unwrap();
        }
        _ => citizen.holder.decline(&request).await.unwrap(),
    }
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await.unwrap();
    let ended = child.wait_with_output().await.unwrap();
    Output {
        stdout: rest,
        ..ended
    }
}

async fn with_a_strangers_key(example: &Example, platform: &TestPlatform) -> Output {
    let client_id: String = platform.key_file("/relying_party/client_id");
    let another: Value = platform.key_file("/regulator/signing_jwk");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let keys = json!({"client_id": client_id, "signing_jwk": another});
    std::fs::write(&file, keys.to_string()).unwrap();
    run(example, &[platform.url(), file.to_str().unwrap()]).await
}

async fn believes_no_lie(example: &Example) {
    let liar = Liar::open().await;
    let truth = run(example, &[liar.url()]).await;
    assert!(truth.status.success(), "without a lie: {truth:?}");
    for lie in Lie::ALL {
        liar.tell(lie);
        let fooled = run(example, &[liar.url()]).await;
        assert!(!fooled.status.success(), "{lie:?} was believed: {fooled:?}");
        assert_refused(&fooled, "no customer");
    }
}

async fn run(example: &Example, arguments: &[&str]) -> Output {
    start(example, arguments).wait_with_output().await.unwrap()
}

fn start([interpreter, script]: &Example, arguments: &[&str]) -> Child {
    Command::new(interpreter)
        .arg(script)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn assert_refused(ended: &Output, reason: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains(reason), "{reason:?} is not in {said:?}");
    assert!(
        !String::from_utf8_lossy(&ended.stdout).contains("customer"),
        "{ended:?}"
    );
}
