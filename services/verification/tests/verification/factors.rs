//! Face and passkey: each part forged one by one, and never a word about which.

use std::sync::Arc;

use cyberid_crypto::{Sign as _, SigningKey, base64url};
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::id::Nonce;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_keystore::role::Message;
use cyberid_protocol::attestation::Attestation;
use cyberid_protocol::face::{FaceEvidence, MAX_LIFE, evidence_nonce};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::passkey::challenge_of;
use cyberid_protocol::passkey::testing::{Authenticator, PRESENT_AND_VERIFIED};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::sealed::{Evidence, SealedProof};
use cyberid_protocol::verification::Attested;
use cyberid_storage::passkey::{Added, Passkey, Passkeys as _};
use cyberid_storage::subject::Subjects as _;

use crate::platform::{Answer, Citizen, Client, ISSUER, Platform, START, at_once, new_key, pin, wrong_pin};

const FACE: [Factor; 2] = [Factor::Device, Factor::Face];
const PASSKEY: [Factor; 2] = [Factor::Device, Factor::Passkey];

/// A platform, a relying party, and a citizen with a passkey.
struct Scene {
    platform: Platform,
    rp: Client,
    citizen: Citizen,
    passkey: Authenticator,
}

impl Scene {
    async fn start() -> Self {
        let platform = Platform::start().await;
        let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
        let passkey = registered(&platform, &citizen, 0).await;
        Self {
            platform,
            rp,
            citizen,
            passkey,
        }
    }

    fn proof(&self, factors: &[Factor]) -> Proof {
        Proof {
            factors: factors.into(),
            ..self
                .platform
                .proof(&self.rp, &[Check::RealPerson, Check::AgeOver18])
        }
    }

    /// What the identity source says of the citizen's own face before their own device.
    fn shown(&self, proof: &Proof) -> FaceEvidence {
        let now = START;
        FaceEvidence {
            aud: ISSUER.into(),
            jkt: self.citizen.device.kid().into(),
            nonce: evidence_nonce(&proof.nonce, &proof.jti),
            person: self.citizen.person.clone(),
            iat: now,
            exp: now.plus(MAX_LIFE),
        }
    }

    fn seal(&self, proof: &str, pin: Option<&Pin>, evidence: &Evidence) -> String {
        let keys = self.platform.keys.opener::<Message>().unwrap();
        SealedProof::seal_with(&keys.public_key(), proof, pin, evidence).unwrap()
    }

    async fn answer(&self, proof: &str, pin: Option<&Pin>, evidence: &Evidence) -> Answer {
        let sealed = self.seal(proof, pin, evidence);
        self.platform.direct(&self.rp, &sealed).await
    }

    fn attestation(&self, answer: &Answer) -> Attestation {
        let Attested { attestation } = answer.expect(200);
        self.platform.attestation(&self.rp, &attestation)
    }

    /// The outcome, which is one for all checks.
    async fn outcome(&self, proof: &str, pin: Option<&Pin>, evidence: &Evidence) -> Outcome {
        let attestation = self.attestation(&self.answer(proof, pin, evidence).await);
        let mut checks = attestation.checks.values();
        assert!(checks.all(|check| *check == attestation.result));
        attestation.result
    }

    /// The outcome of a proof by the citizen's device with this evidence of a face.
    async fn face(&self, face: impl FnOnce(&Proof) -> String) -> Outcome {
        let proof = self.proof(&FACE);
        let evidence = Evidence {
            face: Some(face(&proof)),
            ..Evidence::default()
        };
        let signed = proof.sign(&self.citizen.device).unwrap();
        self.outcome(&signed, None, &evidence).await
    }

    async fn altered_face(&self, alter: impl FnOnce(&mut FaceEvidence)) -> Outcome {
        self.face(|proof| {
            let mut shown = self.shown(proof);
            alter(&mut shown);
            shown.sign(&self.platform.source).unwrap()
        })
        .await
    }

    /// The outcome of a proof by the citizen's device with the use of this passkey.
    async fn passkey(&self, passkey: &Authenticator) -> Outcome {
        let signed = self.proof(&PASSKEY).sign(&self.citizen.device).unwrap();
        self.outcome(&signed, None, &used(passkey, &signed)).await
    }

