//! Nobody asks for a request, or answers it, without end. (A relying party's own quota is spent where its token is read.)

use cyberid_domain::id::ReleaseId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::problem::ProblemType;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Platform};

fn assert_limited(answer: &Answer) {
    assert_eq!(answer.problem(), ProblemType::RateLimited);
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "1");
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
