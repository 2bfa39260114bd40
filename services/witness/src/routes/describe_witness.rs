//! `GET /v1/witness`: what an operator needs to configure a log's policy.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use cyberid_web::Failure;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Witness;

/// A witness and the logs it watches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "witness.example",
    "vkey": "witness.example+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "logs": [{"origin": "log.example", "vkey": "log.example+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "size": 5}]
}))]
pub(super) struct Description {
    /// The name in its cosignatures.
    name: String,
    /// Its verifier key (C2SP signed-note), for the `witness` line of a policy.
    vkey: String,
    /// The logs, in the order of their names.
    logs: Vec<DescribedLog>,
}

/// A log that the witness watches.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DescribedLog {
    /// The log's name.
    origin: String,
    /// The log's verifier key.
    vkey: String,
    /// The size of the last checkpoint cosigned here.
    size: u64,
}

/// Says who this witness is and which logs it watches.
#[utoipa::path(
    get,
    path = "/v1/witness",
    operation_id = "describe_witness",
    tag = "witness",
    responses((status = 200, description = "The witness.", body = Description))
)]
pub(super) async fn describe_witness(
    State(witness): State<Arc<Witness>>,
) -> Result<Json<Description>, Failure> {
    let described = tokio::task::spawn_blocking(move || describe(&witness)).await;
    described.map_err(Failure::internal)?.map(Json)
}

fn describe(witness: &Witness) -> Result<Description, Failure> {
    let watched = witness.watched().map_err(Failure::internal)?;
    let logs = watched.into_iter().map(|log| DescribedLog {
        origin: log.key.name().to_owned(),
        vkey: log.key.to_string(),
        size: log.size,
    });
    let key = witness.verifier_key();
    Ok(Description {
        name: key.name().to_owned(),
        vkey: key.to_string(),
        logs: logs.collect(),
    })
}
