//! The operations of the source.

mod check_face;
mod check_identity;
mod list_people;
mod set_fault;
mod show_source;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::IdentitySource;

/// What issuance and holders' apps call.
pub fn routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID identity source",
        "Answers whether a document and evidence belong to one living person. This one is synthetic.",
    )
    .signed(routes!(check_identity::check_identity))
    .signed(routes!(check_face::check_face))
    .public(routes!(show_source::show_source))
}

/// What exists in a sandbox only: the list of people with their evidence.
pub fn sandbox_routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID sandbox people",
        "Synthetic people to try every call with; nothing of it exists outside a sandbox.",
    )
    .public(routes!(list_people::list_people))
}

/// What exists only where faults were asked for at start.
pub fn fault_routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID identity source faults",
        "Makes the synthetic source misbehave, to see that whoever asks it fails closed.",
    )
    .public(routes!(set_fault::set_fault))
}