    async fn altered_passkey(&mut self, alter: impl FnOnce(&mut Authenticator)) -> Outcome {
        let good = (
            self.passkey.id.clone(),
            self.passkey.origin.clone(),
            self.passkey.rp_id.clone(),
            self.passkey.flags,
            self.passkey.sign_count,
        );
        alter(&mut self.passkey);
        let outcome = self.passkey(&self.passkey).await;
        let passkey = &mut self.passkey;
        (
            passkey.id,
            passkey.origin,
            passkey.rp_id,
            passkey.flags,
            passkey.sign_count,
        ) = good;
        outcome
    }
}

fn used(passkey: &Authenticator, signed: &str) -> Evidence {
    Evidence {
        passkey: Some(passkey.assertion(&challenge_of(signed))),
        ..Evidence::default()
    }
}

/// A passkey of the citizen's, as issuance keeps it.
async fn registered(platform: &Platform, citizen: &Citizen, sign_count: u32) -> Authenticator {
    let key = new_key();
    let point = *key.public_key().as_sec1();
    let mut passkey = Authenticator::new(key, "id.example");
    passkey.sign_count = sign_count;
    let kept = Passkey {
        id: passkey.id.clone(),
        subject: citizen.subject,
        key: point,
        sign_count,
        backup_eligible: false,
        created_at: START,
    };
    assert_eq!(platform.db.add_passkey(&kept).await.unwrap(), Added::Now);
    passkey
}

#[tokio::test]
async fn every_factor_that_was_asked_for_is_needed() {
    let scene = Scene::start().await;
    let all = [Factor::Device, Factor::Pin, Factor::Face, Factor::Passkey];
    let (right, wrong) = (pin(), wrong_pin());
    for without in 0..5 {
        let proof = scene.proof(&all);
        let signed = proof.sign(&scene.citizen.device).unwrap();
        let mut evidence = used(&scene.passkey, &signed);
        evidence.face = Some(scene.shown(&proof).sign(&scene.platform.source).unwrap());
        let mut pin = Some(&right);
        match without {
            0 => evidence.face = None,
            1 => evidence.passkey = None,
            2 => pin = None,
            3 => pin = Some(&wrong),
            _ => {}
        }
        let attestation = scene.attestation(&scene.answer(&signed, pin, &evidence).await);
        assert_eq!(attestation.acr, "device+pin+face+passkey");
        let expected = Outcome::from(without == 4);
        assert_eq!(attestation.result, expected, "{without}");
        assert!(attestation.checks.values().all(|check| *check == expected));
        assert_eq!(attestation.sub.is_some(), without == 4);
    }
}

#[tokio::test]
async fn a_face_is_for_this_platform_this_device_this_proof_and_this_person() {
    let scene = Scene::start().await;
    assert_eq!(scene.altered_face(|_| {}).await, Outcome::Pass);
    let thief = scene.platform.adult().await;
    let other = new_key();
    let alter: [&dyn Fn(&mut FaceEvidence); 11] = [
        &|it| it.aud = "https://other.example".into(),
        &|it| it.jkt = other.kid().into(),
        &|it| it.jkt = thief.device.kid().into(),
        &|it| it.nonce = base64url::encode(&[7; 32]),
        // A thief's own face before the stolen device.
        &|it| it.person.clone_from(&thief.person),
        &|it| it.person = "nobody".into(),
        &|it| it.person = String::new(),
        &|it| (it.iat, it.exp) = (START.minus(361), START.minus(61)),
        &|it| (it.iat, it.exp) = (START.plus(61), START.plus(100)),
        &|it| it.exp = START.plus(MAX_LIFE + 1),
        &|it| it.exp = START.minus(1),
    ];
    for (at, alter) in alter.into_iter().enumerate() {
        assert_eq!(scene.altered_face(alter).await, Outcome::Fail, "{at}");
    }
}

#[tokio::test]
async fn a_face_is_signed_by_the_source_as_evidence() {
    let scene = Scene::start().await;
    let source = &scene.platform.source;
    let by_another = scene.face(|proof| scene.shown(proof).sign(&new_key()).unwrap());
    assert_eq!(by_another.await, Outcome::Fail);
    let by_the_device = scene.face(|proof| scene.shown(proof).sign(&scene.citizen.device).unwrap());
    assert_eq!(by_the_device.await, Outcome::Fail);
    for typ in ["cyberid-source-answer+jwt", "cyberid-proof+jwt", "JWT"] {
        let another_type =
            scene.face(|proof| cyberid_crypto::jws::sign(source, typ, &scene.shown(proof)).unwrap());
        assert_eq!(another_type.await, Outcome::Fail, "{typ}");
    }
    for garbage in ["", "garbage", "a.b.c"] {
        assert_eq!(scene.face(|_| garbage.into()).await, Outcome::Fail);
    }
}

