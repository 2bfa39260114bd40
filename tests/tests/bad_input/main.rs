//! Nothing that is wrong gets in: every documented operation of every process, called in every wrong way, refuses with
//! a problem that its document declares; and afterwards everything is as it was.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod body;
mod caller;
mod forgery;
mod messages;
mod refusal;
mod scene;
mod stores;
mod targets;

use journeys::{Operation, operations};

use refusal::{Code, Findings};
use scene::{Call, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_what_is_not_documented_and_stores_nothing() {
    let mut scene = Scene::set().await;
    let before = scene.inventory().await;
    let mut findings = Findings::default();
    let operations = operations();
    for operation in &operations {
        for (call, code) in wrong_calls(&scene, operation).await {
            let answer = scene.send(&call).await;
            findings.refused(operation, &call.name, &answer, code);
        }
        caller::try_wrong_callers(&scene, operation, &mut findings).await;
    }
    assert!(findings.tried() > 1500, "only {} calls", findings.tried());
    findings.report();
    scene.is_alive().await;
    assert_eq!(scene.inventory().await, before);
}

/// Calls that are wrong in their path, their query or their body, by a caller who may call.
async fn wrong_calls(scene: &Scene, operation: &Operation) -> Vec<(Call, Code)> {
    let mut calls = wrong_paths(operation);
    calls.push(unknown_query(operation));
    calls.extend(body::wrong_bodies(operation));
    if let Some(role) = operation.roles().first() {
        scene.warm(role).await;
    }
    for (call, _) in &mut calls {
        scene.authorise(operation, call).await;
    }
    calls
}

/// For each parameter of the path: one that is well-formed and names nothing, and some that name nothing at all.
fn wrong_paths(operation: &Operation) -> Vec<(Call, Code)> {
    let mut calls = Vec::new();
    for (name, example) in operation.parameters("path") {
        let long = "a".repeat(2000);
        let unknown = match name {
            "slug" => "no-such-problem",
            "document" => "no-such-document.json",
            _ => example.as_str().unwrap(),
        };
        for value in [
            unknown,
            "x",
            "%00",
            "%FF",
            "..%2F..%2Fetc%2Fpasswd",
            "%27%20OR%201%3D1",
            "con_",
            &long,
        ] {
            // The other parameters are as documented.
            let path = operation.path.replace(&format!("{{{name}}}"), value);
            let call = Call::of(operation, &format!("{name}={value:.20}")).at(&filled(operation, &path));
            // The token of a wrong path is another matter; a body that is as documented comes after the path.
            calls.push((call, Code::Any));
        }
    }
    calls
}

fn filled(operation: &Operation, path: &str) -> String {
    let fill = |path: String, (name, example): (&str, &serde_json::Value)| {
        path.replace(&format!("{{{name}}}"), example.as_str().unwrap())
    };
    operation
        .parameters("path")
        .into_iter()
        .fold(path.to_owned(), fill)
}

fn unknown_query(operation: &Operation) -> (Call, Code) {
    let call = Call::of(operation, "an unknown query parameter");
    let path = format!("{}?nobody_knows=1", operation.example_path());
    // OAuth ignores it (RFC 6749, section 3.2), and then refuses the example's signature.
    let code = if operation.path == "/oauth/token" {
        Code::Any
    } else {
        Code::Is("malformed-request")
    };
    (call.at(&path), code)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signed_message_proves_itself_and_is_taken_once() {
    let mut scene = Scene::set().await;
    let mut targets = targets::targets(&scene).await;
    let mut findings = Findings::default();
    messages::try_asking_too_much(&scene, &mut findings).await;
    messages::a_proof_of_nobody_fails(&scene).await;
    let before = scene.inventory().await;
    targets::renew(&scene, &mut targets).await;
    messages::try_forgeries(&scene, &targets, &mut findings).await;
    findings.report();
    assert!(findings.tried() > 300, "only {} messages", findings.tried());
    scene.is_alive().await;
    assert_eq!(scene.inventory().await, before);
    targets::renew(&scene, &mut targets).await;
    messages::take_each_once(&scene, &targets, &mut findings).await;
    findings.report();
}
