//! `GET /v1/consents/{id}/receipt`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ConsentId;
use cyberid_protocol::receipt::Receipt;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::{PathParam, StrictQuery};

use super::leaf_kind::WhichLeaf;
use crate::Consent;

/// Gives the receipt of a consent to the holder who gave it: the record, its leaf, and the proof.
///
/// Without `kind` it is the receipt of the grant. The record's events end with the leaf that is proved, and each leaf is
/// linked to the one before, so that the receipt of the last event proves them all: `GET /v1/me/consents` lists them.
/// What has not happened is not there.
#[utoipa::path(get, path = "/v1/consents/{id}/receipt", operation_id = "fetch_consent_receipt", tag = "consents",
    params(("id" = String, Path, description = "The consent.", example = "con_c2FtcGxlLWNvbnNlbnQtaQ"), WhichLeaf),
    responses((status = 200, description = "The receipt, with the events up to its leaf.", body = Receipt,
        example = json!(super::examples::receipt()))))]
pub(super) async fn fetch_consent_receipt(
    State(consent): State<Arc<Consent>>,
    caller: HolderCaller,
    PathParam(id): PathParam<ConsentId>,
    StrictQuery(which): StrictQuery<WhichLeaf>,
) -> Result<Json<Receipt>, Failure> {
    Ok(Json(consent.receipt(&caller.jkt, &id, which.kind()).await?))
}
