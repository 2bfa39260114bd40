//! The witness over HTTP.

mod add_checkpoint;
mod describe_witness;
mod read_checkpoint;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Witness;

/// What is said in plain text.
const TEXT: &str = "text/plain; charset=utf-8";

/// Every operation of the witness. The submission and the monitoring prefix of tlog-witness are the server's root.
pub fn routes() -> Routes<Arc<Witness>> {
    Routes::new(
        "CyberID witness",
        "Cosigns the checkpoints of transparency logs (C2SP tlog-witness), one history of each log.",
    )
    .signed(routes!(add_checkpoint::add_checkpoint))
    .public(routes!(describe_witness::describe_witness))
    .public(routes!(read_checkpoint::read_checkpoint))
}
