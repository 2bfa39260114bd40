//! `POST /sandbox/passports`: the sandbox's country gives anybody a passport. Whether its person exists, the source knows.

use std::sync::Arc;

use axum::extract::State;
use cyberid_crypto::base64url;
use cyberid_domain::calendar::read_date;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_passport::synthetic::Holder;
use cyberid_protocol::enrolment::Document;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::sandbox::Sandbox;

/// Whom a passport is for: an entry of `GET /sandbox/people` without its evidence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassportAsked {
    document: Document,
    /// `YYYY-MM-DD`.
    #[schema(value_type = String, format = Date)]
    birth_date: Personal,
}

/// Makes the chip of a passport of Utopia, a country that does not exist: what stands as `chip` in the evidence of an enrolment.
#[utoipa::path(post, path = "/sandbox/passports", operation_id = "make_sandbox_passport", tag = "sandbox",
    request_body(content = PassportAsked, example = json!({
        "document": {"type": "passport", "name": "ANNA ERIKSSON", "number": "L898902C36", "valid_until": "2034-05-01"},
        "birth_date": "1974-08-12"})),
    responses((status = 200, description = "The files of the chip, base64url.", body = Value,
        example = json!({"sod": "d4IF...", "dg1": "YVtfH1hQ...", "dg2": "dR5_..."}))))]
pub(crate) async fn make_passport(
    State(sandbox): State<Arc<Sandbox>>,
    StrictJson(asked): StrictJson<PassportAsked>,
) -> Result<Json<Value>, Failure> {
    let document = &asked.document;
    let dates = read_date(asked.birth_date.expose()).zip(read_date(document.valid_until.expose()));
    let number = document.number.expose().get(..9);
    let (Some((birth_date, valid_until)), Some(number), DocumentType::Passport) =
        (dates, number, document.kind)
    else {
        return Err(ProblemType::MalformedRequest.into());
    };
    let utopia = sandbox.country.utopia().map_err(Failure::internal)?;
    let chip = utopia.issue(&Holder {
        name: document.name.expose(),
        number: number.trim_end_matches('<'),
        birth_date,
        valid_until,
    });
    let chip = chip.map_err(Failure::internal)?;
    let dg2 = chip.dg2.as_deref().map(base64url::encode);
    Ok(Json(json!({
        "sod": base64url::encode(&chip.sod),
        "dg1": base64url::encode(&chip.dg1),
        "dg2": dg2,
    })))
}
