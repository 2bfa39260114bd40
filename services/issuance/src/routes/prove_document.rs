//! `POST /v1/me/document`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::life::{FreshProof, LifeAnswer};
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::{EnrolmentError, Issuance, LifeError, NoticeError};

problems!(
    /// What proving a document can end in.
    pub(crate) ProveDocumentProblems: NotFound, EvidenceRefused, IdentifierInactive, RateLimited, SourceUnavailable
);

/// Proves a valid document of the holder, with fresh evidence.
///
/// It takes the place of the document in the record; the identifier ends with it. What was suspended because the old
/// document was lost or withdrawn is suspended for that no more. Network number, devices and pseudonyms stay.
#[utoipa::path(post, path = "/v1/me/document", operation_id = "prove_document", tag = "issuance",
    request_body(content = FreshProof, example = json!({
        "document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2044-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"}})),
    responses(
        (status = 200, description = "How the identifier stands.", body = LifeAnswer,
            example = json!({"status": "active", "suspended_for": []})),
        ProveDocumentProblems))]
pub(crate) async fn prove_document(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    CallerAddress(from): CallerAddress,
    PersonalJson(proof): PersonalJson<FreshProof>,
) -> Result<Json<LifeAnswer>, Failure> {
    Ok(Json(issuance.prove_document(caller.jkt, from, proof).await?))
}

impl From<NoticeError> for Failure {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::Life(error) => error.into(),
            NoticeError::Source(error) => EnrolmentError::from(error).into(),
            NoticeError::Storage(error) => EnrolmentError::from(error).into(),
            NoticeError::KeyHolder(error) => EnrolmentError::from(error).into(),
            NoticeError::NumberTaken => LifeError::Evidence.into(),
            NoticeError::OtherPlatform | NoticeError::NotInOrder | NoticeError::Replayed => {
                tracing::warn!(%error, "the identity source's notices cannot be believed");
                ProblemType::SourceUnavailable.into()
            }
            NoticeError::Key(_) => Self::internal(error),
        }
    }
}
