//! `GET /v1/witness`: what an operator needs to configure a log's policy.

use std::sync::Arc;

use axum::extract::State;
use cyberid_web::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Witness, origin_hash};

/// A witness and the logs it watches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "witness.example",
    "vkey": "witness.example+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "logs": [{"origin": "log.example", "vkeys": ["log.example+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"],
        "size": 5, "checkpoint": "/d7612c54297eaa3e5a7756b17ce3adc5bed251af8059d72bbb8b0075c67b85e9/checkpoint"}]
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
    /// The log's verifier keys.
    vkeys: Vec<String>,
    /// The size of the last checkpoint cosigned here.
    size: u64,
    /// Where that checkpoint is read.
    checkpoint: String,
}

/// Says who this witness is and which logs it watches.
#[utoipa::path(
    get,
    path = "/v1/witness",
    operation_id = "describe_witness",
    tag = "witness",
    responses((status = 200, description = "The witness.", body = Description))
)]
pub(super) async fn describe_witness(State(witness): State<Arc<Witness>>) -> Json<Description> {
    let logs = witness.watched().into_iter().map(|log| DescribedLog {
        checkpoint: format!("/{}/checkpoint", origin_hash(&log.origin)),
        origin: log.origin,
        vkeys: log.keys.iter().map(ToString::to_string).collect(),
        size: log.size,
    });
    let key = witness.verifier_key();
    Json(Description {
        name: key.name().to_owned(),
        vkey: key.to_string(),
        logs: logs.collect(),
    })
}
