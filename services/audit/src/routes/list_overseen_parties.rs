//! `GET /v1/audit/relying-parties`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::OverseenParties;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictQuery;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::Audit;
use crate::parties::{MAX_PAGE, Wanted};

/// Which relying parties.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Query {
    /// Only those that owe an erasure whose time is over.
    overdue: Option<bool>,
    /// Only after this one: the `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<ClientId>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

impl From<Query> for Wanted {
    fn from(query: Query) -> Self {
        Self {
            after: query.after,
            overdue: query.overdue.unwrap_or(false),
            limit: query.limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE),
        }
    }
}

/// Lists the relying parties, by id: for what each is registered, what it did, what it asked too much, and which erasures
/// it owes. One that was suspended or has expired stays on the list.
#[utoipa::path(get, path = "/v1/audit/relying-parties", operation_id = "list_overseen_parties", tag = "audit", params(Query),
    responses((status = 200, description = "A page of relying parties.", body = OverseenParties,
        example = json!({"relying_parties": [example()]}))))]
pub(super) async fn list_overseen_parties(
    State(audit): State<Arc<Audit>>,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Json<OverseenParties>, Failure> {
    Ok(Json(audit.parties(&query.into()).await?))
}

/// A relying party as documentation shows it.
pub(super) fn example() -> Value {
    json!({
        "client_id": "2wbxUXdcvHxRhvfYRNO9Zg",
        "name": "Example Forum",
        "domains": ["forum.example"],
        "contact": "mailto:ops@forum.example",
        "deletion_contact": "mailto:privacy@forum.example",
        "status": "approved",
        "expires_at": 1_815_667_200,
        "intended_uses": [{
            "purpose": "account_opening",
            "checks": ["real_person", "age_over_18"],
            "fields": ["name"],
            "legal_basis": "contract",
            "retention_days": 30,
            "notice_uri": "https://forum.example/privacy"
        }],
        "kinds": {"consent.granted": 1, "consent.withdrawn": 1, "release.delivered": 1, "release.intended": 1, "rp.registered": 1},
        "over_asking": 2,
        "outstanding_erasures": [{
            "release_id": "rel_Zm9vYmFyYmF6cXV4MTIzNA",
            "erase_by": 1_786_723_200,
            "overdue": true
        }]
    })
}
