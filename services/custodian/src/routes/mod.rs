//! The custodian's operations.

mod bind;
mod checkpoint;
mod deposit;
mod erase;
mod renumber;
mod settle;
mod stage;
mod switch;
mod unbind;
mod yield_official_shares;
mod yield_shares;

use std::sync::Arc;

use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Custodian;

/// Every operation, with who may call it.
pub fn routes() -> Routes<Arc<Custodian>> {
    Routes::new(
        "CyberID custodian",
        "The other half of every key: yielded to the vault, and only against a warrant.",
    )
    .signed(routes!(deposit::deposit))
    .signed(routes!(settle::settle))
    .signed(routes!(stage::stage))
    .signed(routes!(switch::switch))
    .signed(routes!(bind::bind))
    .signed(routes!(unbind::unbind))
    .signed(routes!(renumber::renumber))
    .signed(routes!(erase::erase))
    .public(routes!(checkpoint::checkpoint))
    .signed(routes!(yield_shares::yield_shares))
    .signed(routes!(yield_official_shares::yield_official_shares))
}
