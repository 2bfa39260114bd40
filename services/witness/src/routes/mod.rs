//! The witness over HTTP.

mod add_checkpoint;
mod describe_witness;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Witness;

/// Every operation of the witness. The submission prefix of tlog-witness is the server's root.
pub fn routes() -> Routes<Arc<Witness>> {
    Routes::new(
        "CyberID witness",
        "Cosigns the checkpoints of transparency logs (C2SP tlog-witness), one history of each log.",
    )
    .signed(routes!(add_checkpoint::add_checkpoint))
    .public(routes!(describe_witness::describe_witness))
}
