//! `GET /v1/audit/relying-parties/{client_id}`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::OverseenParty;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::PathParam;

use super::list_overseen_parties::example;
use crate::Audit;

cyberid_web::problems! {
    /// What looking up can end in.
    pub(super) PartyProblems: NotFound
}

/// Gives one relying party: for what it is registered, what it did, what it asked too much, and which erasures it owes.
#[utoipa::path(get, path = "/v1/audit/relying-parties/{client_id}", operation_id = "fetch_overseen_party", tag = "audit",
    params(("client_id" = String, Path, description = "The relying party.", example = "2wbxUXdcvHxRhvfYRNO9Zg")),
    responses((status = 200, description = "The relying party, whatever became of its registration.",
        body = OverseenParty, example = json!(example())), PartyProblems))]
pub(super) async fn fetch_overseen_party(
    State(audit): State<Arc<Audit>>,
    PathParam(client_id): PathParam<ClientId>,
) -> Result<Json<OverseenParty>, Failure> {
    let party = audit.party(&client_id).await?;
    Ok(Json(party.ok_or(ProblemType::NotFound)?))
}
