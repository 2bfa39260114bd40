//! `GET /v1/registration-certificates`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::CertificatesPage;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictQuery;
use http::HeaderName;
use http::header::CACHE_CONTROL;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Verification;

/// For how long certificates may be kept before they are fetched again: `registration::CERTIFICATES_KEPT`.
pub(super) const SHORT: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "public, max-age=60")];

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Only after this relying party: the `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<ClientId>,
    /// How many relying parties at most, 1 to 100.
    limit: Option<u32>,
}

/// The registration certificates of everybody who may ask now.
///
/// By client id, one certificate for each intended use. Each is a JWS of `typ` `cyberid-registration+jwt` under the key of role
/// `registration` in `/.well-known/jwks.json`: with that key and the certificate, a holder's app knows offline who asks, for
/// what, and by which keys. Whoever is suspended is not here a minute later; what is kept longer says what was registered,
/// not what is.
#[utoipa::path(
    get,
    path = "/v1/registration-certificates",
    operation_id = "list_registration_certificates",
    params(Page),
    responses((status = 200, description = "A page of certificates.", body = CertificatesPage, example = json!({
        "relying_parties": [{
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w",
            "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
        }],
        "next": "kO2v4Rv5SgmYvZ1hPzqv0w"
    })))
)]
pub(super) async fn list_registration_certificates(
    State(service): State<Arc<Verification>>,
    StrictQuery(page): StrictQuery<Page>,
) -> Result<([(HeaderName, &'static str); 1], Json<CertificatesPage>), Failure> {
    let page = service
        .published_certificates(page.after.as_ref(), page.limit)
        .await?;
    Ok((SHORT, Json(page)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_the_protocol_says() {
        let [(_, value)] = SHORT;
        let kept = cyberid_protocol::registration::CERTIFICATES_KEPT;
        assert_eq!(value, format!("public, max-age={kept}"));
    }
}
