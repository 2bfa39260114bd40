//! `POST /v1/relying-parties/{client_id}/suspend`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::Registered;
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, problems};

use crate::Verification;

problems!(
    /// What a suspension can end in.
    pub(super) SuspendProblems: RelyingPartyInactive
);

/// Suspends a relying party.
///
/// Within a second, whatever tokens it has: it asks for nothing and receives no identity from now on, its open requests cannot
/// be fetched or answered, and keys or a renewal that wait are dropped. It may still read its events and confirm erasures. The
/// suspension is in the log when this answers. Only a renewal, by two operators, ends it.
#[utoipa::path(
    post,
    path = "/v1/relying-parties/{client_id}/suspend",
    operation_id = "suspend_relying_party",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    responses(
        (status = 200, description = "The relying party is suspended.", body = Registered, example = json!({
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "suspended",
            "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
        })),
        SuspendProblems
    )
)]
pub(super) async fn suspend_relying_party(
    State(service): State<Arc<Verification>>,
    _: OperatorCaller,
    PathParam(client_id): PathParam<ClientId>,
) -> Result<Json<Registered>, Failure> {
    Ok(Json(service.suspend(&client_id).await?))
}
