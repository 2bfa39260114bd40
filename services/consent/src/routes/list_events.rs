//! `GET /v1/events`

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::event::Events;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::StrictQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Consent;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Query {
    /// Only after this one: the `next` of the answer before.
    after: Option<u64>,
}

/// Lists what a relying party is told, oldest first: signed security event tokens (RFC 8417).
///
/// Each is a JWS of `typ` `secevent+jwt` by a key whose role is `event`, with `iss` (issuer), `aud` (client id), `iat`, `jti` and
/// one member in `events`. `urn:cyberid:event:consent-withdrawn` has `consent`, `release` and `erase_by`: erase what was
/// received by then, and confirm it by `POST /v1/releases/{id}/erasure`. The same token is pushed (RFC 8935) to a
/// registered `events_uri`.
#[utoipa::path(get, path = "/v1/events", operation_id = "list_events", tag = "releases", params(Query),
    responses((status = 200, description = "At most 100 events.", body = Events, example = json!({
        "events": ["eyJhbGciOiJFUzI1NiIsInR5cCI6InNlY2V2ZW50K2p3dCIs..."], "next": 7}))))]
pub(super) async fn list_events(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Json<Events>, Failure> {
    let events = consent
        .events(&caller.client_id, query.after.unwrap_or_default())
        .await?;
    Ok(Json(events))
}
