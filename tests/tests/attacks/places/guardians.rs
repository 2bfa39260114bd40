//! What a guardian's device agrees to. Acceptance: the call is answered well.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, Platform, Tree};
use journeys::attacks::{Seal, Token};
use journeys::{Citizen, PIN, Person};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::releases::Requests;
use crate::place::Place;
use crate::scene::{Scene, ask, enrolment};
use crate::wire::{Verdict, judged};

const CHILD: Range<i32> = 2..13;
const MINOR: Range<i32> = 15..17;
const GUARDIAN_CONSENT: &str = "cyberid-guardian-consent+jwt";

/// The agreement of a guardian that this device key's holder is their ward.
fn agreement(scene: &Scene, guardian: &Citizen, ward: &str) -> Token {
    let claims = scene.claims(600, &json!({ "ward_jkt": ward }));
    Token::of(GUARDIAN_CONSENT, claims, guardian.key.signer())
}

pub(super) async fn consent_to_an_enrolment(scene: &Arc<Scene>) -> Place<Token> {
    let taking = scene.clone();
    consent(
        scene,
        "guardian's consent to an enrolment",
        1,
        async move |body| taking.http().post(taking.url("/v1/enrolments")).json(&body),
    )
    .await
}

pub(super) async fn consent_at_a_counter(scene: &Arc<Scene>) -> Place<Token> {
    let (taking, operator) = (scene.clone(), scene.split.platform().operator(0));
    consent(scene, "guardian's consent at a counter", 2, async move |body| {
        let body = json!({"enrolment": body, "sheet": []});
        taking.post(&operator, "/v1/counter/enrolments", &body).await
    })
    .await
}

/// A place that takes a guardian's consent to the enrolment of the nth minor, in the body of which `call` makes a call.
async fn consent(
    scene: &Arc<Scene>,
    name: &'static str,
    nth: usize,
    call: impl AsyncFn(Value) -> RequestBuilder + 'static,
) -> Place<Token> {
    let (making, guardian) = (scene.clone(), scene.newcomer().await);
    let good = async move || {
        let device = making.key();
        let proof = making.key_proof(device.clone()).await.compact;
        agreement(&making, &guardian, device.kid()).at(proof.into())
    };
    let ward = enrolment(&aged(scene, MINOR, nth).await);
    let present = async move |good: &Token, message: &str| {
        let mut body = ward.clone();
        body["key_proof"] = good.context.clone();
        body["guardian_consent"] = message.into();
        judged(call(body).await, |_| true).await
    };
    Place::new(name, good, present)
}

pub(super) async fn consent_to_an_appointment(scene: &Arc<Scene>) -> Place<Token> {
    let guardian = scene.newcomer().await;
    let ward = enrolled(scene, aged(scene, MINOR, 0).await, &guardian).await;
    let theirs = guardian.holder.wards().await.unwrap().remove(0);
    guardian.holder.end_guardianship(&theirs.id).await.unwrap();
    // Who ended a guardianship does not come back.
    let guardian = scene.newcomer().await;
    let (making, jkt) = (scene.clone(), ward.key.signer().kid().to_owned());
    let good = async move || agreement(&making, &guardian, &jkt);
    let taking = scene.clone();
    let present = async move |_: &Token, message: &str| {
        let body = json!({ "guardian_consent": message });
        let call = taking
            .post(ward.holder.session(), "/v1/me/guardians", &body)
            .await;
        judged(call, |_| true).await
    };
    Place::new("guardian's consent to be appointed", good, present)
}

