//! Stock clients, which know the standards and nothing of us: each asks one question of a started server, and checks the
//! answer offline. Their tokens are bound to a key, or over TLS to a certificate.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::Path;

use cyberid_client::{Client, Limits, Tls};
use cyberid_crypto::{base64url, jws};
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::access::{CLIENT_ASSERTION_TYPE, TokenAnswer};
use journeys::{Citizen, Program, TestPlatform, verified_sub};
use serde_json::{Value, json};

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
    let (ended, _) = client.run_answered(arguments, citizen, true).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), format!("sub {known}\n"));
}

/// The claims of a token that our own library asks for, with its certificate or without.
async fn own_token(platform: &TestPlatform, folder: &Path, shows: bool) -> Value {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let tls = Tls {
        authority: Some(read("ca.pem")),
        identity: shows.then(|| (read("client.pem"), read("client.key").into())),
    };
    let client = Client::over_tls(platform.url(), Limits::default(), &tls).unwrap();
    let id: String = platform.key_file("/relying_party/client_id");
    let key = platform
        .private_key("/relying_party/signing_jwk")
        .to_signing_key()
        .unwrap();
    let now = SystemClock.now();
    let claims = json!({"iss": id, "sub": id, "aud": platform.url(), "iat": now, "exp": now.plus(60),
        "jti": Nonce::random(&SystemRng)});
    let assertion = jws::sign(&key, "JWT", &claims).unwrap();
    let form = format!(
        "grant_type=client_credentials&client_assertion_type={CLIENT_ASSERTION_TYPE}&client_assertion={assertion}"
    );
    let (status, answer) = client
        .post_text("/oauth/token", "application/x-www-form-urlencoded", form)
        .await
        .unwrap();
    assert_eq!(status, 200, "{answer}");
    let answer: TokenAnswer = serde_json::from_str(&answer).unwrap();
    let claims = answer.access_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(claims).unwrap()).unwrap()
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

    // Our own library shows a certificate too.
    let ours = own_token(&platform, folder.path(), true).await;
    assert!(ours["cnf"]["x5t#S256"].is_string(), "{ours}");
    let bare = own_token(&platform, folder.path(), false).await;
    assert!(bare["cnf"].is_null(), "a sandbox on loopback: {bare}");
}
