//! `POST /v1/notices`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cyberid_protocol::notice::{NoticesAnswer, NoticesBody};
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::IdentitySource;

problems!(
    /// What asking for notices can end in.
    pub(crate) ListNoticesProblems: InvalidMessage, SourceUnavailable
);

/// Lists what happened to the people whom the source has confirmed in a feed.
///
/// The question is sealed to the source: `aud` (the platform's issuer), `feed` (as it stood in the questions that
/// confirmed the people), `after` (the last notice that was taken) and `reply_to` (the asker's key, for new documents).
/// Each notice is a JWS of type `cyberid-source-notice+jwt`; fifty at most come at once, in their order. A feed that nobody
/// was confirmed in is empty.
#[utoipa::path(post, path = "/v1/notices", operation_id = "list_notices", tag = "source",
    request_body(content = NoticesBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses(
        (status = 200, description = "The notices after the named one.", body = NoticesAnswer,
            example = json!({"notices": ["eyJhbGciOiJFUzI1NiJ9.eyJoYXBwZW5pbmciOiJkaWVkIn0.c2lnbmF0dXJl"]})),
        ListNoticesProblems))]
pub(crate) async fn list_notices(
    State(source): State<Arc<IdentitySource>>,
    StrictJson(body): StrictJson<NoticesBody>,
) -> Result<Response, Failure> {
    if let Some(spoiled) = source.fault().spoiled() {
        return Ok(spoiled);
    }
    let notices = source.notices(&body.sealed).await?;
    Ok(Json(NoticesAnswer { notices }).into_response())
}
