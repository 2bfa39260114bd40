//! `GET /v1/audit/summary`

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::audit::AuditSummary;
use cyberid_web::Failure;
use cyberid_web::Json;

use crate::Audit;

/// Counts the ledger's leaves by kind, and for each relying party, with its over-asking and overdue erasures.
#[utoipa::path(get, path = "/v1/audit/summary", operation_id = "summarize", tag = "audit",
    responses((status = 200, description = "The counts.", body = AuditSummary, example = json!({
        "size": 4,
        "kinds": {"consent.granted": 1, "release.delivered": 1, "release.intended": 1, "rp.registered": 1},
        "relying_parties": [{
            "client_id": "2wbxUXdcvHxRhvfYRNO9Zg",
            "kinds": {"consent.granted": 1, "release.delivered": 1, "release.intended": 1, "rp.registered": 1},
            "over_asking": 2,
            "overdue_erasures": 0
        }],
        "time": 1_784_131_200
    }))))]
pub(crate) async fn summarize(State(audit): State<Arc<Audit>>) -> Result<Json<AuditSummary>, Failure> {
    Ok(Json(audit.summary().await?))
}
