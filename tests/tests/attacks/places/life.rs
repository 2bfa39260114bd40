//! What a holder says of their own identifier. Acceptance: the call is answered well.

use std::sync::Arc;

use cyberid_crypto::base64url;
use cyberid_protocol::enrolment::number_commitment;
use cyberid_protocol::life::DrawnNumber;
use journeys::attacks::{Seal, Token};
use journeys::{Citizen, PIN};
use serde_json::{Value, json};

use crate::place::{Place, TWIN};
use crate::scene::Scene;
use crate::wire::{Verdict, judged};

const RESUMPTION: &str = "cyberid-resumption+jwt";

/// What a holder's device signs for a few minutes.
pub(super) fn word(scene: &Scene, holder: &Citizen, typ: &str, more: &Value) -> Token {
    Token::of(typ, scene.claims(300, more), holder.key.signer())
}

/// A place that takes a message as this member of a body, from whoever has it.
fn said<G>(name: &'static str, scene: &Arc<Scene>, [path, member]: [&'static str; 2], good: G) -> Place<Token>
where
    G: AsyncFn() -> Token + 'static,
{
    let taking = scene.clone();
    let present = async move |_: &Token, message: &str| {
        let call = taking.http().post(taking.url(path));
        judged(call.json(&json!({ member: message })), |_| true).await
    };
    Place::new(name, good, present)
}

pub(super) async fn suspension(scene: &Arc<Scene>) -> Place<Token> {
    let (making, holder) = (scene.clone(), scene.newcomer().await);
    let good = async move || word(&making, &holder, "cyberid-suspension+jwt", &json!({}));
    said("suspension", scene, ["/v1/me/suspend", "suspension"], good)
}

pub(super) async fn cancellation(scene: &Arc<Scene>) -> Place<Token> {
    let (making, holder) = (scene.clone(), scene.newcomer().await);
    let good = async move || word(&making, &holder, "cyberid-cancellation+jwt", &json!({}));
    // Asking again is fine, until it is done.
    said("cancellation", scene, ["/v1/me/cancel", "cancellation"], good).taking(&[TWIN])
}

pub(super) async fn renumbering(scene: &Arc<Scene>) -> Place<Token> {
    let (making, holder) = (scene.clone(), scene.newcomer().await);
    let session = holder.holder.session();
    let drawn = session.post_empty("/v1/me/network-number", &[]).await;
    let drawn: DrawnNumber = drawn.unwrap();
    let salt = base64url::decode(&drawn.salt).unwrap();
    let commitment = number_commitment(&salt, &drawn.network_number);
    let good = async move || {
        let more = json!({ "number_commitment": commitment });
        word(&making, &holder, "cyberid-renumbering+jwt", &more)
    };
    let path = ["/v1/me/network-number/confirm", "renumbering"];
    said("renumbering", scene, path, good)
}

pub(super) async fn resumption(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking, holder) = (scene.clone(), scene.clone(), scene.newcomer().await);
    let good = async move || word(&making, &holder, RESUMPTION, &json!({}));
    let present = async move |_: &Token, message: &str| {
        let body = json!({"resumption": message, "pin": PIN});
        resumed(&taking, &taking.seal(&body).await.compact).await
    };
    Place::new("resumption within a good seal", good, present)
}

pub(super) async fn sealed_resumption(scene: &Arc<Scene>) -> Place<Seal> {
    let (making, taking, holder) = (scene.clone(), scene.clone(), scene.newcomer().await);
    let good = async move || {
        let resumption = word(&making, &holder, RESUMPTION, &json!({})).compact;
        making.seal(&json!({"resumption": resumption, "pin": PIN})).await
    };
    let present = async move |_: &Seal, message: &str| resumed(&taking, message).await;
    Place::new("sealed resumption", good, present)
}

async fn resumed(scene: &Scene, sealed: &str) -> Verdict {
    let call = scene.http().post(scene.url("/v1/me/resume"));
    judged(call.json(&json!({ "sealed": sealed })), |_| true).await
}
