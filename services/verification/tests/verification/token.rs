//! The token endpoint and those who attack it.

use std::sync::Arc;

use axum::body::Body;
use cyberid_crypto::{Sign as _, SigningKey, base64url, digest, jws};
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::access::{CLIENT_ASSERTION_TYPE, JWT_BEARER_GRANT, TokenAnswer, TokenError};
use cyberid_protocol::registration::{MAX_LIFE, Registered};
use cyberid_storage::subject::Subjects as _;
use cyberid_web::quota::Quota;
use http::Request;
use serde_json::{Value, json};

use crate::platform::{Answer, Client, ISSUER, Platform, at_once, new_key};

/// Sends a form, with a `DPoP` proof or without.
async fn send(platform: &Platform, form: &[(&str, &str)], dpop: Option<&str>) -> Answer {
    let mut request =
        Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(dpop) = dpop {
        request = request.header("dpop", dpop);
    }
    let answer = platform
        .send(
            request
                .body(Body::from(serde_urlencoded::to_string(form).unwrap()))
                .unwrap(),
        )
        .await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer
}

fn claims(platform: &Platform, subject: &str) -> Value {
    let now = platform.clock.now();
    json!({"iss": subject, "sub": subject, "aud": ISSUER, "iat": now, "exp": now.plus(300),
        "jti": Nonce::random(&SystemRng)})
}

fn assertion(key: &SigningKey, claims: &Value) -> String {
    jws::sign(key, "JWT", claims).unwrap()
}

async fn as_client(platform: &Platform, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", CLIENT_ASSERTION_TYPE),
        ("client_assertion", assertion),
        ("resource", "ignored"),
    ];
    send(platform, &form, None).await
}

async fn as_holder(platform: &Platform, assertion: &str) -> Answer {
    send(
        platform,
        &[("grant_type", JWT_BEARER_GRANT), ("assertion", assertion)],
        None,
    )
    .await
}

fn error(answer: &Answer, status: u16) -> String {
    answer.expect::<TokenError>(status).error
}

#[tokio::test]
async fn every_kind_of_caller_gets_a_token() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    for client in [&rp, &platform.operators[0], &platform.regulator] {
        let good = assertion(&client.key, &claims(&platform, client.id.as_str()));
        let token: TokenAnswer = as_client(&platform, &good).await.expect(200);
        assert_eq!((token.token_type.as_str(), token.expires_in), ("Bearer", 600));
    }
    let citizen = platform.adult().await;
    let good = assertion(&citizen.device, &claims(&platform, citizen.device.kid()));
    as_holder(&platform, &good).await.expect::<TokenAnswer>(200);
    let mut endpoint = claims(&platform, rp.id.as_str());
    endpoint["aud"] = json!([ISSUER, format!("{ISSUER}/oauth/token")]);
    as_client(&platform, &assertion(&rp.key, &endpoint))
        .await
        .expect::<TokenAnswer>(200);
}

