use crate::Json;
use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use cyberid_protocol::problem::ProblemType;
use http::request::Parts;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use utoipa_axum::routes;

use super::*;
use crate::auth::{Caller, HolderCaller, RelyingPartyCaller};
use crate::extract::PathParam;
use crate::server::{Hardened, Limits};
use crate::{Failure, problems};

/// Believes the header `x-role`.
struct Believer;

#[async_trait]
impl Authenticate for Believer {
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Failure> {
        let role = parts.headers.get("x-role").and_then(|role| role.to_str().ok());
        let role = role
            .and_then(Role::named)
            .ok_or(Failure::from(ProblemType::Unauthenticated))?;
        let id = "AAAAAAAAAAAAAAAAAAAAAA".into();
        Ok(Caller { role, id })
    }

    fn nonce(&self) -> Option<String> {
        Some("fresh".into())
    }
}

problems!(AskProblems: OverAsking, UnregisteredUse, ReplayedMessage);

/// Asks.
///
/// At some length.
#[utoipa::path(post, path = "/asks/{id}",
    params(("id" = String, Path, example = "a")),
    request_body(content = Value, example = json!({"a": 1})),
    responses((status = 200, body = Value, example = json!({})), AskProblems))]
async fn ask(caller: RelyingPartyCaller, body: String) -> Result<Json<Value>, Failure> {
    match ProblemType::named(&body) {
        Some(kind) => Err(kind.into()),
        None => Ok(Json(json!({"client": caller.client_id.as_str()}))),
    }
}

/// Looks.
#[utoipa::path(get, path = "/asks/{id}", params(("id" = String, Path)), responses((status = 204)))]
async fn look() {}

/// Says.
#[utoipa::path(post, path = "/says", responses((status = 204)))]
async fn say() {}

/// Counts, whoever asks.
#[utoipa::path(get, path = "/counts", responses((status = 204)))]
async fn count() {}

/// Pages.
#[utoipa::path(get, path = "/pages", params(("limit" = u8, Query)), responses((status = 204)))]
async fn page() {}

/// Takes a form, as OAuth does.
#[utoipa::path(post, path = "/forms",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", example = "a=b"),
    responses((status = 204)))]
async fn fill() {}

/// Wants a caller.
#[utoipa::path(get, path = "/wants", responses((status = 204)))]
async fn want(_: RelyingPartyCaller) {}

/// Greets whom it knows.
#[utoipa::path(get, path = "/greets", responses((status = 200, body = String, example = json!("you"))))]
async fn greet(caller: Option<HolderCaller>) -> String {
    caller.map_or_else(|| "nobody".into(), |caller| caller.jkt)
}

fn service() -> Routes<()> {
    Routes::new("Test", "A service for tests.")
        .authorize(&[Role::RelyingParty, Role::Operator], routes!(ask))
        .public(routes!(look))
        .signed(routes!(say))
        .recognize(&[Role::Holder], routes!(greet))
        .public(routes!(want))
        .public(routes!(page))
        .public(routes!(fill))
        .authorize(&[Role::Operator, Role::Regulator], routes!(count))
}

async fn call(method: Method, path: &str, role: &str, body: &str) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("x-role", role)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let router = service().finish((), Arc::new(Believer));
    Hardened::new(router, &Limits::default()).answer(request).await
}

fn kind(response: &Response) -> Option<ProblemType> {
    response.extensions().get().copied()
}

#[tokio::test]
async fn only_the_roles_at_the_mount_are_admitted() {
    let response = call(Method::POST, "/asks/a", "relying_party", "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["dpop-nonce"], "fresh");
    for role in ["holder", "regulator"] {
        let response = call(Method::POST, "/asks/a", role, "").await;
        assert_eq!(kind(&response), Some(ProblemType::Forbidden), "{role}");
        assert_eq!(response.headers()["dpop-nonce"], "fresh");
    }
    let response = call(Method::POST, "/asks/a", "nobody", "").await;
    assert_eq!(kind(&response), Some(ProblemType::Unauthenticated));
}

/// Says which `rel_` it was asked for.
#[utoipa::path(get, path = "/asks/{id}", params(("id" = String, Path)),
    responses((status = 200, body = String, example = json!("rel_7"))))]
async fn name(PathParam(id): PathParam<String>) -> String {
    id
}

