//! Answers to verifications. Acceptance: the result is a pass; a forged proof that is well-formed ends in a fail, as the
//! proof of nobody does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use journeys::attacks::{Seal, Token};
use serde_json::{Value, json};

use crate::place::Place;
use crate::scene::{Scene, ask, fresh, patiently};
use crate::wire::{Verdict, send};

const PROOF: &str = "cyberid-proof+jwt";
/// One request takes only so many answers.
const ANSWERS: usize = 12;

pub(super) fn proof_in_an_answer(scene: &Arc<Scene>) -> Place<Token> {
    let requests = Requests::of(scene);
    let (making, taking) = (requests.clone(), requests);
    let good = async move || {
        let (claims, id) = making.next().await;
        Token::of(PROOF, claims, making.scene.device()).at(id)
    };
    let present = async move |good: &Token, message: &str| {
        let body = json!({ "proof": message }).to_string();
        let seal = Seal::to(taking.scene.sealing_key().await, body.as_bytes());
        taking.answered(&good.context, &seal.compact).await
    };
    Place::new("proof within a good seal, as an answer", good, present)
}

pub(super) fn seal_in_an_answer(scene: &Arc<Scene>) -> Place<Seal> {
    let requests = Requests::of(scene);
    let (making, taking) = (requests.clone(), requests);
    let good = async move || {
        let (claims, id) = making.next().await;
        sealed(&making.scene, claims).await.at(id)
    };
    let present = async move |good: &Seal, message: &str| taking.answered(&good.context, message).await;
    Place::new("sealed proof, as an answer", good, present)
}

pub(super) fn direct_proof(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || Token::of(PROOF, direct_claims(&making), making.device());
    let present = async move |_: &Token, message: &str| {
        let body = json!({ "proof": message }).to_string();
        let seal = Seal::to(taking.sealing_key().await, body.as_bytes());
        direct(&taking, &seal.compact).await
    };
    Place::new("proof within a good seal, direct", good, present)
}

pub(super) fn direct_seal(scene: &Arc<Scene>) -> Place<Seal> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || sealed(&making, direct_claims(&making)).await;
    let present = async move |_: &Seal, message: &str| direct(&taking, message).await;
    Place::new("sealed proof, direct", good, present)
}

/// A proof sealed to the platform.
async fn sealed(scene: &Scene, claims: Value) -> Seal {
    let proof = Token::of(PROOF, claims, scene.device()).compact;
    let body = json!({ "proof": proof }).to_string();
    Seal::to(scene.sealing_key().await, body.as_bytes())
}

fn direct_claims(scene: &Scene) -> Value {
    let more = json!({"rp": scene.party.client_id(), "purpose": "register", "checks": ["real_person"],
        "factors": [], "nonce": fresh()});
    scene.claims(300, &more)
}

/// Requests that wait, opened by the citizen: each for some answers, for one request takes only so many.
struct Requests {
    scene: Arc<Scene>,
    open: RefCell<Option<(Value, Value)>>,
    given: Cell<usize>,
}

impl Requests {
    fn of(scene: &Arc<Scene>) -> Rc<Self> {
        Rc::new(Self {
            scene: scene.clone(),
            open: RefCell::default(),
            given: Cell::default(),
        })
    }

    /// The claims that answer a request, and its id.
    async fn next(&self) -> (Value, Value) {
        let again = self.open.borrow().clone().filter(|_| self.given.get() < ANSWERS);
        let (mut claims, id) = match again {
            Some(open) => open,
            None => self.ask().await,
        };
        self.given.set(self.given.get() + 1);
        claims["jti"] = fresh();
        (claims, id)
    }

    async fn ask(&self) -> (Value, Value) {
        let scene = &self.scene;
        let pending = patiently(async || scene.party.request_verification(&ask()).await).await;
        let (holder, uri) = (&scene.citizen.holder, &pending.request_uri);
        patiently(async || holder.fetch_request(uri, "en".parse().unwrap()).await).await;
        let more = json!({"rp": scene.party.client_id(), "request": pending.id, "purpose": "register",
            "checks": ["real_person"], "factors": [], "nonce": pending.expected().nonce()});
        let made = (scene.claims(300, &more), json!(pending.id));
        *self.open.borrow_mut() = Some(made.clone());
        self.given.set(0);
        made
    }

    async fn answered(&self, id: &Value, sealed: &str) -> Verdict {
        let (scene, id) = (&self.scene, id.as_str().unwrap());
        let call = scene.http().post(scene.url(&format!("/v1/requests/{id}/answer")));
        match send(call.json(&json!({ "sealed": sealed }))).await {
            Err(verdict) => verdict,
            Ok(answer) if !answer.status.is_success() => answer.refusal(),
            Ok(_) => {
                *self.open.borrow_mut() = None;
                let path = format!("/v1/verifications/{id}");
                let view: Value = patiently(async || scene.party.session().get(&path).await).await;
                passed(&view, view["status"] == "passed")
            }
        }
    }
}

pub(super) async fn direct(scene: &Scene, sealed: &str) -> Verdict {
    const PATH: &str = "/v1/verifications/direct";
    let body = json!({ "sealed": sealed });
    let call = scene.post(scene.party.session(), PATH, &body).await;
    match send(call).await {
        Err(verdict) => verdict,
        Ok(answer) if !answer.status.is_success() => answer.refusal(),
        Ok(answer) => passed(&answer.body, true),
    }
}

fn passed(view: &Value, passed: bool) -> Verdict {
    let attestation = view["attestation"].as_str().unwrap();
    let claims = Token::stolen(attestation.to_owned(), crate::scene::key()).claims;
    match (claims["result"].as_str(), passed) {
        (Some("pass"), true) => Verdict::Accepted,
        (Some("fail"), _) if claims.get("sub").is_none() => Verdict::Refused("a fail".into()),
        _ => Verdict::Broken(format!("neither pass nor fail: {view} {claims}")),
    }
}
