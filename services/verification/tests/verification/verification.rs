//! Direct proofs: what makes one pass, fail, or a problem.

use std::sync::Arc;

use cyberid_crypto::{Sign as _, SigningKey, base64url, jwe};
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::id::VerificationId;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_keystore::role::{Journal as JournalRole, Message, RoleName};
use cyberid_protocol::attestation::Attestation;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::verification::Attested;
use cyberid_protocol::visit;
use cyberid_storage::journal::Journal as _;
use cyberid_storage::oversight::Oversight as _;
use cyberid_storage::subject::Subjects as _;

use crate::platform::{
    Answer, Client, PURPOSE, Platform, REGULATED, START, at_once, new_key, pin, wrong_pin,
};

fn attested(platform: &Platform, rp: &Client, answer: &Answer) -> Attestation {
    platform.attestation(rp, &answer.expect::<Attested>(200).attestation)
}

async fn verify(
    platform: &Platform,
    rp: &Client,
    device: &SigningKey,
    proof: &Proof,
    pin: Option<&Pin>,
) -> Attestation {
    let sealed = platform.seal(device, proof, pin);
    attested(platform, rp, &platform.direct(rp, &sealed).await)
}

#[tokio::test]
async fn each_party_knows_a_person_by_its_own_pseudonym() {
    let platform = Platform::start().await;
    let (one, other) = (platform.relying_party().await, platform.relying_party().await);
    let citizen = platform.adult().await;
    let mut subs = vec![];
    for rp in [&one, &one, &other] {
        let proof = platform.proof(rp, &[Check::RealPerson, Check::AgeOver18]);
        let attestation = verify(&platform, rp, &citizen.device, &proof, None).await;
        assert_eq!(
            (attestation.result, attestation.acr.as_str()),
            (Outcome::Pass, "device")
        );
        assert_eq!(
            (attestation.purpose.as_str(), &attestation.nonce),
            (PURPOSE, &proof.nonce)
        );
        subs.push(attestation.sub.unwrap());
    }
    assert_eq!(subs[0], subs[1]);
    assert_ne!(subs[0], subs[2]);
}

#[tokio::test]
async fn failing_either_of_two_checks_fails_and_says_which() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let young = platform
        .citizen(AgeFlags::default().with(Threshold::Fourteen))
        .await;
    let (young_enough, too_young) = (Check::AgeOver14, Check::AgeOver18);
    let proof = platform.proof(&rp, &[young_enough, too_young]);
    let attestation = verify(&platform, &rp, &young.device, &proof, None).await;
    assert_eq!((attestation.result, attestation.sub), (Outcome::Fail, None));
    assert_eq!(attestation.checks[&young_enough], Outcome::Pass);
    assert_eq!(attestation.checks[&too_young], Outcome::Fail);

    let adult = platform.adult().await;
    platform.clock.advance(330 * 86_400);
    let proof = platform.proof(&rp, &[Check::RealPerson, Check::DocumentValid]);
    let valid = verify(&platform, &rp, &adult.device, &proof, None).await;
    assert_eq!(valid.result, Outcome::Pass);
}

#[tokio::test]
async fn a_document_is_valid_until_its_last_moment() {
    let platform = Platform::start().await;
    let adult = platform.adult().await;
    platform.clock.advance(365 * 86_400 - 1);
    // A registration of this day, since the one of a year ago is over.
    let rp = platform.relying_party().await;
    for (seconds, outcome) in [(0, Outcome::Pass), (1, Outcome::Fail)] {
        platform.clock.advance(seconds);
        let proof = platform.proof(&rp, &[Check::RealPerson, Check::DocumentValid]);
        let attestation = verify(&platform, &rp, &adult.device, &proof, None).await;
        assert_eq!(attestation.checks[&Check::DocumentValid], outcome);
        assert_eq!(attestation.checks[&Check::RealPerson], Outcome::Pass);
    }
}

