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

use std::process::Output;

use journeys::{Program, TestPlatform, verified_sub};
use serde_json::{Value, json};

use liar::{Liar, Lie};

fn python() -> Program {
    Program::python("target/examples-venv", "examples/python/register_customer.py")
}

fn node() -> Program {
    Program::node("examples/node/register-customer.mjs")
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

async fn registers(example: &Program) {
    let platform = TestPlatform::start().await;
    let citizen = platform.citizen(0).await;
    let known = verified_sub(&platform.relying_party().await, &citizen).await;

    let (agreed, code) = example.run_answered(&[platform.url()], &citizen, true).await;
    assert!(agreed.status.success(), "{agreed:?}");
    let said = String::from_utf8(agreed.stdout).unwrap();
    assert_eq!(
        said,
        format!("compare {}\ncustomer {known}\n", code.unwrap()),
        "both screens show one code, and the same person is the same customer"
    );

    let (declined, _) = example.run_answered(&[platform.url()], &citizen, false).await;
    assert_refused(&declined, "declined");

    let stranger = with_a_strangers_key(example, &platform).await;
    assert_refused(&stranger, "invalid_client");
}

async fn with_a_strangers_key(example: &Program, platform: &TestPlatform) -> Output {
    let client_id: String = platform.key_file("/relying_party/client_id");
    let another: Value = platform.key_file("/regulator/signing_jwk");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let keys = json!({"client_id": client_id, "signing_jwk": another});
    std::fs::write(&file, keys.to_string()).unwrap();
    example.run(&[platform.url(), file.to_str().unwrap()]).await
}

async fn believes_no_lie(example: &Program) {
    let liar = Liar::open().await;
    let truth = example.run(&[liar.url()]).await;
    assert!(truth.status.success(), "without a lie: {truth:?}");
    for lie in Lie::ALL {
        liar.tell(lie);
        let fooled = example.run(&[liar.url()]).await;
        assert!(!fooled.status.success(), "{lie:?} was believed: {fooled:?}");
        assert_refused(&fooled, "no customer");
    }
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
