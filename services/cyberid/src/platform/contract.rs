//! The contract, served: the OpenAPI documents of what the platform's own address answers.

use std::str::FromStr;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Json;
use cyberid_web::extract::PathParam;
use cyberid_web::routes::to_json;
use cyberid_web::{Failure, Routes};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::compose::document;

/// The documents of the operations behind the platform's one door.
const OUTSIDE: [&str; 5] = ["verification", "consent", "issuance", "audit", "operations"];

/// The document of what only a sandbox answers.
const SANDBOX: &str = "sandbox";

/// For how long a document may be kept: it changes only with the executable.
const PUBLIC: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));

/// Which documents a platform has to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contract {
    /// Whether the sandbox's operations are there.
    pub(crate) sandbox: bool,
}

impl Contract {
    fn services(self) -> impl Iterator<Item = &'static str> {
        OUTSIDE.into_iter().chain(self.sandbox.then_some(SANDBOX))
    }
}

/// The operations, in the document of those that every process has.
pub(crate) fn routes() -> Routes<Contract> {
    Routes::new("CyberID contract", "The documents of the platform's operations.")
        .public(routes!(list_documents))
        .public(routes!(read_document))
}

/// The documents that there are.
#[derive(Serialize, ToSchema)]
struct Documents {
    /// One for each service.
    documents: Vec<DocumentLink>,
}

/// Where a document is.
#[derive(Serialize, ToSchema)]
struct DocumentLink {
    /// The service.
    service: &'static str,
    /// The address, relative to the list's own.
    href: String,
}

/// Lists the OpenAPI documents of what this address answers, one for each service.
#[utoipa::path(get, path = "/openapi", operation_id = "list_documents", tag = "operations",
    responses((status = 200, description = "The documents.", body = Documents, example = json!({"documents": [
        {"service": "verification", "href": "/openapi/verification.json"}
    ]}))))]
async fn list_documents(State(contract): State<Contract>) -> impl IntoResponse {
    let documents = contract
        .services()
        .map(|service| DocumentLink {
            service,
            href: format!("/openapi/{service}.json"),
        })
        .collect();
    ([PUBLIC], Json(Documents { documents }))
}

/// Gives the OpenAPI document of a service: each operation with its access, examples and exact problems.
///
/// It is made when it is asked for, and none is kept.
#[utoipa::path(get, path = "/openapi/{document}", operation_id = "read_document", tag = "operations",
    params(("document" = String, Path, description = "The service, and `.json`.", example = "verification.json")),
    responses((status = 200, description = "The document.", body = Value, example = json!({
        "openapi": "3.1.0", "info": {"title": "CyberID verification", "version": "0.1.0"}, "paths": {}
    }))))]
async fn read_document(
    State(contract): State<Contract>,
    PathParam(FileName(name)): PathParam<FileName>,
) -> Result<impl IntoResponse, Failure> {
    let service = contract.services().find(|service| *service == name);
    let document = service.and_then(document).ok_or(ProblemType::NotFound)?;
    let text = to_json(&document).map_err(Failure::internal)?;
    let media_type = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(([media_type, PUBLIC], text))
}

/// What stands before `.json`.
struct FileName(String);

impl FromStr for FileName {
    type Err = ();

    fn from_str(file: &str) -> Result<Self, ()> {
        file.strip_suffix(".json")
            .map(|name| Self(name.to_owned()))
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::{Request, StatusCode};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::super::compose::standalone;
    use super::*;

    /// The status, how it may be kept, and the body.
    async fn get(contract: Contract, path: &str) -> (StatusCode, Option<HeaderValue>, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = standalone(routes(), contract).oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let kept = head.headers.get(CACHE_CONTROL).cloned();
        (head.status, kept, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn every_listed_document_is_served_and_may_be_kept() {
        let contract = Contract { sandbox: true };
        let (_, kept, list) = get(contract, "/openapi").await;
        assert_eq!(kept, Some(PUBLIC.1));
        let documents = list["documents"].as_array().unwrap();
        assert_eq!(documents.len(), OUTSIDE.len() + 1);
        for listed in documents {
            let (status, kept, said) = get(contract, listed["href"].as_str().unwrap()).await;
            assert_eq!((status, kept), (StatusCode::OK, Some(PUBLIC.1)), "{listed}");
            let title = format!("CyberID {}", listed["service"].as_str().unwrap());
            assert_eq!(said["info"]["title"], title);
        }
    }

    #[tokio::test]
    async fn what_this_address_does_not_answer_is_not_there() {
        let contract = Contract { sandbox: false };
        let (_, _, list) = get(contract, "/openapi").await;
        assert!(!list.to_string().contains(SANDBOX));
        for file in [
            "sandbox.json",
            "vault.json",
            "custodian.json",
            "verification",
            ".json",
        ] {
            let (status, _, problem) = get(contract, &format!("/openapi/{file}")).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{file}");
            assert_eq!(problem["code"], "not-found", "{file}");
        }
    }
}
