//! Tokens and proofs of possession, RFC 9449, each refusal on its own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use cyberid_crypto::{Sign, SigningKey, digest, jws};
use cyberid_domain::id::Nonce;
use cyberid_domain::relying_party::Role;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::auth::{AccessTokens, Binding, InvalidProof, InvalidToken, Refusal, TokenDpopError};
use cyberid_web::quota::{CallerQuotas, OverQuota, Quota};
use cyberid_web::server::{Limits, PeerCertificate};
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};

use crate::support::{ISSUER, Platform, START, problem, tokens, tokens_of};

const CLIENT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const OTHER: &str = "BAAAAAAAAAAAAAAAAAAAAA";

fn key(scalar: u8) -> SigningKey {
    SigningKey::from_scalar(&[scalar; 32]).unwrap()
}

fn bound(key: &SigningKey) -> Binding {
    let jkt = key.kid().into();
    Binding::Key { jkt }
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
            .issue(Role::RelyingParty, CLIENT, &bound(&key), 600)
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
        .issue(Role::RelyingParty, CLIENT, &Binding::Bare, 600)
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
        .issue(Role::RelyingParty, CLIENT, &Binding::Bare, 600)
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
    assert_eq!(from("192.0.2.1:7"), Some(InvalidToken::Binding.into()));
    let unknown_peer = parts(&format!("Bearer {unbound}"), "");
    assert_eq!(
        platform.tokens.check(&unknown_peer).err(),
        Some(InvalidToken::Binding.into())
    );
}

