//! The committed interface descriptions are what the executable says, and what the executable does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cyberid_protocol::problem::ProblemType;
use journeys::{TestPlatform, documents, documents_in, operations};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// The services whose operations the sandbox's one address answers.
const OUTSIDE: [&str; 6] = [
    "issuance",
    "verification",
    "consent",
    "audit",
    "operations",
    "sandbox",
];

#[test]
fn the_committed_documents_are_what_the_routes_say() {
    let committed = documents_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi"));
    let generated = documents();
    let services =
        |documents: &BTreeMap<String, String>| -> Vec<String> { documents.keys().cloned().collect() };
    assert_eq!(
        services(&committed),
        services(&generated),
        "run `cargo xtask openapi`"
    );
    for (service, text) in generated {
        assert!(
            committed[&service] == text,
            "openapi/{service}.json has drifted: run `cargo xtask openapi`"
        );
    }
}

#[test]
fn every_operation_can_be_called_from_its_document_alone() {
    let known: BTreeSet<&str> = ProblemType::ALL.iter().map(|kind| kind.slug()).collect();
    let mut ids = BTreeSet::new();
    let operations = operations();
    assert!(operations.len() > 40, "only {} operations", operations.len());
    for operation in &operations {
        let name = format!("{} {}", operation.method, operation.path);
        assert!(!operation.id().is_empty(), "{name} has no operationId");
        assert!(
            ids.insert((operation.service.as_str(), operation.id())),
            "{name}: the id is taken"
        );
        let access = &operation.said["x-access"];
        let everybody = ["public", "signed", "optional"].iter().any(|kind| access == kind);
        assert!(
            everybody == operation.roles().is_empty(),
            "{name}: x-access is {access}"
        );
        let problems = operation.problems();
        assert!(!problems.is_empty(), "{name} has no x-problems");
        assert!(
            problems.iter().all(|problem| known.contains(problem)),
            "{name}: {problems:?}"
        );
        for (parameter, example) in operation.parameters("path") {
            assert!(!example.is_null(), "{name}: {parameter} has no example");
        }
        if let Some(body) = &operation.body {
            assert!(!body.example.is_null(), "{name}: the request has no example");
        }
        assert!(
            operation.answers_have_examples(),
            "{name}: an answer has no example"
        );
    }
}

#[tokio::test]
async fn every_documented_operation_is_mounted_and_nothing_else_answers() {
    let platform = TestPlatform::start().await;
    let http = Client::new();
    let operations = operations();
    let outside: Vec<_> = operations
        .iter()
        .filter(|operation| OUTSIDE.contains(&operation.service.as_str()))
        .collect();
    for operation in &outside {
        let url = format!("{}{}", platform.url(), operation.example_path());
        let documented: Vec<&str> = outside
            .iter()
            .filter(|other| other.path == operation.path)
            .map(|other| other.method.as_str())
            .collect();
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let answer = http.request(method.clone(), &url).send().await.unwrap();
            let refused = answer.status() == StatusCode::METHOD_NOT_ALLOWED;
            let expected = !documented.contains(&method.as_str());
            assert_eq!(
                refused,
                expected,
                "{method} {}: {}",
                operation.path,
                answer.status()
            );
            if refused {
                let problem: Value = answer.json().await.unwrap();
                assert_eq!(
                    problem["code"], "method-not-allowed",
                    "{method} {}",
                    operation.path
                );
            }
        }
    }
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/me/",
        "/openapi/",
        "/openapi/vault.json",
        "/v2/me",
        "/v1/deposits",
        "/v1/shares",
        "/v1/openings",
    ] {
        let answer = http
            .get(format!("{}{path}", platform.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn discovery_leads_to_the_documents_and_they_are_those_of_the_executable() {
    let platform = TestPlatform::start().await;
    let http = Client::new();
    let json = async |url: &str| -> Value { http.get(url).send().await.unwrap().json().await.unwrap() };
    let about = json(&format!("{}/.well-known/cyberid", platform.url())).await;
    let list = json(about["openapi_uri"].as_str().unwrap()).await;
    let listed = list["documents"].as_array().unwrap();
    let services: BTreeSet<_> = listed.iter().map(|it| it["service"].as_str().unwrap()).collect();
    assert_eq!(services, BTreeSet::from(OUTSIDE));
    let generated = documents();
    for document in listed {
        let url = format!("{}{}", platform.url(), document["href"].as_str().unwrap());
        let served = http.get(url).send().await.unwrap();
        assert_eq!(served.headers()["cache-control"], "public, max-age=3600");
        let service = document["service"].as_str().unwrap();
        assert!(served.text().await.unwrap() == generated[service], "{service}");
    }
}
