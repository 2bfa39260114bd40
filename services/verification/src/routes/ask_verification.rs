//! `POST /v1/verifications`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::verification::{VerificationBody, VerificationRequested};
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};
use http::header::LOCATION;
use http::{HeaderName, StatusCode};

use crate::Verification;

problems!(
    /// What asking can end in.
    pub(super) AskProblems: RelyingPartyInactive, UnregisteredUse, OverAsking, InvalidSub, UnknownCode
);

/// Asks for a verification.
///
/// `purpose` and `checks` are within the registration: a check outside it is `over-asking`, and counted. Hand `request_uri` to
/// the holder's app. `nonce` is 16 to 48 random bytes in unpadded base64url (other text may not decode, and is malformed).
/// `sub` goes with the check `same_person` and with no other; `expires_in` is 30 to 900 seconds. Show
/// `comparison_code`: the holder's device shows the same. `code` is what the holder shows at a counter: then that device alone
/// can answer, and finds the request by itself.
#[utoipa::path(
    post,
    path = "/v1/verifications",
    operation_id = "ask_verification",
    request_body(content = VerificationBody, example = json!({
        "purpose": "open-account", "checks": ["real_person", "age_over_18"], "factors": ["device", "pin"],
        "nonce": "n-0S6_WzA2MjKkDgJXf4Yg0", "expires_in": 300
    })),
    responses(
        (status = 201, description = "The holder can answer.", body = VerificationRequested, example = json!({
            "id": "ver_3q2-7wAAAAAAAAAAAAAAAA",
            "request_uri": "https://id.example/v1/requests/ver_3q2-7wAAAAAAAAAAAAAAAA",
            "expires_at": 1_795_392_300, "comparison_code": "3368"
        })),
        AskProblems
    )
)]
pub(super) async fn ask_verification(
    State(service): State<Arc<Verification>>,
    caller: RelyingPartyCaller,
    StrictJson(body): StrictJson<VerificationBody>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<VerificationRequested>), Failure> {
    let requested = service.ask(&caller.client_id, body).await?;
    let location = format!("/v1/verifications/{}", requested.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(requested)))
}