/// Evidence serves one proof: not the next one over the same nonce, nor somebody else's.
#[tokio::test]
async fn evidence_of_a_face_is_not_used_twice() {
    let scene = Scene::start().await;
    let first = scene.proof(&FACE);
    let evidence = Evidence {
        face: Some(scene.shown(&first).sign(&scene.platform.source).unwrap()),
        ..Evidence::default()
    };
    let signed = first.sign(&scene.citizen.device).unwrap();
    assert_eq!(scene.outcome(&signed, None, &evidence).await, Outcome::Pass);
    let again = scene.answer(&signed, None, &evidence).await;
    assert_eq!(again.problem(), ProblemType::ReplayedMessage);
    let next = Proof {
        jti: Nonce::random(&SystemRng),
        ..first
    };
    let signed = next.sign(&scene.citizen.device).unwrap();
    assert_eq!(scene.outcome(&signed, None, &evidence).await, Outcome::Fail);
}

#[tokio::test]
async fn evidence_that_was_not_asked_for_is_refused() {
    let scene = Scene::start().await;
    let proof = scene.proof(&[Factor::Device, Factor::Pin]);
    let signed = proof.sign(&scene.citizen.device).unwrap();
    let face = Evidence {
        face: Some(scene.shown(&proof).sign(&scene.platform.source).unwrap()),
        ..Evidence::default()
    };
    for evidence in [face, used(&scene.passkey, &signed)] {
        let answer = scene.answer(&signed, Some(&pin()), &evidence).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    }
    let keys = scene.platform.keys.opener::<Message>().unwrap();
    for evidence in [r"{}", r#"{"score":"0.99"}"#, r#"{"face":0.99}"#, r#""face""#] {
        let body = format!(r#"{{"proof":"{signed}","pin":"27182845","evidence":{evidence}}}"#);
        let sealed = cyberid_crypto::jwe::seal(&keys.public_key(), "json", body.as_bytes()).unwrap();
        let answer = scene.platform.direct(&scene.rp, &sealed).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage, "{evidence}");
    }
    // Nothing of it was tried.
    let empty = Evidence::default();
    assert_eq!(scene.outcome(&signed, Some(&pin()), &empty).await, Outcome::Pass);
}

#[tokio::test]
async fn a_passkey_is_used_on_this_site_by_its_verified_owner() {
    let mut scene = Scene::start().await;
    assert_eq!(scene.altered_passkey(|_| {}).await, Outcome::Pass);
    let alter: [fn(&mut Authenticator); 9] = [
        |it| it.origin = "https://evil.example".into(),
        |it| it.origin = "http://id.example".into(),
        |it| it.origin = "https://id.example:8443".into(),
        |it| it.rp_id = "evil.example".into(),
        |it| it.flags = 0b001,
        |it| it.flags = 0b100,
        // It may be copied all of a sudden.
        |it| it.flags = PRESENT_AND_VERIFIED | 0b1000,
        |it| it.id = vec![7; 32],
        |it| it.id = vec![],
    ];
    for (at, alter) in alter.into_iter().enumerate() {
        assert_eq!(scene.altered_passkey(alter).await, Outcome::Fail, "{at}");
    }
    assert_eq!(scene.altered_passkey(|_| {}).await, Outcome::Pass);
}

#[tokio::test]
async fn a_passkey_is_the_answering_holders_own() {
    let mut scene = Scene::start().await;
    let thief = scene.platform.adult().await;
    let theirs = registered(&scene.platform, &thief, 0).await;
    assert_eq!(scene.passkey(&theirs).await, Outcome::Fail);
    let mut renamed = Authenticator::new(new_key(), "id.example");
    renamed.id.clone_from(&scene.passkey.id);
    assert_eq!(scene.passkey(&renamed).await, Outcome::Fail);
    let id = scene.passkey.id.clone();
    let (db, own) = (&scene.platform.db, &scene.citizen.subject);
    assert!(db.remove_passkey(own, &id).await.unwrap());
    assert_eq!(scene.altered_passkey(|_| {}).await, Outcome::Fail);
}

