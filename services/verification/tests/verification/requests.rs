//! Asking, fetching, answering, and coming back for the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::id::VerificationId;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::role::{Registration, Request};
use cyberid_protocol::message::open;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::registration::RegistrationCertificate;
use cyberid_protocol::request::RequestObject;
use cyberid_protocol::verification::{VerificationStatus, VerificationView};
use cyberid_storage::oversight::Oversight as _;
use cyberid_web::quota::Quota;
use serde_json::{Value, json};

use crate::platform::{Client, PURPOSE, Platform, REGULATED, at_once, pin};

const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn body() -> Value {
    json!({"purpose": PURPOSE, "checks": ["age_over_18", "real_person"], "nonce": NONCE})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = body();
    body[member] = value;
    body
}

/// The proof of a holder who agrees to the request as it stands.
async fn agreeing(platform: &Platform, rp: &Client, id: &VerificationId) -> Proof {
    let request = fetch(platform, id).await;
    Proof {
        request: Some(request.id),
        purpose: request.purpose,
        factors: request.factors,
        nonce: request.nonce,
        ..platform.proof(rp, &request.checks)
    }
}

async fn fetch(platform: &Platform, id: &VerificationId) -> cyberid_protocol::request::VerificationRequest {
    let answer = platform
        .get_publicly(&format!("/v1/requests/{id}?locale=en"))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/oauth-authz-req+jwt");
    let key = platform.keys.signer::<Request>().unwrap().public_key();
    match open(std::str::from_utf8(&answer.body).unwrap(), &key).unwrap() {
        RequestObject::Verification(request) => request,
        RequestObject::Release(_) => panic!("a release"),
    }
}

#[tokio::test]
async fn a_holder_sees_who_asks_answers_and_the_party_learns_pass_and_its_own_pseudonym() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let id = platform.ask(&rp, body()).await;
    assert_eq!(platform.view(&rp, &id).await.status, VerificationStatus::Pending);

    let request = fetch(&platform, &id).await;
    assert_eq!(
        (request.rp.name.as_str(), request.rp.domain.as_str()),
        ("Example Bank", "bank.example")
    );
    assert_eq!(request.exp.since(request.iat), 300);
    assert_eq!(request.factors, [Factor::Device]);
    let key = platform.keys.signer::<Registration>().unwrap().public_key();
    let certificate: RegistrationCertificate = open(&request.registration_certificate, &key).unwrap();
    assert_eq!(
        (certificate.sub, certificate.intended_use.purpose.as_str()),
        (rp.id.clone(), PURPOSE)
    );

    let proof = agreeing(&platform, &rp, &id).await;
    let sealed = platform.seal(&citizen.device, &proof, None);
    let answered = platform.answer(&id, json!({ "sealed": sealed })).await;
    assert_eq!((answered.status.as_u16(), answered.body.len()), (204, 0));

    let view = platform.view(&rp, &id).await;
    assert_eq!(view.status, VerificationStatus::Passed);
    let attestation = platform.attestation(&rp, &view.attestation.unwrap());
    assert_eq!(attestation.nonce.as_str(), NONCE);
    assert_eq!(
        (attestation.result, attestation.exp.since(attestation.iat)),
        (Outcome::Pass, 600)
    );
    assert!(attestation.sub.is_some());

    for late in [json!({ "sealed": sealed }), json!({"declined": true})] {
        assert_eq!(
            platform.answer(&id, late).await.problem(),
            ProblemType::RequestClosed
        );
    }
    let closed = platform.get_publicly(&format!("/v1/requests/{id}")).await;
    assert_eq!(closed.problem(), ProblemType::RequestClosed);
}

#[tokio::test]
async fn more_than_is_registered_is_refused_and_counted() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let ask = async |body| platform.post("/v1/verifications", &rp, body).await.problem();
    assert_eq!(
        ask(with("purpose", json!("marketing"))).await,
        ProblemType::UnregisteredUse
    );
    assert!(platform.db.over_asking().await.unwrap().is_empty());
    for checks in [json!(["age_over_21"]), json!(["real_person", "age_over_16"])] {
        assert_eq!(ask(with("checks", checks)).await, ProblemType::OverAsking);
    }
    let mut elsewhere = body();
    elsewhere["purpose"] = json!(REGULATED);
    assert_eq!(ask(elsewhere).await, ProblemType::OverAsking);
    assert_eq!(platform.db.over_asking().await.unwrap(), [(rp.id.clone(), 3)]);
}

