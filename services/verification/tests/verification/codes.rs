//! Codes at a counter: who shows one is who answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_domain::id::{CounterCode, VerificationId};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::counter_code::{CodeMade, CodeView};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::verification::{VerificationRequested, VerificationStatus};
use cyberid_storage::subject::Subjects as _;
use serde_json::{Value, json};

use crate::holding::asking;
use crate::platform::{Answer, Citizen, Client, ISSUER, Platform, at_once};

fn with_code(code: &CounterCode) -> Value {
    let mut body = asking(&["real_person"]);
    body["code"] = json!(code);
    body
}

async fn shown(platform: &Platform, citizen: &Citizen) -> CounterCode {
    let answer = platform.post("/v1/me/codes", &citizen.caller(), json!({})).await;
    let made: CodeMade = answer.expect(201);
    assert_eq!(made.expires_in, 30);
    made.code
}

async fn used(platform: &Platform, rp: &Client, code: &CounterCode) -> Answer {
    platform.post("/v1/verifications", rp, with_code(code)).await
}

async fn looked(platform: &Platform, citizen: &Citizen, code: &CounterCode, wait: u64) -> Answer {
    platform
        .get(&format!("/v1/me/codes/{code}?wait={wait}"), &citizen.caller())
        .await
}

fn led_to(answer: &Answer) -> Option<VerificationId> {
    let uri = answer.expect::<CodeView>(200).request_uri?;
    let id = uri.strip_prefix(&format!("{ISSUER}/v1/requests/")).unwrap();
    Some(id.parse().unwrap())
}

#[tokio::test]
async fn a_code_ties_the_question_to_the_device_that_shows_it() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (holder, other) = (platform.adult().await, platform.adult().await);
    let code = shown(&platform, &holder).await;
    assert_eq!(led_to(&looked(&platform, &holder, &code, 0).await), None);
    let asked: VerificationRequested = used(&platform, &rp, &code).await.expect(201);

    let closed = ProblemType::RequestClosed;
    assert_eq!(platform.open(&other, &asked.id).await.problem(), closed);
    let public = platform.get_publicly(&format!("/v1/requests/{}", asked.id)).await;
    assert_eq!(public.problem(), closed);
    let found = led_to(&looked(&platform, &holder, &code, 0).await).unwrap();
    assert_eq!(found, asked.id);
    let request = platform.request(&platform.open(&holder, &found).await);
    assert_eq!(platform.agree(&rp, &other, &request).await.problem(), closed);
    assert_eq!(platform.agree(&rp, &holder, &request).await.status, 204);
    let view = platform.view(&rp, &found).await;
    assert_eq!(view.status, VerificationStatus::Passed);
}

#[tokio::test]
async fn a_code_that_is_no_good_is_one_problem_whatever_is_wrong_with_it() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let holder = platform.adult().await;
    let mut answers = vec![used(&platform, &rp, &CounterCode::random(&SystemRng)).await];
    let once = shown(&platform, &holder).await;
    used(&platform, &rp, &once).await.expect::<Value>(201);
    answers.push(used(&platform, &rp, &once).await);
    let replaced = shown(&platform, &holder).await;
    let expired = shown(&platform, &holder).await;
    answers.push(used(&platform, &rp, &replaced).await);
    platform.clock.advance(30);
    answers.push(used(&platform, &rp, &expired).await);
    for answer in &answers {
        assert_eq!(answer.problem(), ProblemType::UnknownCode);
        assert_eq!(answer.body, answers[0].body);
    }
    let gone = looked(&platform, &holder, &expired, 0).await;
    assert_eq!(gone.problem(), ProblemType::NotFound);
}

