//! `POST /v1/me/renewal`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::life::{RenewalBody, Renewed};
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::Issuance;

problems!(
    /// What a renewal can end in.
    pub(crate) RenewMeProblems: NotFound, EvidenceRefused, IdentifierInactive, RateLimited, SourceUnavailable
);

/// Renews the network certificate (网证): for another six months, or until the document's end.
///
/// An active identifier is renewed by the device alone. An expired one needs `proof`: the document of the enrolment, if it
/// has not ended, and fresh evidence that the holder is its person.
#[utoipa::path(post, path = "/v1/me/renewal", operation_id = "renew_me", tag = "issuance",
    request_body(content = RenewalBody, example = json!({"proof": {
        "document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2044-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"}}})),
    responses(
        (status = 200, description = "A fresh certificate.", body = Renewed, example = json!({
            "network_number": "7K2M9-XQ4TD",
            "credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2VydGlmaWNhdGUrand0In0.eyJpc3MiOiIifQ.c2ln",
            "credential_expires_at": 1_800_000_000, "status": "active"})),
        RenewMeProblems))]
pub(crate) async fn renew_me(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<RenewalBody>,
) -> Result<Json<Renewed>, Failure> {
    Ok(Json(issuance.renew(caller.jkt, from, body.proof).await?))
}
