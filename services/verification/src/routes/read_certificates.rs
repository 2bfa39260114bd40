//! `GET /v1/registration-certificates/{client_id}`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::PublishedCertificates;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::PathParam;
use http::HeaderName;

use super::list_certificates::SHORT;
use crate::Verification;

/// The registration certificates of one relying party.
///
/// For whoever may ask now; of anybody else, an applicant or one who is suspended, there is nothing here.
#[utoipa::path(
    get,
    path = "/v1/registration-certificates/{client_id}",
    operation_id = "read_registration_certificates",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    responses((status = 200, description = "The certificates.", body = PublishedCertificates, example = json!({
        "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w",
        "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
    })))
)]
pub(super) async fn read_registration_certificates(
    State(service): State<Arc<Verification>>,
    PathParam(client_id): PathParam<ClientId>,
) -> Result<([(HeaderName, &'static str); 1], Json<PublishedCertificates>), Failure> {
    let certificates = service.published_certificates_of(&client_id).await?;
    Ok((SHORT, Json(certificates)))
}
