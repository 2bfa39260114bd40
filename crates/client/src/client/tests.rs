use cyberid_protocol::problem::{Problem, ProblemType};
use serde_json::{Value, json};

use super::*;
use crate::testing::PlatformDouble;

#[tokio::test]
async fn a_problem_comes_back_as_a_value() {
    let platform = PlatformDouble::start().await;
    let stated = Problem::new(ProblemType::OverAsking).with("checks", json!(["age_over_21"]));
    platform.script(
        "POST /v1/verifications",
        403,
        serde_json::to_string(&stated).unwrap(),
    );
    let client = Client::new(&platform.issuer).unwrap();
    let answer = client.post::<_, Value>("/v1/verifications", &json!({})).await;
    assert_eq!(answer, Err(ClientError::Problem(Box::new(stated))));
}

#[tokio::test]
async fn a_problem_under_another_status_is_not_believed() {
    let platform = PlatformDouble::start().await;
    let stated = serde_json::to_string(&Problem::new(ProblemType::OverAsking)).unwrap();
    platform.script("GET /v1/me", 502, stated);
    let client = Client::new(&platform.issuer).unwrap();
    let answer = client.get::<Value>("/v1/me").await;
    assert_eq!(answer, Err(ClientError::Unexpected { status: 502 }));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let platform = PlatformDouble::start().await;
    platform.script("GET /v1/me", 307, "/v1/elsewhere");
    platform.script("GET /v1/elsewhere", 200, "{}");
    let client = Client::new(&platform.issuer).unwrap();
    let answer = client.get_bytes("/v1/me").await;
    assert_eq!(answer, Err(ClientError::Unexpected { status: 307 }));
    assert!(platform.received("GET /v1/elsewhere").is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let platform = PlatformDouble::start().await;
    platform.script("GET /long", 200, "x".repeat(1025));
    platform.script("GET /short", 200, "x".repeat(1024));
    let limits = Limits {
        answer: 1024,
        ..Limits::default()
    };
    let client = Client::with_limits(&platform.issuer, limits).unwrap();
    assert_eq!(
        client.get_bytes("/long").await,
        Err(ClientError::AnswerTooLarge { limit: 1024 })
    );
    assert_eq!(
        client.get_bytes("/short").await.map(|bytes| bytes.len()),
        Ok(1024)
    );
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_unreachable() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits {
        total: Duration::from_millis(50),
        ..Limits::default()
    };
    let address = format!("http://{}", silent.local_addr().unwrap());
    let client = Client::with_limits(&address, limits).unwrap();
    let answer = client.get_bytes("/v1/requests/secret").await;
    let Err(ClientError::Unreachable(cause)) = answer else {
        panic!("{answer:?}")
    };
    assert!(!cause.contains("secret"), "{cause}");
}

#[tokio::test]
async fn answers_are_read_strictly() {
    let platform = PlatformDouble::start().await;
    platform.script("GET /twice", 200, r#"{"a":1,"a":2}"#);
    let client = Client::new(&platform.issuer).unwrap();
    assert_eq!(
        client.get::<Value>("/twice").await,
        Err(ClientError::InvalidAnswer)
    );
}

#[tokio::test]
async fn personal_json_arrives_as_it_was_written() {
    let platform = PlatformDouble::start().await;
    platform.script("POST /v1/enrolments", 200, "{}");
    let client = Client::new(&platform.issuer).unwrap();
    let json = Zeroizing::new(br#"{"pin":"52719406"}"#.to_vec());
    client
        .post_personal::<Value>("/v1/enrolments", json)
        .await
        .unwrap();
    let received = platform.received("POST /v1/enrolments");
    assert_eq!(received[0].body, br#"{"pin":"52719406"}"#);
    assert_eq!(received[0].headers["content-type"], "application/json");
}

#[test]
fn only_plain_web_addresses_are_called() {
    for address in [
        "",
        "id.example",
        "file:///etc/passwd",
        "http://u@id.example",
        "http://id.example/?a",
    ] {
        assert_eq!(
            Client::new(address).err(),
            Some(ClientError::InvalidAddress),
            "{address}"
        );
    }
    assert_eq!(
        Client::new("https://id.example/").unwrap().base(),
        "https://id.example"
    );
}
