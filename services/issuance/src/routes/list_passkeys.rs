//! `GET /v1/me/passkeys`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::passkey::Passkeys;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What looking at one's passkeys can end in.
    pub(crate) ListPasskeysProblems: NotFound
);

/// Lists the holder's own passkeys, oldest first.
#[utoipa::path(get, path = "/v1/me/passkeys", operation_id = "list_passkeys", tag = "issuance",
    responses(
        (status = 200, description = "The passkeys.", body = Passkeys, example = json!({"passkeys": [
            {"id": "-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q", "created_at": 1_795_400_000}]})),
        ListPasskeysProblems))]
pub(crate) async fn list_passkeys(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
) -> Result<Json<Passkeys>, Failure> {
    Ok(Json(issuance.passkeys(&caller.jkt).await?))
}