#[tokio::test]
async fn an_id_leads_to_the_service_that_answers_for_its_kind() {
    let releases = Routes::new("Test", "Those of one kind.")
        .for_ids("rel_")
        .public(routes!(name));
    assert!(releases.openapi().paths.paths.contains_key("/asks/{id}"));
    let router = releases
        .finish((), Arc::new(Believer))
        .merge(service().finish((), Arc::new(Believer)));
    let hardened = Hardened::new(router, &Limits::default());
    for (path, status, said) in [
        ("/asks/rel_7", 200, "rel_7"),
        ("/asks/rel_", 200, ""),
        ("/asks/re", 200, ""),
        ("/asks/ver_7", 200, ""),
    ] {
        let response = hardened
            .answer(Request::get(path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), status, "{path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, said, "{path}");
    }
    let posted = Request::post("/asks/rel_7").body(Body::empty()).unwrap();
    assert_eq!(hardened.answer(posted).await.status(), 405);
}

#[tokio::test]
async fn the_mount_refuses_even_where_the_handler_does_not_look() {
    for (role, status) in [
        ("operator", 200),
        ("regulator", 200),
        ("holder", 403),
        ("relying_party", 403),
        ("nobody", 401),
    ] {
        let response = call(Method::GET, "/counts", role, "").await;
        assert_eq!(response.status(), status, "{role}");
    }
}

#[tokio::test]
async fn an_admitted_role_is_not_taken_for_another() {
    let response = call(Method::POST, "/asks/a", "operator", "").await;
    assert_eq!(kind(&response), Some(ProblemType::Forbidden));
}

#[tokio::test]
async fn operations_at_one_path_keep_their_own_access() {
    assert_eq!(call(Method::GET, "/asks/a", "nobody", "").await.status(), 200);
    assert_eq!(call(Method::HEAD, "/asks/a", "nobody", "").await.status(), 200);
    assert_eq!(call(Method::POST, "/says", "nobody", "").await.status(), 200);
}

#[tokio::test]
async fn who_says_nothing_is_nobody_and_what_is_said_must_hold() {
    let greeted = async |role: &str, header: &'static str| {
        let mut request = Request::get("/greets").header("x-role", role);
        if !header.is_empty() {
            request = request.header(header, "something");
        }
        let router = service().finish((), Arc::new(Believer));
        router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    };
    for header in ["authorization", "dpop"] {
        let holder = greeted("holder", header).await;
        assert_eq!(holder.headers()["dpop-nonce"], "fresh");
        let name = holder.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(name, "AAAAAAAAAAAAAAAAAAAAAA");
        let other = greeted("operator", header).await;
        assert_eq!(kind(&other), Some(ProblemType::Forbidden));
        let stranger = greeted("nobody", header).await;
        assert_eq!(kind(&stranger), Some(ProblemType::Unauthenticated));
    }
    let silent = greeted("holder", "").await;
    assert!(!silent.headers().contains_key("dpop-nonce"));
    let name = silent.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(name, "nobody", "no credentials, no name");
}

#[tokio::test]
async fn a_handler_that_wants_a_caller_at_a_public_mount_is_a_fault() {
    let response = call(Method::GET, "/wants", "relying_party", "").await;
    assert_eq!(kind(&response), Some(ProblemType::Internal));
}

#[tokio::test]
async fn a_query_is_refused_where_none_is_documented() {
    for (method, path) in [
        (Method::GET, "/asks/a?b"),
        (Method::HEAD, "/asks/a?b=c"),
        (Method::POST, "/says?b=c"),
    ] {
        let response = call(method, path, "", "").await;
        assert_eq!(kind(&response), Some(ProblemType::MalformedRequest), "{path}");
    }
    let response = call(Method::POST, "/asks/a?b=c", "", "").await;
    assert_eq!(
        kind(&response),
        Some(ProblemType::Unauthenticated),
        "first of all: who asks"
    );
    for (method, path) in [
        (Method::GET, "/pages?limit=1"),
        (Method::POST, "/forms?b=c"),
        (Method::POST, "/says?"),
    ] {
        let response = call(method, path, "", "").await;
        assert_eq!(kind(&response), None, "{path}");
    }
}

#[tokio::test]
async fn a_declared_problem_is_answered() {
    for declared in ["over-asking", "unregistered-use", "not-found", "unavailable"] {
        let response = call(Method::POST, "/asks/a", "relying_party", declared).await;
        assert_eq!(kind(&response), ProblemType::named(declared));
    }
}

