//! `GET /v1/audit/entries`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderMap};
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::AuditEntries;
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage::ledger::LeafFilter;
use cyberid_web::Failure;
use cyberid_web::extract::StrictQuery;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Audit;
use crate::entries::{MAX_PAGE, Page};

const NDJSON: &str = "application/x-ndjson";

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
    /// How many at most, 1 to 1000.
    limit: Option<u32>,
}

impl From<Query> for Page {
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
            limit: query.limit.unwrap_or(100).clamp(1, MAX_PAGE),
        }
    }
}

/// Lists entries of the ledger, oldest first, each with the proof that it is in the log.
///
/// With `Accept: application/x-ndjson` the answer is one entry per line, without `next`.
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
    let entries = audit.entries(&query.into()).await?;
    let lines = headers.get(ACCEPT).is_some_and(|accept| accept == NDJSON);
    Ok(if lines {
        ndjson(&entries)?
    } else {
        Json(entries).into_response()
    })
}

fn ndjson(page: &AuditEntries) -> Result<Response, Failure> {
    let mut body = String::new();
    for entry in &page.entries {
        body.push_str(&serde_json::to_string(entry).map_err(Failure::internal)?);
        body.push('\n');
    }
    Ok(([(CONTENT_TYPE, NDJSON)], body).into_response())
}
