//! Nobody learns whether there is such a person: an unknown holder, a forger, a suspended and a failing one get the
//! same status, headers and length as one who passes, after the same work.

use std::sync::Arc;

use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::verification::Attested;
use cyberid_storage::journal::Journal as _;
use cyberid_storage::subject::Subjects as _;

use crate::platform::{Answer, Client, Platform, START, new_key, pin, wrong_pin};
use crate::verification::forged;

/// An answer without what differs from moment to moment.
fn form(answer: &Answer) -> (u16, Vec<(String, String)>, usize) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "dpop-nonce");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status.as_u16(), headers.collect(), answer.body.len())
}

fn outcome(platform: &Platform, rp: &Client, answer: &Answer) -> Outcome {
    let attestation = platform.attestation(rp, &answer.expect::<Attested>(200).attestation);
    let all = attestation
        .checks
        .values()
        .all(|check| *check == attestation.result);
    assert!(all, "a holder who is not there fails every check");
    assert_eq!(attestation.sub.is_some(), attestation.result == Outcome::Pass);
    attestation.result
}

async fn everybody(platform: &Platform, rp: &Client, factors: &[Factor]) -> Vec<(&'static str, Answer)> {
    let (good, suspended, cancelled) = (
        platform.adult().await,
        platform.adult().await,
        platform.adult().await,
    );
    platform
        .db
        .set_status(&suspended.subject, SubjectStatus::Suspended)
        .await
        .unwrap();
    platform
        .db
        .set_status(&cancelled.subject, SubjectStatus::Cancelled)
        .await
        .unwrap();
    let proof = || Proof {
        factors: factors.into(),
        ..platform.proof(rp, &[Check::RealPerson, Check::AgeOver18])
    };
    let with_pin = factors.contains(&Factor::Pin);
    let (right, wrong) = (with_pin.then(pin), with_pin.then(wrong_pin));
    let sealed = [
        ("good", platform.seal(&good.device, &proof(), right.as_ref())),
        ("unknown", platform.seal(&new_key(), &proof(), right.as_ref())),
        ("forged", forged(platform, &good.device, &proof(), right.as_ref())),
        (
            "suspended",
            platform.seal(&suspended.device, &proof(), right.as_ref()),
        ),
        (
            "cancelled",
            platform.seal(&cancelled.device, &proof(), right.as_ref()),
        ),
        (
            "unknown, wrong PIN",
            platform.seal(&new_key(), &proof(), wrong.as_ref()),
        ),
    ];
    let mut answers = vec![];
    platform.pepper.take();
    let mut hashed = vec![];
    for (who, sealed) in sealed {
        answers.push((who, platform.direct(rp, &sealed).await));
        hashed.push(platform.pepper.take());
        // Also who is not there is not there once only.
        let again = platform.direct(rp, &sealed).await;
        assert_eq!(again.problem(), ProblemType::ReplayedMessage, "{who}");
        platform.pepper.take();
    }
    assert_eq!(
        hashed,
        vec![if with_pin { 2 } else { 0 }; 6],
        "a decoy of the PIN is made for all, and a PIN checked"
    );
    let tomorrow = START.day_start().plus(86_400);
    let visits = platform.journal.forget_visits(tomorrow).await.unwrap();
    assert_eq!(visits, 6, "every answer leaves a visit");
    answers
}

#[tokio::test]
async fn all_outcomes_have_one_form() {
    let platform = Arc::new(Platform::start().await);
    let rp = platform.relying_party().await;
    for factors in [vec![Factor::Device], vec![Factor::Device, Factor::Pin]] {
        let answers = everybody(&platform, &rp, &factors).await;
        let expected = form(&answers[0].1);
        for (who, answer) in &answers {
            assert_eq!(form(answer), expected, "{who}");
            let result = outcome(&platform, &rp, answer);
            assert_eq!(result == Outcome::Pass, *who == "good", "{who}");
        }
    }
}

/// What is wrong with the words is the same problem whoever signed them.
#[tokio::test]
async fn a_problem_does_not_depend_on_the_person() {
    let platform = Platform::start().await;
    let (rp, other) = (platform.relying_party().await, platform.relying_party().await);
    let citizen = platform.adult().await;
    let good = platform.proof(&rp, &[Check::RealPerson]);
    let expired = Proof {
        iat: good.iat.minus(400),
        exp: good.iat.minus(100),
        ..good.clone()
    };
    let elsewhere = Proof {
        rp: other.id.clone(),
        ..good.clone()
    };
    for proof in [expired, elsewhere] {
        let known = platform
            .direct(&rp, &platform.seal(&citizen.device, &proof, None))
            .await;
        let unknown = platform
            .direct(&rp, &platform.seal(&new_key(), &proof, None))
            .await;
        let forged = platform
            .direct(&rp, &forged(&platform, &citizen.device, &proof, None))
            .await;
        assert!(known.status.is_client_error());
        assert_eq!((&known.body, form(&known)), (&unknown.body, form(&unknown)));
        assert_eq!((&known.body, form(&known)), (&forged.body, form(&forged)));
    }
}

/// A transaction that writes nothing is not synced, and ends sooner than one that does: whoever times an answer would see
/// it.
#[tokio::test]
async fn a_pin_costs_as_many_synced_writes_whoever_tries_it() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (good, failing, locked) = (
        platform.adult().await,
        platform.adult().await,
        platform.adult().await,
    );
    let until = Some(START.plus(900));
    let lock = platform.db.end_pin_attempt(&locked.subject, false, until).await;
    lock.unwrap();
    let stranger = new_key();
    let mut writes = vec![];
    for (device, pin) in [
        (&good.device, pin()),
        (&failing.device, wrong_pin()),
        (&locked.device, pin()),
        (&stranger, pin()),
    ] {
        let proof = Proof {
            factors: vec![Factor::Pin],
            ..platform.proof(&rp, &[Check::RealPerson])
        };
        let sealed = platform.seal(device, &proof, Some(&pin));
        let before = platform.registry_commits();
        platform.direct(&rp, &sealed).await.expect::<Attested>(200);
        writes.push(platform.registry_commits() - before);
    }
    assert_eq!(writes, [3; 4], "the attempt, its count, its end");
}