#[tokio::test]
async fn a_request_is_taken_only_in_its_documented_form() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let ask = async |body| platform.post("/v1/verifications", &rp, body).await;
    let malformed = [
        with("checks", json!([])),
        with("checks", json!(["real_person", "real_person"])),
        with("factors", json!(["pin", "pin"])),
        with("expires_in", json!(29)),
        with("expires_in", json!(901)),
        with("nonce", json!("short")),
        with("checks", json!(["guess"])),
        with("unknown", json!(1)),
    ];
    for body in malformed {
        assert_eq!(ask(body).await.problem(), ProblemType::MalformedRequest);
    }
    let sub = "A".repeat(43);
    let mut same = with("checks", json!(["same_person"]));
    assert_eq!(ask(same.clone()).await.problem(), ProblemType::InvalidSub);
    same["sub"] = json!("short");
    assert_eq!(ask(same.clone()).await.problem(), ProblemType::InvalidSub);
    same["sub"] = json!(sub);
    assert_eq!(ask(same).await.status, 201);
    assert_eq!(
        ask(with("sub", json!(sub))).await.problem(),
        ProblemType::InvalidSub
    );
    for seconds in [30, 900] {
        assert_eq!(ask(with("expires_in", json!(seconds))).await.status, 201);
    }
}

#[tokio::test]
async fn a_request_is_over_when_its_time_is_and_gone_when_that_is_long_ago() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let id = platform.ask(&rp, with("expires_in", json!(30))).await;
    let proof = agreeing(&platform, &rp, &id).await;
    let sealed = platform.seal(&citizen.device, &proof, None);
    platform.clock.advance(30);
    assert_eq!(platform.view(&rp, &id).await.status, VerificationStatus::Expired);
    let answer = platform.answer(&id, json!({ "sealed": sealed })).await;
    assert_eq!(answer.problem(), ProblemType::RequestClosed);
    let fetched = platform.get_publicly(&format!("/v1/requests/{id}")).await;
    assert_eq!(fetched.problem(), ProblemType::RequestClosed);
    platform.clock.advance(601);
    platform.service.housekeep().await.unwrap();
    let gone = platform.get(&format!("/v1/verifications/{id}"), &rp).await;
    assert_eq!(gone.problem(), ProblemType::NotFound);
}

#[tokio::test]
async fn nobody_else_sees_a_verification_and_what_is_not_there_is_not_found() {
    let platform = Platform::start().await;
    let (rp, other) = (platform.relying_party().await, platform.relying_party().await);
    let id = platform.ask(&rp, body()).await;
    let unknown = VerificationId::random(&SystemRng);
    for (caller, id) in [(&other, &id), (&rp, &unknown)] {
        let answer = platform.get(&format!("/v1/verifications/{id}"), caller).await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
    }
    for path in [
        format!("/v1/requests/{unknown}"),
        "/v1/requests/rel_AAAAAAAAAAAAAAAAAAAAAA".into(),
    ] {
        assert_eq!(
            platform.get_publicly(&path).await.problem(),
            ProblemType::NotFound
        );
    }
    let answer = platform.answer(&unknown, json!({"declined": true})).await;
    assert_eq!(answer.problem(), ProblemType::NotFound);
}

#[tokio::test]
async fn a_holder_may_refuse_and_then_the_request_is_closed() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let id = platform.ask(&rp, body()).await;
    for neither in [
        json!({}),
        json!({"declined": false}),
        json!({"declined": true, "sealed": "a"}),
    ] {
        assert_eq!(
            platform.answer(&id, neither).await.problem(),
            ProblemType::MalformedRequest
        );
    }
    assert_eq!(platform.answer(&id, json!({"declined": true})).await.status, 204);
    let view = platform.view(&rp, &id).await;
    assert_eq!(
        (view.status, view.attestation),
        (VerificationStatus::Declined, None)
    );
    assert_eq!(
        platform.answer(&id, json!({"declined": true})).await.problem(),
        ProblemType::RequestClosed
    );
}

#[tokio::test]
async fn the_holder_agreed_to_exactly_this_request() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let id = platform.ask(&rp, body()).await;
    let other = platform.ask(&rp, body()).await;
    let good = agreeing(&platform, &rp, &id).await;
    let changed = [
        Proof {
            request: None,
            ..good.clone()
        },
        Proof {
            request: Some(other),
            ..good.clone()
        },
        Proof {
            purpose: REGULATED.into(),
            ..good.clone()
        },
        Proof {
            checks: vec![Check::RealPerson],
            ..good.clone()
        },
        Proof {
            checks: vec![Check::RealPerson, Check::AgeOver18, Check::AgeOver14],
            ..good.clone()
        },
        Proof {
            factors: vec![Factor::Device, Factor::Pin],
            ..good.clone()
        },
        Proof {
            nonce: good.jti.clone(),
            ..good.clone()
        },
    ];
    for proof in changed {
        let sealed = platform.seal(&citizen.device, &proof, None);
        let answer = platform.answer(&id, json!({ "sealed": sealed })).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    }
    let with_pin = platform.seal(&citizen.device, &good, Some(&pin()));
    let answer = platform.answer(&id, json!({ "sealed": with_pin })).await;
    assert_eq!(
        answer.problem(),
        ProblemType::InvalidMessage,
        "a PIN that nobody asked for"
    );
    let sealed = platform.seal(&citizen.device, &good, None);
    assert_eq!(
        platform.answer(&id, json!({ "sealed": sealed })).await.status,
        204
    );
}

