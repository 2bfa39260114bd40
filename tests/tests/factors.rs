//! Face and passkey over real sockets: the holder's app, the identity source and the platform.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_client::Client;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::personal::Personal;
use cyberid_domain::pin::Pin;
use cyberid_holder::{Face, FaceSource, Factors, Holder, HolderError, ReviewedRequest, ReviewedVerification};
use cyberid_protocol::enrolment::NonceAnswer;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, PendingVerification, RelyingParty, VerifiedAttestation, VerifiedOutcome};
use journeys::{PIN, Passkey, Person, Suite, TestPlatform};
use serde_json::Value;

journeys::in_each_suite!(
    a_face_passes_before_its_own_persons_device_only,
    a_passkey_is_added_with_the_pin_used_and_removed,
);

async fn source(platform: &TestPlatform) -> FaceSource {
    let source: Value = platform.client.get("/sandbox/source").await.unwrap();
    let client = Client::new(source.get("url").and_then(Value::as_str).unwrap()).unwrap();
    FaceSource::contact(client).await.unwrap()
}

/// Somebody in front of the camera.
fn face(source: &FaceSource, person: &Person) -> Face {
    Face {
        source: source.clone(),
        kind: person.document.kind,
        number: Personal::new(person.document.number.clone()),
        sample: Personal::new(person.evidence.token.clone()),
    }
}

/// The face alone.
fn with(face: &Face) -> Factors<'_> {
    Factors {
        face: Some(face),
        ..Factors::default()
    }
}

/// PIN and passkey.
fn both<'a>(pin: &'a Pin, passkey: &'a Passkey) -> Factors<'a> {
    Factors {
        pin: Some(pin),
        passkey: Some(passkey),
        ..Factors::default()
    }
}

async fn asked(party: &RelyingParty, factors: &[Factor]) -> PendingVerification {
    let ask = Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        factors: factors.to_vec(),
        ..Ask::default()
    };
    party.request_verification(&ask).await.unwrap()
}

async fn fetched(holder: &Holder, pending: &PendingVerification) -> ReviewedVerification {
    let uri = &pending.request_uri;
    match holder.fetch_request(uri, Locale::English).await.unwrap() {
        ReviewedRequest::Verification(reviewed) => reviewed,
        ReviewedRequest::Release(_) => panic!("another kind of request"),
    }
}

/// The attestation after `holder` answered a request for these factors.
async fn attested(
    party: &RelyingParty,
    holder: &Holder,
    asked_for: &[Factor],
    factors: Factors<'_>,
) -> VerifiedAttestation {
    let pending = asked(party, asked_for).await;
    let reviewed = fetched(holder, &pending).await;
    holder.answer_verification(&reviewed, factors).await.unwrap();
    match party.wait(&pending).await.unwrap() {
        VerifiedOutcome::Attested(attested) => attested,
        other => panic!("not attested: {other:?}"),
    }
}

async fn a_face_passes_before_its_own_persons_device_only(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let source = source(&platform).await;
    let own = face(&source, &citizen.person);
    let passed = attested(&party, &citizen.holder, &[Factor::Face], with(&own)).await;
    assert!(passed.passed().is_some());
    assert_eq!(passed.acr(), "device+face");
    // A thief shows their own face, of their own document, before the stolen device.
    let thief = face(&source, &platform.adult(1).await);
    let failed = attested(&party, &citizen.holder, &[Factor::Face], with(&thief)).await;
    assert!(failed.passed().is_none());
    // The source does not take another's face for a document's person.
    let masked = Face {
        number: own.number.clone(),
        kind: own.kind,
        ..thief.clone()
    };
    let reviewed = fetched(&citizen.holder, &asked(&party, &[Factor::Face]).await).await;
    let refused = citizen.holder.answer_verification(&reviewed, with(&masked)).await;
    let Err(HolderError::Client(refused)) = refused else {
        panic!("not refused: {refused:?}")
    };
    assert_eq!(refused.problem(), Some(ProblemType::EvidenceRefused));
    let without = citizen.holder.answer_verification(&reviewed, None).await;
    assert_eq!(without, Err(HolderError::FaceNeeded));
}

async fn a_passkey_is_added_with_the_pin_used_and_removed(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let holder = &citizen.holder;
    let pin = Pin::chosen(PIN.into()).unwrap();
    let mut passkey = Passkey::on(platform.url());
    let NonceAnswer { nonce, .. } = platform.client.post_empty("/v1/nonces").await.unwrap();
    let registration = passkey.0.registration(nonce.as_str());
    let id = holder.add_passkey(&registration, &pin).await.unwrap();
    let listed = holder.passkeys().await.unwrap().passkeys;
    assert_eq!(
        listed.iter().map(|passkey| &passkey.id).collect::<Vec<_>>(),
        [&id]
    );

    passkey.0.sign_count = 1;
    let asked_for = [Factor::Pin, Factor::Passkey];
    let passed = attested(&party, holder, &asked_for, both(&pin, &passkey)).await;
    assert!(passed.passed().is_some());
    assert_eq!(passed.acr(), "device+pin+passkey");
    let copied = attested(&party, holder, &asked_for, both(&pin, &passkey)).await;
    assert!(copied.passed().is_none(), "its counter stood still");
    passkey.0.sign_count = 2;
    let again = attested(&party, holder, &asked_for, both(&pin, &passkey)).await;
    assert!(again.passed().is_some());
    holder.remove_passkey(&id).await.unwrap();
    passkey.0.sign_count = 3;
    let removed = attested(&party, holder, &asked_for, both(&pin, &passkey)).await;
    assert!(removed.passed().is_none());
}
