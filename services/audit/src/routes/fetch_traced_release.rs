//! `GET /v1/audit/releases/{id}`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::audit::TracedRelease;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::RegulatorCaller;
use cyberid_web::extract::{PathParam, StrictQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Audit;

cyberid_web::problems! {
    /// What tracing can end in.
    pub(super) TraceProblems: NotFound
}

/// Why a release is traced.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Query {
    /// In the regulator's own words, 1 to 200 characters; it is recorded.
    #[param(value_type = String, example = "random sample of 2026-11")]
    reason: Reason,
}

/// A reason that can stand on one line of a log.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Reason(String);

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text))
        } else {
            Err("a reason has 1 to 200 characters on one line")
        }
    }
}

/// Gives what stands behind the leaves of one release, so that a sample can be traced end to end: the consent that the
/// holder signed, what they were shown, and what opens the leaves' commitment. That it was read, and why, is logged. Of
/// what was erased only the leaves are there.
#[utoipa::path(get, path = "/v1/audit/releases/{id}", operation_id = "fetch_traced_release", tag = "audit",
    params(("id" = String, Path, description = "The release, as its leaves name it.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA"),
        Query),
    responses((status = 200, description = "What stands behind its leaves.", body = TracedRelease, example = json!({
        "release_id": "rel_Zm9vYmFyYmF6cXV4MTIzNA",
        "leaves": [{
            "index": 3,
            "leaf": "{\"kind\":\"consent.granted\",\"time\":1784131200,\"v\":1}",
            "proof": "c2sp.org/tlog-proof@v1\nindex 3\n\nid.example/ledger\n4\n...\n"
        }],
        "consent": "eyJ0eXAiOiJjeWJlcmlkLWNvbnNlbnQrand0Ii...",
        "request_object": "eyJ0eXAiOiJjeWJlcmlkLXJlcXVlc3Qrand0Ii...",
        "salt": "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ",
        "device_jwk": {"kty": "EC", "crv": "P-256", "x": "...", "y": "..."}
    })), TraceProblems))]
pub(super) async fn fetch_traced_release(
    State(audit): State<Arc<Audit>>,
    caller: RegulatorCaller,
    PathParam(id): PathParam<ReleaseId>,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Json<TracedRelease>, Failure> {
    let traced = audit.trace(&caller.client_id, &id, &query.reason.0).await?;
    Ok(Json(traced.ok_or(ProblemType::NotFound)?))
}
