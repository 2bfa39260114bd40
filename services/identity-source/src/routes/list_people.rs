//! `GET /sandbox/people`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::document::DocumentType;
use cyberid_web::Json;
use cyberid_web::extract::StrictQuery;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{EVIDENCE_KIND, IdentitySource, Person};

/// How many are listed when nobody says how many.
const USUAL: usize = 20;

/// How many are listed at most.
const MOST: usize = 100_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// At most how many people; 20 if absent.
    #[param(example = 5)]
    limit: Option<usize>,
}

/// The synthetic people who can enrol.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct People {
    people: Vec<SandboxPerson>,
}

/// A synthetic person, as `POST /v1/enrolments` takes them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SandboxPerson {
    document: SandboxDocument,
    evidence: SandboxEvidence,
    /// The date of birth, `YYYY-MM-DD`: for the tester, not for the enrolment.
    birth_date: String,
}

/// The document of a synthetic person.
#[derive(Debug, Serialize, ToSchema)]
struct SandboxDocument {
    #[serde(rename = "type")]
    kind: DocumentType,
    name: String,
    number: String,
    valid_until: String,
}

/// The evidence of a synthetic person.
#[derive(Debug, Serialize, ToSchema)]
struct SandboxEvidence {
    kind: &'static str,
    token: String,
}

/// Lists synthetic people of all ages, each with the document and the evidence that an enrolment takes.
///
/// Neighbours in the list are far apart in age. People whose document has expired are in the register, but not in
/// the list: they cannot enrol.
#[utoipa::path(get, path = "/sandbox/people", operation_id = "list_people", tag = "sandbox", params(Page),
    responses((status = 200, description = "The people.", body = People, example = json!({"people": [{
        "document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2034-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
        "birth_date": "1949-12-31"}]}))))]
pub(crate) async fn list_people(
    State(source): State<Arc<IdentitySource>>,
    StrictQuery(page): StrictQuery<Page>,
) -> Json<People> {
    let today = source.parts.clock.now().date();
    let people = source
        .people()
        .filter(|person| person.can_enrol(today))
        .take(page.limit.unwrap_or(USUAL).min(MOST))
        .map(|person| listed(&source, &person))
        .collect();
    Json(People { people })
}

pub(super) fn listed(source: &IdentitySource, person: &Person) -> SandboxPerson {
    SandboxPerson {
        document: SandboxDocument {
            kind: person.kind,
            name: person.name.expose().to_owned(),
            number: person.number.expose().to_owned(),
            valid_until: person.valid_until.to_string(),
        },
        evidence: SandboxEvidence {
            kind: EVIDENCE_KIND,
            token: source.population().evidence(person),
        },
        birth_date: person.birth_date.to_string(),
    }
}
