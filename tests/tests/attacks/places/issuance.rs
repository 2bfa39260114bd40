//! Enrolment. Acceptance: somebody is enrolled.

use std::cell::Cell;
use std::rc::Rc;

use cyberid_domain::clock::{Clock as _, SystemClock};
use journeys::attacks::Token;
use serde_json::{Value, json};

use crate::place::Place;
use crate::scene::{Scene, key};
use crate::wire::{Verdict, judged};

pub(super) fn key_proof(scene: &Rc<Scene>) -> Place<Token> {
    let (making, taking, enrolled) = (scene.clone(), scene.clone(), Cell::new(0));
    let good = async move || {
        let platform = making.split.platform();
        let nonce: Value = platform.client.post_empty("/v1/nonces").await.unwrap();
        let claims = json!({"aud": platform.url(), "nonce": nonce["nonce"], "iat": SystemClock.now().0});
        Token::embedding("cyberid-key-proof+jwt", claims, key())
    };
    let present = async move |_: &Token, message: &str| {
        let mut body = taking.enrolments[enrolled.get()].clone();
        body["key_proof"] = message.into();
        let call = taking.http.post(taking.url("/v1/enrolments")).json(&body);
        let verdict = judged(call, |answer| answer.status == 201).await;
        if matches!(verdict, Verdict::Accepted) {
            // Nobody enrols twice.
            enrolled.set((enrolled.get() + 1) % taking.enrolments.len());
        }
        verdict
    };
    // The nonce in it was given out within five minutes, and so may the proof have been made.
    Place::new("key proof of an enrolment", good, present).taking(&["a message expired just beyond the skew"])
}
