//! Every place that takes a token.

mod access;
mod answers;
mod holder;
mod issuance;
pub(crate) mod party;
pub(crate) mod releases;

use std::rc::Rc;

use journeys::attacks::{Seal, Token};

use crate::place::Place;
use crate::scene::Scene;

/// The places that take a signed message.
pub(crate) async fn of_tokens(scene: &Rc<Scene>) -> Vec<Rc<Place<Token>>> {
    let places = vec![
        access::client_assertion(scene),
        access::holder_assertion(scene),
        access::dpop_for_a_token(scene),
        access::dpop_for_a_call(scene),
        access::access_token(scene),
        issuance::key_proof(scene),
        answers::proof_in_an_answer(scene),
        answers::direct_proof(scene),
        releases::consent(scene).await,
        releases::withdrawal(scene),
        releases::key_change(scene),
        holder::direct_request(scene),
        holder::certificate_in_a_direct_request(scene),
        holder::verification_request(scene).await,
        holder::release_request(scene).await,
        holder::network_certificate(scene).await,
        party::attestation(scene).await,
        party::event(scene).await,
        party::identity(scene).await,
    ];
    places.into_iter().map(Rc::new).collect()
}

/// The places that take a sealed message.
pub(crate) async fn of_seals(scene: &Rc<Scene>) -> Vec<Rc<Place<Seal>>> {
    let places = vec![
        answers::seal_in_an_answer(scene),
        answers::direct_seal(scene),
        releases::sealed_consent(scene).await,
        party::sealed_identity(scene).await,
    ];
    places.into_iter().map(Rc::new).collect()
}
