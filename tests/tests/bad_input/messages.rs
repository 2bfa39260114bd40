//! Signed messages that must not be believed: forged, unfit for what they answer, asking too much, or seen before.

use cyberid_crypto::{PublicKey, base64url, jwe};
use cyberid_domain::rng::SystemRng;
use cyberid_holder::DeviceKey;
use journeys::{Operation, operations};
use serde_json::{Value, json};

use crate::forgery::Good;
use crate::refusal::{Code, Findings};
use crate::scene::{Call, Scene};
use crate::targets::{direct_proof, fresh};

pub(crate) const INVALID: Code = Code::Is("invalid-message");

/// A place that takes a signed message, and the good message that it would take now.
pub(crate) struct Target {
    operation: Operation,
    path: String,
    wrap: Wrap,
    pub(crate) good: Good,
    /// Claims that would make it unfit, each with what is answered.
    unfit: Vec<(&'static str, Value, Code)>,
    /// Which share of the attempts is made here, out of how many: one request takes only so many answers.
    share: (usize, usize),
}

/// What is wrong, what is sent, and what is answered.
type Attempt = (String, Sent, Code);

/// What is sent.
enum Sent {
    /// A message, in the body that it belongs in.
    Message(String),
    /// Something in the place of the seal.
    Seal(String),
}

/// How a message is put into a body.
pub(crate) enum Wrap {
    /// Sealed to the platform, as this member.
    Sealed(&'static str, PublicKey),
    /// As this member, beside others.
    Member(&'static str, Value),
    /// In a form that ends with this parameter.
    Form(String),
}

impl Target {
    pub(crate) fn of(id: &str, wrap: Wrap, good: Good) -> Self {
        let operation = operations().into_iter().find(|operation| operation.id() == id);
        let operation = operation.unwrap_or_else(|| panic!("no operation {id}"));
        let path = operation.example_path();
        Self {
            operation,
            path,
            wrap,
            good,
            unfit: Vec::new(),
            share: (0, 1),
        }
    }

    pub(crate) fn sharing(self, index: usize, of: usize) -> Self {
        let share = (index, of);
        Self { share, ..self }
    }

    pub(crate) fn at(self, path: String) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn unfit<const N: usize>(self, unfit: [(&'static str, Value, Code); N]) -> Self {
        let unfit = unfit.into();
        Self { unfit, ..self }
    }

    async fn call(&self, scene: &Scene, what: &str, message: &str) -> Call {
        let call = match &self.wrap {
            Wrap::Sealed(member, key) => {
                let sealed = jwe::seal(key, "json", json!({*member: message}).to_string().as_bytes());
                self.with_json(what, &json!({"sealed": sealed.unwrap()}))
            }
            Wrap::Member(member, beside) => {
                let mut body = beside.clone();
                body[member] = message.into();
                self.with_json(what, &body)
            }
            Wrap::Form(form) => {
                let call = Call::of(&self.operation, what).at(&self.path);
                let media_type = call.media_type.clone();
                call.with_body(media_type, format!("{form}={message}").into_bytes())
            }
        };
        self.authorised(scene, call).await
    }

    fn with_json(&self, what: &str, body: &Value) -> Call {
        Call::of(&self.operation, what).at(&self.path).with_json(body)
    }

    async fn authorised(&self, scene: &Scene, mut call: Call) -> Call {
        if let Some(role) = self.operation.roles().first() {
            scene.warm(role).await;
        }
        scene.authorise(&self.operation, &mut call).await;
        call
    }

    /// Every message that must not be taken here, each as a body with what is answered.
    fn attempts(&self) -> Vec<Attempt> {
        let sealed_proof = matches!(self.wrap, Wrap::Sealed("proof", _));
        // A proof that nobody signed is answered as one by nobody: see `a_proof_of_nobody_fails`.
        let forged = self
            .good
            .forgeries()
            .into_iter()
            .filter(|forged| !(forged.unsigned && sealed_proof));
        let forged = forged.map(|forged| (forged.what, Sent::Message(forged.compact), forged.code));
        let unfit = self.unfit.iter().map(|(claim, value, code)| {
            let message = self.good.with(claim, value.clone());
            (format!("{claim} = {value}"), Sent::Message(message), *code)
        });
        let mut attempts: Vec<Attempt> = forged.chain(unfit).collect();
        if let Wrap::Sealed(member, key) = &self.wrap {
            let seals = wrong_seals(key, member, &self.good.compact());
            attempts.extend(
                seals
                    .into_iter()
                    .map(|(what, seal)| (what.to_owned(), Sent::Seal(seal), INVALID)),
            );
        }
        let (index, of) = self.share;
        attempts.into_iter().skip(index).step_by(of).collect()
    }

    async fn try_forgeries(&self, scene: &Scene, findings: &mut Findings) {
        for (what, sent, code) in self.attempts() {
            let call = match sent {
                Sent::Message(message) => self.call(scene, &what, &message).await,
                Sent::Seal(sealed) => {
                    let call = self.with_json(&what, &json!({"sealed": sealed}));
                    self.authorised(scene, call).await
                }
            };
            findings.refused(&self.operation, &what, &scene.send(&call).await, code);
        }
    }
}

fn wrong_seals(platform: &PublicKey, member: &str, good: &str) -> Vec<(&'static str, String)> {
    let seal = |key: &PublicKey, text: &str| jwe::seal(key, "json", text.as_bytes()).unwrap();
    let body = json!({member: good}).to_string();
    let right = seal(platform, &body);
    let another = DeviceKey::make_of(platform.suite(), &SystemRng)
        .unwrap()
        .public_key();
    let bent: String = right.chars().rev().collect();
    vec![
        ("a seal for another key", seal(&another, &body)),
        ("nothing in the seal", seal(platform, "")),
        ("no JSON in the seal", seal(platform, good)),
        ("an array in the seal", seal(platform, &format!("[{body}]"))),
        (
            "an unknown member in the seal",
            seal(platform, &format!("{{\"x\":1,{}", &body[1..])),
        ),
        (
            "a member twice in the seal",
            seal(platform, &format!("{{\"{member}\":\"\",{}", &body[1..])),
        ),
        ("a bent seal", bent),
        ("half a seal", right[..right.len() / 2].to_owned()),
        ("no seal", good.to_owned()),
        ("the body in clear", body),
    ]
}

/// Tries every forgery of every message.
pub(crate) async fn try_forgeries(scene: &Scene, targets: &[Target], findings: &mut Findings) {
    for target in targets {
        target.try_forgeries(scene, findings).await;
    }
}

/// A proof that the device did not sign says that nobody is there: every check fails, and nothing else tells it from
/// the proof of a person who fails.
pub(crate) async fn a_proof_of_nobody_fails(scene: &Scene) {
    let sealing = scene.citizen.holder.platform().sealing_key().await.unwrap();
    let device = scene.citizen.key.signer();
    let unsigned = direct_proof(scene, sealing, device.clone())
        .good
        .wrong_signatures();
    for index in 0..unsigned.len() {
        // Each with its own name: a name is used up, whoever used it.
        let target = direct_proof(scene, sealing, device.clone());
        let forged = &target.good.wrong_signatures()[index];
        let answer = scene
            .send(&target.call(scene, &forged.what, &forged.compact).await)
            .await;
        assert_eq!(answer.status, 200, "{}", forged.what);
        let attested: Value = serde_json::from_slice(&answer.body).unwrap();
        let claims = attested["attestation"]
            .as_str()
            .unwrap()
            .split('.')
            .nth(1)
            .unwrap();
        let claims: Value = serde_json::from_slice(&base64url::decode(claims).unwrap()).unwrap();
        assert_eq!(claims["result"], "fail", "{}", forged.what);
        assert_eq!(
            claims["checks"],
            json!({"real_person": "fail"}),
            "{}",
            forged.what
        );
        assert_eq!(claims.get("sub"), None, "{}", forged.what);
    }
}

/// The good messages are still taken, for nothing used them up; and each is taken once.
pub(crate) async fn take_each_once(scene: &Scene, targets: &[Target], findings: &mut Findings) {
    for target in targets {
        let good = target.good.compact();
        let answer = scene
            .send(&target.call(scene, "the good message", &good).await)
            .await;
        let said = String::from_utf8_lossy(&answer.body);
        assert!(
            (200..300).contains(&answer.status),
            "{}: {said}",
            target.operation.id()
        );
        if target.operation.id() == "change_relying_party_keys" {
            // The same change a second time changes nothing.
            continue;
        }
        let again = scene.send(&target.call(scene, "a replay", &good).await).await;
        findings.refused(&target.operation, "a replay", &again, Code::Any);
    }
}

/// Asks for more than is registered, or for nothing that can be.
pub(crate) async fn try_asking_too_much(scene: &Scene, findings: &mut Findings) {
    let sub = "1Nq7xQ0W3vVJk0pPq3d2v0hN6S7r8t9u0v1w2x3y4z4";
    let good = json!({"purpose": "register", "checks": ["real_person"], "nonce": fresh()});
    let malformed = Code::Is("malformed-request");
    let asks = [
        ("checks", json!(["age_over_21"]), Code::Is("over-asking")),
        (
            "checks",
            json!(["real_person", "age_over_14"]),
            Code::Is("over-asking"),
        ),
        ("purpose", json!("advertise"), Code::Is("unregistered-use")),
        ("purpose", json!("deliver' OR 1=1"), Code::Is("unregistered-use")),
        ("checks", json!(["height"]), malformed),
        ("checks", json!([]), Code::Any),
        ("checks", json!(["real_person", "real_person"]), Code::Any),
        ("checks", json!(["same_person"]), Code::Any),
        ("sub", json!(sub), Code::Any),
        ("nonce", json!("short"), malformed),
        ("nonce", json!("a".repeat(5000)), malformed),
        ("expires_in", json!(0), Code::Any),
        ("expires_in", json!(u64::MAX), Code::Any),
    ];
    ask(scene, "ask_verification", &good, &asks, findings).await;
    let sub = journeys::verified_sub(&scene.party, &scene.citizen).await;
    let good = json!({"sub": sub, "purpose": "deliver", "fields": ["name"], "nonce": fresh()});
    let asks = [
        ("fields", json!(["document_number"]), Code::Is("over-asking")),
        ("fields", json!(["name", "valid_until"]), Code::Is("over-asking")),
        ("purpose", json!("advertise"), Code::Is("unregistered-use")),
        ("fields", json!(["shoe_size"]), malformed),
        ("fields", json!([]), Code::Any),
        ("fields", json!(["name", "name"]), Code::Any),
        ("sub", json!("nobody"), Code::Is("invalid-sub")),
        ("nonce", json!("short"), malformed),
    ];
    ask(scene, "ask_release", &good, &asks, findings).await;
}

async fn ask(scene: &Scene, id: &str, good: &Value, asks: &[(&str, Value, Code)], findings: &mut Findings) {
    let operation = operations()
        .into_iter()
        .find(|operation| operation.id() == id)
        .unwrap();
    scene.warm("relying_party").await;
    for (member, value, code) in asks {
        let mut body = good.clone();
        body[member] = value.clone();
        let what = format!("{member} = {value:.60}");
        let mut call = Call::of(&operation, &what).with_json(&body);
        scene.authorise(&operation, &mut call).await;
        findings.refused(&operation, &what, &scene.send(&call).await, *code);
    }
}
