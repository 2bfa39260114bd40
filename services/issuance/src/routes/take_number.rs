//! `POST /v1/me/network-number/confirm`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::life::{Renewed, RenumberingBody};
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What taking a fresh number can end in.
    pub(crate) TakeNumberProblems:
        NotFound, InvalidMessage, ExpiredMessage, IdentifierInactive, DeviceCoolingOff, RateLimited
);

/// Takes the drawn network number in the place of the old one.
///
/// The message is a JWS of type `cyberid-renumbering+jwt`, signed by a device key of the holder, with the claims `aud`,
/// `number_commitment` (HMAC-SHA-256 under the drawn salt), `iat`, `exp` (five minutes at most) and `jti`. Vault and
/// custodian check it themselves, so that nobody but the holder has a record bound to another number.
#[utoipa::path(post, path = "/v1/me/network-number/confirm", operation_id = "take_network_number", tag = "issuance",
    request_body(content = RenumberingBody, example = json!({"renumbering": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiIifQ.c2ln"})),
    responses(
        (status = 200, description = "The number is the holder's, with a fresh certificate.", body = Renewed, example = json!({
            "network_number": "7K2M9-XQ4TD",
            "credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2VydGlmaWNhdGUrand0In0.eyJpc3MiOiIifQ.c2ln",
            "credential_expires_at": 1_800_000_000, "status": "active"})),
        TakeNumberProblems))]
pub(crate) async fn take_number(
    State(issuance): State<Arc<Issuance>>,
    StrictJson(body): StrictJson<RenumberingBody>,
) -> Result<Json<Renewed>, Failure> {
    Ok(Json(issuance.take_fresh_number(&body.renumbering).await?))
}
