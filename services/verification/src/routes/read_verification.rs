//! `GET /v1/verifications/{id}`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use cyberid_domain::id::VerificationId;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::verification::VerificationView;
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::{PathParam, StrictQuery};
use cyberid_web::{Failure, problems};
use serde::Deserialize;

use crate::Verification;

/// The longest that an answer is waited for, in seconds.
const MAX_WAIT: u64 = 60;

problems!(
    /// What looking can end in.
    pub(super) ViewProblems: RelyingPartyInactive
);

/// How the answer is waited for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patience {
    #[serde(default)]
    wait: u64,
}

impl Patience {
    /// For how long, within what may be asked.
    pub(super) fn limited(self) -> Result<Duration, Failure> {
        if self.wait > MAX_WAIT {
            return Err(ProblemType::MalformedRequest.into());
        }
        Ok(Duration::from_secs(self.wait))
    }
}

/// Where a verification stands.
///
/// For the relying party that asked; for another there is nothing here. With `wait` the answer comes as soon as the holder
/// has answered, and after so many seconds at the latest. What is over is gone ten minutes after it expired.
///
/// `attestation` comes with `passed` and `failed`: a JWS of `typ` `cyberid-attestation+jwt` by a key whose role is `attestation`,
/// with the claims `iss` (issuer), `aud` (client id), `iat`, `exp` (600 s later), `jti`, `nonce` and `purpose` (as asked), `result`
/// (`pass` only if every check is), `checks` (each as asked, with `pass` or `fail`), `acr` (the factors asked, as `device+pin`),
/// `pad` (filler, to be ignored) and, with a pass alone, `sub`: the holder's pseudonym at this relying party.
#[utoipa::path(
    get,
    path = "/v1/verifications/{id}",
    operation_id = "read_verification",
    params(
        ("id" = String, Path, example = "ver_3q2-7wAAAAAAAAAAAAAAAA"),
        ("wait" = Option<u64>, Query, description = "For how many seconds to wait, 0 to 60.", example = 30)
    ),
    responses(
        (status = 200, description = "Where it stands.", body = VerificationView, example = json!({
            "status": "passed", "attestation": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtYXR0ZXN0YXRpb24rand0In0..."
        })),
        ViewProblems
    )
)]
pub(super) async fn read_verification(
    State(service): State<Arc<Verification>>,
    caller: RelyingPartyCaller,
    PathParam(id): PathParam<VerificationId>,
    StrictQuery(patience): StrictQuery<Patience>,
) -> Result<Json<VerificationView>, Failure> {
    let wait = patience.limited()?;
    Ok(Json(service.view(&caller.client_id, &id, wait).await?))
}
