//! A relying party that has called too often: no operation is left out, and nothing of a call is looked at.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use journeys::{Operation, TestPlatform, operations};

/// Enough for the sandbox to register its relying party, and for the token to be asked for; nothing is gained.
const QUOTA: &str = "[quota]\nburst = 20\nper_second = 0\n";

/// What a call is answered that carries the token, and no proof that holds.
async fn call(platform: &TestPlatform, token: &str, method: &str, path: &str) -> reqwest::Response {
    let url = format!("{}{path}", platform.url());
    let request = reqwest::Client::new()
        .request(method.parse().unwrap(), url)
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", "not a proof");
    request.send().await.unwrap()
}

#[tokio::test]
async fn over_quota_every_operation_is_refused_before_anything_is_looked_at() {
    let platform = TestPlatform::start_with(QUOTA).await;
    let party = platform.relying_party().await;
    let token = party.session().authorise("GET", "/").await.unwrap().token;
    let path = "/v1/events";
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(call(&platform, &token, "GET", path).await.status().as_u16());
    }
    assert_eq!(
        statuses.first(),
        Some(&401),
        "within the quota the proof is looked at"
    );
    assert_eq!(statuses.last(), Some(&429));
    let all = operations();
    let of_parties: Vec<&Operation> = all
        .iter()
        .filter(|operation| operation.roles().contains(&"relying_party"))
        .collect();
    assert!(of_parties.len() >= 8, "{}", of_parties.len());
    for operation in of_parties {
        let answer = call(&platform, &token, &operation.method, &operation.example_path()).await;
        assert_eq!(answer.status(), 429, "{}", operation.id());
        assert_eq!(
            answer.headers().get("retry-after").unwrap(),
            "1",
            "{}",
            operation.id()
        );
    }
    // Who is not over quota is served.
    platform
        .regulator()
        .get::<serde_json::Value>("/v1/audit/summary")
        .await
        .unwrap();
}
