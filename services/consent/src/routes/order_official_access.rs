//! `POST /v1/official-accesses`

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::official::{OfficialAccessBody, OfficialAccessRequested};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::AuthorityCaller;
use cyberid_web::extract::StrictJson;
use http::StatusCode;
use http::header::LOCATION;

use crate::Consent;

cyberid_web::problems! {
    /// What ordering can end in.
    pub(super) OrderProblems: InvalidMessage, ExpiredMessage, ReplayedMessage, OrderTooWide
}

/// Orders an official access to exactly one subject.
///
/// The order is a `cyberid-official-order+jwt` that one officer of the authority signed: `aud`, `authority`,
/// `network_number` (or `client_id` and `sub`), `fields`, `case_reference`, `legal_basis`, `iat`, `exp` (at most seven days
/// later), `notice_after` (at most 90 days later; the person is told at once without it), `enc_jkt` (the registered key), `jti`.
/// It is in the public ledger when this answers. Whether the subject exists is not looked up before a second officer has
/// signed. A list, a wildcard, a pattern, a second subject or a further criterion is `order-too-wide`, and that refusal
/// is in the ledger too.
#[utoipa::path(post, path = "/v1/official-accesses", operation_id = "order_official_access",
    tag = "official access",
    request_body(content = OfficialAccessBody, example = json!({
        "order": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtb2ZmaWNpYWwtb3JkZXIrand0In0..."})),
    responses((status = 201, description = "A second officer can sign now.", body = OfficialAccessRequested,
        headers(("Location" = String, description = "Where the access is read.")), example = json!({
            "id": "off_Zm9vYmFyYmF6cXV4MTIzNA", "status": "requested"})),
    OrderProblems))]
pub(super) async fn order_official_access(
    State(consent): State<Arc<Consent>>,
    caller: AuthorityCaller,
    StrictJson(body): StrictJson<OfficialAccessBody>,
) -> Result<
    (
        StatusCode,
        [(http::HeaderName, String); 1],
        Json<OfficialAccessRequested>,
    ),
    Failure,
> {
    let requested = consent.order_official(&caller.client_id, &body.order).await?;
    let location = format!("/v1/official-accesses/{}", requested.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(requested)))
}
