//! `GET /ledger/checkpoint`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_web::Failure;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::Consent;
use crate::reading::{entity_tag, is_known};

cyberid_web::problems! {
    /// What fetching can end in.
    pub(super) CheckpointProblems: NotFound
}

/// For how long it may be kept: it changes with every leaf (tlog-tiles, Checkpoints).
const CACHING: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=1");

/// Gives the ledger's latest signed checkpoint (C2SP tlog-checkpoint), with its cosignatures once it has them.
///
/// Whoever sends the `ETag` of the one that they have, as `If-None-Match`, is answered 304 while there is no other.
#[utoipa::path(get, path = "/ledger/checkpoint", operation_id = "fetch_ledger_checkpoint", tag = "ledger",
    responses((status = 200, description = "A signed note.", body = String, content_type = "text/plain",
        headers(("ETag" = String, description = "The tag of this checkpoint.")),
        example = json!("id.example/ledger\n9\nLPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n\n— id.example/ledger ...\n")),
        (status = 304, description = "It is the one that the caller has."),
    CheckpointProblems))]
pub(super) async fn fetch_ledger_checkpoint(
    State(consent): State<Arc<Consent>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let note = consent.published_checkpoint().await?;
    let tag = entity_tag(note.as_bytes());
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [CACHING], [(ETAG, tag)]).into_response());
    }
    let media_type = (CONTENT_TYPE, "text/plain; charset=utf-8");
    Ok(([media_type, CACHING], [(ETAG, tag)], note).into_response())
}
