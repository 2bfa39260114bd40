//! `GET /v1/audit/transparency-report`

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_protocol::audit::TransparencyReport;
use cyberid_web::Failure;
use cyberid_web::Json;
use http::header::CACHE_CONTROL;

use crate::Audit;

/// Reports to everybody what the platform did, month by month: counts and nothing else, of the log that the checkpoint names.
#[utoipa::path(get, path = "/v1/audit/transparency-report", operation_id = "fetch_transparency_report", tag = "audit",
    responses((status = 200, description = "The report; at most a minute old.", body = TransparencyReport, example = json!({
        "checkpoint": "id.example/ledger\n4\nLPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n\n— id.example/ledger ...\n",
        "kinds": {"consent.granted": 1, "release.delivered": 1, "release.intended": 1, "rp.registered": 1},
        "months": {"2026-11": {"consent.granted": 1, "release.delivered": 1, "release.intended": 1, "rp.registered": 1}},
        "relying_parties": {"approved": 1},
        "over_asking": 2,
        "overdue_erasures": 0,
        "time": 1_795_392_000
    }))))]
pub(super) async fn fetch_transparency_report(
    State(audit): State<Arc<Audit>>,
) -> Result<impl IntoResponse, Failure> {
    let headers = [(CACHE_CONTROL, "public, max-age=60")];
    Ok((headers, Json(audit.report().await?)))
}
