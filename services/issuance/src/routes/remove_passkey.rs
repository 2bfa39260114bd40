//! `DELETE /v1/me/passkeys/{id}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What removing a passkey can end in.
    pub(crate) RemovePasskeyProblems: NotFound
);

/// Removes one of the holder's own passkeys: it is no factor from now on.
#[utoipa::path(delete, path = "/v1/me/passkeys/{id}", operation_id = "remove_passkey", tag = "issuance",
    params(("id" = String, Path, description = "The credential's id, base64url.",
        example = "-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q")),
    responses((status = 204, description = "It is removed."), RemovePasskeyProblems))]
pub(crate) async fn remove_passkey(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    PathParam(id): PathParam<String>,
) -> Result<StatusCode, Failure> {
    issuance.remove_passkey(&caller.jkt, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
