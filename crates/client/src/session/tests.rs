use cyberid_crypto::SigningKey;
use cyberid_domain::rng::SystemRng;
use serde_json::{Value, json};

use super::*;
use crate::testing::{PlatformDouble, problem};

fn key(scalar: u8) -> Arc<dyn Sign> {
    Arc::new(SigningKey::from_scalar(&[scalar; 32]).unwrap())
}

fn session(platform: &PlatformDouble) -> Session {
    let client = Client::new(&platform.issuer).unwrap();
    let id = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let (clock, rng) = (platform.clock.clone(), Arc::new(SystemRng));
    Session::client(client, &platform.issuer, id, key(5), clock, rng)
}

async fn with_things() -> Arc<PlatformDouble> {
    let platform = PlatformDouble::start().await;
    platform.script("GET /v1/thing", 200, r#"{"it":"is"}"#);
    platform.script("POST /v1/thing", 200, r#"{"it":"is"}"#);
    platform
}

fn form(received: &crate::testing::Received) -> Vec<(String, String)> {
    serde_urlencoded::from_bytes(&received.body).unwrap()
}

fn assertion(compact: &str, key: &dyn Sign) -> Assertion {
    cyberid_crypto::jws::verify(compact, ASSERTION_TYP, &key.public_key()).unwrap()
}

#[tokio::test]
async fn one_token_serves_many_calls_until_shortly_before_its_end() {
    let platform = with_things().await;
    let session = session(&platform);
    for _ in 0..2 {
        session.get::<Value>("/v1/thing?wait=3").await.unwrap();
    }
    assert_eq!(platform.received("POST /oauth/token").len(), 1);
    platform.clock.advance(600 - MARGIN - 1);
    session.get::<Value>("/v1/thing").await.unwrap();
    assert_eq!(platform.received("POST /oauth/token").len(), 1);
    platform.clock.advance(1);
    session.get::<Value>("/v1/thing").await.unwrap();
    assert_eq!(platform.received("POST /oauth/token").len(), 2);
}

#[tokio::test]
async fn a_call_by_other_means_is_authorised_as_our_own_calls_are() {
    use cyberid_protocol::access::{DPOP_TYP, DpopProof};
    let platform = with_things().await;
    let CallProof { token, proof } = session(&platform)
        .authorise("GET", "/v1/thing?wait=3")
        .await
        .unwrap();
    let claims: DpopProof = cyberid_crypto::jws::verify(&proof, DPOP_TYP, &key(5).public_key()).unwrap();
    assert_eq!(
        (claims.htm, claims.htu),
        ("GET".into(), format!("{}/v1/thing", platform.issuer))
    );
    let hash = cyberid_crypto::digest::sha256_base64url(token.as_bytes());
    assert_eq!(claims.ath, Some(hash));
    assert_eq!(platform.received("GET /v1/thing").len(), 0);
}

#[tokio::test]
async fn a_client_asserts_itself_by_its_key() {
    let platform = with_things().await;
    session(&platform).get::<Value>("/v1/thing").await.unwrap();
    let form = form(&platform.received("POST /oauth/token")[0]);
    assert_eq!(form[0], ("grant_type".into(), "client_credentials".into()));
    assert_eq!(
        form[1],
        ("client_assertion_type".into(), CLIENT_ASSERTION_TYPE.into())
    );
    let claims = assertion(&form[2].1, &*key(5));
    assert_eq!(
        (claims.iss.as_str(), claims.sub.as_str()),
        ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA")
    );
    assert!(claims.aud.is_only(&[&platform.issuer]));
    assert_eq!(claims.exp, platform.clock.now().plus(ASSERTION_LIFE));
}

#[tokio::test]
async fn a_holder_asserts_the_device_key_and_nothing_else() {
    let platform = with_things().await;
    let client = Client::new(&platform.issuer).unwrap();
    let (clock, rng) = (platform.clock.clone(), Arc::new(SystemRng));
    let session = Session::holder(client, &platform.issuer, key(7), clock, rng);
    session.get::<Value>("/v1/thing").await.unwrap();
    let form = form(&platform.received("POST /oauth/token")[0]);
    assert_eq!(form[0], ("grant_type".into(), JWT_BEARER_GRANT.into()));
    let claims = assertion(&form[1].1, &*key(7));
    assert_eq!(
        (claims.iss.as_str(), claims.sub.as_str()),
        (key(7).kid(), key(7).kid())
    );
}

#[tokio::test]
async fn the_proof_may_be_of_a_key_of_its_own() {
    let platform = with_things().await;
    let session = session(&platform).with_dpop_key(key(6));
    session.get::<Value>("/v1/thing").await.unwrap();
    let received = platform.received("GET /v1/thing");
    let proof = received[0].headers["dpop"].to_str().unwrap();
    let proof = cyberid_crypto::jws::Unverified::parse(proof, "dpop+jwt").unwrap();
    assert_eq!(proof.embedded_key().unwrap(), key(6).public_key());
}

#[tokio::test]
async fn a_servers_nonce_is_taken_up_once_at_the_token_endpoint_and_then_everywhere() {
    let platform = with_things().await;
    *platform.nonce.lock().unwrap() = Some("first".into());
    let session = session(&platform);
    session.get::<Value>("/v1/thing").await.unwrap();
    assert_eq!(platform.received("POST /oauth/token").len(), 2);
    assert_eq!(platform.received("GET /v1/thing").len(), 1);
    let assertions: Vec<_> = platform.received("POST /oauth/token").iter().map(form).collect();
    assert_ne!(assertions[0][2], assertions[1][2], "an assertion is used once");
}

#[tokio::test]
async fn a_servers_nonce_is_taken_up_once_at_a_resource_with_the_same_body_and_headers() {
    let platform = with_things().await;
    let session = session(&platform);
    session.get::<Value>("/v1/thing").await.unwrap();
    *platform.nonce.lock().unwrap() = Some("second".into());
    let headers = [("idempotency-key", "k")];
    session
        .post_with::<_, Value>("/v1/thing", &json!({"a": 1}), &headers)
        .await
        .unwrap();
    let received = platform.received("POST /v1/thing");
    assert_eq!(received.len(), 2);
    for call in &received {
        assert_eq!(
            (call.body.as_slice(), &call.headers["idempotency-key"]),
            (br#"{"a":1}"#.as_slice(), &"k".parse().unwrap())
        );
    }
    assert_ne!(received[0].headers["dpop"], received[1].headers["dpop"]);
    assert_eq!(
        platform.received("POST /oauth/token").len(),
        1,
        "the token is still good"
    );
}

#[tokio::test]
async fn a_server_that_is_never_content_is_asked_twice_and_no_more() {
    let platform = with_things().await;
    *platform.nonce.lock().unwrap() = Some("first".into());
    *platform.fickle.lock().unwrap() = true;
    let answer = session(&platform).get::<Value>("/v1/thing").await;
    assert_eq!(
        answer.err().and_then(|error| error.problem()),
        Some(ProblemType::UseDpopNonce)
    );
    assert_eq!(platform.received("GET /v1/thing").len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_forgotten() {
    let platform = with_things().await;
    let session = session(&platform);
    session.get::<Value>("/v1/thing").await.unwrap();
    let refused = axum::body::to_bytes(problem(ProblemType::Unauthenticated).into_body(), 4096)
        .await
        .unwrap();
    platform.script("GET /v1/other", 401, String::from_utf8(refused.to_vec()).unwrap());
    session.get::<Value>("/v1/other").await.unwrap_err();
    session.get::<Value>("/v1/thing").await.unwrap();
    assert_eq!(platform.received("POST /oauth/token").len(), 2);
}

#[tokio::test]
async fn a_bare_token_is_not_taken() {
    let platform = with_things().await;
    *platform.token_type.lock().unwrap() = "Bearer";
    let answer = session(&platform).get::<Value>("/v1/thing").await;
    assert_eq!(answer, Err(ClientError::InvalidAnswer));
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_its_own_words() {
    let platform = with_things().await;
    platform.script("POST /oauth/token", 400, r#"{"error":"invalid_client"}"#);
    let answer = session(&platform).get::<Value>("/v1/thing").await;
    let error = "invalid_client".to_owned();
    assert_eq!(answer, Err(ClientError::TokenRefused { error }));
}
