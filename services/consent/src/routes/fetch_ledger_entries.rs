//! `GET /ledger/tile/entries/{path}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_web::Failure;
use http::Uri;

use super::fetch_ledger_tile::{headers, tile_path};
use crate::Consent;

/// Full bundles never change, but only the regulator's own cache may keep them.
const FULL: &str = "private, max-age=31536000, immutable";
const PARTIAL: &str = "private, max-age=3600";

/// Gives a bundle of the ledger's entries (C2SP tlog-tiles), full or partial; compressed by gzip for callers that take it.
#[utoipa::path(get, path = "/ledger/tile/entries/{*path}", operation_id = "fetch_ledger_entries", tag = "ledger",
    params(("path" = String, Path, description = "The index in elements of three digits, and `.p/<width>` if it is partial.",
        example = "x001/234.p/7")),
    responses((status = 200, description = "Each entry after its length of two bytes.", body = Vec<u8>,
        content_type = "application/octet-stream", example = json!("(up to 256 entries)"))))]
pub(super) async fn fetch_ledger_entries(
    State(consent): State<Arc<Consent>>,
    uri: Uri,
) -> Result<impl IntoResponse, Failure> {
    let path = tile_path(&uri)?;
    let bundle = consent.entry_bundle(path).await?;
    Ok((headers(path, FULL, PARTIAL), bundle))
}
