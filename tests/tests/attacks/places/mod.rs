//! Every place that takes a token.

mod access;
mod answers;
mod commands;
mod devices;
mod guardians;
mod holder;
mod issuance;
mod life;
mod official;
mod party;
mod releases;
mod source;
mod warrants;

use std::rc::Rc;
use std::sync::Arc;

use journeys::Part;
use journeys::attacks::{Seal, Token};

use crate::place::Place;
use crate::scene::Scene;

/// Places that one thread attacks.
pub(crate) struct Places {
    /// Those that take a signed message.
    pub(crate) tokens: Vec<Rc<Place<Token>>>,
    /// Those that take a sealed message.
    pub(crate) seals: Vec<Rc<Place<Seal>>>,
}

impl Places {
    /// One half of the places, or the other.
    pub(crate) async fn of(half: usize, scene: &Arc<Scene>) -> Self {
        let (tokens, seals) = if half == 0 {
            (of_people(scene).await, seals_of_people(scene).await)
        } else {
            let others = [of_the_platform(scene).await, of_key_holders(scene).await];
            let others = others.into_iter().flatten().collect();
            (others, seals_of_others(scene).await)
        };
        Self {
            tokens: tokens.into_iter().map(Rc::new).collect(),
            seals: seals.into_iter().map(Rc::new).collect(),
        }
    }
}

/// What people and their devices say.
async fn of_people(scene: &Arc<Scene>) -> Vec<Place<Token>> {
    vec![
        access::holder_assertion(scene),
        access::dpop_for_a_call(scene),
        access::access_token(scene),
        issuance::enrolling(scene),
        issuance::appeal(scene),
        issuance::recovery(scene).await,
        issuance::misuse_report(scene).await,
        issuance::enrolling_at_a_counter(scene).await,
        issuance::sheet_of_an_enrolment(scene).await,
        issuance::recovery_at_a_counter(scene).await,
        issuance::sheet_of_a_recovery(scene).await,
        answers::proof_in_an_answer(scene),
        answers::direct_proof(scene),
        source::face_evidence(scene).await,
        releases::consent(scene).await,
        releases::withdrawal(scene),
        life::suspension(scene).await,
        life::resumption(scene).await,
        life::renumbering(scene).await,
        life::cancellation(scene).await,
        devices::device_approval(scene).await,
        devices::key_proof_of_a_device(scene).await,
        guardians::consent_to_an_enrolment(scene).await,
        guardians::consent_at_a_counter(scene).await,
        guardians::consent_to_an_appointment(scene).await,
        guardians::release(scene).await,
        guardians::answer(scene).await,
    ]
}

async fn seals_of_people(scene: &Arc<Scene>) -> Vec<Place<Seal>> {
    vec![
        answers::seal_in_an_answer(scene),
        answers::direct_seal(scene),
        releases::sealed_consent(scene).await,
        life::sealed_resumption(scene).await,
        devices::sealed_device(scene).await,
        devices::sealed_pin(scene).await,
        devices::sealed_pin_reset(scene).await,
        devices::sealed_passkey(scene).await,
        guardians::sealed_answer(scene).await,
    ]
}

/// What the platform, its relying parties and authorities say.
async fn of_the_platform(scene: &Arc<Scene>) -> Vec<Place<Token>> {
    vec![
        access::client_assertion(scene),
        access::dpop_for_a_token(scene),
        access::introspection(scene),
        releases::key_change(scene),
        official::order(scene),
        official::countersignature(scene).await,
        holder::direct_request(scene),
        holder::certificate_in_a_direct_request(scene),
        holder::verification_request(scene).await,
        holder::release_request(scene).await,
        holder::request_to_a_ward(scene).await,
        holder::network_certificate(scene).await,
        holder::renewed_certificate(scene).await,
        holder::archive(scene).await,
        party::attestation(scene).await,
        party::key_certificate(scene).await,
        party::event(scene).await,
        party::identity(scene).await,
        party::official_identity(scene).await,
    ]
}

async fn seals_of_others(scene: &Arc<Scene>) -> Vec<Place<Seal>> {
    vec![
        party::sealed_identity(scene).await,
        source::identity_check(scene).await,
        source::face_check(scene).await,
        source::notices(scene).await,
    ]
}

/// What vault and custodian are told. A record that is made is there for one place alone.
async fn of_key_holders(scene: &Arc<Scene>) -> Vec<Place<Token>> {
    let issuance = commands::Issuance::at(scene);
    let mut places = vec![
        commands::reservation(&issuance),
        warrants::order_at_the_vault().await,
        warrants::order_at_the_custodian().await,
        warrants::countersignature_at_the_vault().await,
        warrants::countersignature_at_the_custodian().await,
    ];
    for part in [Part::Vault, Part::Custodian] {
        places.extend([
            commands::deposit(&issuance, part).await,
            commands::settlement(&issuance, part).await,
            commands::binding(&issuance, part).await,
            commands::unbinding(&issuance, part).await,
            commands::staging(&issuance, part).await,
            commands::switch(&issuance, part).await,
            commands::renumbering(&issuance, part),
            commands::erasure(&issuance, part),
            warrants::consent(scene, part),
        ]);
    }
    places
}
