//! What opens a record: a holder's consent, or what two officers signed, each in a warrant that is good but for it.
//! Acceptance: it is opened.

use std::sync::Arc;

use cyberid_crypto::Sign;
use cyberid_domain::clock::{Clock as _, ManualClock, SystemClock};
use cyberid_domain::field::Field;
use cyberid_key_holder::Gate;
use cyberid_key_holder::testing::{MemoryCustodian, Person, World};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::official::OfficialWarrant;
use cyberid_storage::custodian::CustodianStore as _;
use cyberid_storage::key_holder::{BoundDevice, KeyHolderStore as _};
use journeys::Part;
use journeys::attacks::Token;
use serde_json::json;

use crate::place::{Place, TWIN};
use crate::scene::Scene;
use crate::wire::{Verdict, judged};

/// The warrant by which the release of the scene was opened, which may be opened again for the same leaf.
pub(super) fn consent(scene: &Arc<Scene>, part: Part) -> Place<Token> {
    let (granted, redeemed) = &scene.delivered;
    let evidence = &granted.consented.receipt.receipt().record.evidence;
    let warrant = json!({"consent": evidence.consent, "salt": evidence.salt,
        "rp_key": scene.rp_sealing_key().public_key(), "leaf": redeemed["leaf"], "proof": redeemed["proof"],
        "vault_consistency": [], "custodian_consistency": []});
    let (name, path) = match part {
        Part::Vault => ("consent in a warrant at the vault", "/v1/openings"),
        _ => ("consent in a warrant at the custodian", "/v1/shares"),
    };
    let (consent, device) = (evidence.consent.clone(), scene.device());
    let good = async move || Token::stolen(consent.clone(), device.clone());
    let taking = scene.clone();
    let present = async move |_: &Token, message: &str| {
        let mut warrant = warrant.clone();
        warrant["consent"] = message.into();
        let call = taking.http().post(format!("{}{path}", taking.split.url(part)));
        judged(call.json(&json!({ "warrant": warrant })), |_| true).await
    };
    Place::new(name, good, present)
}

/// A key holder of another world, in which an order of two officers is in the ledger.
struct Elsewhere {
    gate: Gate,
    warrant: OfficialWarrant,
    officers: [Arc<dyn Sign>; 2],
    clock: Arc<ManualClock>,
}

impl Elsewhere {
    async fn of(holder: KeyHolder) -> Self {
        let mut world = World::default();
        let begun = world.clock.now();
        world.clock.advance(SystemClock.now().since(begun));
        let store = Arc::new(MemoryCustodian::default());
        let person = Person::new("Nobody", "11010519491231002X");
        let device = person.device.public_key();
        let bound = BoundDevice {
            subject: person.subject,
            key: *device.as_sec1(),
            release_from: cyberid_domain::UnixTime(0),
            number_commitment: cyberid_crypto::base64url::decode_array(&person.number_commitment()),
        };
        let now = world.clock.now();
        assert!(
            store
                .deposit(&bound, &device.thumbprint(), &[], now)
                .await
                .unwrap()
        );
        assert!(store.confirm(&person.subject).await.unwrap());
        let warrant = world.official(&person, &[Field::Name]);
        Self {
            clock: world.clock.clone(),
            gate: Gate {
                device_cooling_off: 0,
                holder,
                anchors: world.anchors(),
                authorities: world.authorities(),
                enrolment_key: world.enrolment.public_key(),
                store,
                clock: world.clock.clone(),
            },
            officers: world.bureau.officers.map(|key| Arc::new(key) as Arc<dyn Sign>),
            warrant,
        }
    }
}

/// A place at which one of the two signatures of an official warrant is another.
async fn official(
    holder: KeyHolder,
    (name, covers): (&'static str, &'static str),
    officer: usize,
    part: fn(&mut OfficialWarrant) -> &mut String,
) -> Place<Token> {
    let elsewhere = Elsewhere::of(holder).await;
    let (mut warrant, officer) = (elsewhere.warrant.clone(), elsewhere.officers[officer].clone());
    let signed = part(&mut warrant).clone();
    let good = async move || Token::stolen(signed.clone(), officer.clone());
    let present = async move |_: &Token, message: &str| {
        let mut warrant = elsewhere.warrant.clone();
        message.clone_into(part(&mut warrant));
        let clock = &elsewhere.clock;
        clock.advance(SystemClock.now().since(clock.now()));
        Verdict::of(&elsewhere.gate.admit_official(&warrant).await)
    };
    // An order is named by its words, and the same words open the same again for the same leaf.
    Place::new(name, good, present).covering(covers).taking(&[TWIN])
}

pub(super) async fn order_at_the_vault() -> Place<Token> {
    let name = (
        "order in a warrant at the vault",
        "POST /v1/official-openings warrant.order",
    );
    official(KeyHolder::Vault, name, 0, |warrant| &mut warrant.order).await
}

pub(super) async fn order_at_the_custodian() -> Place<Token> {
    let name = (
        "order in a warrant at the custodian",
        "POST /v1/official-shares warrant.order",
    );
    official(KeyHolder::Custodian, name, 0, |warrant| &mut warrant.order).await
}

pub(super) async fn countersignature_at_the_vault() -> Place<Token> {
    let name = (
        "countersignature in a warrant at the vault",
        "POST /v1/official-openings warrant.countersignature",
    );
    official(KeyHolder::Vault, name, 1, |warrant| &mut warrant.countersignature).await
}

pub(super) async fn countersignature_at_the_custodian() -> Place<Token> {
    let name = (
        "countersignature in a warrant at the custodian",
        "POST /v1/official-shares warrant.countersignature",
    );
    official(KeyHolder::Custodian, name, 1, |warrant| {
        &mut warrant.countersignature
    })
    .await
}
