//! `GET /v1/me/export`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::export::Archive;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::{Failure, problems};

use crate::Verification;

problems!(
    /// What asking for one's data can end in.
    pub(super) ExportProblems: NotFound
);

/// Gives the calling holder all data that the platform holds about them, in one signed archive.
///
/// `parts` holds each table of the registry with rows about the holder, and their visits, as JSON lines; `manifest` is a JWS of
/// type `cyberid-export+jwt`, signed by a key of the role `request`, with the SHA-256 of every part and, under `withheld`, what is
/// held and is not there, with the reason. The sealed fields are opened by the holder's own release only.
#[utoipa::path(
    get,
    path = "/v1/me/export",
    operation_id = "export_me",
    responses(
        (status = 200, description = "The archive.", body = Archive, example = json!({
            "manifest": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtZXhwb3J0K2p3dCJ9.eyJpc3MiOiIifQ.c2ln",
            "parts": {"device": "{\"jkt\":\"Yc2sBb3oZ9gGkL0bNq1TtIu5vWxPzReMdFhJaKs7ClE\",\"bound_at\":1795363245}\n"}
        })),
        ExportProblems
    )
)]
pub(super) async fn export_me(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
) -> Result<Json<Archive>, Failure> {
    Ok(Json(service.export(&caller.jkt).await?))
}
