//! `POST /v1/official-accesses/{id}/redeem`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_domain::id::OfficialAccessId;
use cyberid_protocol::release::Redeemed;
use cyberid_web::Failure;
use cyberid_web::auth::AuthorityCaller;
use cyberid_web::extract::{PathParam, Whole};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::redeem_release::{idempotency_key, require_nothing};
use crate::Consent;

cyberid_web::problems! {
    /// What carrying out can end in.
    pub(super) RedeemOfficialProblems: TwoPersonsRequired, OfficialRefused, AlreadyRedeemed, IdempotencyMismatch,
        WitnessUnavailable, RequestTooLarge
}

/// Carries out an official access: the identity, encrypted to the authority's registered key.
///
/// It can be carried out once. Under one `Idempotency-Key` the same answer is repeated for ten minutes. Without a second
/// officer's signature it is `two-persons-required`, and over. After `witness-unavailable` or `unavailable` nothing has left,
/// and the same call goes on from where it stopped. The body is empty or `{}`.
#[utoipa::path(post, path = "/v1/official-accesses/{id}/redeem", operation_id = "redeem_official_access",
    tag = "official access",
    params(("id" = String, Path, description = "The official access.", example = "off_Zm9vYmFyYmF6cXV4MTIzNA"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 visible characters, unguessable.")),
    responses((status = 200, description = "The identity, with the proof that the ledger knew first.",
        body = Redeemed, example = json!(super::examples::redeemed())),
    RedeemOfficialProblems))]
pub(super) async fn redeem_official_access(
    State(consent): State<Arc<Consent>>,
    caller: AuthorityCaller,
    PathParam(id): PathParam<OfficialAccessId>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Failure> {
    let (client_id, key) = (&caller.client_id, idempotency_key(&headers)?);
    require_nothing(&body)?;
    let request = key.map(|key| consent.repeatable(client_id, key, id.as_str(), &body));
    let answer = consent.redeem_official(client_id, &id, request.as_ref()).await?;
    Ok(([(CONTENT_TYPE, "application/json")], answer.to_vec()).into_response())
}
