//! A holder's other devices, PIN and passkeys. Acceptance: the call is answered well.

use std::sync::Arc;

use journeys::attacks::{Seal, Token};
use journeys::{Citizen, PIN, Passkey};
use serde_json::{Value, json};

use super::life::word;
use crate::place::Place;
use crate::scene::{Scene, enrolment};
use crate::wire::{Verdict, judged};

const DEVICES: &str = "/v1/me/devices";

/// The word of a holder's device on another one.
fn approval(scene: &Scene, holder: &Citizen, device: &str) -> Token {
    let more = json!({ "device_jkt": device });
    word(scene, holder, "cyberid-device-approval+jwt", &more)
}

pub(super) async fn device_approval(scene: &Arc<Scene>) -> Place<Token> {
    let holder = Arc::new(scene.newcomer().await);
    let (making, approving) = (scene.clone(), holder.clone());
    let good = async move || {
        let device = making.key();
        let proof = making.key_proof(device.clone()).await.compact;
        approval(&making, &approving, device.kid()).at(proof.into())
    };
    let taking = scene.clone();
    let present = async move |good: &Token, message: &str| {
        let body = json!({"key_proof": good.context, "approval": message, "pin": PIN});
        sent(&taking, &holder, DEVICES, &taking.seal(&body).await.compact).await
    };
    Place::new("device approval within a good seal", good, present)
}

pub(super) async fn key_proof_of_a_device(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking, holder) = (scene.clone(), scene.clone(), scene.newcomer().await);
    let good = async move || making.key_proof(making.key()).await;
    let present = async move |good: &Token, message: &str| {
        let approval = approval(&taking, &holder, good.key.kid()).compact;
        let body = json!({"key_proof": message, "approval": approval, "pin": PIN});
        sent(&taking, &holder, DEVICES, &taking.seal(&body).await.compact).await
    };
    let place = Place::new("key proof of another device", good, present);
    place.taking(super::issuance::PROOF)
}

pub(super) async fn sealed_device(scene: &Arc<Scene>) -> Place<Seal> {
    let holder = Arc::new(scene.newcomer().await);
    let (making, approving) = (scene.clone(), holder.clone());
    let good = async move || {
        let device = making.key();
        let approval = approval(&making, &approving, device.kid()).compact;
        let proof = making.key_proof(device).await.compact;
        let body = json!({"key_proof": proof, "approval": approval, "pin": PIN});
        making.seal(&body).await
    };
    let taking = scene.clone();
    let present = async move |_: &Seal, message: &str| sent(&taking, &holder, DEVICES, message).await;
    Place::new("sealed device", good, present)
}

pub(super) async fn sealed_pin(scene: &Arc<Scene>) -> Place<Seal> {
    sealed_body(
        scene,
        "sealed change of a PIN",
        "/v1/me/pin",
        async |_, _| json!({"pin": PIN, "new_pin": PIN}),
    )
    .await
}

pub(super) async fn sealed_pin_reset(scene: &Arc<Scene>) -> Place<Seal> {
    let body = async |_: &Scene, holder: &Citizen| {
        let mut body = enrolment(&holder.person);
        body.as_object_mut().unwrap().remove("locale");
        body
    };
    sealed_body(scene, "sealed PIN and evidence", "/v1/me/pin-resets", body).await
}

pub(super) async fn sealed_passkey(scene: &Arc<Scene>) -> Place<Seal> {
    let body = async |scene: &Scene, _: &Citizen| {
        let platform = scene.split.platform();
        let nonce: Value = platform.client.post_empty("/v1/nonces").await.unwrap();
        let passkey = Passkey::on(platform.url());
        let passkey = passkey.0.registration(nonce["nonce"].as_str().unwrap());
        json!({"passkey": passkey, "pin": PIN})
    };
    sealed_body(scene, "sealed passkey", "/v1/me/passkeys", body).await
}

/// A place to which a holder sends this body, sealed.
async fn sealed_body<B>(scene: &Arc<Scene>, name: &'static str, path: &'static str, body: B) -> Place<Seal>
where
    B: AsyncFn(&Scene, &Citizen) -> Value + 'static,
{
    let holder = Arc::new(scene.newcomer().await);
    let (making, asked) = (scene.clone(), holder.clone());
    let good = async move || making.seal(&body(&making, &asked).await).await;
    let taking = scene.clone();
    let present = async move |_: &Seal, message: &str| sent(&taking, &holder, path, message).await;
    Place::new(name, good, present)
}

async fn sent(scene: &Scene, holder: &Citizen, path: &str, sealed: &str) -> Verdict {
    let body = json!({ "sealed": sealed });
    let call = scene.post(holder.holder.session(), path, &body).await;
    judged(call, |_| true).await
}
