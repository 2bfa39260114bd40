//! Who has no identifier yet, or lost what it hung on. Acceptance: the call is answered well.

use std::cell::Cell;
use std::sync::Arc;

use journeys::attacks::Token;
use serde_json::{Value, json};

use crate::place::Place;
use crate::scene::{Scene, enrolment};
use crate::wire::{Verdict, judged};

/// The nonce in a key proof was given out within five minutes, and so may the proof have been made.
pub(super) const PROOF: &[&str] = &["a message expired just beyond the skew"];

/// A place that takes a key proof beside the other members of a body, which `wrap` puts together.
fn proved(
    scene: &Arc<Scene>,
    [name, path]: [&'static str; 2],
    wrap: impl AsyncFn(&Scene, &str) -> Value + 'static,
) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let operator = scene.split.platform().operator(0);
    let good = async move || making.key_proof(making.key()).await;
    let present = async move |_: &Token, message: &str| {
        let body = wrap(&taking, message).await;
        let call = if path.starts_with("/v1/counter/") {
            taking.post(&operator, path, &body).await
        } else {
            taking.http().post(taking.url(path)).json(&body)
        };
        judged(call, |_| true).await
    };
    Place::new(name, good, present).sparing(PROOF)
}

/// The body with a key proof.
fn with_proof(body: &Value, proof: &str) -> Value {
    let mut body = body.clone();
    body["key_proof"] = proof.into();
    body
}

/// Two people could enrol: the first does where an attack is none.
pub(super) fn enrolling(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking, enrolled) = (scene.clone(), scene.clone(), Cell::new(0));
    let good = async move || making.key_proof(making.key()).await;
    let present = async move |_: &Token, message: &str| {
        let mut body = taking.enrolments[enrolled.get()].clone();
        body["key_proof"] = message.into();
        let call = taking.http().post(taking.url("/v1/enrolments")).json(&body);
        let verdict = judged(call, |answer| answer.status == 201).await;
        if matches!(verdict, Verdict::Accepted) {
            enrolled.set((enrolled.get() + 1) % taking.enrolments.len());
        }
        verdict
    };
    Place::new("key proof of an enrolment", good, present).taking(PROOF)
}

pub(super) fn appeal(scene: &Arc<Scene>) -> Place<Token> {
    let name = ["key proof of an appeal", "/v1/appeals"];
    proved(scene, name, async |_, proof| json!({ "key_proof": proof }))
}

/// What recovers the identifier of somebody, but for the key proof.
async fn recovering(scene: &Scene) -> Value {
    let mut body = enrolment(&scene.newcomer().await.person);
    body.as_object_mut().unwrap().remove("locale");
    body["revoke_others"] = false.into();
    body
}

pub(super) async fn recovery(scene: &Arc<Scene>) -> Place<Token> {
    let body = recovering(scene).await;
    let name = ["key proof of a recovery", "/v1/recoveries"];
    proved(scene, name, async move |_, proof| with_proof(&body, proof))
}

pub(super) async fn misuse_report(scene: &Arc<Scene>) -> Place<Token> {
    let body = enrolment(&scene.newcomer().await.person);
    let name = ["key proof of a misuse report", "/v1/misuse-reports"];
    proved(scene, name, async move |_, proof| with_proof(&body, proof))
}

pub(super) async fn enrolling_at_a_counter(scene: &Arc<Scene>) -> Place<Token> {
    let body = enrolment(&scene.stranger().await);
    let name = ["key proof of an enrolment at a counter", "/v1/counter/enrolments"];
    proved(
        scene,
        name,
        async move |_, proof| json!({"enrolment": with_proof(&body, proof), "sheet": []}),
    )
}

pub(super) async fn sheet_of_an_enrolment(scene: &Arc<Scene>) -> Place<Token> {
    let body = enrolment(&scene.stranger().await);
    let name = ["key proof in the sheet of an enrolment", "/v1/counter/enrolments"];
    proved(scene, name, async move |scene, proof| {
        let first = scene.key_proof(scene.key()).await.compact;
        json!({"enrolment": with_proof(&body, &first), "sheet": [proof]})
    })
}

pub(super) async fn recovery_at_a_counter(scene: &Arc<Scene>) -> Place<Token> {
    let body = recovering(scene).await;
    let name = ["key proof of a recovery at a counter", "/v1/counter/recoveries"];
    proved(
        scene,
        name,
        async move |_, proof| json!({"recovery": with_proof(&body, proof), "sheet": []}),
    )
}

pub(super) async fn sheet_of_a_recovery(scene: &Arc<Scene>) -> Place<Token> {
    let body = recovering(scene).await;
    let name = ["key proof in the sheet of a recovery", "/v1/counter/recoveries"];
    proved(scene, name, async move |scene, proof| {
        let first = scene.key_proof(scene.key()).await.compact;
        json!({"recovery": with_proof(&body, &first), "sheet": [proof]})
    })
}
