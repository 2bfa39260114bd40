//! `POST /v1/reservations`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::deposit::{CommandBody, ReservationAnswer};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What a reservation can end in.
    pub(crate) ReserveProblems: InvalidMessage, ExpiredMessage
);

/// Reserves a person in the blind index.
///
/// The message is a `cyberid-reservation+jwt` signed by the enrolment key, for the vault. For the same subject again
/// is fine; for another subject the same person is taken until the enrolment is freed.
#[utoipa::path(post, path = "/v1/reservations", tag = "enrolment",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ2YXVsdCJ9.c2ln"})),
    responses((status = 200, description = "Whether the person is now the subject's.", body = ReservationAnswer,
        example = json!({"reserved": true})), ReserveProblems))]
pub(crate) async fn reserve(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<Json<ReservationAnswer>, Failure> {
    Ok(Json(vault.reserve(&body.message).await?))
}