pub(super) async fn release(scene: &Arc<Scene>) -> Place<Token> {
    let family = Family::of(scene, 0).await;
    let child = family.child.key.signer();
    let requests = Requests::of(scene, family.sub().await);
    let (making, jkt) = (scene.clone(), child.kid().to_owned());
    let good = async move || {
        let (consent, id) = requests.next().await;
        let claims = making.claims(
            600,
            &json!({"ward_jkt": jkt, "request": id, "fields": ["name"],
            "request_sha256": consent["request_sha256"]}),
        );
        let token = Token::of(
            "cyberid-guardian-release+jwt",
            claims,
            family.guardian.key.signer(),
        );
        token.at(json!({"id": id, "consent": consent}))
    };
    let taking = scene.clone();
    let present = async move |good: &Token, message: &str| {
        let consent = good.context["consent"].clone();
        let consent = Token::of("cyberid-consent+jwt", consent, child.clone()).compact;
        let body = json!({"consent": consent, "guardian_consent": message});
        let seal = taking.seal(&body).await.compact;
        super::releases::granted(&taking, &good.context["id"], &seal).await
    };
    Place::new("guardian's agreement to a release", good, present)
}

pub(super) async fn answer(scene: &Arc<Scene>) -> Place<Token> {
    let question = Rc::new(Question::of(scene, 1, 4).await);
    let (making, taking, answered) = (scene.clone(), scene.clone(), question.clone());
    let good = async move || {
        let (proof, device) = question.proof(&making);
        proof.at(device)
    };
    let present = async move |good: &Token, message: &str| {
        let seal = taking.seal(&json!({ "proof": message })).await;
        answered.answered(&taking, &good.context, &seal.compact).await
    };
    Place::new("guardian's proof for a ward", good, present)
}

pub(super) async fn sealed_answer(scene: &Arc<Scene>) -> Place<Seal> {
    let question = Rc::new(Question::of(scene, 2, 2).await);
    let (making, taking, answered) = (scene.clone(), scene.clone(), question.clone());
    let good = async move || {
        let (proof, device) = question.proof(&making);
        let seal = making.seal(&json!({ "proof": proof.compact })).await;
        seal.at(device)
    };
    let present =
        async move |good: &Seal, message: &str| answered.answered(&taking, &good.context, message).await;
    Place::new("guardian's sealed proof for a ward", good, present)
}

/// A child under 14, with a guardian.
struct Family {
    scene: Arc<Scene>,
    guardian: Citizen,
    child: Citizen,
}

impl Family {
    async fn of(scene: &Arc<Scene>, nth: usize) -> Self {
        let guardian = scene.newcomer().await;
        let child = enrolled(scene, aged(scene, CHILD, nth).await, &guardian).await;
        Self {
            scene: scene.clone(),
            guardian,
            child,
        }
    }

    /// What the relying party knows the child by.
    async fn sub(&self) -> String {
        let (pending, _) = self.asked().await;
        let guardian = &self.guardian.holder;
        let ward = guardian.wards().await.unwrap().remove(0);
        guardian
            .agree_for_ward(&ward.id, &ward.requests[0])
            .await
            .unwrap();
        let reviewed = self
            .child
            .holder
            .fetch_request(&pending.request_uri, "en".parse().unwrap());
        let cyberid_holder::ReviewedRequest::Verification(reviewed) = reviewed.await.unwrap() else {
            unreachable!("a verification was asked")
        };
        self.child
            .holder
            .answer_verification(&reviewed, None)
            .await
            .unwrap();
        match self.scene.party.wait(&pending).await.unwrap() {
            cyberid_relying_party::VerifiedOutcome::Attested(attested) => {
                attested.passed().unwrap().to_owned()
            }
            other => unreachable!("not attested: {other:?}"),
        }
    }

    /// A question to the child, who has opened it, and its claims.
    async fn asked(&self) -> (cyberid_relying_party::PendingVerification, Value) {
        let ask = cyberid_relying_party::Ask {
            expires_in: Some(600),
            ..ask()
        };
        let pending = self.scene.party.request_verification(&ask).await.unwrap();
        let opened = self
            .child
            .holder
            .fetch_request(&pending.request_uri, "en".parse().unwrap());
        opened.await.unwrap();
        let claims = json!({"rp": self.scene.party.client_id(), "request": pending.id, "purpose": "register",
            "checks": ["real_person"], "factors": ["device"], "nonce": pending.expected().nonce()});
        (pending, claims)
    }
}

