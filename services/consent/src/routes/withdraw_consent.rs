//! `POST /v1/consents/{id}/withdraw`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ConsentId;
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::withdrawal::WithdrawalBody;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::{PathParam, StrictJson};

use crate::Consent;

cyberid_web::problems! {
    /// What withdrawing can end in.
    pub(super) WithdrawProblems: InvalidMessage, ExpiredMessage, ReplayedMessage, AlreadyWithdrawn, RequestClosed
}

/// Withdraws a consent.
///
/// Any device of the holder who gave it can sign. What was not delivered never will be; what was delivered, the
/// relying party must erase and confirm. A consent that ended by itself is `request-closed`.
#[utoipa::path(post, path = "/v1/consents/{id}/withdraw", operation_id = "withdraw_consent", tag = "consents",
    params(("id" = String, Path, description = "The consent.", example = "con_c2FtcGxlLWNvbnNlbnQtaQ")),
    request_body(content = WithdrawalBody, example = json!({
        "withdrawal": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtd2l0aGRyYXdhbCtqd3QiLC..."})),
    responses((status = 200, description = "The receipt of the withdrawal.", body = Receipt,
        example = json!(super::examples::receipt())),
    WithdrawProblems))]
pub(super) async fn withdraw_consent(
    State(consent): State<Arc<Consent>>,
    PathParam(id): PathParam<ConsentId>,
    StrictJson(body): StrictJson<WithdrawalBody>,
) -> Result<Json<Receipt>, Failure> {
    Ok(Json(consent.withdraw(&id, &body.withdrawal).await?))
}