/// The challenge is the proof, whole: an assertion over another proof, or over the nonce alone, is none over this.
#[tokio::test]
async fn a_passkey_signs_this_very_proof() {
    let scene = Scene::start().await;
    let proof = scene.proof(&PASSKEY);
    let signed = proof.sign(&scene.citizen.device).unwrap();
    let another = scene.proof(&PASSKEY).sign(&scene.citizen.device).unwrap();
    let nonce = cyberid_crypto::digest::sha256(proof.nonce.as_str().as_bytes());
    for challenge in [challenge_of(&another), nonce] {
        let evidence = Evidence {
            passkey: Some(scene.passkey.assertion(&challenge)),
            ..Evidence::default()
        };
        // A proof that was tried is spent: each time another one.
        let mut retried = scene.proof(&PASSKEY);
        retried.nonce = proof.nonce.clone();
        let retried = retried.sign(&scene.citizen.device).unwrap();
        assert_eq!(scene.outcome(&retried, None, &evidence).await, Outcome::Fail);
    }
    let evidence = used(&scene.passkey, &signed);
    assert_eq!(scene.outcome(&signed, None, &evidence).await, Outcome::Pass);
}

#[tokio::test]
async fn a_counter_that_does_not_go_forward_is_a_copy() {
    let mut scene = Scene::start().await;
    let mut counting = registered(&scene.platform, &scene.citizen, 3).await;
    for (sign_count, expected) in [
        (3, Outcome::Fail),
        (4, Outcome::Pass),
        (4, Outcome::Fail),
        (2, Outcome::Fail),
        (0, Outcome::Fail),
        (9, Outcome::Pass),
    ] {
        counting.sign_count = sign_count;
        assert_eq!(scene.passkey(&counting).await, expected, "{sign_count}");
    }
    // What does not hold for another reason moves no counter.
    counting.sign_count = 20;
    counting.flags = 0b001;
    assert_eq!(scene.passkey(&counting).await, Outcome::Fail);
    counting.flags = PRESENT_AND_VERIFIED;
    counting.sign_count = 10;
    assert_eq!(scene.passkey(&counting).await, Outcome::Pass);
    // One that does not count never does.
    for _ in 0..2 {
        assert_eq!(scene.altered_passkey(|_| {}).await, Outcome::Pass);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_of_one_proof_with_a_passkey_one_counts() {
    let scene = Scene::start().await;
    let counting = registered(&scene.platform, &scene.citizen, 3).await;
    let mut counting = counting;
    counting.sign_count = 4;
    let signed = scene.proof(&PASSKEY).sign(&scene.citizen.device).unwrap();
    let sealed = scene.seal(&signed, None, &used(&counting, &signed));
    let (scene, sealed) = (Arc::new(scene), Arc::new(sealed));
    let answers = at_once(20, || {
        let (scene, sealed) = (Arc::clone(&scene), Arc::clone(&sealed));
        async move { scene.platform.direct(&scene.rp, &sealed).await }
    })
    .await;
    let (answered, replayed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    let [answered] = answered.as_slice() else {
        panic!("one counts: {}", answered.len())
    };
    assert_eq!(scene.attestation(answered).result, Outcome::Pass);
    let why = |answer: &&Answer| answer.problem() == ProblemType::ReplayedMessage;
    assert!(replayed.iter().all(why));
}

/// An answer without what differs from moment to moment.
fn form(answer: &Answer) -> (u16, usize, usize) {
    (answer.status.as_u16(), answer.headers.len(), answer.body.len())
}

#[tokio::test]
async fn nobody_learns_from_a_factor_who_there_is() {
    let scene = Scene::start().await;
    let all = [Factor::Device, Factor::Face, Factor::Passkey];
    let suspended = scene.platform.adult().await;
    let status = SubjectStatus::Suspended;
    let db = &scene.platform.db;
    assert!(db.set_status(&suspended.subject, status).await.unwrap());
    let stranger = new_key();
    let mut forms = vec![];
    let everybody: [(&SigningKey, &str); 3] = [
        (&scene.citizen.device, "the holder"),
        (&suspended.device, "suspended"),
        (&stranger, "unknown"),
    ];
    for (device, who) in everybody {
        let proof = scene.proof(&all);
        let signed = proof.sign(device).unwrap();
        let mut shown = scene.shown(&proof);
        shown.jkt = device.kid().into();
        let mut evidence = used(&scene.passkey, &signed);
        evidence.face = Some(shown.sign(&scene.platform.source).unwrap());
        let answer = scene.answer(&signed, None, &evidence).await;
        assert_eq!(
            scene.attestation(&answer).result == Outcome::Pass,
            who == "the holder"
        );
        forms.push(form(&answer));
        let again = scene.answer(&signed, None, &evidence).await;
        assert_eq!(again.problem(), ProblemType::ReplayedMessage, "{who}");
    }
    assert!(forms.iter().all(|form| *form == forms[0]), "{forms:?}");
}
