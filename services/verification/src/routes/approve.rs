//! `POST /v1/relying-parties/{client_id}/approve`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::Registered;
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::{PathParam, StrictQuery};
use cyberid_web::{Failure, problems};
use serde::Deserialize;

use crate::Verification;

problems!(
    /// What an approval can end in.
    pub(super) ApproveProblems: TwoPersonsRequired, RelyingPartyInactive
);

/// What the operator has seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    #[serde(default)]
    renewal_sha256: Option<String>,
}

/// Approves an application, or a renewal that waits.
///
/// By another operator than the one who applied for it. The approval is in the log when this answers; after `unavailable` it is
/// safe to ask again. Each intended use gets a fresh registration certificate, for twelve months at most. A renewal is approved
/// by its `waiting_renewal.renewal_sha256`, so that nobody can put another in its place meanwhile; it also revives a
/// registration that expired, and reinstates a relying party that was suspended.
#[utoipa::path(
    post,
    path = "/v1/relying-parties/{client_id}/approve",
    operation_id = "approve_relying_party",
    params(
        ("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w"),
        ("renewal_sha256" = Option<String>, Query, description = "The renewal that was seen, where one waits.",
            example = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
    ),
    responses(
        (status = 200, description = "The relying party may act.", body = Registered, example = json!({
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "approved", "expires_at": 1_815_667_200,
            "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
        })),
        ApproveProblems
    )
)]
pub(super) async fn approve_relying_party(
    State(service): State<Arc<Verification>>,
    caller: OperatorCaller,
    PathParam(client_id): PathParam<ClientId>,
    StrictQuery(Seen { renewal_sha256 }): StrictQuery<Seen>,
) -> Result<Json<Registered>, Failure> {
    let approved = service.approve(&caller.client_id, &client_id, renewal_sha256.as_deref());
    Ok(Json(approved.await?))
}
