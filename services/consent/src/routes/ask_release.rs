//! `POST /v1/releases`

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::release::{ReleaseBody, ReleaseRequested};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::StrictJson;
use http::StatusCode;
use http::header::LOCATION;

use crate::Consent;

cyberid_web::problems! {
    /// What asking can end in.
    pub(super) AskProblems: RelyingPartyInactive, UnregisteredUse, OverAsking, InvalidSub
}

/// Asks a holder for fields in plaintext.
///
/// Legal basis, retention and notice come from the registration of the purpose. Only the holder whose pseudonym at
/// this relying party is `sub` can answer. A purpose or a field that is not registered is refused and counted.
/// The holder's device shows a code of four digits, which the relying party computes and shows too: the first four bytes of
/// the SHA-256 of `cyberid/v1/comparison-code`, the client id, the release's id and `nonce`, joined by line feeds, as a
/// big-endian number modulo 10000.
#[utoipa::path(post, path = "/v1/releases", operation_id = "ask_release", tag = "releases",
    request_body(content = ReleaseBody, example = json!({
        "sub": "1Nq7xQ0W3vVJk0pPq3d2v0hN6S7r8t9u0v1w2x3y4z4",
        "purpose": "open-account", "fields": ["name"], "nonce": "bm9uY2Utb2YtdGhlLXJw"})),
    responses((status = 201, description = "The holder can answer now.", body = ReleaseRequested,
        headers(("Location" = String, description = "Where the release is read.")), example = json!({
            "id": "rel_Zm9vYmFyYmF6cXV4MTIzNA",
            "request_uri": "https://id.example/v1/requests/rel_Zm9vYmFyYmF6cXV4MTIzNA",
            "expires_at": 1_784_132_100})),
    AskProblems))]
pub(super) async fn ask_release(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
    StrictJson(body): StrictJson<ReleaseBody>,
) -> Result<
    (
        StatusCode,
        [(http::HeaderName, String); 1],
        Json<ReleaseRequested>,
    ),
    Failure,
> {
    let requested = consent.ask(&caller.client_id, body).await?;
    let location = format!("/v1/releases/{}", requested.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(requested)))
}
