//! The service's operations over HTTP, one file each, mounted with their access.

mod answer_for_ward;
mod answer_request;
mod apply;
mod approve;
mod ask_verification;
mod authorization_server;
mod cancel_keys;
mod change_keys;
mod discovery;
mod end_guardianship;
mod export_me;
mod introspect;
mod list_certificates;
mod list_wards;
mod make_code;
mod obtain_token;
mod read_activity;
mod read_certificates;
mod read_code;
mod read_relying_party;
mod read_request;
mod read_verification;
mod renew;
mod signing_keys;
mod suspend;
mod verify_directly;

use std::sync::Arc;

use cyberid_domain::relying_party::Role;
use cyberid_web::Routes;
use utoipa_axum::routes;

use crate::Verification;

const DESCRIPTION: &str = "Relying parties register, ask whether somebody is a real person, old enough, with a valid \
    document, and receive a signed pass or fail and a pseudonym that is theirs alone. Access tokens for every caller, and \
    discovery.";

/// The operations of the service.
pub fn routes() -> Routes<Arc<Verification>> {
    let (operator, party) = ([Role::Operator], [Role::RelyingParty]);
    Routes::new("CyberID verification", DESCRIPTION)
        .public(routes!(discovery::read_discovery))
        .public(routes!(signing_keys::list_signing_keys))
        .public(routes!(authorization_server::read_authorization_server))
        .public(routes!(obtain_token::obtain_token))
        .authorize(&operator, routes!(introspect::introspect_token))
        .authorize(&operator, routes!(apply::apply_for_relying_party))
        .authorize(
            &[Role::Operator, Role::RelyingParty],
            routes!(read_relying_party::read_relying_party),
        )
        .authorize(&operator, routes!(approve::approve_relying_party))
        .authorize(&operator, routes!(suspend::suspend_relying_party))
        .authorize(&operator, routes!(renew::apply_for_renewal))
        .signed(routes!(change_keys::change_relying_party_keys))
        .authorize(&operator, routes!(cancel_keys::cancel_relying_party_keys))
        .public(routes!(list_certificates::list_registration_certificates))
        .public(routes!(read_certificates::read_registration_certificates))
        .authorize(&party, routes!(ask_verification::ask_verification))
        .authorize(&party, routes!(verify_directly::verify_directly))
        .authorize(&party, routes!(read_verification::read_verification))
        .authorize(&[Role::Holder], routes!(make_code::make_code))
        .authorize(&[Role::Holder], routes!(read_code::read_code))
        .authorize(&[Role::Holder], routes!(read_activity::read_activity))
        .authorize(&[Role::Holder], routes!(export_me::export_me))
        .authorize(&[Role::Holder], routes!(list_wards::list_wards))
        .authorize(&[Role::Holder], routes!(answer_for_ward::answer_for_ward))
        .authorize(&[Role::Holder], routes!(end_guardianship::end_guardianship))
        .recognize(&[Role::Holder], routes!(read_request::read_verification_request))
        .recognize(
            &[Role::Holder],
            routes!(answer_request::answer_verification_request),
        )
}
