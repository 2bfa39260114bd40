//! `POST /v1/relying-parties`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::registration::{Registered, Registration};
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};
use http::header::LOCATION;
use http::{HeaderName, StatusCode};

use crate::Verification;

problems!(
    /// What an application can end in.
    pub(super) ApplyProblems: InvalidRegistration
);

/// Applies for a relying party.
///
/// It may act once a second operator has approved it. `invalid-registration` names the member that breaks a rule, as a JSON
/// pointer, in `member`.
#[utoipa::path(
    post,
    path = "/v1/relying-parties",
    operation_id = "apply_for_relying_party",
    request_body(content = Registration, example = json!({
        "name": "Example Bank",
        "domains": ["bank.example"],
        "contact": "identity@bank.example",
        "deletion_contact": "erasure@bank.example",
        "intended_uses": [{
            "purpose": "open-account",
            "checks": ["real_person", "age_over_18"],
            "fields": ["name", "document_number"],
            "legal_basis": "Anti-Money Laundering Law, article 29",
            "retention_days": 30,
            "notice_uri": "https://bank.example/privacy"
        }],
        "jwks": {"keys": [
            {"kty": "EC", "crv": "P-256", "use": "sig", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
            {"kty": "EC", "crv": "P-256", "use": "enc", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
             "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}
        ]},
        "events_uri": "https://bank.example/cyberid/events"
    })),
    responses(
        (status = 201, description = "The application is kept.", body = Registered, example = json!({
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "applied", "registration_certificates": []
        })),
        ApplyProblems
    )
)]
pub(super) async fn apply_for_relying_party(
    State(service): State<Arc<Verification>>,
    caller: OperatorCaller,
    StrictJson(body): StrictJson<Registration>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Registered>), Failure> {
    let registered = service.apply(&caller.client_id, body).await?;
    let location = format!("/v1/relying-parties/{}", registered.client_id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(registered)))
}
