//! The operations of the source.

mod check_face;
mod check_identity;
mod let_happen;
mod list_notices;
mod list_people;
mod set_fault;
mod show_source;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::IdentitySource;

/// What platforms alone call: where the source speaks TLS, with a certificate of their own.
pub fn platform_routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID identity source",
        "Answers whether a document and evidence belong to one living person, and tells what happens to them later.",
    )
    .signed(routes!(check_identity::check_identity))
    .signed(routes!(list_notices::list_notices))
}

/// What holders' apps call too.
pub fn routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID identity source",
        "Answers whether a document and evidence belong to one living person. This one is synthetic.",
    )
    .signed(routes!(check_face::check_face))
    .public(routes!(show_source::show_source))
}

/// What exists in a sandbox only: the list of people with their evidence.
pub fn sandbox_routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID sandbox people",
        "Synthetic people to try every call with, and what happens to them; nothing of it exists outside a sandbox.",
    )
    .public(routes!(list_people::list_people))
    .public(routes!(let_happen::let_happen))
}

/// What exists only where faults were asked for at start.
pub fn fault_routes() -> Routes<Arc<IdentitySource>> {
    Routes::new(
        "CyberID identity source faults",
        "Makes the synthetic source misbehave, to see that whoever asks it fails closed.",
    )
    .public(routes!(set_fault::set_fault))
}
