//! `GET /v1/requests/{id}` for a verification.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::VerificationId;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::statement::Locale;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::{PathParam, StrictQuery};
use cyberid_web::{Failure, problems};
use http::HeaderName;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::Verification;

/// RFC 9101, section 10.1.
const MEDIA_TYPE: &str = "application/oauth-authz-req+jwt";

problems!(
    /// What fetching can end in.
    pub(super) RequestProblems: RequestClosed, RelyingPartyInactive, UnregisteredUse
);

/// In which language a statement is wanted; a verification has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    #[serde(default)]
    locale: Option<String>,
}

/// The signed request, for the holder's app.
///
/// A JWS of `typ` `cyberid-request+jwt`: who asks, as the registry knows it; for which purpose; which checks; by which factors; `comparison_code`, which the
/// relying party shows too. With a holder's token the request is opened: from then on it is that device's alone, and everybody
/// else finds it closed. Without a token it can be fetched while nobody has opened it.
#[utoipa::path(
    get,
    path = "/v1/requests/{id}",
    operation_id = "read_verification_request",
    params(
        ("id" = String, Path, example = "ver_3q2-7wAAAAAAAAAAAAAAAA"),
        ("locale" = Option<String>, Query, description = "`zh-CN` or `en`.", example = "zh-CN")
    ),
    responses(
        (status = 200, description = "The request object.", body = String, content_type = "application/oauth-authz-req+jwt",
            example = json!("eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVxdWVzdCtqd3QifQ...")),
        RequestProblems
    )
)]
pub(super) async fn read_verification_request(
    State(service): State<Arc<Verification>>,
    caller: Option<HolderCaller>,
    PathParam(id): PathParam<VerificationId>,
    StrictQuery(language): StrictQuery<Language>,
) -> Result<([(HeaderName, &'static str); 1], String), Failure> {
    let known = language.locale.is_none_or(|tag| tag.parse::<Locale>().is_ok());
    if !known {
        return Err(ProblemType::MalformedRequest.into());
    }
    let device = caller.as_ref().map(|caller| caller.jkt.as_str());
    let request = service.request_object(&id, device).await?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], request))
}
