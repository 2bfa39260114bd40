//! `POST /v1/nonces`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::enrolment::NonceAnswer;
use cyberid_web::Failure;
use cyberid_web::Json;

use crate::{Issuance, nonce};

/// Gives out a nonce for one key proof.
#[utoipa::path(post, path = "/v1/nonces", operation_id = "create_nonce", tag = "issuance",
    responses((status = 200, description = "The nonce.", body = NonceAnswer, example = json!({
        "nonce": "AAAAAGn8w4CcPmB4w1k0vX8n4m2QqS7hTj5s0aYbRzKfD3uVwLxN6eGiJpMoHtCk", "expires_in": 300}))))]
pub(crate) async fn create_nonce(
    State(issuance): State<Arc<Issuance>>,
) -> Result<Json<NonceAnswer>, Failure> {
    // 1.
    let nonce = issuance.make_nonce().map_err(Failure::internal)?;
    let expires_in = nonce::LIFE;
    Ok(Json(NonceAnswer { nonce, expires_in }))
}
