//! `POST /v1/official-openings`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::official::OfficialWarrantBody;
use cyberid_protocol::warrant::Opened;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What an official opening can end in.
    pub(crate) OpenOfficialProblems: WarrantRefused, StaleConsistency
);

/// Opens the fields of the one record that an authority's order names, for the authority alone.
///
/// The vault checks the whole warrant for itself: two different officers of an authority that it pins, the order's end, the
/// leaf, the witnesses, and that the record was deposited for the network number of the order. The custodian checks it
/// again. The answer is a `cyberid-official-identity+jwt` inside a JWE to the authority's pinned key.
#[utoipa::path(post, path = "/v1/official-openings", tag = "official access",
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
    responses((status = 200, description = "The identity, sealed to the authority.", body = Opened,
        example = json!({"identity": "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..bm9uY2U.c2VhbGVk.dGFn"})),
        OpenOfficialProblems))]
pub(crate) async fn open_official(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<OfficialWarrantBody>,
) -> Result<Json<Opened>, Failure> {
    Ok(Json(vault.open_official(&body).await?))
}