#[tokio::test]
async fn a_proof_is_used_once() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    let sealed = platform.seal(&citizen.device, &proof, None);
    assert_eq!(
        attested(&platform, &rp, &platform.direct(&rp, &sealed).await).result,
        Outcome::Pass
    );
    assert_eq!(
        platform.direct(&rp, &sealed).await.problem(),
        ProblemType::ReplayedMessage
    );
    let resealed = platform.seal(&citizen.device, &proof, None);
    assert_eq!(
        platform.direct(&rp, &resealed).await.problem(),
        ProblemType::ReplayedMessage
    );
    // Forgotten only when it could no longer be used anyway.
    platform.clock.advance(359);
    platform.service.housekeep().await.unwrap();
    assert_eq!(
        platform.direct(&rp, &sealed).await.problem(),
        ProblemType::ReplayedMessage
    );
    platform.clock.advance(1);
    platform.service.housekeep().await.unwrap();
    assert_eq!(
        platform.direct(&rp, &sealed).await.problem(),
        ProblemType::ExpiredMessage
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_uses_at_once_one_counts() {
    let platform = Arc::new(Platform::start().await);
    let (rp, citizen) = (Arc::new(platform.relying_party().await), platform.adult().await);
    let sealed = platform.seal(&citizen.device, &platform.proof(&rp, &[Check::RealPerson]), None);
    let answers = at_once(50, || {
        let (platform, rp, sealed) = (Arc::clone(&platform), Arc::clone(&rp), sealed.clone());
        async move { platform.direct(&rp, &sealed).await }
    })
    .await;
    let (passed, replayed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((passed.len(), replayed.len()), (1, 49));
    assert!(
        replayed
            .iter()
            .all(|answer| answer.problem() == ProblemType::ReplayedMessage)
    );
}

/// Sends the good proof with a change, and expects this problem.
async fn refuse(platform: &Platform, rp: &Client, change: impl FnOnce(&mut Proof), why: ProblemType) {
    let mut proof = platform.proof(rp, &[Check::RealPerson]);
    change(&mut proof);
    let citizen = platform.adult().await;
    let sealed = platform.seal(&citizen.device, &proof, None);
    let answer = platform.direct(rp, &sealed).await;
    assert_eq!(answer.problem(), why, "{proof:?}");
}

#[tokio::test]
async fn a_proof_is_for_this_platform_this_party_and_this_moment() {
    let platform = Platform::start().await;
    let (rp, other) = (platform.relying_party().await, platform.relying_party().await);
    let invalid: [&dyn Fn(&mut Proof); 9] = [
        &|proof| proof.aud = "https://other.example".into(),
        &|proof| proof.rp = other.id.clone(),
        &|proof| proof.request = Some(VerificationId::random(&SystemRng)),
        &|proof| proof.exp = START.plus(301),
        &|proof| proof.exp = START.minus(1),
        &|proof| proof.checks.clear(),
        &|proof| proof.checks.push(Check::RealPerson),
        &|proof| proof.checks = vec![Check::SamePerson],
        &|proof| proof.factors.push(Factor::Device),
    ];
    for change in invalid {
        refuse(&platform, &rp, change, ProblemType::InvalidMessage).await;
    }
    for iat in [START.plus(61), START.minus(361)] {
        let change = |proof: &mut Proof| (proof.iat, proof.exp) = (iat, iat.plus(300));
        refuse(&platform, &rp, change, ProblemType::ExpiredMessage).await;
    }
}

#[tokio::test]
async fn a_direct_proof_is_for_a_registered_use_and_more_is_counted() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let unregistered = |proof: &mut Proof| proof.purpose = "marketing".into();
    refuse(&platform, &rp, unregistered, ProblemType::UnregisteredUse).await;
    let more = |proof: &mut Proof| proof.checks.push(Check::AgeOver21);
    refuse(&platform, &rp, more, ProblemType::OverAsking).await;
    let elsewhere = |proof: &mut Proof| proof.purpose = REGULATED.into();
    refuse(&platform, &rp, elsewhere, ProblemType::OverAsking).await;
    assert_eq!(platform.db.over_asking().await.unwrap(), [(rp.id.clone(), 2)]);
}

#[tokio::test]
async fn only_a_proof_sealed_to_a_key_of_ours_is_opened() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    let signed = proof.sign(&citizen.device).unwrap();
    let ours = platform.keys.opener::<Message>().unwrap().public_key();
    let seal = |text: &str| jwe::seal(&ours, "json", text.as_bytes()).unwrap();
    let (header, rest) = signed.split_once('.').unwrap();
    let none = base64url::encode(br#"{"alg":"none","typ":"cyberid-proof+jwt"}"#);
    let other_type = cyberid_crypto::jws::sign(&citizen.device, "cyberid-consent+jwt", &proof).unwrap();
    let embedded = cyberid_crypto::jws::sign_embedding_key(&citizen.device, Proof::TYP, &proof).unwrap();
    let bad = [
        "a.b.c".to_owned(),
        signed.clone(),
        jwe::seal(
            &new_key().public_key(),
            "json",
            format!(r#"{{"proof":"{signed}"}}"#).as_bytes(),
        )
        .unwrap(),
        seal(&signed),
        seal(r#"{"proof":"a.b.c"}"#),
        seal(&format!(r#"{{"proof":"{signed}","consent":"x"}}"#)),
        seal(&format!(r#"{{"proof":"{none}.{rest}"}}"#)),
        seal(&format!(r#"{{"proof":"{header}.{rest}x="}}"#)),
        seal(&format!(r#"{{"proof":"{other_type}"}}"#)),
        seal(&format!(r#"{{"proof":"{embedded}"}}"#)),
        seal(&format!(r#"{{"proof":"{signed}","pin":"12"}}"#)),
        seal(&format!(r#"{{"proof":"{signed}","pin":"27182845"}}"#)),
    ];
    for sealed in bad {
        assert_eq!(
            platform.direct(&rp, &sealed).await.problem(),
            ProblemType::InvalidMessage
        );
    }
    // Yesterday's key opens what was sealed to it, until it is destroyed.
    let yesterday = platform.seal(&citizen.device, &proof, None);
    let later = platform.seal(&citizen.device, &platform.proof(&rp, &[Check::RealPerson]), None);
    platform.keys.rotate(RoleName::Message).unwrap();
    assert_eq!(
        attested(&platform, &rp, &platform.direct(&rp, &yesterday).await).result,
        Outcome::Pass
    );
    platform.keys.destroy(&ours.thumbprint()).unwrap();
    assert_eq!(
        platform.direct(&rp, &later).await.problem(),
        ProblemType::InvalidMessage
    );
}

#[tokio::test]
async fn a_pin_that_was_asked_for_has_to_be_there_and_right() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    for (pin, outcome) in [
        (None, Outcome::Fail),
        (Some(wrong_pin()), Outcome::Fail),
        (Some(pin()), Outcome::Pass),
    ] {
        let attestation = with_pin(&platform, &rp, &citizen.device, pin.as_ref()).await;
        assert_eq!(attestation.result, outcome);
        assert_eq!(attestation.acr, "device+pin");
        assert!(attestation.checks.values().all(|check| *check == outcome));
    }
}

async fn with_pin(platform: &Platform, rp: &Client, device: &SigningKey, pin: Option<&Pin>) -> Attestation {
    let proof = Proof {
        factors: vec![Factor::Device, Factor::Pin],
        ..platform.proof(rp, &[Check::RealPerson, Check::AgeOver18])
    };
    verify(platform, rp, device, &proof, pin).await
}

#[tokio::test]
async fn wrong_pins_lock_and_only_time_unlocks() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let attempt = async |pin: &Pin| with_pin(&platform, &rp, &citizen.device, Some(pin)).await.result;
    for _ in 0..4 {
        assert_eq!(attempt(&wrong_pin()).await, Outcome::Fail);
    }
    assert_eq!(attempt(&pin()).await, Outcome::Pass);
    for _ in 0..5 {
        assert_eq!(attempt(&wrong_pin()).await, Outcome::Fail);
    }
    assert_eq!(attempt(&pin()).await, Outcome::Fail, "locked");
    // Without the PIN the device still answers.
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    assert_eq!(
        verify(&platform, &rp, &citizen.device, &proof, None).await.result,
        Outcome::Pass
    );
    platform.clock.advance(59);
    assert_eq!(attempt(&pin()).await, Outcome::Fail, "still locked");
    platform.clock.advance(1);
    assert_eq!(attempt(&pin()).await, Outcome::Pass);
}

/// Guesses that run together are each counted before the next is checked.
#[tokio::test(flavor = "multi_thread")]
async fn hurrying_does_not_buy_guesses() {
    let platform = Arc::new(Platform::start().await);
    let (rp, citizen) = (
        Arc::new(platform.relying_party().await),
        Arc::new(platform.adult().await),
    );
    let guess = |pin: Pin| {
        let proof = Proof {
            factors: vec![Factor::Device, Factor::Pin],
            ..platform.proof(&rp, &[Check::RealPerson])
        };
        let sealed = platform.seal(&citizen.device, &proof, Some(&pin));
        let (platform, rp) = (Arc::clone(&platform), Arc::clone(&rp));
        async move { platform.direct(&rp, &sealed).await }
    };
    at_once(20, || guess(wrong_pin())).await;
    let subject = platform
        .db
        .by_device(citizen.device.kid())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        subject.pin_failures.count, 5,
        "the fifth locked, and no other was checked"
    );
}

/// Somebody who has not the device cannot lock its owner out.
#[tokio::test]
async fn only_the_device_can_try_a_pin() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let proof = Proof {
        factors: vec![Factor::Device, Factor::Pin],
        ..platform.proof(&rp, &[Check::RealPerson])
    };
    for _ in 0..6 {
        let proof = Proof {
            jti: cyberid_domain::id::Nonce::random(&SystemRng),
            ..proof.clone()
        };
        let forged = forged(&platform, &citizen.device, &proof, Some(&wrong_pin()));
        assert_eq!(
            attested(&platform, &rp, &platform.direct(&rp, &forged).await).result,
            Outcome::Fail
        );
    }
    let subject = platform
        .db
        .by_device(citizen.device.kid())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(subject.pin_failures.count, 0);
    assert_eq!(
        with_pin(&platform, &rp, &citizen.device, Some(&pin()))
            .await
            .result,
        Outcome::Pass
    );
}

/// Whoever was handed a sealed proof with a mistyped PIN cannot lock its holder out by sending it again.
#[tokio::test(flavor = "multi_thread")]
async fn one_proof_tries_one_pin() {
    let platform = Arc::new(Platform::start().await);
    let (rp, citizen) = (Arc::new(platform.relying_party().await), platform.adult().await);
    let proof = Proof {
        factors: vec![Factor::Device, Factor::Pin],
        ..platform.proof(&rp, &[Check::RealPerson])
    };
    let mistyped = platform.seal(&citizen.device, &proof, Some(&wrong_pin()));
    let answers = at_once(12, || {
        let (platform, rp, mistyped) = (Arc::clone(&platform), Arc::clone(&rp), mistyped.clone());
        async move { platform.direct(&rp, &mistyped).await }
    })
    .await;
    let answered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(answered, 1);
    let subject = platform.db.by_device(citizen.device.kid()).await.unwrap();
    assert_eq!(subject.unwrap().pin_failures.count, 1);
    let right = with_pin(&platform, &rp, &citizen.device, Some(&pin())).await;
    assert_eq!(right.result, Outcome::Pass);
}

/// A sealed proof that names `device` and that another key signed.
pub(crate) fn forged(platform: &Platform, device: &SigningKey, proof: &Proof, pin: Option<&Pin>) -> String {
    let signed = proof.sign(device).unwrap();
    let (words, _) = signed.rsplit_once('.').unwrap();
    let signature = base64url::encode(&new_key().sign(words.as_bytes()).unwrap());
    let ours = platform.keys.opener::<Message>().unwrap().public_key();
    let pin = pin
        .map(|pin| format!(r#","pin":"{}""#, pin.expose()))
        .unwrap_or_default();
    jwe::seal(
        &ours,
        "json",
        format!(r#"{{"proof":"{words}.{signature}"{pin}}}"#).as_bytes(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_visit_is_found_by_its_holders_own_reading_and_by_no_other() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (citizen, other) = (platform.adult().await, platform.adult().await);
    let proof = platform.proof(&rp, &[Check::RealPerson]);
    verify(&platform, &rp, &citizen.device, &proof, None).await;
    platform
        .db
        .set_status(&citizen.subject, SubjectStatus::Suspended)
        .await
        .unwrap();
    verify(
        &platform,
        &rp,
        &citizen.device,
        &platform.proof(&rp, &[Check::AgeOver18]),
        None,
    )
    .await;
    // What somebody else says in the holder's name is not the holder's visit.
    let forged = forged(
        &platform,
        &citizen.device,
        &platform.proof(&rp, &[Check::RealPerson]),
        None,
    );
    assert_eq!(platform.direct(&rp, &forged).await.status, 200);

    let (key, day) = (platform.keys.mac::<JournalRole>().unwrap(), START.day_start());
    let mut visits = vec![];
    for person in [&citizen.subject, &other.subject] {
        let tags: std::collections::BTreeSet<_> = visit::tags(&key, person, day).into_iter().collect();
        let mut found = vec![];
        for tag in tags {
            for sealed in platform.journal.visits(day, &tag).await.unwrap() {
                found.push(visit::open(&key, person, day, &sealed).unwrap());
            }
        }
        found.sort_by_key(|record| !record.passed);
        visits.push(found);
    }
    let [passed, failed] = visits[0].as_slice() else {
        panic!("two visits: {visits:?}");
    };
    assert_eq!(
        (&passed.rp, passed.purpose.as_str(), passed.passed),
        (&rp.id, PURPOSE, true)
    );
    assert_eq!(
        (failed.checks.as_slice(), failed.passed),
        ([Check::AgeOver18].as_slice(), false)
    );
    assert!(visits[1].is_empty());
}

#[tokio::test]
async fn the_service_tests_its_keys_before_it_begins() {
    let platform = Platform::start().await;
    platform.service.recover().await.unwrap();
}
