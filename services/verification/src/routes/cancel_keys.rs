//! `DELETE /v1/relying-parties/{client_id}/keys`.

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
    /// What a cancellation can end in.
    pub(super) CancelKeysProblems: RelyingPartyInactive
);

/// Cancels a change of keys that waits.
///
/// The keys in force stay. That is what the cooling-off is for: who stole a key can announce others, and is stopped. The
/// cancellation is in the log when this answers; where nothing waits, nothing changes. A thief who still has a key in force can
/// announce again: suspend the relying party.
#[utoipa::path(
    delete,
    path = "/v1/relying-parties/{client_id}/keys",
    operation_id = "cancel_relying_party_keys",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    responses(
        (status = 200, description = "No keys wait.", body = Registered, example = json!({
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "approved", "expires_at": 1_815_667_200,
            "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
        })),
        CancelKeysProblems
    )
)]
pub(super) async fn cancel_relying_party_keys(
    State(service): State<Arc<Verification>>,
    _: OperatorCaller,
    PathParam(client_id): PathParam<ClientId>,
) -> Result<Json<Registered>, Failure> {
    Ok(Json(service.cancel_keys(&client_id).await?))
}
