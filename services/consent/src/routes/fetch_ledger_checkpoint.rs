//! `GET /ledger/checkpoint`

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_web::Failure;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::Consent;

cyberid_web::problems! {
    /// What fetching can end in.
    pub(super) CheckpointProblems: NotFound
}

/// Gives the ledger's latest signed checkpoint (C2SP tlog-checkpoint), with its cosignatures once it has them.
#[utoipa::path(get, path = "/ledger/checkpoint", operation_id = "fetch_ledger_checkpoint", tag = "ledger",
    responses((status = 200, description = "A signed note.", body = String, content_type = "text/plain",
        example = json!("id.example/ledger\n9\nLPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n\n— id.example/ledger ...\n")),
    CheckpointProblems))]
pub(super) async fn fetch_ledger_checkpoint(
    State(consent): State<Arc<Consent>>,
) -> Result<impl IntoResponse, Failure> {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=1"),
    ];
    Ok((headers, consent.published_checkpoint().await?))
}
