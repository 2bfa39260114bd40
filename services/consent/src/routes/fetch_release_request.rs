//! `GET /v1/requests/{id}` for a release.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::statement::Locale;
use cyberid_web::Failure;
use cyberid_web::extract::{PathParam, StrictQuery};
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Consent;

cyberid_web::problems! {
    /// What fetching can end in.
    pub(super) FetchProblems: RequestClosed
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Query {
    /// The language of the statement; `zh-CN` without it.
    locale: Option<Locale>,
}

/// Gives the signed request object of a release: who asks, what, why, for how long, to which key.
///
/// The same bytes at every call for one language, so that the consent can name them.
#[utoipa::path(get, path = "/v1/requests/{id}", operation_id = "fetch_release_request", tag = "requests",
    params(("id" = String, Path, description = "The request.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA"), Query),
    responses((status = 200, description = "A compact JWS, `typ` `cyberid-request+jwt`.", body = String,
        content_type = "application/jwt", example = json!("eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVxdWVzdCtqd3QiLC...")),
    FetchProblems))]
pub(super) async fn fetch_release_request(
    State(consent): State<Arc<Consent>>,
    PathParam(id): PathParam<ReleaseId>,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<impl IntoResponse, Failure> {
    let compact = consent
        .request_object(&id, query.locale.unwrap_or_default())
        .await?;
    Ok(([(CONTENT_TYPE, "application/jwt")], compact))
}