/// A suspended person fails as everybody does who fails: by the answer, and not at the counter.
#[tokio::test]
async fn a_code_does_not_tell_who_is_suspended() {
    let platform = Platform::start().await;
    let (rp, holder) = (platform.relying_party().await, platform.adult().await);
    let code = shown(&platform, &holder).await;
    let suspended = SubjectStatus::Suspended;
    platform.db.set_status(&holder.subject, suspended).await.unwrap();
    let asked: VerificationRequested = used(&platform, &rp, &code).await.expect(201);
    let request = platform.request(&platform.open(&holder, &asked.id).await);
    assert_eq!(platform.agree(&rp, &holder, &request).await.status, 204);
    let view = platform.view(&rp, &asked.id).await;
    assert_eq!(view.status, VerificationStatus::Failed);
}

#[tokio::test]
async fn of_many_uses_at_once_one_counts() {
    let platform = Arc::new(Platform::start().await);
    let rp = Arc::new(platform.relying_party().await);
    let code = shown(&platform, &platform.adult().await).await;
    let answers = at_once(50, || {
        let (platform, rp, code) = (Arc::clone(&platform), Arc::clone(&rp), code.clone());
        async move { used(&platform, &rp, &code).await }
    })
    .await;
    let asked = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(asked, 1);
    let refused = answers.iter().filter(|answer| answer.status == 400).count();
    assert_eq!(refused, 49);
}

#[tokio::test]
async fn a_question_that_is_refused_uses_no_code() {
    let platform = Platform::start().await;
    let (rp, holder) = (platform.relying_party().await, platform.adult().await);
    let code = shown(&platform, &holder).await;
    let mut over = with_code(&code);
    over["checks"] = json!(["age_over_21"]);
    let refused = platform.post("/v1/verifications", &rp, over).await;
    assert_eq!(refused.problem(), ProblemType::OverAsking);
    used(&platform, &rp, &code).await.expect::<Value>(201);
}

#[tokio::test]
async fn a_code_is_its_own_devices_and_of_a_holder() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (holder, other) = (platform.adult().await, platform.adult().await);
    let code = shown(&platform, &holder).await;
    let stranger = looked(&platform, &other, &code, 0).await;
    assert_eq!(stranger.problem(), ProblemType::NotFound);
    let party = platform.post("/v1/me/codes", &rp, json!({})).await;
    assert_eq!(party.problem(), ProblemType::Forbidden);
    let long = looked(&platform, &holder, &code, 61).await;
    assert_eq!(long.problem(), ProblemType::MalformedRequest);
}

#[tokio::test]
async fn who_waits_with_a_code_is_woken_when_it_is_used_and_when_it_is_over() {
    let platform = Arc::new(Platform::start().await);
    let (rp, holder) = (platform.relying_party().await, Arc::new(platform.adult().await));
    let waiting = |code: &CounterCode| {
        let (platform, holder, code) = (Arc::clone(&platform), Arc::clone(&holder), code.clone());
        tokio::spawn(async move { looked(&platform, &holder, &code, 30).await })
    };
    let code = shown(&platform, &holder).await;
    let begun = Instant::now();
    let waiter = waiting(&code);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked: VerificationRequested = used(&platform, &rp, &code).await.expect(201);
    assert_eq!(led_to(&waiter.await.unwrap()), Some(asked.id));
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "woken, not looked for"
    );

    let code = shown(&platform, &holder).await;
    let waiter = waiting(&code);
    tokio::time::sleep(Duration::from_millis(100)).await;
    platform.clock.advance(30);
    let over = waiter.await.unwrap();
    assert_eq!(over.problem(), ProblemType::NotFound);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn who_finds_no_seat_with_a_code_is_answered_at_once() {
    let platform = Arc::new(Platform::start().await);
    let mut waiters = vec![];
    for _ in 0..256 {
        let holder = platform.adult().await;
        let platform = Arc::clone(&platform);
        let code = shown(&platform, &holder).await;
        waiters.push(tokio::spawn(async move {
            looked(&platform, &holder, &code, 20).await
        }));
    }
    let holder = platform.adult().await;
    let code = shown(&platform, &holder).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    assert_eq!(led_to(&looked(&platform, &holder, &code, 20).await), None);
    assert!(begun.elapsed() < Duration::from_secs(5));
    waiters.iter().for_each(tokio::task::JoinHandle::abort);
}
