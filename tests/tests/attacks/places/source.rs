//! What is sealed to the identity source, and what it signs of a face. Acceptance: the source answers, and confirms; the
//! check passes.

use std::sync::Arc;

use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign, base64url};
use cyberid_domain::id::Nonce;
use cyberid_keystore::role;
use cyberid_protocol::face::evidence_nonce;
use cyberid_protocol::source::SourceKeys;
use journeys::Person;
use journeys::attacks::{Seal, Token};
use serde_json::{Value, json};

use crate::place::Place;
use crate::scene::{Scene, fresh, key, patiently};
use crate::wire::{Answer, judged};

/// The source of the sandbox.
struct Source {
    url: String,
    sealing: PublicKey,
    person: Person,
}

impl Source {
    async fn of(scene: &Scene) -> Self {
        let platform = scene.split.platform();
        let told: Value = platform.client.get("/sandbox/source").await.unwrap();
        let url = told["url"].as_str().unwrap().trim_end_matches('/').to_owned();
        let client = cyberid_client::Client::new(&url).unwrap();
        let keys: SourceKeys = client.get("/v1/source").await.unwrap();
        Self {
            url,
            sealing: keys.encryption_jwk,
            person: scene.citizen.person.clone(),
        }
    }

    fn reply_to(&self) -> Value {
        let key = AgreementKey::ephemeral_of(self.sealing.suite()).unwrap();
        json!(key.public_key())
    }

    /// What is asked about the citizen's face before this device.
    fn face(&self, scene: &Scene, device: &str, nonce: &str) -> Value {
        let (document, sample) = (&self.person.document, &self.person.evidence.token);
        json!({"kind": document.kind, "number": document.number, "sample": sample,
            "aud": scene.split.platform().url(), "jkt": device, "nonce": nonce})
    }
}

/// A place to which this question goes, sealed.
async fn asked<Q>(
    scene: &Arc<Scene>,
    [name, path]: [&'static str; 2],
    question: Q,
    confirms: fn(&Answer) -> bool,
) -> Place<Seal>
where
    Q: Fn(&Scene, &Source) -> Value + 'static,
{
    let source = Arc::new(Source::of(scene).await);
    let (making, asking) = (scene.clone(), source.clone());
    let good = async move || {
        let question = question(&making, &asking).to_string();
        Seal::to(asking.sealing, question.as_bytes())
    };
    let taking = scene.clone();
    let present = async move |_: &Seal, message: &str| {
        let call = taking.http().post(format!("{}{path}", source.url));
        judged(call.json(&json!({ "sealed": message })), confirms).await
    };
    Place::new(name, good, present)
}

pub(super) async fn identity_check(scene: &Arc<Scene>) -> Place<Seal> {
    let question = |scene: &Scene, source: &Source| {
        let (document, evidence) = (&source.person.document, &source.person.evidence);
        json!({"kind": document.kind, "name": document.name, "number": document.number,
            "valid_until": document.valid_until, "evidence_kind": evidence.kind, "evidence": evidence.token,
            "aud": scene.split.platform().url(), "feed": feed(), "reply_to": source.reply_to()})
    };
    let confirms = |answer: &Answer| {
        let answer = answer.body["answer"].as_str().unwrap().to_owned();
        Token::stolen(answer, key()).claims["confirmed"] == true
    };
    asked(
        scene,
        ["question to the source", "/v1/identity-checks"],
        question,
        confirms,
    )
    .await
}

pub(super) async fn notices(scene: &Arc<Scene>) -> Place<Seal> {
    let question = |scene: &Scene, source: &Source| {
        let platform = scene.split.platform().url();
        json!({"aud": platform, "feed": feed(), "after": 0, "reply_to": source.reply_to()})
    };
    asked(
        scene,
        ["query for the source's notices", "/v1/notices"],
        question,
        |_| true,
    )
    .await
}

pub(super) async fn face_check(scene: &Arc<Scene>) -> Place<Seal> {
    let question =
        |scene: &Scene, source: &Source| source.face(scene, scene.device().kid(), fresh().as_str().unwrap());
    asked(
        scene,
        ["face for the source", "/v1/face-checks"],
        question,
        |_| true,
    )
    .await
}

fn feed() -> String {
    base64url::encode(&[7; 32])
}

/// Evidence of the citizen's face, in the hands of who can sign as the source.
pub(super) async fn face_evidence(scene: &Arc<Scene>) -> Place<Token> {
    let source = Source::of(scene).await;
    let signing: Arc<dyn Sign> = scene
        .keystore("sandbox/identity-source/keys")
        .signer::<role::Source>()
        .unwrap()
        .current();
    let client = cyberid_client::Client::new(&source.url).unwrap();
    let making = scene.clone();
    let good = async move || {
        let more = json!({"rp": making.party.client_id(), "purpose": "register", "checks": ["real_person"],
            "factors": ["face"], "nonce": fresh()});
        let claims = making.claims(300, &more);
        let name = |member: &str| -> Nonce { serde_json::from_value(claims[member].clone()).unwrap() };
        let nonce = evidence_nonce(&name("nonce"), &name("jti"));
        let question = source.face(&making, making.device().kid(), &nonce).to_string();
        let sealed = Seal::to(source.sealing, question.as_bytes()).compact;
        let body = json!({ "sealed": sealed });
        let answer: Value = patiently(async || client.post("/v1/face-checks", &body).await).await;
        let proof = Token::of("cyberid-proof+jwt", claims, making.device()).compact;
        let evidence = answer["evidence"].as_str().unwrap().to_owned();
        Token::stolen(evidence, signing.clone()).at(proof.into())
    };
    let taking = scene.clone();
    let present = async move |good: &Token, message: &str| {
        let body = json!({"proof": good.context, "evidence": {"face": message}});
        let seal = taking.seal(&body).await.compact;
        super::answers::direct(&taking, &seal).await
    };
    Place::new("evidence of a face", good, present)
}
