//! `POST /v1/relying-parties/{client_id}/renewal`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::{Registered, RenewalBody};
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::{PathParam, StrictJson};
use cyberid_web::{Failure, problems};

use crate::Verification;

problems!(
    /// What an application for a renewal can end in.
    pub(super) RenewProblems: InvalidRegistration, RelyingPartyInactive
);

/// Applies for a renewal of a registration.
///
/// It waits beside what is in force, in the place of one that waited before, and changes nothing until a second operator
/// approves it (`/approve?renewal_sha256=`): then the registration says what the renewal says, with the keys in force, for as many days from
/// that moment. `registration` is left out where nothing changes. A renewal is possible once a registration was approved, also
/// when it has expired; approved after a suspension, it reinstates the relying party. A suspension drops what waits.
#[utoipa::path(
    post,
    path = "/v1/relying-parties/{client_id}/renewal",
    operation_id = "apply_for_renewal",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    request_body(content = RenewalBody, example = json!({"expires_in_days": 365})),
    responses(
        (status = 200, description = "The renewal waits for a second operator.", body = Registered, example = json!({
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "approved", "expires_at": 1_815_667_200,
            "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."],
            "waiting_renewal": {
                "renewal_sha256": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
                "applied_by": "Kc1mX5n0cQnVYjWb3Yp1Hg", "applied_at": 1_784_131_200, "expires_in_days": 365
            }
        })),
        RenewProblems
    )
)]
pub(super) async fn apply_for_renewal(
    State(service): State<Arc<Verification>>,
    caller: OperatorCaller,
    PathParam(client_id): PathParam<ClientId>,
    StrictJson(body): StrictJson<RenewalBody>,
) -> Result<Json<Registered>, Failure> {
    let waiting = service.apply_for_renewal(&caller.client_id, &client_id, body);
    Ok(Json(waiting.await?))
}
