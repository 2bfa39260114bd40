//! `POST /v1/openings`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::warrant::{Opened, WarrantBody};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What an opening can end in.
    pub(crate) OpenProblems: WarrantRefused, StaleConsistency
);

/// Opens the fields that a warrant's holder agreed to, for the relying party alone.
///
/// The vault checks the whole warrant for itself, and then asks the custodian, which checks it again; what the
/// custodian refuses is passed on as it is. The answer is a `cyberid-identity+jwt` inside a JWE to the key that the
/// holder agreed to.
#[utoipa::path(post, path = "/v1/openings", tag = "release",
    request_body(content = WarrantBody, example = json!({"warrant": {
        "consent": "eyJhbGciOiJFUzI1NiJ9.eyJmaWVsZHMiOlsibmFtZSJdfQ.c2ln",
        "salt": "c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ",
        "rp_key": {"kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"},
        "leaf": "{\"kind\":\"release.intended\",\"time\":1784131200,\"v\":1}",
        "proof": "c2sp.org/tlog-proof@v1\nindex 1203\n\nledger.cyberid.example\n1204\n...",
        "vault_consistency": [],
        "custodian_consistency": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]}})),
    responses((status = 200, description = "The identity, sealed to the relying party.", body = Opened,
        example = json!({"identity": "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..bm9uY2U.c2VhbGVk.dGFn"})),
        OpenProblems))]
pub(crate) async fn open(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<WarrantBody>,
) -> Result<Json<Opened>, Failure> {
    Ok(Json(vault.open(&body).await?))
}