#[tokio::test]
async fn the_same_person_is_known_again_and_another_is_not() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (citizen, other) = (platform.adult().await, platform.adult().await);
    let sealed = platform.seal(&citizen.device, &platform.proof(&rp, &[Check::RealPerson]), None);
    let attested = platform.direct(&rp, &sealed).await.expect::<Value>(200);
    let sub = platform
        .attestation(&rp, attested["attestation"].as_str().unwrap())
        .sub
        .unwrap();
    for (person, status) in [
        (&citizen, VerificationStatus::Passed),
        (&other, VerificationStatus::Failed),
    ] {
        let mut body = with("checks", json!(["same_person"]));
        body["sub"] = json!(sub);
        let id = platform.ask(&rp, body).await;
        let proof = agreeing(&platform, &rp, &id).await;
        let sealed = platform.seal(&person.device, &proof, None);
        assert_eq!(
            platform.answer(&id, json!({ "sealed": sealed })).await.status,
            204
        );
        assert_eq!(platform.view(&rp, &id).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_woken_by_the_answer_and_otherwise_told_when_the_wait_is_over() {
    let platform = Arc::new(Platform::start().await);
    let rp = platform.relying_party().await;
    let id = platform.ask(&rp, body()).await;
    let path = format!("/v1/verifications/{id}");
    let start = Instant::now();
    let view: VerificationView = platform.get(&format!("{path}?wait=1"), &rp).await.expect(200);
    assert_eq!(view.status, VerificationStatus::Pending);
    assert!(start.elapsed() >= Duration::from_secs(1));

    let (start, answering) = (Instant::now(), Arc::clone(&platform));
    let answer = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        answering.answer(&id, json!({"declined": true})).await
    });
    let view: VerificationView = platform.get(&format!("{path}?wait=60"), &rp).await.expect(200);
    assert_eq!(view.status, VerificationStatus::Declined);
    assert!(
        start.elapsed() < Duration::from_millis(900),
        "woken, not found by looking each second"
    );
    assert_eq!(answer.await.unwrap().status, 204);
    for query in ["wait=61", "wait=-1", "wait=1&wait=1", "other=1"] {
        let answer = platform.get(&format!("{path}?{query}"), &rp).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_at_once_one_counts() {
    let platform = Arc::new(Platform::start().await);
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let id = platform.ask(&rp, body()).await;
    let proof = agreeing(&platform, &rp, &id).await;
    let sealed = platform.seal(&citizen.device, &proof, None);
    let answers = at_once(20, || {
        let (platform, id, sealed) = (Arc::clone(&platform), id.clone(), sealed.clone());
        async move { platform.answer(&id, json!({ "sealed": sealed })).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    assert_eq!(platform.view(&rp, &id).await.status, VerificationStatus::Passed);
}

/// Those who wait never take all of the server's places.
#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_seat_is_answered_at_once() {
    let platform = Arc::new(Platform::start().await);
    let rp = Arc::new(platform.relying_party().await);
    let id = platform.ask(&rp, body()).await;
    let path: Arc<str> = format!("/v1/verifications/{id}?wait=60").into();
    let waits = (0..600).map(|_| {
        let (platform, rp, path) = (Arc::clone(&platform), Arc::clone(&rp), Arc::clone(&path));
        async move { platform.get(&path, &rp).await }
    });
    let mut waiting: tokio::task::JoinSet<_> = waits.collect();
    for _ in 0..88 {
        let answer = waiting.join_next().await.unwrap().unwrap();
        let view: VerificationView = answer.expect(200);
        assert_eq!(view.status, VerificationStatus::Pending);
    }
    let another = tokio::time::timeout(Duration::from_secs(2), waiting.join_next()).await;
    assert!(another.is_err(), "the others wait");
}

#[tokio::test]
async fn a_party_that_spent_its_quota_comes_back_later_and_others_are_served() {
    let quota = Quota {
        burst: 2,
        per_second: 1,
    };
    let platform = Platform::start_with(quota, true).await;
    let (rp, other) = (platform.relying_party().await, platform.relying_party().await);
    platform.ask(&rp, body()).await;
    platform.ask(&rp, body()).await;
    let limited = platform.direct(&rp, "not even opened").await;
    assert_eq!(limited.problem(), ProblemType::RateLimited);
    assert_eq!(limited.headers["retry-after"], "1");
    platform.ask(&other, body()).await;
    platform.clock.advance(1);
    platform.ask(&rp, body()).await;
}

#[tokio::test]
async fn one_request_cannot_be_asked_for_without_end() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let id = platform.ask(&rp, body()).await;
    let path = format!("/v1/requests/{id}");
    for _ in 0..30 {
        assert_eq!(platform.get_publicly(&path).await.status, 200);
    }
    assert_eq!(
        platform.get_publicly(&path).await.problem(),
        ProblemType::RateLimited
    );
    assert_eq!(platform.view(&rp, &id).await.status, VerificationStatus::Pending);
}
