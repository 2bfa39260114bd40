//! Nobody calls without end: a relying party has its quota, and so has each request.

use cyberid_domain::id::ReleaseId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::quota::Quota;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Platform};

const QUOTA: Quota = Quota {
    burst: 2,
    per_second: 1,
};

fn assert_limited(answer: &Answer) {
    assert_eq!(answer.problem(), ProblemType::RateLimited);
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "1");
}

impl Platform {
    async fn ask_as(&self, caller: &str) -> Answer {
        self.call(Method::POST, "/v1/releases", caller, Some(self.question()))
            .await
    }
}

#[tokio::test]
async fn a_party_that_spent_its_quota_comes_back_later_and_others_are_served() {
    let platform = Platform::start_with(QUOTA).await;
    platform.ask().await;
    platform.ask().await;
    assert_limited(&platform.ask_as(&platform.as_rp()).await);
    let other = platform.ask_as(&platform.as_other_rp()).await;
    assert_eq!(other.status, StatusCode::CREATED);
    platform.clock.advance(1);
    platform.consent.housekeep().await.unwrap();
    platform.ask().await;
    assert_limited(&platform.ask_as(&platform.as_rp()).await);
}

#[tokio::test]
async fn every_call_of_a_party_is_of_its_quota() {
    let platform = Platform::start_with(QUOTA).await;
    let id = platform.ask().await;
    platform.ask().await;
    let release = format!("/v1/releases/{id}");
    let calls = [
        (Method::GET, release.clone(), None),
        (Method::POST, format!("{release}/redeem"), None),
        (
            Method::POST,
            format!("{release}/erasure"),
            Some(json!({"erased_at": 1})),
        ),
        (Method::GET, "/v1/events".to_owned(), None),
    ];
    for (method, path, body) in calls {
        assert_limited(&platform.call(method, &path, &platform.as_rp(), body).await);
    }
}

#[tokio::test]
async fn one_request_cannot_be_asked_for_or_answered_without_end() {
    let platform = Platform::start().await;
    let (id, other) = (platform.ask().await, platform.ask().await);
    let path = format!("/v1/requests/{id}");
    let (answer, declined) = (format!("{path}/answer"), json!({"declined": true}));
    for _ in 0..30 {
        platform.request_object(&id).await;
    }
    assert_limited(&platform.call(Method::GET, &path, "", None).await);
    let sealed = json!({"sealed": "not even opened"});
    for body in [sealed, declined.clone()] {
        assert_limited(&platform.call(Method::POST, &answer, "", Some(body)).await);
    }
    platform.request_object(&other).await;
    platform.clock.advance(1);
    let answered = platform.call(Method::POST, &answer, "", Some(declined)).await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT);
}

/// An id that nobody gave out takes no room in memory.
#[tokio::test]
async fn an_unknown_request_is_not_there_however_often_it_is_asked_for() {
    let platform = Platform::start().await;
    let path = format!("/v1/requests/{}", ReleaseId::random(&SystemRng));
    for _ in 0..40 {
        let answer = platform.call(Method::GET, &path, "", None).await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
    }
}
