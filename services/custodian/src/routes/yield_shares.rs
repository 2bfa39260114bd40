//! `POST /v1/shares`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::warrant::{Shares, WarrantBody};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What asking for shares can end in.
    pub(crate) YieldProblems: WarrantRefused, StaleConsistency
);

/// Yields the shares of the fields that a warrant's holder agreed to.
///
/// The custodian checks the whole warrant for itself. Each share is sealed to the vault and bound to this warrant;
/// the same warrant again gets the same shares, and another leaf for the same consent gets none.
#[utoipa::path(post, path = "/v1/shares", tag = "release",
    request_body(content = WarrantBody, example = json!({"warrant": {
        "consent": "eyJhbGciOiJFUzI1NiJ9.eyJmaWVsZHMiOlsibmFtZSJdfQ.c2ln",
        "salt": "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ",
        "rp_key": {"kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"},
        "leaf": "{\"kind\":\"release.intended\",\"time\":1784131200,\"v\":1}",
        "proof": "c2sp.org/tlog-proof@v1\nindex 1203\n\nledger.cyberid.example\n1204\n...",
        "vault_consistency": [],
        "custodian_consistency": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]}})),
    responses((status = 200, description = "The shares, in the order of the consent.", body = Shares,
        example = json!({"shares": [{"field": "name", "share": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}]})),
        YieldProblems))]
pub(crate) async fn yield_shares(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<WarrantBody>,
) -> Result<Json<Shares>, Failure> {
    Ok(Json(custodian.yield_shares(&body).await?))
}