/// A question to a child that waits for the guardian, who has several devices: each may answer only so often.
struct Question {
    family: Family,
    devices: Vec<(Holder, DeviceKey)>,
    turn: Cell<usize>,
    claims: Value,
    path: String,
}

impl Question {
    async fn of(scene: &Arc<Scene>, nth: usize, devices: usize) -> Self {
        let family = Family::of(scene, nth).await;
        let (_, claims) = family.asked().await;
        let ward = family.guardian.holder.wards().await.unwrap().remove(0);
        let mut question = Self {
            path: format!("/v1/me/wards/{}/answers", ward.id),
            devices: Vec::new(),
            turn: Cell::new(0),
            family,
            claims,
        };
        for _ in 0..devices {
            question.devices.push(question.another_device(scene).await);
        }
        question
    }

    async fn another_device(&self, scene: &Scene) -> (Holder, DeviceKey) {
        let (holder, key) = device(scene).await;
        let (request, pin) = (
            holder.device_request().await.unwrap(),
            Pin::entered(PIN.into()).unwrap(),
        );
        let guardian = &self.family.guardian.holder;
        guardian.approve_device(&request, &pin).await.unwrap();
        (holder, key)
    }

    /// The proof of a device, and which it is.
    fn proof(&self, scene: &Scene) -> (Token, Value) {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.devices.len());
        let claims = scene.claims(300, &self.claims);
        let proof = Token::of("cyberid-proof+jwt", claims, self.devices[turn].1.signer());
        (proof, json!(turn))
    }

    /// What comes of an answer by this device. If it has answered too often, it waits a moment.
    async fn answered(&self, scene: &Scene, device: &Value, sealed: &str) -> Verdict {
        let device = usize::try_from(device.as_u64().unwrap()).unwrap();
        let session = self.devices[device].0.session();
        let body = json!({"request": self.claims["request"], "sealed": sealed});
        loop {
            let call = scene.post(session, &self.path, &body).await;
            let verdict = judged(call, |_| true).await;
            if !verdict.is_rate_limit() {
                return verdict;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// A device that is nobody's yet.
async fn device(scene: &Scene) -> (Holder, DeviceKey) {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let client = scene.split.platform().client.clone();
    let platform = Platform::contact(client, clock.clone()).await.unwrap();
    let key = scene.split.platform().device_key();
    let holder = Holder::resume(platform, Tree::default(), key.signer(), clock, rng).unwrap();
    (holder, key)
}

/// Enrols a minor as the ward of a guardian.
async fn enrolled(scene: &Scene, person: Person, guardian: &Citizen) -> Citizen {
    let (holder, key) = device(scene).await;
    let mut enrolment = person.enrolment();
    enrolment.guardian_consent = Some(agreement(scene, guardian, key.signer().kid()).compact);
    let enrolled = holder.enrol(&enrolment).await.unwrap();
    Citizen {
        holder,
        person,
        enrolled,
        key,
    }
}

/// Somebody with a valid document whose age in years lies in here: the first, the second, and so on.
async fn aged(scene: &Scene, years: Range<i32>, nth: usize) -> Person {
    let people: Value = scene
        .split
        .platform()
        .client
        .get("/sandbox/people?limit=300")
        .await
        .unwrap();
    let people: Vec<Person> = serde_json::from_value(people["people"].clone()).unwrap();
    let today = SystemClock.now().date();
    let fits = |person: &Person| {
        let born: i32 = person.birth_date[..4].parse().unwrap();
        years.contains(&(today.year() - born)) && person.document.valid_until > today.to_string()
    };
    people.into_iter().filter(fits).nth(nth).unwrap()
}
