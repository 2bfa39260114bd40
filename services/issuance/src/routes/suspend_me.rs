//! `POST /v1/me/suspend`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::life::{LifeAnswer, SuspensionBody};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::{Issuance, LifeError};

problems!(
    /// What halting one's identifier can end in.
    pub(crate) SuspendMeProblems: InvalidMessage, ExpiredMessage, ReplayedMessage, IdentifierInactive
);

/// Suspends the holder's own identifier, at once.
///
/// The message is a JWS of type `cyberid-suspension+jwt`, signed by a device key of the holder, with the claims `aud`,
/// `iat`, `exp` (five minutes at most) and `jti`. Until it is lifted every check fails and nothing is released.
#[utoipa::path(post, path = "/v1/me/suspend", operation_id = "suspend_me", tag = "issuance",
    request_body(content = SuspensionBody, example = json!({"suspension": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiIifQ.c2ln"})),
    responses(
        (status = 200, description = "It is suspended.", body = LifeAnswer,
            example = json!({"status": "suspended", "suspended_for": ["holder"]})),
        SuspendMeProblems))]
pub(crate) async fn suspend_me(
    State(issuance): State<Arc<Issuance>>,
    StrictJson(body): StrictJson<SuspensionBody>,
) -> Result<Json<LifeAnswer>, Failure> {
    Ok(Json(issuance.suspend_self(&body.suspension).await?))
}

impl From<LifeError> for Failure {
    fn from(error: LifeError) -> Self {
        let kind = match &error {
            LifeError::NotFound => ProblemType::NotFound,
            LifeError::Message => ProblemType::InvalidMessage,
            LifeError::NotNow => ProblemType::ExpiredMessage,
            LifeError::Replayed => ProblemType::ReplayedMessage,
            LifeError::Pin | LifeError::Evidence | LifeError::EvidenceNeeded => ProblemType::EvidenceRefused,
            LifeError::State(status) => {
                let problem = Problem::new(ProblemType::IdentifierInactive);
                return problem
                    .detail(error.to_string())
                    .with("status", status.as_str())
                    .into();
            }
            LifeError::CoolingOff(from) => {
                let problem = Problem::new(ProblemType::DeviceCoolingOff);
                return problem.with("release_from", from.0).into();
            }
            LifeError::TooSoon(_) => ProblemType::RateLimited,
            LifeError::Act(_) => ProblemType::MalformedRequest,
            LifeError::SecondOperator => ProblemType::TwoPersonsRequired,
            LifeError::Unplaced => return Self::unavailable(error),
            LifeError::Issuance(_) | LifeError::Storage(_) => return of_issuance(error),
            LifeError::Key(_) | LifeError::Leaf(_) | LifeError::Corrupt(_) => return Self::internal(error),
        };
        Problem::new(kind).detail(error.to_string()).into()
    }
}

fn of_issuance(error: LifeError) -> Failure {
    match error {
        LifeError::Issuance(cause) => cause.into(),
        LifeError::Storage(cause) => crate::EnrolmentError::from(cause).into(),
        other => Failure::internal(other),
    }
}
