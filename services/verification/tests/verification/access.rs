//! Tokens bound to certificates, what a token is worth, and what stops whoever calls or misses too often.

use axum::body::Body;
use cyberid_crypto::{Sign as _, base64url, jws};
use cyberid_domain::check::Check;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::Nonce;
use cyberid_domain::relying_party::Role;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::access::{
    AuthorizationServer, CLIENT_ASSERTION_TYPE, Introspection, JWT_BEARER_GRANT, TokenAnswer, TokenError,
};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{OutcomeCounts, Registered};
use cyberid_protocol::verification::Attested;
use cyberid_storage::subject::Subjects as _;
use cyberid_web::auth::Binding;
use cyberid_web::quota::Quota;
use cyberid_web::server::PeerCertificate;
use http::Request;
use serde_json::{Value, json};

use crate::holding::asking;
use crate::platform::{Answer, Client, ISSUER, Platform, new_key};

const SHOWN: [u8; 32] = [7; 32];

/// Sends a form over a connection that showed a certificate, or over one that did not.
async fn send(
    platform: &Platform,
    path: &str,
    form: &[(&str, &str)],
    shown: Option<[u8; 32]>,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(sha256) = shown {
        request = request.extension(PeerCertificate { sha256 });
    }
    let form = serde_urlencoded::to_string(form).unwrap();
    platform.send(request.body(Body::from(form)).unwrap()).await
}

fn assertion(platform: &Platform, client: &Client) -> String {
    let now = platform.clock.now();
    let claims = json!({"iss": client.id, "sub": client.id, "aud": ISSUER, "iat": now, "exp": now.plus(300),
        "jti": Nonce::random(&SystemRng)});
    jws::sign(&client.key, "JWT", &claims).unwrap()
}

async fn ask_token(
    platform: &Platform,
    client: &Client,
    shown: Option<[u8; 32]>,
    dpop: Option<&str>,
) -> Answer {
    let assertion = assertion(platform, client);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", CLIENT_ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ];
    let headers: Vec<_> = dpop.iter().map(|proof| ("dpop", *proof)).collect();
    send(platform, "/oauth/token", &form, shown, &headers).await
}

fn dpop(platform: &Platform, client: &Client) -> String {
    let claims = json!({"jti": Nonce::random(&SystemRng), "htm": "POST", "htu": format!("{ISSUER}/oauth/token"),
        "iat": platform.clock.now(), "nonce": platform.tokens.fresh_nonce()});
    jws::sign_embedding_key(&client.key, "dpop+jwt", &claims).unwrap()
}

