//! `POST /add-checkpoint` (C2SP tlog-witness): its refusals are plain text, as every log's client expects them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_tlog::witness::{SIZE_CONTENT_TYPE, format_size};
use cyberid_web::Failure;
use cyberid_web::extract::Whole;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::TEXT;
use crate::{Refused, Witness};

/// Cosigns a checkpoint that is consistent with the one cosigned last.
///
/// The body is the old size, a consistency proof and the log's signed checkpoint (C2SP tlog-witness). The checkpoint
/// is remembered durably before its cosignature leaves.
#[utoipa::path(
    post,
    path = "/add-checkpoint",
    operation_id = "add_checkpoint",
    tag = "witness",
    request_body(content = String, content_type = "text/plain", description = "The request of tlog-witness, add-checkpoint.",
        example = json!("old 0\n\nlog.example\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n\u{2014} log.example 3q2+7w==\n")),
    responses(
        (status = 200, description = "Signature lines, with this witness's cosignature.", body = String,
            content_type = "text/plain", example = json!("\u{2014} witness.example 3q2+7w==\n")),
        (status = 400, description = "The request or the checkpoint is malformed, or the old size is above the new one.",
            body = String, content_type = "text/plain"),
        (status = 403, description = "The checkpoint is not signed by the log.", body = String, content_type = "text/plain"),
        (status = 404, description = "The log is not known here.", body = String, content_type = "text/plain"),
        (status = 409, description = "The old size, or at the same size the root, is not that of the checkpoint cosigned \
            last; the body is its size.", body = String, content_type = "text/x.tlog.size", example = json!("5\n")),
        (status = 422, description = "The proof does not lead from the checkpoint cosigned last to this one, or the root of size 0 \
            is not that of the empty tree.",
            body = String, content_type = "text/plain"),
    )
)]
pub(super) async fn add_checkpoint(State(witness): State<Arc<Witness>>, Whole(body): Whole) -> Response {
    let cosigned = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match cosigned {
        Ok(Ok(lines)) => text(StatusCode::OK, lines),
        Ok(Err(refused)) => refusal(refused),
        Err(error) => Failure::internal(error).into_response(),
    }
}

fn refusal(refused: Refused) -> Response {
    let status = match refused {
        Refused::Malformed(_) | Refused::BadCheckpoint => StatusCode::BAD_REQUEST,
        Refused::UnknownLog => StatusCode::NOT_FOUND,
        Refused::Unsigned => StatusCode::FORBIDDEN,
        Refused::Inconsistent => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::Conflict { size } => {
            let headers = [(CONTENT_TYPE, SIZE_CONTENT_TYPE)];
            return (StatusCode::CONFLICT, headers, format_size(size)).into_response();
        }
        Refused::Failed(error) => return Failure::internal(error).into_response(),
    };
    text(status, format!("{refused}\n"))
}

fn text(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], body).into_response()
}
