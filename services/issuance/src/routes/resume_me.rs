//! `POST /v1/me/resume`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::life::{LifeAnswer, ResumptionBody};
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What lifting one's own halt can end in.
    pub(crate) ResumeMeProblems:
        InvalidMessage, ExpiredMessage, ReplayedMessage, EvidenceRefused, IdentifierInactive
);

/// Lifts the holder's own suspension of their identifier.
///
/// What is sealed holds `resumption`, a JWS of type `cyberid-resumption+jwt` with the claims `aud`, `iat`, `exp` (five
/// minutes at most) and `jti`, and the holder's `pin`: a thief of the unlocked device lacks it. A suspension by others is
/// not lifted by it: the answer says what still stands.
#[utoipa::path(post, path = "/v1/me/resume", operation_id = "resume_me", tag = "issuance",
    request_body(content = ResumptionBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses(
        (status = 200, description = "The holder's own halt is lifted.", body = LifeAnswer,
            example = json!({"status": "active", "suspended_for": []})),
        ResumeMeProblems))]
pub(crate) async fn resume_me(
    State(issuance): State<Arc<Issuance>>,
    StrictJson(body): StrictJson<ResumptionBody>,
) -> Result<Json<LifeAnswer>, Failure> {
    Ok(Json(issuance.resume_self(&body.sealed).await?))
}