#[tokio::test]
async fn a_role_that_the_mount_does_not_name_is_refused() {
    let platform = Platform::start().await;
    let client = Client::new(&platform.tokens);
    let token = platform
        .tokens
        .issue(Role::Holder, client.key.kid(), &bound(&client.key), 600)
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

    /// One where the client has not called yet, and one where its token and its key are known.
    fn before_and_after_a_call() -> [Self; 2] {
        let [before, after] = [Self::new(), Self::new()];
        assert_eq!(after.check(&after.claims()), None);
        [before, after]
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
    for bench in Bench::before_and_after_a_call() {
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
}

#[test]
fn the_proof_is_one_message_of_its_type_by_the_bound_key() {
    for bench in Bench::before_and_after_a_call() {
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
}

#[test]
fn a_nonce_goes_stale() {
    for bench in Bench::before_and_after_a_call() {
        let claims = bench.claims();
        bench.clock.advance(60);
        assert_eq!(bench.check(&claims), Some(Refusal::Nonce));
    }
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
            .issue(Role::RelyingParty, CLIENT, &bound(&key(7)), 600)
            .unwrap()
    };
    assert_eq!(with_token(issued_by(&bench.tokens)), None);
    let foreign = Some(Refusal::Token(InvalidToken::Foreign));
    let elsewhere = tokens_of("https://other.example", 1, Arc::clone(&bench.clock));
    assert_eq!(with_token(issued_by(&elsewhere)), foreign);
    let other_key = tokens_of(ISSUER, 2, Arc::clone(&bench.clock));
    assert_eq!(with_token(issued_by(&other_key)), foreign);
    assert_eq!(with_token("a.b.c".into()), foreign);

    let expired = bench.tokens.issue(Role::RelyingParty, CLIENT, &bound(&key(7)), 0);
    assert_eq!(with_token(expired.unwrap()), Some(InvalidToken::Time.into()));
    let unbound = bench
        .tokens
        .issue(Role::RelyingParty, CLIENT, &Binding::Bare, 600);
    assert_eq!(with_token(unbound.unwrap()), Some(InvalidToken::Binding.into()));
}

#[test]
fn a_token_expires() {
    for bench in Bench::before_and_after_a_call() {
        bench.clock.advance(600);
        let mut claims = bench.claims();
        claims["iat"] = (START.0 + 600).into();
        assert_eq!(bench.check(&claims), Some(InvalidToken::Time.into()));
    }
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
        bench.tokens.binding_of_token_request(&parts)
    };
    let mut claims = bench.claims();
    assert_eq!(
        ask(&claims),
        Err(TokenDpopError::InvalidProof(InvalidProof::Token))
    );
    claims["ath"] = Value::Null;
    assert_eq!(ask(&claims), Ok(bound(&bench.client.key)));
    assert_eq!(
        ask(&claims),
        Err(TokenDpopError::InvalidProof(InvalidProof::Replayed))
    );
    claims["nonce"] = Value::Null;
    let nonce = bench.tokens.fresh_nonce();
    assert_eq!(ask(&claims), Err(TokenDpopError::UseNonce { nonce }));
    let bare = Request::post("/whoami").body(()).unwrap().into_parts().0;
    let nothing = Err(TokenDpopError::NothingToBindTo);
    assert_eq!(bench.tokens.binding_of_token_request(&bare), nothing);
}

/// The parts of a request to `/whoami` over a connection from loopback that showed the certificate of this digest.
fn connected(authorization: &str, proof: Option<&str>, certificate: Option<u8>) -> Parts {
    let mut request = Request::post("/whoami");
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    let mut parts = request.body(()).unwrap().into_parts().0;
    let peer: SocketAddr = "127.0.0.1:7".parse().unwrap();
    parts.extensions.insert(ConnectInfo(peer));
    if let Some(byte) = certificate {
        let sha256 = [byte; 32];
        parts.extensions.insert(PeerCertificate { sha256 });
    }
    parts
}

fn certified(byte: u8) -> Binding {
    let sha256 = [byte; 32];
    Binding::Certificate { sha256 }
}

/// Every binding, by every scheme, over every connection, with and without a proof: two combinations are accepted, and
/// in a sandbox on loopback a bare token besides.
#[test]
fn a_token_is_taken_in_the_one_way_that_it_is_bound_and_never_bare_outside_a_sandbox() {
    let mut accepted = Vec::new();
    for sandbox in [false, true] {
        let bench = Bench::new();
        let tokens = if sandbox {
            bench.tokens.allow_bearer()
        } else {
            bench.tokens
        };
        for (name, binding) in [
            ("bare", Binding::Bare),
            ("key", bound(&key(7))),
            ("certificate", certified(1)),
        ] {
            let token = tokens.issue(Role::RelyingParty, CLIENT, &binding, 600).unwrap();
            for scheme in ["DPoP", "Bearer", "bearer", "Basic"] {
                for shown in [None, Some(1), Some(2)] {
                    for proved in [false, true] {
                        let client = Client {
                            key: key(7),
                            token: token.clone(),
                        };
                        let proof = client.proof(&client.claims(Some(&tokens.fresh_nonce())));
                        let proof = proved.then_some(proof.as_str());
                        let parts = connected(&format!("{scheme} {token}"), proof, shown);
                        if tokens.check(&parts).is_ok() {
                            accepted.push((sandbox, name, scheme, shown, proved));
                        }
                    }
                }
            }
        }
    }
    let mut expected = Vec::new();
    for sandbox in [false, true] {
        if sandbox {
            for scheme in ["Bearer", "bearer"] {
                for shown in [None, Some(1), Some(2)] {
                    expected.extend([false, true].map(|proved| (sandbox, "bare", scheme, shown, proved)));
                }
            }
        }
        expected.extend([None, Some(1), Some(2)].map(|shown| (sandbox, "key", "DPoP", shown, true)));
        for scheme in ["Bearer", "bearer"] {
            expected.extend([false, true].map(|proved| (sandbox, "certificate", scheme, Some(1), proved)));
        }
    }
    assert_eq!(accepted, expected);
}

#[test]
fn a_token_of_a_certificate_is_worth_nothing_on_another_connection() {
    let bench = Bench::new();
    let token = bench
        .tokens
        .issue(Role::RelyingParty, CLIENT, &certified(1), 600)
        .unwrap();
    let check = |scheme: &str, shown| {
        let parts = connected(&format!("{scheme} {token}"), None, shown);
        bench.tokens.check(&parts).err()
    };
    assert_eq!(check("Bearer", Some(1)), None);
    let elsewhere = Some(Refusal::Token(InvalidToken::Certificate));
    assert_eq!(check("Bearer", Some(2)), elsewhere);
    assert_eq!(check("Bearer", None), elsewhere);
    assert_eq!(check("DPoP", Some(1)), Some(InvalidToken::Binding.into()));
}

/// RFC 9440 and its many forerunners: anybody can write a header.
#[test]
fn a_certificate_that_a_header_speaks_of_is_nobodys() {
    let bench = Bench::new();
    let token = bench
        .tokens
        .issue(Role::RelyingParty, CLIENT, &certified(1), 600)
        .unwrap();
    let thumbprint = cyberid_crypto::base64url::encode(&[1; 32]);
    for name in [
        "client-cert",
        "client-cert-chain",
        "x-client-cert",
        "x-ssl-client-cert",
        "x-forwarded-client-cert",
        "ssl-client-cert",
        "x-amzn-mtls-clientcert",
        "x5t#s256",
    ] {
        let mut parts = connected(&format!("Bearer {token}"), None, None);
        parts.headers.insert(name, thumbprint.parse().unwrap());
        assert_eq!(
            bench.tokens.check(&parts).err(),
            Some(InvalidToken::Certificate.into()),
            "{name}"
        );
        let asking = connected("", None, None);
        let nothing = Err(TokenDpopError::NothingToBindTo);
        assert_eq!(bench.tokens.binding_of_token_request(&asking), nothing, "{name}");
    }
}

#[test]
fn a_token_request_with_a_proof_and_a_certificate_means_the_key() {
    let bench = Bench::new();
    let ask = |proof: Option<&str>, shown| {
        let parts = connected("", proof, shown);
        bench.tokens.binding_of_token_request(&parts)
    };
    assert_eq!(ask(None, Some(1)), Ok(certified(1)));
    let mut claims = bench.claims();
    claims["ath"] = Value::Null;
    let proof = bench.client.proof(&claims);
    assert_eq!(ask(Some(&proof), Some(1)), Ok(bound(&bench.client.key)));
    // A bad proof is not made good by a certificate.
    assert_eq!(
        ask(Some("a.b.c"), Some(1)),
        Err(TokenDpopError::InvalidProof(InvalidProof::Message(
            jws::InvalidJws::Malformed
        )))
    );
    assert_eq!(ask(None, None), Err(TokenDpopError::NothingToBindTo));
    let sandbox = Bench::new().tokens.allow_bearer();
    let from = |peer: &str| {
        let mut parts = connected("", None, None);
        parts
            .extensions
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        sandbox.binding_of_token_request(&parts)
    };
    assert_eq!(from("127.0.0.1:7"), Ok(Binding::Bare));
    assert_eq!(from("192.0.2.1:7"), Err(TokenDpopError::NothingToBindTo));
}

#[test]
fn a_token_is_inspected_without_its_holder() {
    let bench = Bench::new();
    let token = bench
        .tokens
        .issue(Role::RelyingParty, CLIENT, &certified(1), 600)
        .unwrap();
    let valid = bench.tokens.inspect(&token).unwrap();
    assert_eq!(
        (valid.caller.role, valid.caller.id.as_str()),
        (Role::RelyingParty, CLIENT)
    );
    assert_eq!(valid.binding.token_type(), "Bearer");
    assert_eq!(valid.binding, certified(1));
    assert_eq!((valid.issued_at, valid.expires_at), (START, START.plus(600)));
    assert!(bench.tokens.inspect("a.b.c").is_none());
    bench.clock.advance(600);
    assert!(bench.tokens.inspect(&token).is_none());
}

const QUOTA: Quota = Quota {
    burst: 2,
    per_second: 1,
};

fn limited(bench: &Bench) -> AccessTokens {
    tokens(Arc::clone(&bench.clock)).with_quotas(CallerQuotas {
        client: QUOTA,
        device: Quota { burst: 1, ..QUOTA },
    })
}

/// A call over quota costs a MAC: its proof is not looked at, whatever it is, and so neither is a signature checked nor
/// the proof used up.
#[test]
fn a_quota_is_spent_before_a_proof_is_looked_at() {
    let bench = Bench::new();
    let tokens = limited(&bench);
    let client = Client::new(&tokens);
    let scheme = format!("DPoP {}", client.token);
    let check = |proof: &str| tokens.check(&parts(&scheme, proof)).err();
    let malformed = Some(InvalidProof::Message(jws::InvalidJws::Malformed).into());
    let over = Some(Refusal::OverQuota(OverQuota { retry_after: 1 }));
    assert_eq!(check("a.b.c"), malformed, "a refused call is a call");
    assert_eq!(check("a.b.c"), malformed);
    let good = client.proof(&client.claims(Some(&tokens.fresh_nonce())));
    for proof in ["a.b.c", &good, ""] {
        assert_eq!(check(proof), over, "{proof:?}");
    }
    bench.clock.advance(1);
    assert_eq!(check(&good), None, "it was not used up");
    assert_eq!(check(&good), over);
}

#[test]
fn everybody_has_a_quota_of_their_own_and_nobody_spends_anothers_without_a_token() {
    let bench = Bench::new();
    let tokens = limited(&bench);
    let spend = |role, id: &str| {
        let token = tokens.issue(role, id, &bound(&key(7)), 600).unwrap();
        let refusal = tokens.check(&parts(&format!("DPoP {token}"), "a.b.c")).err();
        !matches!(refusal, Some(Refusal::OverQuota(_)))
    };
    for _ in 0..3 {
        let forged = tokens_of(ISSUER, 2, Arc::clone(&bench.clock))
            .issue(Role::RelyingParty, CLIENT, &bound(&key(7)), 600)
            .unwrap();
        let refusal = tokens.check(&parts(&format!("DPoP {forged}"), "a.b.c")).err();
        assert_eq!(refusal, Some(InvalidToken::Foreign.into()));
    }
    let party = |id| [(); 3].map(|()| spend(Role::RelyingParty, id));
    assert_eq!(party(CLIENT), [true, true, false]);
    assert_eq!(party(OTHER), [true, true, false]);
    assert!(spend(Role::Holder, "device"));
    assert!(!spend(Role::Holder, "device"));
    assert!(spend(Role::Holder, "another"));
    bench.clock.advance(2);
    tokens.forget_rested();
    assert_eq!(party(CLIENT), [true, true, false]);
}

#[tokio::test]
async fn who_is_over_quota_is_told_when_to_come_back() {
    let quotas = CallerQuotas {
        client: Quota { burst: 1, ..QUOTA },
        device: QUOTA,
    };
    let platform = Platform::start_with(Limits::default(), None, |tokens| tokens.with_quotas(quotas)).await;
    let scheme = format!("DPoP {}", Client::new(&platform.tokens).token);
    assert_eq!(send(&platform, &scheme, "").await.status(), 401);
    let answer = send(&platform, &scheme, "").await;
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(problem(answer).await.kind, ProblemType::RateLimited);
}