/// Whoever is not let in learns nothing of why: all are one answer.
#[tokio::test]
async fn forged_foreign_stale_and_unknown_assertions_are_one_answer() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let id = rp.id.as_str();
    let with = |member: &str, value: Value| {
        let mut claims = claims(&platform, id);
        claims[member] = value;
        assertion(&rp.key, &claims)
    };
    let without = |member: &str| {
        let mut claims = claims(&platform, id);
        claims.as_object_mut().unwrap().remove(member);
        assertion(&rp.key, &claims)
    };
    let now = platform.clock.now();
    let unknown = Nonce::random(&SystemRng);
    let attacks = [
        (
            "unknown client",
            assertion(&rp.key, &claims(&platform, unknown.as_str())),
        ),
        ("another's key", assertion(&new_key(), &claims(&platform, id))),
        (
            "an operator's id",
            assertion(&rp.key, &claims(&platform, platform.operators[0].id.as_str())),
        ),
        (
            "alg none",
            unsigned(r#"{"alg":"none","typ":"JWT"}"#, &claims(&platform, id), b""),
        ),
        (
            "HS256 under the public key",
            confused(&rp, &claims(&platform, id)),
        ),
        (
            "key in the header",
            jws::sign_embedding_key(&new_key(), "JWT", &claims(&platform, id)).unwrap(),
        ),
        (
            "another type",
            jws::sign(&rp.key, "cyberid-proof+jwt", &claims(&platform, id)).unwrap(),
        ),
        ("another audience", with("aud", json!("https://other.example"))),
        (
            "one audience too many",
            with("aud", json!([ISSUER, "https://other.example"])),
        ),
        ("no audience", with("aud", json!([]))),
        ("another issuer", with("iss", json!(unknown))),
        ("string exp", with("exp", json!(now.plus(300).0.to_string()))),
        ("no exp", without("exp")),
        ("no jti", without("jti")),
        ("empty jti", with("jti", json!(""))),
        ("over", with("exp", json!(now.minus(60)))),
        ("from the future", with("iat", json!(now.plus(61)))),
        ("too long a life", with("exp", json!(now.plus(301)))),
        ("nothing", "..".to_owned()),
    ];
    let bodies: Vec<_> = {
        let mut bodies = vec![];
        for (attack, assertion) in &attacks {
            let answer = as_client(&platform, assertion).await;
            assert_eq!(error(&answer, 401), "invalid_client", "{attack}");
            bodies.push(answer.body);
        }
        bodies
    };
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    as_client(&platform, &assertion(&rp.key, &claims(&platform, id)))
        .await
        .expect::<TokenAnswer>(200);
}

fn unsigned(header: &str, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| base64url::encode(bytes);
    let claims = claims.to_string();
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.as_bytes()),
        part(signature)
    )
}

fn confused(rp: &Client, claims: &Value) -> String {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let tag = digest::hmac_parts(rp.key.public_key().as_sec1(), &[claims.to_string().as_bytes()]);
    unsigned(header, claims, &tag)
}