/// The members of a token's claims.
fn said(token: &str) -> Value {
    let claims = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[tokio::test]
async fn a_client_with_a_certificate_and_no_proof_gets_a_token_that_is_bound_to_it() {
    let platform = Platform::start_with(Quota::default(), false).await;
    let operator = &platform.operators[0];
    let token: TokenAnswer = ask_token(&platform, operator, Some(SHOWN), None)
        .await
        .expect(200);
    assert_eq!(token.token_type, "Bearer");
    let x5t = base64url::encode(&SHOWN);
    assert_eq!(said(&token.access_token)["cnf"], json!({"x5t#S256": x5t}));

    let call = async |scheme: &str, shown: Option<[u8; 32]>| {
        let mut request = Request::get(format!("/v1/relying-parties/{}", operator.id))
            .header("authorization", format!("{scheme} {}", token.access_token));
        if let Some(sha256) = shown {
            request = request.extension(PeerCertificate { sha256 });
        }
        platform
            .send(request.body(Body::empty()).unwrap())
            .await
            .problem()
    };
    assert_eq!(call("Bearer", Some(SHOWN)).await, ProblemType::NotFound, "let in");
    for (scheme, shown) in [("Bearer", None), ("Bearer", Some([8; 32])), ("DPoP", Some(SHOWN))] {
        assert_eq!(
            call(scheme, shown).await,
            ProblemType::Unauthenticated,
            "{scheme} {shown:?}"
        );
    }
}

#[tokio::test]
async fn a_proof_is_what_a_token_is_bound_to_where_both_are_shown() {
    let platform = Platform::start_with(Quota::default(), false).await;
    let operator = &platform.operators[0];
    let proof = dpop(&platform, operator);
    let both = ask_token(&platform, operator, Some(SHOWN), Some(&proof)).await;
    let token: TokenAnswer = both.expect(200);
    assert_eq!(token.token_type, "DPoP");
    assert_eq!(
        said(&token.access_token)["cnf"],
        json!({"jkt": operator.key.kid()})
    );
    // A proof that does not hold is not made good by a certificate.
    let replayed = ask_token(&platform, operator, Some(SHOWN), Some(&proof)).await;
    assert_eq!(replayed.expect::<TokenError>(400).error, "invalid_dpop_proof");
    let neither = ask_token(&platform, operator, None, None).await;
    assert_eq!(neither.expect::<TokenError>(400).error, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_holders_token_is_bound_to_a_key_and_not_to_a_certificate() {
    let platform = Platform::start_with(Quota::default(), false).await;
    let device = platform.adult().await.device;
    let now = platform.clock.now();
    let claims = json!({"iss": device.kid(), "sub": device.kid(), "aud": ISSUER, "iat": now, "exp": now.plus(300),
        "jti": Nonce::random(&SystemRng)});
    let assertion = jws::sign(&device, "JWT", &claims).unwrap();
    let form = [
        ("grant_type", JWT_BEARER_GRANT),
        ("assertion", assertion.as_str()),
    ];
    let refused = send(&platform, "/oauth/token", &form, Some(SHOWN), &[]).await;
    assert_eq!(refused.expect::<TokenError>(400).error, "invalid_dpop_proof");
}

#[tokio::test]
async fn an_oauth_library_learns_what_it_needs() {
    let platform = Platform::start().await;
    let answer = platform
        .get_publicly("/.well-known/oauth-authorization-server")
        .await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let metadata: AuthorizationServer = answer.expect(200);
    assert_eq!(metadata.issuer, ISSUER);
    assert_eq!(metadata.token_endpoint, format!("{ISSUER}/oauth/token"));
    assert_eq!(metadata.jwks_uri, format!("{ISSUER}/.well-known/jwks.json"));
    assert_eq!(
        metadata.introspection_endpoint,
        format!("{ISSUER}/oauth/introspect")
    );
    assert_eq!(
        metadata.token_endpoint_auth_methods_supported,
        ["private_key_jwt"]
    );
    assert_eq!(
        metadata.token_endpoint_auth_signing_alg_values_supported,
        ["ES256"]
    );
    assert_eq!(metadata.dpop_signing_alg_values_supported, ["ES256"]);
    assert!(metadata.tls_client_certificate_bound_access_tokens);
    let raw: Value = answer.read();
    assert_eq!(raw["response_types_supported"], json!([]), "required by RFC 8414");
}

async fn introspect(platform: &Platform, caller: &Client, token: &str) -> Answer {
    let bearer = platform
        .tokens
        .issue(caller.role, caller.id.as_str(), &Binding::Bare, 600)
        .unwrap();
    let bearer = format!("Bearer {bearer}");
    let headers = [("authorization", bearer.as_str())];
    send(platform, "/oauth/introspect", &[("token", token)], None, &headers).await
}

#[tokio::test]
async fn an_operator_learns_what_a_token_is_worth_now() {
    let platform = Platform::start().await;
    let (rp, operator) = (platform.relying_party().await, &platform.operators[0]);
    let inspect = async |token: &str| {
        introspect(&platform, operator, token)
            .await
            .expect::<Introspection>(200)
    };
    let issue = |role, id: &str, binding: &Binding| platform.tokens.issue(role, id, binding, 600).unwrap();
    let jkt = String::from(rp.key.kid());
    let bound = issue(
        Role::RelyingParty,
        rp.id.as_str(),
        &Binding::Key { jkt: jkt.clone() },
    );
    let active = inspect(&bound).await;
    assert!(active.active);
    let token = active.token.unwrap();
    let now = platform.clock.now();
    assert_eq!(
        (token.sub.as_str(), token.client_id.as_deref()),
        (rp.id.as_str(), Some(rp.id.as_str()))
    );
    assert_eq!(
        (token.role.as_str(), token.token_type.as_str()),
        ("relying_party", "DPoP")
    );
    assert_eq!(
        (token.iat, token.exp, token.iss.as_str()),
        (now, now.plus(600), ISSUER)
    );
    assert_eq!(token.cnf.unwrap().jkt, Some(jkt));

    let certified = issue(
        Role::RelyingParty,
        rp.id.as_str(),
        &Binding::Certificate { sha256: SHOWN },
    );
    let token = inspect(&certified).await.token.unwrap();
    assert_eq!(token.token_type, "Bearer");
    assert_eq!(token.cnf.unwrap().x5t_s256, Some(base64url::encode(&SHOWN)));

    let citizen = platform.adult().await;
    let holders = issue(Role::Holder, citizen.device.kid(), &Binding::Bare);
    let token = inspect(&holders).await.token.unwrap();
    assert_eq!(
        (token.sub.as_str(), token.client_id),
        (citizen.device.kid(), None)
    );

    let claimed = issue(Role::Regulator, rp.id.as_str(), &Binding::Bare);
    let nobody = issue(Role::RelyingParty, "AAAAAAAAAAAAAAAAAAAAAA", &Binding::Bare);
    let stranger = issue(Role::Holder, new_key().kid(), &Binding::Bare);
    for worthless in ["", "a.b.c", &bound[1..], &claimed, &nobody, &stranger] {
        assert_eq!(inspect(worthless).await, Introspection::default(), "{worthless}");
    }
    let set_status = |status| platform.db.set_status(&citizen.subject, status);
    set_status(SubjectStatus::Cancelled).await.unwrap();
    assert_eq!(inspect(&holders).await, Introspection::default());
    platform
        .act(operator, &rp.id, "suspend")
        .await
        .expect::<Registered>(200);
    let suspended = introspect(&platform, operator, &bound).await;
    assert_eq!(suspended.body, br#"{"active":false}"#, "and nothing more");
    platform.clock.advance(600);
    assert_eq!(inspect(&certified).await, Introspection::default());
}

#[tokio::test]
async fn nobody_but_an_operator_inspects_a_token_their_own_included() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let own = platform
        .tokens
        .issue(rp.role, rp.id.as_str(), &Binding::Bare, 600)
        .unwrap();
    for caller in [&rp, &platform.regulator] {
        assert_eq!(
            introspect(&platform, caller, &own).await.problem(),
            ProblemType::Forbidden
        );
    }
    let form = [("token", own.as_str())];
    let nobody = send(&platform, "/oauth/introspect", &form, None, &[]).await;
    assert_eq!(nobody.problem(), ProblemType::Unauthenticated);
    let operator = &platform.operators[0];
    let bearer = platform
        .tokens
        .issue(operator.role, operator.id.as_str(), &Binding::Bare, 600)
        .unwrap();
    let bearer = format!("Bearer {bearer}");
    let headers = [("authorization", bearer.as_str())];
    for form in [vec![], vec![("token", "a"), ("token", "b")]] {
        let answer = send(&platform, "/oauth/introspect", &form, None, &headers).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest);
    }
}

/// Over quota nothing of a message is looked at: what is not even a message, and what is a perfect one, get the same
/// answer, and the perfect one is as good as new afterwards.
#[tokio::test]
async fn over_quota_nothing_is_opened_verified_or_used_up() {
    let quota = Quota {
        burst: 4,
        per_second: 1,
    };
    let platform = Platform::start_with(quota, true).await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    for _ in 0..4 {
        platform.direct(&rp, "not sealed").await;
    }
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    let good = platform.seal(&citizen.device, &proof, None);
    platform.pepper.take();
    for sealed in ["not sealed", &good] {
        let answer = platform.direct(&rp, sealed).await;
        assert_eq!(answer.problem(), ProblemType::RateLimited);
        assert_eq!(answer.headers["retry-after"], "1");
    }
    platform.clock.advance(1);
    platform.direct(&rp, &good).await.expect::<Attested>(200);
}

#[tokio::test]
async fn a_relying_party_that_misses_too_often_is_shown_to_operators_alone() {
    let platform = Platform::start().await;
    let (rp, other) = (platform.relying_party().await, platform.relying_party().await);
    let citizen = platform.adult().await;
    let path = format!("/v1/relying-parties/{}", rp.id);
    let seen = async |caller: &Client| {
        platform
            .get(&path, caller)
            .await
            .expect::<Registered>(200)
            .outcomes
    };
    let operator = &platform.operators[0];
    let counts = |outcomes, misses, miss_alarm| {
        Some(OutcomeCounts {
            outcomes,
            misses,
            miss_alarm,
        })
    };
    assert_eq!(seen(operator).await, counts(0, 0, false));
    let stranger = new_key();
    for misses in 0..50 {
        assert_eq!(seen(operator).await, counts(misses, misses, false));
        let proof = platform.proof(&rp, &[Check::RealPerson]);
        let sealed = platform.seal(&stranger, &proof, None);
        platform.direct(&rp, &sealed).await.expect::<Attested>(200);
    }
    assert_eq!(seen(operator).await, counts(50, 50, true));
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    let sealed = platform.seal(&citizen.device, &proof, None);
    platform.direct(&rp, &sealed).await.expect::<Attested>(200);
    assert_eq!(seen(operator).await, counts(51, 50, true));
    assert_eq!(seen(&rp).await, None, "a relying party counts for itself");
    let another = platform
        .get(&format!("/v1/relying-parties/{}", other.id), operator)
        .await;
    assert_eq!(another.expect::<Registered>(200).outcomes, counts(0, 0, false));
    platform.clock.advance(3600);
    assert_eq!(seen(operator).await, counts(0, 0, false));
}

/// Only an answer that stands counts: one good proof hides no misses behind it, and who merely knows a request's id raises
/// no alarm.
#[tokio::test]
async fn what_is_sent_again_or_belongs_to_another_moves_no_count() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let counted = async || {
        let path = format!("/v1/relying-parties/{}", rp.id);
        let seen = platform.get(&path, &platform.operators[0]).await;
        let outcomes = seen.expect::<Registered>(200).outcomes.unwrap();
        (outcomes.outcomes, outcomes.misses)
    };
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    let sealed = platform.seal(&citizen.device, &proof, None);
    platform.direct(&rp, &sealed).await.expect::<Attested>(200);
    for _ in 0..3 {
        let again = platform.direct(&rp, &sealed).await;
        assert_eq!(again.problem(), ProblemType::ReplayedMessage);
    }
    assert_eq!(counted().await, (1, 0));

    let id = platform.ask(&rp, asking(&["real_person"])).await;
    let request = platform.request(&platform.open(&citizen, &id).await);
    let stranger = platform.seal(&new_key(), &platform.agreeing(&rp, &request), None);
    let refused = platform.answer(&id, json!({ "sealed": stranger })).await;
    assert_eq!(refused.problem(), ProblemType::RequestClosed);
    assert_eq!(counted().await, (1, 0));
    let unopened = platform.ask(&rp, asking(&["real_person"])).await;
    let declined = platform.answer(&unopened, json!({"declined": true})).await;
    assert_eq!(declined.status, 204);
    assert_eq!(counted().await, (1, 0));
    assert_eq!(platform.agree(&rp, &citizen, &request).await.status, 204);
    assert_eq!(counted().await, (2, 0));
}
