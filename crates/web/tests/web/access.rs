//! Tokens and proofs of possession, RFC 9449, each refusal on its own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use cyberid_crypto::{Sign, SigningKey, digest, jws};
use cyberid_domain::id::Nonce;
use cyberid_domain::relying_party::Role;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::auth::{AccessTokens, InvalidProof, InvalidToken, Refusal, TokenDpopError};
use cyberid_web::server::Limits;
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};

use crate::support::{ISSUER, Platform, START, problem, tokens, tokens_of};

const CLIENT: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn key(scalar: u8) -> SigningKey {
    SigningKey::from_scalar(&[scalar; 32]).unwrap()
}

/// A relying party with its key, its token, and the habit of signing proofs.
struct Client {
    key: SigningKey,
    token: String,
}

impl Client {
    fn new(tokens: &AccessTokens) -> Self {
        let key = key(7);
        let token = tokens
            .issue(Role::RelyingParty, CLIENT, Some(key.kid()), 600)
            .unwrap();
        Self { key, token }
    }

    /// The claims of a good proof for `POST /whoami`.
    fn claims(&self, nonce: Option<&str>) -> Value {
        json!({
            "jti": Nonce::random(&SystemRng).as_str(),
            "htm": "POST",
            "htu": format!("{ISSUER}/whoami"),
            "iat": START.0,
            "ath": digest::sha256_base64url(self.token.as_bytes()),
            "nonce": nonce,
        })
    }

    fn proof(&self, claims: &Value) -> String {
        jws::sign_embedding_key(&self.key, "dpop+jwt", claims).unwrap()
    }

    fn parts(&self, claims: &Value) -> Parts {
        parts(&format!("DPoP {}", self.token), &self.proof(claims))
    }
}

fn parts(authorization: &str, proof: &str) -> Parts {
    let request = Request::post("/whoami?x=1")
        .header("authorization", authorization)
        .header("dpop", proof);
    request.body(()).unwrap().into_parts().0
}

async fn send(platform: &Platform, authorization: &str, proof: &str) -> reqwest::Response {
    let mut request = reqwest::Client::new().post(platform.url("/whoami"));
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    if !proof.is_empty() {
        request = request.header("dpop", proof);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_client_learns_the_nonce_and_is_then_served_once_per_proof() {
    let platform = Platform::start().await;
    let client = Client::new(&platform.tokens);
    let scheme = format!("DPoP {}", client.token);

    let answer = send(&platform, &scheme, &client.proof(&client.claims(None))).await;
    assert_eq!(
        answer.headers()["www-authenticate"],
        r#"DPoP error="use_dpop_nonce", algs="ES256""#
    );
    let nonce = answer.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(problem(answer).await.kind, ProblemType::UseDpopNonce);

    let proof = client.proof(&client.claims(Some(&nonce)));
    let answer = send(&platform, &scheme, &proof).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("dpop-nonce"));
    assert_eq!(answer.text().await.unwrap(), CLIENT);

    let answer = send(&platform, &scheme, &proof).await;
    assert_eq!(
        answer.headers()["www-authenticate"],
        r#"DPoP error="invalid_dpop_proof", algs="ES256""#
    );
    assert_eq!(problem(answer).await.kind, ProblemType::Unauthenticated);
}

#[tokio::test]
async fn nobody_is_challenged_and_a_bare_token_refused() {
    let platform = Platform::start().await;
    let client = Client::new(&platform.tokens);
    let unbound = platform
        .tokens
        .issue(Role::RelyingParty, CLIENT, None, 600)
        .unwrap();
    for authorization in [
        "",
        &format!("Bearer {}", client.token),
        &format!("Bearer {unbound}"),
    ] {
        let answer = send(&platform, authorization, "").await;
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("DPoP "), "{challenge}");
        assert!(answer.headers().contains_key("dpop-nonce"));
        assert_eq!(problem(answer).await.kind, ProblemType::Unauthenticated);
    }
}

#[tokio::test]
async fn a_sandbox_takes_an_unbound_token_from_loopback_and_nothing_else_bare() {
    let platform = Platform::start_with(Limits::default(), None, AccessTokens::allow_bearer).await;
    let unbound = platform
        .tokens
        .issue(Role::RelyingParty, CLIENT, None, 600)
        .unwrap();
    let bound = Client::new(&platform.tokens).token;
    assert_eq!(
        send(&platform, &format!("Bearer {unbound}"), "").await.status(),
        200
    );
    assert_eq!(
        send(&platform, &format!("Bearer {bound}"), "").await.status(),
        401
    );
    assert_eq!(
        send(&platform, &format!("DPoP {unbound}"), "").await.status(),
        401
    );

    let from = |address: &str| {
        let mut parts = parts(&format!("Bearer {unbound}"), "");
        parts
            .extensions
            .insert(ConnectInfo(address.parse::<SocketAddr>().unwrap()));
        platform.tokens.check(&parts).err()
    };
    assert_eq!(from("127.0.0.1:7"), None);
    assert_eq!(from("[::ffff:127.0.0.1]:7"), None);
    assert_eq!(from("192.0.2.1:7"), Some(InvalidToken::Scheme.into()));
    let unknown_peer = parts(&format!("Bearer {unbound}"), "");
    assert_eq!(
        platform.tokens.check(&unknown_peer).err(),
        Some(InvalidToken::Scheme.into())
    );
}

