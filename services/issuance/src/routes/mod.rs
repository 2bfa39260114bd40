//! The operations of issuance.

mod add_passkey;
mod create_enrolment;
mod create_nonce;
mod list_passkeys;
mod remove_passkey;
mod show_me;

use std::sync::Arc;

use cyberid_domain::relying_party::Role;
use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Issuance;

/// Every operation with its access.
pub fn routes() -> Routes<Arc<Issuance>> {
    Routes::new(
        "CyberID issuance",
        "Enrolment by document and evidence, the network number (网号) and the network certificate (网证).",
    )
    .public(routes!(create_nonce::create_nonce))
    .signed(routes!(create_enrolment::create_enrolment))
    .authorize(&[Role::Holder], routes!(show_me::show_me))
    .authorize(
        &[Role::Holder],
        routes!(add_passkey::add_passkey, list_passkeys::list_passkeys),
    )
    .authorize(&[Role::Holder], routes!(remove_passkey::remove_passkey))
}
