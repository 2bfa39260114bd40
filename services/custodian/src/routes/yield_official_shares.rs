//! `POST /v1/official-shares`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::official::OfficialWarrantBody;
use cyberid_protocol::warrant::Shares;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What asking for shares by an order can end in.
    pub(crate) YieldOfficialProblems: WarrantRefused, StaleConsistency
);

/// Yields the shares of the fields that an authority's order names, of the one record that it names.
///
/// The custodian checks the whole warrant for itself, with the authorities and officers that it pins. Each share is
/// sealed to the vault and bound to this warrant; the same warrant again gets the same shares, and another leaf for the
/// same order gets none.
#[utoipa::path(post, path = "/v1/official-shares", tag = "official access",
    request_body(content = OfficialWarrantBody, example = json!({"warrant": {
        "order": "eyJhbGciOiJFUzI1NiJ9.eyJmaWVsZHMiOlsibmFtZSJdfQ.c2ln",
        "countersignature": "eyJhbGciOiJFUzI1NiJ9.eyJvcmRlcl9zaGEyNTYiOiIifQ.c2ln",
        "salt": "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ",
        "device_jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "number_salt": "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ",
        "leaf": "{\"kind\":\"official.intended\",\"time\":1784131200,\"v\":1}",
        "proof": "c2sp.org/tlog-proof@v1\nindex 1203\n\nledger.cyberid.example\n1204\n...",
        "vault_consistency": [],
        "custodian_consistency": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]}})),
    responses((status = 200, description = "The shares, in the order of the order's fields.", body = Shares,
        example = json!({"shares": [{"field": "name", "share": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}]})),
        YieldOfficialProblems))]
pub(crate) async fn yield_official_shares(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<OfficialWarrantBody>,
) -> Result<Json<Shares>, Failure> {
    Ok(Json(custodian.yield_official_shares(&body).await?))
}