#[tokio::test]
async fn a_role_that_the_mount_does_not_name_is_refused() {
    let platform = Platform::start().await;
    let client = Client::new(&platform.tokens);
    let token = platform
        .tokens
        .issue(Role::Holder, client.key.kid(), Some(client.key.kid()), 600)
        .unwrap();
    let client = Client { token, ..client };
    let claims = client.claims(Some(&platform.tokens.fresh_nonce()));
    let answer = send(
        &platform,
        &format!("DPoP {}", client.token),
        &client.proof(&claims),
    )
    .await;
    assert!(answer.headers().contains_key("dpop-nonce"));
    assert_eq!(problem(answer).await.kind, ProblemType::Forbidden);
}

/// A platform's tokens and a client, without a socket: every refusal by its value.
struct Bench {
    tokens: AccessTokens,
    clock: Arc<cyberid_domain::clock::ManualClock>,
    client: Client,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(cyberid_domain::clock::ManualClock::new(START));
        let tokens = tokens(Arc::clone(&clock));
        let client = Client::new(&tokens);
        Self {
            tokens,
            clock,
            client,
        }
    }

    fn claims(&self) -> Value {
        self.client.claims(Some(&self.tokens.fresh_nonce()))
    }

    fn check(&self, claims: &Value) -> Option<Refusal> {
        self.tokens.check(&self.client.parts(claims)).err()
    }

    fn check_with(&self, name: &str, value: impl Into<Value>) -> Option<Refusal> {
        let mut claims = self.claims();
        claims[name] = value.into();
        self.check(&claims)
    }
}

#[test]
fn each_claim_of_the_proof_is_checked() {
    let bench = Bench::new();
    assert_eq!(bench.check(&bench.claims()), None);
    let proof = |why: InvalidProof| Some(Refusal::Proof(why));
    assert_eq!(bench.check_with("htm", "GET"), proof(InvalidProof::Method));
    assert_eq!(bench.check_with("htm", "post"), proof(InvalidProof::Method));
    for address in [
        "https://id.example/other",
        "https://evil.example/whoami",
        "http://id.example/whoami",
    ] {
        assert_eq!(bench.check_with("htu", address), proof(InvalidProof::Address));
    }
    assert_eq!(bench.check_with("htu", format!("{ISSUER}/whoami?x=2#y")), None);
    assert_eq!(
        bench.check_with("ath", digest::sha256_base64url(b"other")),
        proof(InvalidProof::Token)
    );
    assert_eq!(bench.check_with("ath", Value::Null), proof(InvalidProof::Token));
    assert_eq!(bench.check_with("iat", START.0 - 61), proof(InvalidProof::Time));
    assert_eq!(bench.check_with("iat", START.0 + 61), proof(InvalidProof::Time));
    assert_eq!(bench.check_with("nonce", Value::Null), Some(Refusal::Nonce));
    assert_eq!(bench.check_with("nonce", "made-up"), Some(Refusal::Nonce));
    let typed_wrongly = proof(InvalidProof::Message(jws::InvalidJws::Claims));
    assert_eq!(bench.check_with("iat", START.0.to_string()), typed_wrongly);
}

#[test]
fn the_proof_is_one_message_of_its_type_by_the_bound_key() {
    let bench = Bench::new();
    let scheme = format!("DPoP {}", bench.client.token);
    let refusal = |proof: &str| bench.tokens.check(&parts(&scheme, proof)).err();
    let claims = bench.claims();

    let other = jws::sign_embedding_key(&key(8), "dpop+jwt", &claims).unwrap();
    assert_eq!(refusal(&other), Some(InvalidProof::Key.into()));
    let typ = jws::sign_embedding_key(&bench.client.key, "jwt", &claims).unwrap();
    assert_eq!(
        refusal(&typ),
        Some(InvalidProof::Message(jws::InvalidJws::Type).into())
    );
    let named = jws::sign(&bench.client.key, "dpop+jwt", &claims).unwrap();
    assert_eq!(
        refusal(&named),
        Some(InvalidProof::Message(jws::InvalidJws::Key).into())
    );

    let mut twice = bench.client.parts(&claims);
    let proof = bench.client.proof(&bench.claims()).parse().unwrap();
    twice.headers.append("dpop", proof);
    assert_eq!(
        bench.tokens.check(&twice).err(),
        Some(InvalidProof::Repeated.into())
    );
    let mut none = bench.client.parts(&claims);
    none.headers.remove("dpop");
    assert_eq!(
        bench.tokens.check(&none).err(),
        Some(InvalidProof::Missing.into())
    );
    assert_eq!(bench.check(&claims), None);
}

