//! Stock clients, which know the standards and nothing of us: each asks one question of a started server, and checks the
//! answer offline. Their tokens are bound to a key, or over TLS to a certificate.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::Path;

use journeys::{Citizen, Program, TestPlatform, verified_sub};
use serde_json::Value;

fn python(script: &str) -> Program {
    Program::python("target/clients-venv", &format!("tests/clients/python/{script}"))
}

/// Writes a party's id and key where a client finds them.
fn keys(platform: &TestPlatform, folder: &Path, party: &str) -> String {
    let keys: Value = platform.key_file(party);
    let file = folder.join(format!("{}.json", party.replace('/', "-")));
    std::fs::write(&file, keys.to_string()).unwrap();
    file.display().to_string()
}

/// Runs a client, whose question the citizen answers.
async fn verifies(client: &Program, arguments: &[&str], citizen: &Citizen, known: &str) {
    let ended = client.run_answered(arguments, citizen, true).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), format!("sub {known}\n"));
}

#[tokio::test]
async fn stock_clients_of_two_languages_verify_a_citizen_with_proofs_of_possession() {
    let (platform, folder) = (TestPlatform::start().await, tempfile::tempdir().unwrap());
    let citizen = platform.citizen(0).await;
    let known = verified_sub(&platform.relying_party().await, &citizen).await;
    let party = keys(&platform, folder.path(), "/relying_party");
    let operator = keys(&platform, folder.path(), "/operators/0");
    let node = Program::node("tests/clients/node/verify.mjs");
    verifies(&node, &[platform.url(), &party, &operator], &citizen, &known).await;
    verifies(&python("verify.py"), &[platform.url(), &party], &citizen, &known).await;
}

#[tokio::test]
async fn a_stock_client_verifies_a_citizen_with_a_token_of_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = folder.path().display().to_string();
    let made = python("certificates.py").run(&[&certificates]).await;
    assert!(made.status.success(), "{made:?}");
    let platform = TestPlatform::start_over_tls(folder.path()).await;
    assert!(platform.url().starts_with("https://localhost:"));
    let citizen = platform.citizen(0).await;
    let known = verified_sub(&platform.relying_party().await, &citizen).await;
    let party = keys(&platform, folder.path(), "/relying_party");
    let arguments = [platform.url(), &party, &certificates];
    verifies(&python("verify.py"), &arguments, &citizen, &known).await;
}
