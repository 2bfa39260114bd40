//! `POST /v1/faults`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_web::extract::StrictJson;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Fault, IdentitySource};

/// Which fault the source is to have from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultBody {
    kind: Fault,
}

/// Makes the source misbehave until it is told otherwise.
#[utoipa::path(post, path = "/v1/faults", operation_id = "set_fault", tag = "sandbox",
    request_body(content = FaultBody, example = json!({"kind": "down"})),
    responses((status = 204, description = "From now on.")))]
pub(crate) async fn set_fault(
    State(source): State<Arc<IdentitySource>>,
    StrictJson(body): StrictJson<FaultBody>,
) -> StatusCode {
    source.set_fault(body.kind);
    StatusCode::NO_CONTENT
}
