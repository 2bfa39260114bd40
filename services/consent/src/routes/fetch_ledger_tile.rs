//! `GET /ledger/tile/{level}/{path}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_tlog::tile::TilePath;
use cyberid_web::Failure;
use http::Uri;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::{Consent, ConsentError, Refusal};

/// A full tile never changes. A partial one does not either, but is soon replaced.
const FULL: &str = "public, max-age=31536000, immutable";
const PARTIAL: &str = "public, max-age=3600";

/// Gives a tile of the ledger's Merkle tree (C2SP tlog-tiles), full or partial.
#[utoipa::path(get, path = "/ledger/tile/{level}/{*path}", operation_id = "fetch_ledger_tile", tag = "ledger",
    params(("level" = String, Path, description = "The level, 0 to 63.", example = "0"),
        ("path" = String, Path, description = "The index in elements of three digits, and `.p/<width>` if it is partial.",
            example = "x001/234.p/7")),
    responses((status = 200, description = "32 bytes for each hash.", body = Vec<u8>,
        content_type = "application/octet-stream", example = json!("(up to 8192 bytes)"))))]
pub(super) async fn fetch_ledger_tile(
    State(consent): State<Arc<Consent>>,
    uri: Uri,
) -> Result<impl IntoResponse, Failure> {
    let path = tile_path(&uri)?;
    let tile = consent.hash_tile(path).await?;
    Ok((headers(path, FULL, PARTIAL), tile))
}

/// The tile that a path names in its one canonical form: what is escaped or spelled otherwise names nothing.
pub(super) fn tile_path(uri: &Uri) -> Result<TilePath, ConsentError> {
    let path = uri.path().strip_prefix("/ledger/");
    let path = path.and_then(|path| path.parse().ok());
    Ok(path.ok_or(Refusal::NotFound)?)
}

/// The headers of a tile's bytes.
pub(super) fn headers(
    path: TilePath,
    full: &'static str,
    partial: &'static str,
) -> [(http::HeaderName, &'static str); 2] {
    let caching = if path.is_partial() { partial } else { full };
    [
        (CONTENT_TYPE, "application/octet-stream"),
        (CACHE_CONTROL, caching),
    ]
}
