//! `POST /sandbox/happenings`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_protocol::notice::Happening;
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list_people::{SandboxPerson, listed};
use crate::{CheckFailure, IdentitySource, Person};

/// The longest corrected name in bytes.
const LONGEST_NAME: usize = 512;

/// What is to happen to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HappeningBody {
    /// The kind of the person's present document.
    #[serde(rename = "type")]
    kind: DocumentType,
    /// Its number.
    #[schema(value_type = String)]
    number: Personal,
    /// What happens.
    happening: Happening,
    /// The corrected name; for `name_corrected` alone.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Personal>,
}

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HappenedAnswer {
    /// Its place in the source's order.
    seq: u64,
    /// The person as they are now.
    person: SandboxPerson,
}

problems!(
    /// What can stand against it.
    pub(crate) LetHappenProblems: NotFound, InvalidMessage
);

/// Lets something happen to a synthetic person: a death, a lost or withdrawn document, a new one, a corrected name.
///
/// Platforms that the person was confirmed to are told when they next ask for notices.
#[utoipa::path(post, path = "/sandbox/happenings", operation_id = "let_happen", tag = "sandbox",
    request_body(content = HappeningBody, example = json!({
        "type": "resident_id_card", "number": "11010519491231002X", "happening": "name_corrected", "name": "王维"})),
    responses(
        (status = 200, description = "It happened.", body = HappenedAnswer, example = json!({"seq": 7, "person": {
            "document": {"type": "resident_id_card", "name": "王维", "number": "11010519491231002X",
                "valid_until": "2034-05-01"},
            "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
            "birth_date": "1949-12-31"}})),
        LetHappenProblems))]
pub(crate) async fn let_happen(
    State(source): State<Arc<IdentitySource>>,
    StrictJson(body): StrictJson<HappeningBody>,
) -> Result<Json<HappenedAnswer>, Failure> {
    let found = source.by_document(body.kind, body.number.expose());
    let person = found.ok_or(cyberid_protocol::problem::ProblemType::NotFound)?;
    if !says_what_it_has_to(&body) {
        return Err(CheckFailure::NotAQuestion.into());
    }
    let name = body.name.as_ref().map(|name| name.expose().to_owned());
    let seq = source.let_happen(&person, body.happening, name)?;
    let person = source.now(&person);
    Ok(Json(HappenedAnswer {
        seq,
        person: listed(&source, &person),
    }))
}

/// A correction names the corrected name, and nothing else does.
fn says_what_it_has_to(body: &HappeningBody) -> bool {
    let name = body.name.as_ref().map(Personal::expose);
    let corrects = body.happening == Happening::NameCorrected;
    name.is_some() == corrects && name.is_none_or(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
}

impl IdentitySource {
    /// Lets something happen to a person, and gives its place in the order.
    pub(crate) fn let_happen(
        &self,
        person: &Person,
        happening: Happening,
        name: Option<String>,
    ) -> Result<u64, CheckFailure> {
        let now = self.parts.clock.now();
        let happened = self
            .parts
            .life
            .happen(self.population(), person, (happening, name), now);
        Ok(happened?)
    }

    /// The person as they are now.
    pub(crate) fn now(&self, person: &Person) -> Person {
        let first = self.population().person(person.index);
        self.parts.life.now(first.unwrap_or_else(|| person.clone()))
    }
}
