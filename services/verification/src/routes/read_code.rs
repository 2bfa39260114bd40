//! `GET /v1/me/codes/{code}`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::CounterCode;
use cyberid_protocol::counter_code::CodeView;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::{PathParam, StrictQuery};

use super::read_verification::Patience;
use crate::Verification;

/// What became of a code.
///
/// For the device that shows it; for another there is nothing here. With `wait` the answer comes as soon as a relying party has
/// used the code, and after so many seconds at the latest. What is over is gone.
#[utoipa::path(
    get,
    path = "/v1/me/codes/{code}",
    operation_id = "read_code",
    params(
        ("code" = String, Path, example = "code_3q2-7wAAAAAAAAAAAAAAAA"),
        ("wait" = Option<u64>, Query, description = "For how many seconds to wait, 0 to 60.", example = 30)
    ),
    responses((status = 200, description = "Without `request_uri` nobody has used it yet.", body = CodeView, example = json!({
        "request_uri": "https://id.example/v1/requests/ver_3q2-7wAAAAAAAAAAAAAAAA"
    })))
)]
pub(super) async fn read_code(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
    PathParam(code): PathParam<CounterCode>,
    StrictQuery(patience): StrictQuery<Patience>,
) -> Result<Json<CodeView>, Failure> {
    let wait = patience.limited()?;
    Ok(Json(service.code_view(&caller.jkt, &code, wait).await?))
}
