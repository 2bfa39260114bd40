//! The operations of issuance.

mod add_device;
mod add_passkey;
mod apply_act;
mod appoint_guardian;
mod approve_act;
mod caller_address;
mod change_pin;
mod create_enrolment;
mod create_nonce;
mod create_recovery;
mod decide_case;
mod draw_number;
mod enrol_at_counter;
mod list_alerts;
mod list_cases;
mod list_devices;
mod list_passkeys;
mod make_appeal;
mod prove_document;
mod recover_at_counter;
mod remove_passkey;
mod renew_me;
mod report_misuse;
mod reset_pin;
mod resume_me;
mod revoke_device;
mod show_act;
mod show_case;
mod show_me;
mod suspend_me;
mod take_number;

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
    .authorize(&[Role::Holder], routes!(prove_document::prove_document))
    .authorize(&[Role::Holder], routes!(show_me::show_me))
    .authorize(
        &[Role::Holder],
        routes!(add_passkey::add_passkey, list_passkeys::list_passkeys),
    )
    .authorize(&[Role::Holder], routes!(remove_passkey::remove_passkey))
    .authorize(
        &[Role::Holder],
        routes!(add_device::add_device, list_devices::list_devices),
    )
    .authorize(&[Role::Holder], routes!(revoke_device::revoke_device))
    .authorize(&[Role::Holder], routes!(list_alerts::list_alerts))
    .signed(routes!(create_recovery::create_recovery))
    .authorize(&[Role::Holder], routes!(change_pin::change_pin))
    .authorize(&[Role::Holder], routes!(reset_pin::reset_pin))
    .signed(routes!(suspend_me::suspend_me))
    .signed(routes!(resume_me::resume_me))
    .authorize(&[Role::Holder], routes!(renew_me::renew_me))
    .authorize(&[Role::Holder], routes!(draw_number::draw_number))
    .signed(routes!(take_number::take_number))
    .authorize(&[Role::Holder], routes!(appoint_guardian::appoint_guardian))
    .signed(routes!(report_misuse::report_misuse))
    .signed(routes!(make_appeal::make_appeal))
    .public(routes!(show_case::show_case))
    .authorize(&[Role::Operator], routes!(enrol_at_counter::enrol_at_counter))
    .authorize(&[Role::Operator], routes!(recover_at_counter::recover_at_counter))
    .authorize(&[Role::Operator], routes!(list_cases::list_cases))
    .authorize(&[Role::Operator], routes!(decide_case::decide_case))
    .authorize(&[Role::Operator], routes!(apply_act::apply_act))
    .authorize(&[Role::Operator], routes!(approve_act::approve_act))
    .authorize(&[Role::Operator], routes!(show_act::show_act))
}
