//! `POST /v1/official-accesses/{id}/countersign`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::OfficialAccessId;
use cyberid_protocol::official::{Countersign, OfficialAccessRequested};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::AuthorityCaller;
use cyberid_web::extract::{PathParam, StrictJson};

use crate::Consent;

cyberid_web::problems! {
    /// What a second signature can end in.
    pub(super) CountersignProblems: InvalidMessage, ExpiredMessage, ReplayedMessage, RequestClosed, AlreadyRedeemed,
        TwoPersonsRequired, OfficialRefused
}

/// Signs for an order as a second, different officer of the same authority.
///
/// The signature is a `cyberid-official-countersignature+jwt`: `aud`, `authority`, `order_sha256` (base64url SHA-256 of the
/// order's header and claims with the dot between them, without the signature), `iat`, `exp` (at most seven days later), `jti`.
/// The officer who ordered ends the order by signing again (`two-persons-required`), and that is in the ledger.
#[utoipa::path(post, path = "/v1/official-accesses/{id}/countersign", operation_id = "countersign_official_access",
    tag = "official access",
    params(("id" = String, Path, description = "The official access.", example = "off_Zm9vYmFyYmF6cXV4MTIzNA")),
    request_body(content = Countersign, example = json!({
        "countersignature": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtb2ZmaWNpYWwtY291bnRlcnNpZ25hdHVyZStqd3QifQ..."})),
    responses((status = 200, description = "It can be carried out now.", body = OfficialAccessRequested,
        example = json!({"id": "off_Zm9vYmFyYmF6cXV4MTIzNA", "status": "countersigned"})),
    CountersignProblems))]
pub(super) async fn countersign_official_access(
    State(consent): State<Arc<Consent>>,
    caller: AuthorityCaller,
    PathParam(id): PathParam<OfficialAccessId>,
    StrictJson(body): StrictJson<Countersign>,
) -> Result<Json<OfficialAccessRequested>, Failure> {
    let second = &body.countersignature;
    let signed = consent
        .countersign_official(&caller.client_id, &id, second)
        .await?;
    Ok(Json(signed))
}
