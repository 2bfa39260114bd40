//! The regulator's operations.

mod list_entries;
mod summarize;

use std::sync::Arc;

use cyberid_domain::relying_party::Role;
use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Audit;

/// Every operation with its access.
pub fn routes() -> Routes<Arc<Audit>> {
    Routes::new(
        "CyberID audit",
        "What the regulator reads: entries of the ledger with their proofs, and counts. Nothing here writes.",
    )
    .authorize(&[Role::Regulator], routes!(list_entries::list_entries))
    .authorize(&[Role::Regulator], routes!(summarize::summarize))
}