#[test]
fn a_nonce_goes_stale() {
    let bench = Bench::new();
    let claims = bench.claims();
    bench.clock.advance(60);
    assert_eq!(bench.check(&claims), Some(Refusal::Nonce));
}

#[test]
fn a_proof_is_not_taken_by_the_process_after_this_one() {
    let bench = Bench::new();
    let claims = bench.claims();
    assert_eq!(bench.check(&claims), None);
    let restarted = tokens(Arc::clone(&bench.clock));
    assert_eq!(
        restarted.check(&bench.client.parts(&claims)).err(),
        Some(Refusal::Nonce)
    );
}

#[test]
fn a_token_is_ours_and_of_this_time() {
    let bench = Bench::new();
    let with_token = |token: String| {
        let key = key(7);
        let client = Client { key, token };
        let claims = client.claims(Some(&bench.tokens.fresh_nonce()));
        bench.tokens.check(&client.parts(&claims)).err()
    };
    let issued_by = |tokens: &AccessTokens| {
        tokens
            .issue(Role::RelyingParty, CLIENT, Some(key(7).kid()), 600)
            .unwrap()
    };
    assert_eq!(with_token(issued_by(&bench.tokens)), None);
    let foreign = Some(Refusal::Token(InvalidToken::Foreign));
    let elsewhere = tokens_of("https://other.example", 1, Arc::clone(&bench.clock));
    assert_eq!(with_token(issued_by(&elsewhere)), foreign);
    let other_key = tokens_of(ISSUER, 2, Arc::clone(&bench.clock));
    assert_eq!(with_token(issued_by(&other_key)), foreign);
    assert_eq!(with_token("a.b.c".into()), foreign);

    let expired = bench
        .tokens
        .issue(Role::RelyingParty, CLIENT, Some(key(7).kid()), 0);
    assert_eq!(with_token(expired.unwrap()), Some(InvalidToken::Time.into()));
    let unbound = bench.tokens.issue(Role::RelyingParty, CLIENT, None, 600);
    assert_eq!(with_token(unbound.unwrap()), Some(InvalidToken::Binding.into()));
}

#[test]
fn a_token_expires() {
    let bench = Bench::new();
    bench.clock.advance(600);
    let mut claims = bench.claims();
    claims["iat"] = (START.0 + 600).into();
    assert_eq!(bench.check(&claims), Some(InvalidToken::Time.into()));
}

#[test]
fn the_header_holds_one_scheme_and_one_token() {
    let bench = Bench::new();
    let refusal = |authorization: &str| bench.tokens.check(&parts(authorization, "")).err();
    assert_eq!(refusal("DPoP"), Some(InvalidToken::Header.into()));
    assert_eq!(refusal("Basic YTpi"), Some(InvalidToken::Scheme.into()));
    let mut twice = bench.client.parts(&bench.claims());
    let again = twice.headers["authorization"].clone();
    twice.headers.append("authorization", again);
    assert_eq!(
        bench.tokens.check(&twice).err(),
        Some(InvalidToken::Header.into())
    );
}

#[test]
fn the_token_endpoint_learns_the_key_from_a_proof_without_a_token() {
    let bench = Bench::new();
    let ask = |claims: &Value| {
        let request = Request::post("/whoami").header("dpop", bench.client.proof(claims));
        let parts = request.body(()).unwrap().into_parts().0;
        bench.tokens.check_token_request_dpop(&parts)
    };
    let mut claims = bench.claims();
    assert_eq!(
        ask(&claims),
        Err(TokenDpopError::InvalidProof(InvalidProof::Token))
    );
    claims["ath"] = Value::Null;
    assert_eq!(ask(&claims), Ok(Some(bench.client.key.kid().into())));
    assert_eq!(
        ask(&claims),
        Err(TokenDpopError::InvalidProof(InvalidProof::Replayed))
    );
    claims["nonce"] = Value::Null;
    let nonce = bench.tokens.fresh_nonce();
    assert_eq!(ask(&claims), Err(TokenDpopError::UseNonce { nonce }));
    let bare = Request::post("/whoami").body(()).unwrap().into_parts().0;
    assert_eq!(bench.tokens.check_token_request_dpop(&bare), Ok(None));
}
