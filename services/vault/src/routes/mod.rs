//! The vault's operations.

mod bind;
mod checkpoint;
mod deposit;
mod erase;
mod open;
mod open_official;
mod renumber;
mod reserve;
mod settle;
mod stage;
mod switch;
mod unbind;

use std::sync::Arc;

use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Vault;

/// Every operation, with who may call it.
pub fn routes() -> Routes<Arc<Vault>> {
    Routes::new(
        "CyberID vault",
        "The identity records: opened field by field, and only against a warrant.",
    )
    .signed(routes!(reserve::reserve))
    .signed(routes!(deposit::deposit))
    .signed(routes!(settle::settle))
    .signed(routes!(stage::stage))
    .signed(routes!(switch::switch))
    .signed(routes!(bind::bind))
    .signed(routes!(unbind::unbind))
    .signed(routes!(renumber::renumber))
    .signed(routes!(erase::erase))
    .public(routes!(checkpoint::checkpoint))
    .signed(routes!(open::open))
    .signed(routes!(open_official::open_official))
}
