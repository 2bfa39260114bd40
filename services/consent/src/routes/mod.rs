//! The operations, each with its access.

mod answer_release_request;
mod ask_release;
mod cancel_identifier;
mod confirm_erasure;
mod countersign_official_access;
mod examples;
mod fetch_consent_receipt;
mod fetch_ledger_checkpoint;
mod fetch_ledger_entries;
mod fetch_ledger_tile;
mod fetch_official_access;
mod fetch_release;
mod fetch_release_proof;
mod fetch_release_request;
mod leaf_kind;
mod list_events;
mod list_my_consents;
mod list_registration_leaves;
mod order_official_access;
mod redeem_official_access;
mod redeem_release;
mod withdraw_consent;

use std::sync::Arc;

use cyberid_domain::id::ReleaseId;
use cyberid_domain::relying_party::Role;
use cyberid_web::{Routes, compressed};
use utoipa_axum::routes;

use crate::Consent;

/// Every operation but those of [`request_routes`].
pub fn routes() -> Routes<Arc<Consent>> {
    let (rp, authority) = ([Role::RelyingParty], [Role::Authority]);
    Routes::new(
        "CyberID consent",
        "Release of plaintext from the request to the erasure, withdrawal, receipts, and the ledger.",
    )
    .authorize(&rp, routes!(ask_release::ask_release))
    .authorize(&rp, routes!(fetch_release::fetch_release))
    .authorize(&rp, routes!(fetch_release_proof::fetch_release_proof))
    .authorize(&rp, routes!(redeem_release::redeem_release))
    .authorize(&rp, routes!(confirm_erasure::confirm_erasure))
    .authorize(&rp, routes!(list_registration_leaves::list_registration_leaves))
    .authorize(&rp, routes!(list_events::list_events))
    .authorize(&authority, routes!(order_official_access::order_official_access))
    .authorize(&authority, routes!(fetch_official_access::fetch_official_access))
    .authorize(
        &authority,
        routes!(countersign_official_access::countersign_official_access),
    )
    .authorize(
        &authority,
        routes!(redeem_official_access::redeem_official_access),
    )
    .signed(routes!(withdraw_consent::withdraw_consent))
    .signed(routes!(cancel_identifier::cancel_identifier))
    .authorize(
        &[Role::Holder],
        routes!(fetch_consent_receipt::fetch_consent_receipt),
    )
    .authorize(&[Role::Holder], routes!(list_my_consents::list_my_consents))
    .public(routes!(fetch_ledger_checkpoint::fetch_ledger_checkpoint))
    .public(routes!(fetch_ledger_tile::fetch_ledger_tile))
    .authorize(
        &[Role::Regulator],
        compressed(routes!(fetch_ledger_entries::fetch_ledger_entries)),
    )
}

/// The operations under `/v1/requests/{id}` for releases. Other ids at these paths are verifications.
pub fn request_routes() -> Routes<Arc<Consent>> {
    Routes::new(
        "CyberID release requests",
        "What a holder fetches and answers for a release.",
    )
    .for_ids(ReleaseId::PREFIX)
    .public(routes!(fetch_release_request::fetch_release_request))
    .signed(routes!(answer_release_request::answer_release_request))
}
