//! `GET /v1/audit/entries`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::{AuditEntries, AuditEntry};
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage_read::ledger::LeafFilter;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictQuery;
use futures_util::TryStreamExt as _;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::entries::{MAX_PAGE, Wanted};
use crate::{Audit, AuditError};

const NDJSON: &str = "application/x-ndjson";

/// How many entries a page has when nobody says.
const PAGE: u64 = 100;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only of this kind.
    kind: Option<LeafKind>,
    /// Only naming this relying party.
    #[param(value_type = Option<String>)]
    rp: Option<ClientId>,
    /// Only made at or after this moment, Unix seconds.
    #[param(value_type = Option<u64>)]
    from: Option<UnixTime>,
    /// Only made before this moment, Unix seconds.
    #[param(value_type = Option<u64>)]
    to: Option<UnixTime>,
    /// Only after this index: the `next` of the page before.
    after: Option<u64>,
    /// How many at most: 100 of a page by default and 1000 at most; all of a stream by default.
    limit: Option<u64>,
}

impl From<Query> for Wanted {
    fn from(query: Query) -> Self {
        let kind = query.kind.map(|kind| kind.as_str().to_owned());
        let filter = LeafFilter {
            kind,
            rp: query.rp,
            from: query.from,
            to: query.to,
        };
        Self {
            filter,
            after: query.after,
            limit: query.limit,
        }
    }
}

/// Lists entries of the ledger, oldest first, each with the proof that it is in the log.
///
/// With `Accept: application/x-ndjson` the answer is a stream of all that match, one entry a line, without `next`: whoever
/// is cut off goes on `after` the last whole line. All of an answer is proved under one checkpoint.
#[utoipa::path(get, path = "/v1/audit/entries", operation_id = "list_entries", tag = "audit", params(Query),
    responses((status = 200, description = "A page of entries.", body = AuditEntries, example = json!({
        "entries": [{
            "index": 0,
            "leaf": "{\"kind\":\"rp.registered\",\"rp\":\"2wbxUXdcvHxRhvfYRNO9Zg\",\"time\":1784131200,\"v\":1}",
            "proof": "c2sp.org/tlog-proof@v1\nindex 0\n\nid.example/ledger\n1\n...\n"
        }],
        "next": 0
    }))))]
pub(crate) async fn list_entries(
    State(audit): State<Arc<Audit>>,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Response, Failure> {
    let streamed = headers.get(ACCEPT).is_some_and(|accept| accept == NDJSON);
    let mut wanted = Wanted::from(query);
    if streamed {
        let pages = audit.entry_pages(&wanted).await?;
        let lines = pages.and_then(async |page| lines(&page));
        return Ok(([(CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response());
    }
    let limit = wanted.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE.into());
    wanted.limit = Some(limit);
    Ok(Json(audit.entries(&wanted).await?).into_response())
}

fn lines(page: &[AuditEntry]) -> Result<String, AuditError> {
    let mut lines = String::new();
    for entry in page {
        lines.push_str(&serde_json::to_string(entry)?);
        lines.push('\n');
    }
    Ok(lines)
}