#[tokio::test]
async fn an_undeclared_problem_is_noticed() {
    let request = Request::post("/asks/a")
        .header("x-role", "relying_party")
        .body(Body::from("request-closed"))
        .unwrap();
    let router = service().finish((), Arc::new(Believer));
    let noticed = tokio::spawn(router.oneshot(request)).await;
    assert!(noticed.unwrap_err().is_panic());
}

#[test]
fn the_document_says_what_the_mount_enforces() {
    let document = serde_json::to_value(service().openapi()).unwrap();
    let ask = &document["paths"]["/asks/{id}"]["post"];
    assert_eq!(ask["x-access"], json!(["relying_party", "operator"]));
    assert_eq!(ask["security"], json!([{"dpop": []}, {"certificate": []}]));
    assert_eq!(
        ask["x-problems"],
        json!([
            "malformed-request",
            "unsupported-media-type",
            "request-too-large",
            "not-found",
            "unauthenticated",
            "use-dpop-nonce",
            "forbidden",
            "rate-limited",
            "request-timeout",
            "unavailable",
            "internal",
            "replayed-message",
            "over-asking",
            "unregistered-use"
        ])
    );
    let refused = &ask["responses"]["403"];
    assert_eq!(
        refused["x-problems"],
        json!(["forbidden", "over-asking", "unregistered-use"])
    );
    let examples = &refused["content"]["application/problem+json"]["examples"];
    assert_eq!(examples["over-asking"]["value"]["status"], 403);
    let refused = ask["responses"]["403"]["description"].as_str().unwrap();
    assert!(
        refused.contains("[`forbidden`](/problems/forbidden)"),
        "{refused}"
    );
    assert!(ask["description"].as_str().unwrap().contains("DPoP: <proof>"));
    assert_eq!(document["paths"]["/asks/{id}"]["get"]["x-access"], "public");
    assert_eq!(document["paths"]["/asks/{id}"]["get"]["security"], json!([]));
    assert_eq!(document["paths"]["/says"]["post"]["x-access"], "signed");
    let greet = &document["paths"]["/greets"]["get"];
    assert_eq!(greet["x-access"], "optional");
    assert_eq!(greet["security"][0], json!({}), "nothing is enough");
    let problems = greet["x-problems"].as_array().unwrap();
    assert!(problems.contains(&json!("unauthenticated")));
}

#[test]
fn no_operation_escapes() {
    let document = serde_json::to_value(service().openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["x-access"].is_string() || operation["x-access"].is_array());
            assert!(operation["security"].is_array(), "{method} {path}");
            assert!(operation["x-problems"].is_array(), "{method} {path}");
        }
    }
}

#[test]
fn the_document_is_the_same_at_every_run() {
    assert_eq!(
        to_json(&service().openapi()).unwrap(),
        to_json(&service().openapi()).unwrap()
    );
}

mod incomplete {
    #[utoipa::path(get, path = "/a", responses((status = 204)))]
    pub(super) async fn no_summary() {}

    /// Sends.
    #[utoipa::path(post, path = "/a", request_body = Value, responses((status = 204)))]
    pub(super) async fn no_request_example() {}

    /// Answers.
    #[utoipa::path(get, path = "/a", responses((status = 200, body = Value)))]
    pub(super) async fn no_answer_example() {}
}

#[test]
#[should_panic(expected = "no_summary has no summary")]
fn an_operation_without_a_summary_does_not_mount() {
    let _ = Routes::<()>::new("", "").public(routes!(incomplete::no_summary));
}

#[test]
#[should_panic(expected = "no_request_example has a body without an example")]
fn a_request_without_an_example_does_not_mount() {
    let _ = Routes::<()>::new("", "").public(routes!(incomplete::no_request_example));
}

#[test]
#[should_panic(expected = "no_answer_example has a body without an example")]
fn an_answer_without_an_example_does_not_mount() {
    let _ = Routes::<()>::new("", "").public(routes!(incomplete::no_answer_example));
}

#[test]
#[should_panic(expected = "two operations are called look")]
fn one_id_does_not_mount_twice() {
    let _ = service().public(routes!(look));
}

#[test]
#[should_panic(expected = "has no operation_id")]
fn an_operation_without_an_id_does_not_mount() {
    let (schemas, mut paths, router) = routes!(look);
    let item = paths.paths.get_mut("/asks/{id}").unwrap();
    item.get.as_mut().unwrap().operation_id = None;
    let _ = Routes::<()>::new("", "").public((schemas, paths, router));
}