#[tokio::test]
async fn a_life_without_a_beginning_is_counted_from_now() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let ending = |seconds| {
        let mut claims = claims(&platform, rp.id.as_str());
        claims.as_object_mut().unwrap().remove("iat");
        claims["exp"] = json!(platform.clock.now().plus(seconds));
        assertion(&rp.key, &claims)
    };
    as_client(&platform, &ending(360))
        .await
        .expect::<TokenAnswer>(200);
    assert_eq!(
        error(&as_client(&platform, &ending(361)).await, 401),
        "invalid_client"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_used_once_also_by_those_who_hurry() {
    let platform = Arc::new(Platform::start().await);
    let rp = platform.relying_party().await;
    let good = assertion(&rp.key, &claims(&platform, rp.id.as_str()));
    let answers = at_once(10, || {
        let (platform, good) = (Arc::clone(&platform), good.clone());
        async move { as_client(&platform, &good).await }
    })
    .await;
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(given, 1);
    assert_eq!(error(&as_client(&platform, &good).await, 401), "invalid_client");
}

#[tokio::test]
async fn an_applicant_gets_no_token_and_who_still_owes_erasures_gets_one() {
    let platform = Platform::start().await;
    let token = async |rp: &Client| {
        let good = assertion(&rp.key, &claims(&platform, rp.id.as_str()));
        as_client(&platform, &good).await
    };
    let applicant = platform.applicant().await;
    assert_eq!(error(&token(&applicant).await, 401), "invalid_client");

    let (suspended, expired) = (platform.relying_party().await, platform.relying_party().await);
    platform
        .act(&platform.operators[0], &suspended.id, "suspend")
        .await
        .expect::<Registered>(200);
    token(&suspended).await.expect::<TokenAnswer>(200);
    platform.clock.advance(MAX_LIFE);
    token(&expired).await.expect::<TokenAnswer>(200);
}

#[tokio::test]
async fn a_suspended_holder_gets_a_token_to_resume_with_and_a_cancelled_one_none() {
    let platform = Platform::start().await;
    let citizen = platform.adult().await;
    let good = || assertion(&citizen.device, &claims(&platform, citizen.device.kid()));
    platform
        .db
        .set_status(&citizen.subject, SubjectStatus::Suspended)
        .await
        .unwrap();
    as_holder(&platform, &good()).await.expect::<TokenAnswer>(200);
    platform
        .db
        .set_status(&citizen.subject, SubjectStatus::Cancelled)
        .await
        .unwrap();
    let cancelled = as_holder(&platform, &good()).await;
    assert_eq!(error(&cancelled, 400), "invalid_grant");
    let stranger = new_key();
    let unknown = as_holder(
        &platform,
        &assertion(&stranger, &claims(&platform, stranger.kid())),
    )
    .await;
    let forged = as_holder(
        &platform,
        &assertion(&stranger, &claims(&platform, citizen.device.kid())),
    )
    .await;
    assert_eq!((&unknown.body, &forged.body), (&cancelled.body, &cancelled.body));
    // A client's grant is not for holders, nor a holder's for clients.
    assert_eq!(error(&as_client(&platform, &good()).await, 401), "invalid_client");
    let operator = &platform.operators[0];
    let operators = assertion(&operator.key, &claims(&platform, operator.id.as_str()));
    assert_eq!(
        error(&as_holder(&platform, &operators).await, 400),
        "invalid_grant"
    );
}

#[tokio::test]
async fn forms_are_read_as_the_standard_says() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let good = assertion(&rp.key, &claims(&platform, rp.id.as_str()));
    let kind = ("client_assertion_type", CLIENT_ASSERTION_TYPE);
    let (grant, client) = (
        ("grant_type", "client_credentials"),
        ("client_assertion", good.as_str()),
    );
    let other = platform.regulator.id.as_str();
    for (form, status, code) in [
        (vec![], 400, "invalid_request"),
        (vec![grant, kind, client, grant], 400, "invalid_request"),
        (
            vec![grant, kind, client, ("scope", "a"), ("scope", "b")],
            400,
            "invalid_request",
        ),
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![("grant_type", JWT_BEARER_GRANT)], 400, "invalid_request"),
        (
            vec![grant, ("client_id", rp.id.as_str()), ("client_secret", "x")],
            401,
            "invalid_client",
        ),
        (vec![grant, client], 401, "invalid_client"),
        (vec![grant, kind], 401, "invalid_client"),
        (
            vec![grant, kind, client, ("client_id", other)],
            401,
            "invalid_client",
        ),
    ] {
        assert_eq!(
            error(&send(&platform, &form, None).await, status),
            code,
            "{form:?}"
        );
    }
    let json = Request::post("/oauth/token").header("content-type", "application/json");
    let answer = platform.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(error(&answer, 400), "invalid_request");
    let form = [grant, kind, client, ("client_id", rp.id.as_str()), ("scope", "")];
    send(&platform, &form, None).await.expect::<TokenAnswer>(200);
}

#[tokio::test]
async fn outside_a_sandbox_a_token_is_bound_to_a_key_by_a_proof_with_our_nonce() {
    let platform = Platform::start_with(Quota::default(), false).await;
    let operator = &platform.operators[0];
    let good = || assertion(&operator.key, &claims(&platform, operator.id.as_str()));
    let dpop = |nonce: Option<&str>| {
        let proof = json!({"jti": Nonce::random(&SystemRng), "htm": "POST", "htu": format!("{ISSUER}/oauth/token"),
            "iat": platform.clock.now(), "nonce": nonce});
        jws::sign_embedding_key(&operator.key, "dpop+jwt", &proof).unwrap()
    };
    let ask = async |assertion: &str, dpop: Option<&str>| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", CLIENT_ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        send(&platform, &form, dpop).await
    };
    assert_eq!(error(&ask(&good(), None).await, 400), "invalid_dpop_proof");
    assert_eq!(
        error(&ask(&good(), Some("a.b.c")).await, 400),
        "invalid_dpop_proof"
    );
    let assertion = good();
    let first = ask(&assertion, Some(&dpop(None))).await;
    assert_eq!(error(&first, 400), "use_dpop_nonce");
    let nonce = first.headers["dpop-nonce"].to_str().unwrap();
    // The assertion was not spent on the nonce.
    let token: TokenAnswer = ask(&assertion, Some(&dpop(Some(nonce)))).await.expect(200);
    assert_eq!(token.token_type, "DPoP");
    let unknown = ask(
        &self::assertion(&new_key(), &claims(&platform, operator.id.as_str())),
        None,
    )
    .await;
    assert_eq!(error(&unknown, 401), "invalid_client");
}
