//! `POST /v1/releases/{id}/redeem`

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_crypto::json;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::release::Redeemed;
use cyberid_web::Failure;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::{PathParam, Whole};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::{Consent, ConsentError, Refusal};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest `Idempotency-Key` in bytes.
const MAX_KEY: usize = 255;

cyberid_web::problems! {
    /// What redeeming can end in.
    pub(super) RedeemProblems: ReleaseNotGranted, ReleaseVoid, AlreadyRedeemed, IdempotencyMismatch,
        WitnessUnavailable, RelyingPartyInactive, RequestTooLarge
}

/// Redeems a granted release: the identity, encrypted to the key that the holder agreed to.
///
/// It can be redeemed once. Under one `Idempotency-Key` the same answer is repeated for ten minutes. After
/// `witness-unavailable` or `unavailable` nothing has left, and the same call goes on from where it stopped. The body
/// is empty or `{}`.
#[utoipa::path(post, path = "/v1/releases/{id}/redeem", operation_id = "redeem_release", tag = "releases",
    params(("id" = String, Path, description = "The release.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 visible characters, unguessable.")),
    responses((status = 200, description = "The identity, with the proof that the ledger knew first.",
        body = Redeemed, example = json!(super::examples::redeemed())),
    RedeemProblems))]
pub(super) async fn redeem_release(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
    PathParam(id): PathParam<ReleaseId>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Failure> {
    let (client_id, key) = (&caller.client_id, idempotency_key(&headers)?);
    require_nothing(&body)?;
    let request = key.map(|key| consent.repeatable(client_id, key, id.as_str(), &body));
    let answer = consent.redeem(client_id, &id, request.as_ref()).await?;
    Ok(([(CONTENT_TYPE, "application/json")], answer.to_vec()).into_response())
}

/// The body is empty, or an object without members.
pub(super) fn require_nothing(body: &[u8]) -> Result<(), ConsentError> {
    if body.is_empty() || json::from_slice::<Nothing>(body).is_ok() {
        Ok(())
    } else {
        Err(Refusal::Malformed("body").into())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The one key, where there is one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ConsentError> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let text = key
        .to_str()
        .ok()
        .filter(|text| (1..=MAX_KEY).contains(&text.len()));
    match (text, keys.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(Refusal::Malformed("idempotency_key").into()),
    }
}
