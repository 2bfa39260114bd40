//! Consent, its withdrawal, and a change of keys. Acceptance: the call is answered well, and its leaf is in the ledger.

use std::cell::RefCell;
use std::sync::Arc;

use journeys::attacks::{Seal, Token};
use serde_json::{Value, json};

use crate::place::{Place, TWIN};
use crate::scene::{Scene, fresh, patiently};
use crate::wire::{Verdict, judged};

const CONSENT: &str = "cyberid-consent+jwt";
/// One request takes only so many answers.
const ANSWERS: usize = 12;

pub(super) async fn consent(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (Requests::new(scene).await, scene.clone());
    let good = async move || {
        let (claims, id) = making.next().await;
        Token::of(CONSENT, claims, making.scene.device()).at(id)
    };
    let present = async move |good: &Token, message: &str| {
        let body = json!({ "consent": message }).to_string();
        let seal = Seal::to(taking.sealing_key().await, body.as_bytes());
        granted(&taking, &good.context, &seal.compact).await
    };
    Place::new("consent within a good seal", good, present)
}

pub(super) async fn sealed_consent(scene: &Arc<Scene>) -> Place<Seal> {
    let (making, taking) = (Requests::new(scene).await, scene.clone());
    let good = async move || {
        let (claims, id) = making.next().await;
        let consent = Token::of(CONSENT, claims, making.scene.device()).compact;
        let body = json!({ "consent": consent }).to_string();
        Seal::to(making.scene.sealing_key().await, body.as_bytes()).at(id)
    };
    let present = async move |good: &Seal, message: &str| granted(&taking, &good.context, message).await;
    Place::new("sealed consent", good, present)
}

pub(super) async fn granted(scene: &Scene, id: &Value, sealed: &str) -> Verdict {
    let path = format!("/v1/requests/{}/answer", id.as_str().unwrap());
    let call = scene
        .http()
        .post(scene.url(&path))
        .json(&json!({ "sealed": sealed }));
    judged(call, |answer| answer.status == 201).await
}

/// Requests for a release, each for so many answers.
pub(super) struct Requests {
    scene: Arc<Scene>,
    sub: String,
    open: RefCell<Option<(Value, Value)>>,
    given: RefCell<usize>,
}

impl Requests {
    async fn new(scene: &Arc<Scene>) -> Self {
        let sub = journeys::verified_sub(&scene.party, &scene.citizen).await;
        Self::of(scene, sub)
    }

    /// The same to another person.
    pub(super) fn of(scene: &Arc<Scene>, sub: String) -> Self {
        Self {
            sub,
            scene: scene.clone(),
            open: RefCell::default(),
            given: RefCell::default(),
        }
    }

    /// The claims that grant a request, and its id.
    pub(super) async fn next(&self) -> (Value, Value) {
        let again = self.open.borrow().clone();
        let (mut claims, id) = match again {
            Some(open) if *self.given.borrow() < ANSWERS => open,
            _ => self.ask().await,
        };
        *self.given.borrow_mut() += 1;
        claims["jti"] = fresh();
        (claims, id)
    }

    async fn ask(&self) -> (Value, Value) {
        let made = asked(&self.scene, &self.sub).await;
        *self.open.borrow_mut() = Some(made.clone());
        *self.given.borrow_mut() = 0;
        made
    }
}

/// A request for the citizen's name: the claims that grant it, and its id.
pub(crate) async fn asked(scene: &Scene, sub: &str) -> (Value, Value) {
    let ask = json!({"sub": sub, "purpose": "deliver", "fields": ["name"], "nonce": fresh()});
    let session = scene.party.session();
    let asked: Value = patiently(async || session.post("/v1/releases", &ask).await).await;
    let id = asked["id"].as_str().unwrap();
    let client = scene.citizen.holder.platform().client();
    let path = format!("/v1/requests/{id}?locale=en");
    let compact = patiently(async || client.get_bytes(&path).await).await;
    (scene.claims(3600, &journeys::consent_to(&compact)), json!(id))
}

pub(super) fn withdrawal(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let consent = &making.granted.consented.consent_id;
        let claims = making.claims(300, &json!({ "consent": consent }));
        Token::of("cyberid-withdrawal+jwt", claims, making.device())
    };
    let present = async move |_: &Token, message: &str| {
        let path = format!("/v1/consents/{}/withdraw", taking.granted.consented.consent_id);
        let call = taking
            .http()
            .post(taking.url(&path))
            .json(&json!({ "withdrawal": message }));
        judged(call, |answer| answer.body["leaf"].is_string()).await
    };
    Place::new("withdrawal", good, present)
}

pub(super) fn key_change(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let key = making.rp_key();
        let sealing = making.rp_sealing_key().public_key();
        let suite = sealing.suite();
        let jwks = json!({"keys": [key.public_key().to_published_jwk("sig", suite.signing_alg()),
            sealing.to_published_jwk("enc", suite.agreement_alg())]});
        let mut claims = making.claims(300, &json!({"iss": making.party.client_id(), "jwks": jwks}));
        claims.as_object_mut().unwrap().remove("jti");
        Token::of("cyberid-key-change+jwt", claims, key)
    };
    let present = async move |_: &Token, message: &str| {
        let path = format!("/v1/relying-parties/{}/keys", taking.party.client_id());
        let call = taking
            .http()
            .post(taking.url(&path))
            .json(&json!({ "key_change": message }));
        judged(call, |answer| answer.body["client_id"].is_string()).await
    };
    // The same change again is answered as it was, and changes nothing.
    Place::new("change of a relying party's keys", good, present).taking(&[TWIN])
}
