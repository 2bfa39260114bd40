//! The regulator's operations, and the one that is everybody's.

mod fetch_overseen_party;
mod fetch_traced_release;
mod fetch_transparency_report;
mod list_entries;
mod list_overseen_parties;
mod summarize;

use std::sync::Arc;

use cyberid_domain::relying_party::Role;
use cyberid_web::{Routes, compressed};
use utoipa_axum::routes;

use crate::Audit;

/// Every operation with its access.
pub fn routes() -> Routes<Arc<Audit>> {
    let regulator = [Role::Regulator];
    Routes::new(
        "CyberID audit",
        "What the regulator reads: entries of the ledger with their proofs, relying parties and what they owe, and counts; \
         and the transparency report, for everybody. Nothing here writes.",
    )
    .authorize(&regulator, compressed(routes!(list_entries::list_entries)))
    .authorize(&regulator, routes!(summarize::summarize))
    .authorize(&regulator, routes!(list_overseen_parties::list_overseen_parties))
    .authorize(&regulator, routes!(fetch_overseen_party::fetch_overseen_party))
    .authorize(&regulator, routes!(fetch_traced_release::fetch_traced_release))
    .public(routes!(fetch_transparency_report::fetch_transparency_report))
}
