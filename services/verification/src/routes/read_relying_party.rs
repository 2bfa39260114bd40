//! `GET /v1/relying-parties/{client_id}`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::Role;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::Registered;
use cyberid_web::Json;
use cyberid_web::extract::PathParam;
use cyberid_web::{Caller, Failure};

use crate::Verification;

/// Where a registration stands.
///
/// With what waits: keys that cool off, and a renewal that a second operator has to approve. `expired` says that the
/// registration is over by the clock. For an operator, and for the relying party itself; for another there is nothing here.
/// An operator is told besides what the relying party's verifications came to in the last hour (`outcomes`).
#[utoipa::path(
    get,
    path = "/v1/relying-parties/{client_id}",
    operation_id = "read_relying_party",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    responses((status = 200, description = "The registration.", body = Registered, example = json!({
        "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "approved",
        "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
    })))
)]
pub(super) async fn read_relying_party(
    State(service): State<Arc<Verification>>,
    caller: Caller,
    PathParam(client_id): PathParam<ClientId>,
) -> Result<Json<Registered>, Failure> {
    if caller.role != Role::Operator && caller.id != client_id.as_str() {
        return Err(ProblemType::NotFound.into());
    }
    let mut registered = service.registered(&client_id).await?;
    if caller.role == Role::Operator {
        registered.outcomes = Some(service.outcomes(&client_id));
    }
    Ok(Json(registered))
}
