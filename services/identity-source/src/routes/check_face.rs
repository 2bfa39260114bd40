//! `POST /v1/face-checks`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cyberid_protocol::face::{FaceCheckAnswer, FaceCheckBody};
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::IdentitySource;

problems!(
    /// What a face check can end in.
    pub(crate) CheckFaceProblems: InvalidMessage, EvidenceRefused, SourceUnavailable
);

/// Makes evidence that the person of a document stands before a device.
///
/// The holder's app calls it while it answers a request that asks for `face`. The question is sealed to the source:
/// `kind` and `number` of the document, `sample` (in a sandbox the person's evidence token), `aud` (the platform's issuer),
/// `jkt` (the device key's thumbprint) and `nonce` (base64url SHA-256 of the lines `cyberid/v1/evidence-nonce`, the
/// request's nonce and the proof's `jti`). The evidence is a JWS of type `cyberid-face-evidence+jwt` with `aud`, `jkt`,
/// `nonce`, `person` (the source's handle of the person for this platform), `iat` and `exp`: no picture, and no score. A
/// face that does not match is answered as a document that does not exist.
#[utoipa::path(post, path = "/v1/face-checks", operation_id = "check_face", tag = "source",
    request_body(content = FaceCheckBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses(
        (status = 200, description = "The signed evidence.", body = FaceCheckAnswer,
            example = json!({"evidence": "eyJhbGciOiJFUzI1NiJ9.eyJwZXJzb24iOiIuLi4ifQ.c2lnbmF0dXJl"})),
        CheckFaceProblems))]
pub(crate) async fn check_face(
    State(source): State<Arc<IdentitySource>>,
    StrictJson(body): StrictJson<FaceCheckBody>,
) -> Result<Response, Failure> {
    if let Some(spoiled) = source.fault().spoiled() {
        return Ok(spoiled);
    }
    let evidence = source.check_face(&body.sealed).await?;
    Ok(Json(FaceCheckAnswer { evidence }).into_response())
}
