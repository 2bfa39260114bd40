//! `GET /v1/me/activity`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::activity::Activity;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::StrictQuery;
use cyberid_web::{Failure, problems};
use serde::Deserialize;

use crate::Verification;
use crate::activity::Period;

problems!(
    /// What reading one's own visits can end in.
    pub(super) ActivityProblems: NotFound
);

/// Which days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    #[serde(default)]
    day: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
}

/// Who asked about the calling holder, for what, and what the answer was.
///
/// The records that law has the platform keep for six months and a day, opened for the one person they are about. Days are
/// those of UTC+8: one `day`, or `from` and `to`, at most 31; without any of them, the last seven. The latest visit is
/// first.
#[utoipa::path(
    get,
    path = "/v1/me/activity",
    operation_id = "read_activity",
    params(
        ("day" = Option<String>, Query, description = "The day, `YYYY-MM-DD`.", example = "2026-11-23"),
        ("from" = Option<String>, Query, description = "The first day, instead of `day`.", example = "2026-11-17"),
        ("to" = Option<String>, Query, description = "The last day, instead of `day`; today by default.",
            example = "2026-11-23")
    ),
    responses(
        (status = 200, description = "The visits.", body = Activity, example = json!({"visits": [{
            "time": 1_795_363_245,
            "rp": {"client_id": "3q2-7wAAAAAAAAAAAAAAAA", "name": "Example Bank"},
            "purpose": "open-account", "checks": ["real_person", "age_over_18"], "passed": true
        }]})),
        ActivityProblems
    )
)]
pub(super) async fn read_activity(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
    StrictQuery(days): StrictQuery<Days>,
) -> Result<Json<Activity>, Failure> {
    let Days { day, from, to } = days;
    let period = Period::named(day.as_deref(), from.as_deref(), to.as_deref(), service.now())?;
    Ok(Json(service.activity(&caller.jkt, period).await?))
}
