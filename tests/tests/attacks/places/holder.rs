//! What the holder's library reads. Acceptance: it can be shown, or is kept. Reading twice is no effect.

use std::rc::Rc;
use std::sync::Arc;

use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::Holder;
use journeys::attacks::Token;
use serde_json::{Value, json};

use crate::place::{Place, TWIN};
use crate::scene::{Scene, ask, fresh};
use crate::wire::Verdict;

pub(super) fn direct_request(scene: &Rc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let (compact, _) = making.party.direct_request(&ask()).await.unwrap();
        Token::stolen(compact, making.rp_key())
    };
    let present = async move |_: &Token, message: &str| {
        Verdict::of(&taking.citizen.holder.review_direct(message).await)
    };
    Place::new("direct request", good, present).taking(&[TWIN])
}

pub(super) fn certificate_in_a_direct_request(scene: &Rc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    // The relying party is the attacker, and would like to be certified for more.
    let good = async move || Token::stolen(making.certificate.clone(), making.rp_key());
    let present = async move |_: &Token, message: &str| {
        let (compact, _) = taking.party.direct_request(&ask()).await.unwrap();
        let mut claims = Token::stolen(compact, taking.rp_key()).claims;
        claims["registration_certificate"] = message.into();
        let request = Token::of("cyberid-direct-request+jwt", claims, taking.rp_key());
        Verdict::of(&taking.citizen.holder.review_direct(&request.compact).await)
    };
    Place::new("registration certificate in a direct request", good, present).taking(&[TWIN])
}

/// The citizen's library in front of the mirror.
async fn mirrored(scene: &Scene) -> Rc<Holder> {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let holder = Holder::contact(scene.mirror.client(), scene.device(), clock, rng).await;
    Rc::new(holder.unwrap())
}

/// A message of the platform in the mirror's name.
pub(super) fn reissued(scene: &Scene, compact: &str, role: &str) -> Token {
    let key = scene.mirror.key(role);
    let stolen = Token::stolen(compact.to_owned(), key.clone());
    let mut claims = stolen.claims;
    claims["iss"] = scene.mirror.url().into();
    Token::of(stolen.header["typ"].as_str().unwrap(), claims, key)
}

pub(super) async fn verification_request(scene: &Rc<Scene>) -> Place<Token> {
    let pending = scene.party.request_verification(&ask()).await.unwrap();
    request(scene, "request object of a verification", pending.id.as_str()).await
}

pub(super) async fn release_request(scene: &Rc<Scene>) -> Place<Token> {
    let sub = journeys::verified_sub(&scene.party, &scene.citizen).await;
    let ask = json!({"sub": sub, "purpose": "deliver", "fields": ["name"], "nonce": fresh()});
    let asked: Value = scene.party.session().post("/v1/releases", &ask).await.unwrap();
    request(
        scene,
        "request object of a release",
        asked["id"].as_str().unwrap(),
    )
    .await
}

async fn request(scene: &Rc<Scene>, name: &'static str, id: &str) -> Place<Token> {
    let (making, taking, id) = (scene.clone(), scene.clone(), id.to_owned());
    let client = scene.citizen.holder.platform().client();
    let real = client
        .get_bytes(&format!("/v1/requests/{id}?locale=en"))
        .await
        .unwrap();
    let real = String::from_utf8(real).unwrap();
    let holder = mirrored(scene).await;
    let good = async move || {
        let mut token = reissued(&making, &real, "request");
        let certificate = token.claims["registration_certificate"].as_str().unwrap();
        let certificate = reissued(&making, certificate, "registration").compact;
        token.claims["registration_certificate"] = certificate.into();
        Token::of("cyberid-request+jwt", token.claims, token.key)
    };
    let present = async move |_: &Token, message: &str| {
        taking
            .mirror
            .tell_text(&format!("GET /v1/requests/{id}"), message);
        Verdict::of(&holder.fetch_request(&id, "en".parse().unwrap()).await)
    };
    Place::new(name, good, present).taking(&[TWIN])
}

pub(super) async fn network_certificate(scene: &Rc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let holder = mirrored(scene).await;
    let good = async move || reissued(&making, &making.citizen.enrolled.credential, "certificate");
    let present = async move |_: &Token, message: &str| {
        let enrolled = &taking.citizen.enrolled;
        let mut answer = serde_json::to_value(enrolled).unwrap();
        answer["credential"] = message.into();
        let mirror = &taking.mirror;
        mirror.tell("POST /v1/nonces", &json!({"nonce": fresh(), "expires_in": 300}));
        mirror.tell("POST /v1/enrolments", &answer);
        Verdict::of(&holder.enrol(&taking.citizen.person.enrolment()).await)
    };
    Place::new("network certificate", good, present).taking(&[TWIN])
}
