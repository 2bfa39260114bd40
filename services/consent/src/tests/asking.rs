use cyberid_domain::id::ReleaseId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::request::RequestObject;
use cyberid_protocol::statement::Locale;
use cyberid_storage::oversight::Oversight as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::people::read_request;
use super::platform::{ISSUER, START};
use super::{Answer, Platform};

impl Platform {
    async fn ask_with(&self, member: &str, value: Value) -> Answer {
        let mut question = self.question();
        question[member] = value;
        self.call(Method::POST, "/v1/releases", &self.as_rp(), Some(question))
            .await
    }
}

#[tokio::test]
async fn a_registered_use_can_be_asked_and_is_shown_as_it_was_registered() {
    let platform = Platform::start().await;
    let asked = platform
        .call(
            Method::POST,
            "/v1/releases",
            &platform.as_rp(),
            Some(platform.question()),
        )
        .await;
    assert_eq!(asked.status, StatusCode::CREATED);
    let body: Value = asked.json();
    let id: ReleaseId = body["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(asked.headers["location"], format!("/v1/releases/{id}"));
    assert_eq!(body["request_uri"], format!("{ISSUER}/v1/requests/{id}"));
    assert_eq!(body["expires_at"], START.plus(900).0);

    let compact = platform.request_object(&id).await;
    message::open::<RequestObject>(&compact, &platform.request_key()).unwrap();
    let request = read_request(&compact);
    assert_eq!(
        (request.rp.name.as_str(), request.rp.domain.as_str()),
        ("Example Bank", "bank.example")
    );
    assert_eq!(
        (request.rp.client_id, request.id),
        (platform.rp.clone(), id.clone())
    );
    assert_eq!(
        request.registration_certificate,
        "certificate of open-account, key 21"
    );
    assert_eq!((request.retention_days, request.exp), (30, START.plus(900)));
    assert_eq!(request.statement.locale, Locale::English);
    assert!(request.statement.text.contains(&request.enc_jkt));
    assert_eq!(platform.status(&id).await, "requested");
}

#[tokio::test]
async fn the_object_is_the_same_bytes_at_every_call_for_one_language() {
    let mut platform = Platform::start().await;
    let id = platform.ask().await;
    let first = platform.request_object(&id).await;
    platform.clock.advance(5);
    platform.restart().await;
    assert_eq!(platform.request_object(&id).await, first);
    let chinese = platform
        .call(Method::GET, &format!("/v1/requests/{id}"), "", None)
        .await;
    assert_eq!(read_request(&chinese.text()).statement.locale, Locale::Chinese);
}

#[tokio::test]
async fn over_asking_is_refused_and_counted() {
    let platform = Platform::start().await;
    let fields = platform
        .ask_with("fields", json!(["name", "document_number"]))
        .await;
    assert_eq!(fields.problem(), ProblemType::OverAsking);
    let purpose = platform.ask_with("purpose", json!("marketing")).await;
    assert_eq!(purpose.problem(), ProblemType::UnregisteredUse);
    let counted = platform.registry.over_asking().await.unwrap();
    assert_eq!(counted, [(platform.rp.clone(), 2)]);
}

#[tokio::test]
async fn what_is_not_of_the_documented_form_is_refused() {
    let platform = Platform::start().await;
    for fields in [json!([]), json!(["name", "name"]), json!(["face"])] {
        let answer = platform.ask_with("fields", fields).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest);
    }
    let sub = platform.ask_with("sub", json!("alice")).await;
    assert_eq!(sub.problem(), ProblemType::InvalidSub);
    let unknown = platform.ask_with("retention_days", json!(1000)).await;
    assert_eq!(unknown.problem(), ProblemType::MalformedRequest);
    assert!(platform.registry.over_asking().await.unwrap().is_empty());
}

#[tokio::test]
async fn only_an_active_relying_party_asks() {
    let platform = Platform::start().await;
    let open = platform.ask().await;
    for caller in ["", "operator AAAAAAAAAAAAAAAAAAAAAA", "holder AAAA"] {
        let answer = platform
            .call(Method::POST, "/v1/releases", caller, Some(platform.question()))
            .await;
        assert!(matches!(answer.status.as_u16(), 401 | 403), "{caller}");
    }
    platform.suspend_rp().await;
    let answer = platform
        .call(
            Method::POST,
            "/v1/releases",
            &platform.as_rp(),
            Some(platform.question()),
        )
        .await;
    assert_eq!(answer.problem(), ProblemType::RelyingPartyInactive);
    let object = platform
        .call(Method::GET, &format!("/v1/requests/{open}"), "", None)
        .await;
    assert_eq!(object.problem(), ProblemType::RequestClosed);
}

#[tokio::test]
async fn a_release_is_seen_by_whom_it_concerns_and_ends() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    for path in [
        format!("/v1/releases/{id}"),
        format!("/v1/releases/{}", ReleaseId::random(&SystemRng)),
    ] {
        let answer = platform
            .call(Method::GET, &path, &platform.as_other_rp(), None)
            .await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
    }
    platform.clock.advance(900);
    assert_eq!(platform.status(&id).await, "expired");
    let object = platform
        .call(Method::GET, &format!("/v1/requests/{id}"), "", None)
        .await;
    assert_eq!(object.problem(), ProblemType::RequestClosed);
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.status(&id).await, "expired");
    assert!(
        platform.logged(&id).await.is_empty(),
        "nothing was agreed to, nothing is logged"
    );
}
