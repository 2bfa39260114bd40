//! What the holder's library reads. Acceptance: it can be shown, or is kept. Reading twice is no effect.

use std::rc::Rc;
use std::sync::Arc;

use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::WardId;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::Holder;
use journeys::attacks::Token;
use serde_json::{Value, json};

use crate::place::{Place, TWIN};
use crate::scene::{Scene, ask, fresh, patiently};
use crate::wire::Verdict;

pub(super) fn direct_request(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let good = async move || {
        let (compact, _) = patiently(async || making.party.direct_request(&ask()).await).await;
        Token::stolen(compact, making.rp_key())
    };
    let present = async move |_: &Token, message: &str| {
        Verdict::of(&taking.citizen.holder.review_direct(message).await)
    };
    Place::new("direct request", good, present).taking(&[TWIN])
}

pub(super) fn certificate_in_a_direct_request(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    // The relying party is the attacker, and would like to be certified for more.
    let good = async move || Token::stolen(making.certificate.clone(), making.rp_key());
    let present = async move |_: &Token, message: &str| {
        let (compact, _) = patiently(async || taking.party.direct_request(&ask()).await).await;
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

pub(super) async fn verification_request(scene: &Arc<Scene>) -> Place<Token> {
    let pending = scene.party.request_verification(&ask()).await.unwrap();
    request(scene, "request object of a verification", pending.id.as_str()).await
}

pub(super) async fn release_request(scene: &Arc<Scene>) -> Place<Token> {
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

async fn request(scene: &Arc<Scene>, name: &'static str, id: &str) -> Place<Token> {
    let (making, taking, id) = (scene.clone(), scene.clone(), id.to_owned());
    let real = object(scene, &id).await;
    let holder = mirrored(scene).await;
    let good = async move || reissued_request(&making, &real);
    let present = async move |_: &Token, message: &str| {
        taking
            .mirror
            .tell_text(&format!("GET /v1/requests/{id}"), message);
        Verdict::of(&holder.fetch_request(&id, "en".parse().unwrap()).await)
    };
    Place::new(name, good, present).taking(&[TWIN])
}

/// The object of a request as the platform signed it.
async fn object(scene: &Scene, id: &str) -> String {
    let client = scene.citizen.holder.platform().client();
    let path = format!("/v1/requests/{id}?locale=en");
    String::from_utf8(client.get_bytes(&path).await.unwrap()).unwrap()
}

/// A request in the mirror's name, with a certificate in its name.
fn reissued_request(scene: &Scene, real: &str) -> Token {
    let mut token = reissued(scene, real, "request");
    let certificate = token.claims["registration_certificate"].as_str().unwrap();
    let certificate = reissued(scene, certificate, "registration").compact;
    token.claims["registration_certificate"] = certificate.into();
    Token::of("cyberid-request+jwt", token.claims, token.key)
}

pub(super) async fn request_to_a_ward(scene: &Arc<Scene>) -> Place<Token> {
    let pending = scene.party.request_verification(&ask()).await.unwrap();
    let (making, taking) = (scene.clone(), scene.clone());
    let real = object(scene, pending.id.as_str()).await;
    let (holder, ward) = (mirrored(scene).await, WardId::random(&SystemRng));
    let good = async move || reissued_request(&making, &real);
    let present = async move |_: &Token, message: &str| {
        let wards = json!({"wards": [{"id": ward, "requests": [message]}]});
        taking.mirror.tell("GET /v1/me/wards", &wards);
        Verdict::of(&holder.wards().await)
    };
    Place::new("request object for a ward", good, present).taking(&[TWIN])
}

/// Everything that the platform has of the citizen, in an archive that is good but for what signs it.
pub(super) async fn archive(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let real = scene.citizen.holder.export().await.unwrap().archive;
    let (holder, manifest) = (mirrored(scene).await, real.manifest);
    let good = async move || reissued(&making, &manifest, "request");
    let present = async move |_: &Token, message: &str| {
        let archive = json!({"manifest": message, "parts": real.parts});
        taking.mirror.tell("GET /v1/me/export", &archive);
        Verdict::of(&holder.export().await)
    };
    // An archive is for good, and says of when it is.
    Place::new("archive", good, present).taking(&[
        "a message expired*",
        "a message of*",
        "iat is in milliseconds",
        "iat as great as fits",
        TWIN,
    ])
}

pub(super) async fn renewed_certificate(scene: &Arc<Scene>) -> Place<Token> {
    let (making, taking) = (scene.clone(), scene.clone());
    let holder = mirrored(scene).await;
    let good = async move || reissued(&making, &making.citizen.enrolled.credential, "certificate");
    let present = async move |_: &Token, message: &str| {
        let mut answer = serde_json::to_value(&taking.citizen.enrolled).unwrap();
        answer["credential"] = message.into();
        taking.mirror.tell("POST /v1/me/renewal", &answer);
        Verdict::of(&holder.renew(None).await)
    };
    Place::new("renewed network certificate", good, present).taking(&[TWIN])
}

pub(super) async fn network_certificate(scene: &Arc<Scene>) -> Place<Token> {
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
