//! `GET /v1/releases/{id}/proof`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::release::LeafProof;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::{PathParam, StrictQuery};

use super::leaf_kind::WhichLeaf;
use crate::Consent;

/// Gives a leaf of a release, with the proof that it is in the ledger, to the relying party that asked for the release.
///
/// Without `kind` it is the leaf of the grant. What has not happened is not there.
#[utoipa::path(get, path = "/v1/releases/{id}/proof", operation_id = "fetch_release_proof", tag = "releases",
    params(("id" = String, Path, description = "The release.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA"), WhichLeaf),
    responses((status = 200, description = "The leaf and its proof.", body = LeafProof,
        example = json!(super::examples::leaf_proof()))))]
pub(super) async fn fetch_release_proof(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
    PathParam(id): PathParam<ReleaseId>,
    StrictQuery(which): StrictQuery<WhichLeaf>,
) -> Result<Json<LeafProof>, Failure> {
    let proof = consent.release_proof(&caller.client_id, &id, which.kind());
    Ok(Json(proof.await?))
}
