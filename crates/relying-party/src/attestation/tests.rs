use cyberid_crypto::jws::{self, InvalidJws};
use cyberid_crypto::{KeyFailure, SigningKey};
use cyberid_domain::Clock as _;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message::Message as _;

use super::*;
use crate::platform_double::{NOW, PlatformDouble};
use crate::testing::{ask, client_id, met, other_client, sub};

const NONCE: &str = "CCCCCCCCCCCCCCCCCCCCCA";

fn expected() -> Expected {
    Expected::new(&ask(), NONCE.parse().unwrap())
}

/// A good attestation in which every check passed.
fn passed(double: &PlatformDouble) -> Attestation {
    Attestation {
        iss: double.issuer.clone(),
        aud: client_id(),
        iat: NOW,
        exp: NOW.plus(LIFE),
        jti: Nonce::random(&SystemRng),
        nonce: NONCE.parse().unwrap(),
        purpose: "register".into(),
        result: Outcome::Fail,
        checks: ask()
            .checks
            .into_iter()
            .map(|check| (check, Outcome::Pass))
            .collect(),
        acr: "device+pin".into(),
        pad: String::new(),
        sub: None,
    }
    .concluded(sub(1))
}

async fn checked(
    expected: &Expected,
    make: impl FnOnce(&PlatformDouble) -> String,
) -> Result<VerifiedAttestation, AttestationRefused> {
    let (double, party) = met().await;
    let compact = make(&double);
    party.check_attestation(expected, &compact).await
}

/// Checks a good attestation that was altered before it was signed.
async fn altered(alter: impl FnOnce(&mut Attestation)) -> Result<VerifiedAttestation, AttestationRefused> {
    checked(&expected(), |double| {
        let mut attestation = passed(double);
        alter(&mut attestation);
        double.sign("attestation", &attestation)
    })
    .await
}

async fn refused(alter: impl FnOnce(&mut Attestation)) -> AttestationRefused {
    altered(alter).await.unwrap_err()
}

fn failed(attestation: &mut Attestation) {
    attestation.checks.insert(Check::AgeOver18, Outcome::Fail);
    *attestation = attestation.clone().concluded(sub(1));
}

#[tokio::test]
async fn a_pass_brings_the_pseudonym_and_a_fail_does_not() {
    let attestation = altered(|_| {}).await.unwrap();
    assert_eq!(attestation.passed(), Some(sub(1).as_str()));
    assert_eq!(attestation.acr(), "device+pin");
    let attestation = altered(failed).await.unwrap();
    assert_eq!(attestation.passed(), None);
    assert_eq!(attestation.checks()[&Check::RealPerson], Outcome::Pass);
    assert_eq!(attestation.checks()[&Check::AgeOver18], Outcome::Fail);
}

#[tokio::test]
async fn another_issuer_audience_nonce_or_purpose_is_refused() {
    assert_eq!(
        refused(|it| it.iss = "https://id.example".into()).await,
        AttestationRefused::Issuer
    );
    assert_eq!(
        refused(|it| it.aud = other_client()).await,
        AttestationRefused::Audience
    );
    let nonce = || "DDDDDDDDDDDDDDDDDDDDDA".parse().unwrap();
    assert_eq!(refused(|it| it.nonce = nonce()).await, AttestationRefused::Nonce);
    assert_eq!(
        refused(|it| it.purpose = "marketing".into()).await,
        AttestationRefused::Purpose
    );
}

#[tokio::test]
async fn a_check_too_few_or_too_many_is_refused() {
    for check in ask().checks {
        let missing = refused(|it| {
            let _ = it.checks.remove(&check);
        })
        .await;
        assert_eq!(missing, AttestationRefused::Checks, "{check:?}");
    }
    let extra = refused(|it| {
        let _ = it.checks.insert(Check::AgeOver21, Outcome::Pass);
    })
    .await;
    assert_eq!(extra, AttestationRefused::Checks);
    let nothing = Expected::new(&Ask::default(), NONCE.parse().unwrap());
    let empty = checked(&nothing, |double| {
        let mut attestation = passed(double);
        attestation.checks.clear();
        attestation.purpose.clear();
        double.sign("attestation", &attestation)
    });
    assert_eq!(
        empty.await,
        Err(AttestationRefused::Checks),
        "no check is no pass"
    );
}

#[tokio::test]
async fn other_factors_than_asked_are_refused() {
    for acr in ["device", "pin", "device+pin+face", ""] {
        assert_eq!(
            refused(|it| it.acr = acr.into()).await,
            AttestationRefused::Factors,
            "{acr}"
        );
    }
}

#[tokio::test]
async fn an_attestation_is_of_this_moment() {
    let past = refused(|it| (it.iat, it.exp) = (NOW.minus(600), NOW.minus(60))).await;
    assert_eq!(past, NotNow::Expired.into());
    let future = refused(|it| (it.iat, it.exp) = (NOW.plus(61), NOW.plus(600))).await;
    assert_eq!(future, NotNow::Future.into());
    assert_eq!(
        refused(|it| it.exp = NOW.plus(LIFE + 1)).await,
        NotNow::TooLong.into()
    );
}

#[tokio::test]
async fn a_result_that_its_checks_do_not_bear_out_is_refused() {
    let fail_as_pass = refused(|it| {
        let _ = it.checks.insert(Check::AgeOver18, Outcome::Fail);
    })
    .await;
    assert_eq!(fail_as_pass, AttestationRefused::Inconsistent);
    let pass_as_fail = refused(|it| (it.result, it.sub) = (Outcome::Fail, None)).await;
    assert_eq!(pass_as_fail, AttestationRefused::Inconsistent);
}

#[tokio::test]
async fn a_pass_has_a_well_formed_pseudonym_and_a_fail_has_none() {
    assert_eq!(refused(|it| it.sub = None).await, AttestationRefused::Sub);
    assert_eq!(
        refused(|it| it.sub = Some("short".into())).await,
        AttestationRefused::Sub
    );
    let told = refused(|it| {
        failed(it);
        it.sub = Some(sub(1));
    });
    assert_eq!(told.await, AttestationRefused::Sub);
}

#[tokio::test]
async fn the_same_person_is_the_one_who_was_asked_about() {
    for (asked, good) in [(sub(1), true), (sub(2), false)] {
        let ask = Ask {
            sub: Some(asked),
            ..ask()
        };
        let expected = Expected::new(&ask, NONCE.parse().unwrap());
        let checked = checked(&expected, |double| double.sign("attestation", &passed(double))).await;
        assert_eq!(checked.is_ok(), good);
        assert_eq!(checked.err() == Some(AttestationRefused::Sub), !good);
    }
}

#[tokio::test]
async fn a_key_of_another_role_attests_nothing() {
    for role in ["request", "certificate", "registration", "identity", "event"] {
        let made = checked(&expected(), |double| double.sign(role, &passed(double))).await;
        assert_eq!(made, Err(MessageRefused::WrongRole.into()), "{role}");
    }
}

#[tokio::test]
async fn an_unknown_key_attests_nothing() {
    let stranger = SigningKey::from_scalar(&[50; 32]).unwrap();
    let made = checked(&expected(), |double| passed(double).sign(&stranger).unwrap()).await;
    assert_eq!(made, Err(MessageRefused::UnknownKey.into()));
}

#[tokio::test]
async fn another_type_and_another_signature_are_refused() {
    let typ = checked(&expected(), |double| {
        jws::sign(
            &double.key("attestation"),
            "cyberid-identity+jwt",
            &passed(double),
        )
        .unwrap()
    })
    .await;
    assert_eq!(typ, Err(MessageRefused::Jws(InvalidJws::Type).into()));
    let forged = checked(&expected(), |double| {
        let good = double.sign("attestation", &passed(double));
        let other = double.sign("attestation", &passed(double));
        let signed = good.rsplit_once('.').unwrap().0;
        format!("{signed}.{}", other.rsplit_once('.').unwrap().1)
    })
    .await;
    assert_eq!(forged, Err(MessageRefused::Jws(InvalidJws::Signature).into()));
}

fn signed_json(
    double: &PlatformDouble,
    alter: impl FnOnce(&mut serde_json::Value),
) -> Result<String, KeyFailure> {
    let mut claims = serde_json::to_value(passed(double)).unwrap();
    alter(&mut claims);
    jws::sign(&double.key("attestation"), Attestation::TYP, &claims)
}

#[tokio::test]
async fn times_are_numbers_and_claims_are_closed() {
    let alterations: [fn(&mut serde_json::Value); 4] = [
        |it| it["exp"] = it["exp"].to_string().into(),
        |it| it["iat"] = serde_json::json!(1.5),
        |it| it["name"] = "王小明".into(),
        |it| drop(it.as_object_mut().unwrap().remove("nonce")),
    ];
    for (at, alter) in alterations.into_iter().enumerate() {
        let made = checked(&expected(), |double| signed_json(double, alter).unwrap()).await;
        assert_eq!(
            made,
            Err(MessageRefused::Jws(InvalidJws::Claims).into()),
            "at {at}"
        );
    }
}

#[tokio::test]
async fn the_clocks_may_differ_by_a_minute_and_no_second_more() {
    type Alter = fn(&mut Attestation);
    let table: [(Alter, Option<NotNow>); 7] = [
        (|it| (it.iat, it.exp) = (NOW.plus(60), NOW.plus(660)), None),
        (
            |it| (it.iat, it.exp) = (NOW.plus(61), NOW.plus(660)),
            Some(NotNow::Future),
        ),
        (|it| (it.iat, it.exp) = (NOW.minus(659), NOW.minus(59)), None),
        (
            |it| (it.iat, it.exp) = (NOW.minus(660), NOW.minus(60)),
            Some(NotNow::Expired),
        ),
        (|it| (it.iat, it.exp) = (NOW.minus(1), NOW.plus(599)), None),
        (
            |it| (it.iat, it.exp) = (NOW.minus(1), NOW.plus(600)),
            Some(NotNow::TooLong),
        ),
        (|it| (it.iat, it.exp) = (NOW.plus(1), NOW), Some(NotNow::TooLong)),
    ];
    for (at, (alter, expected)) in table.into_iter().enumerate() {
        let refused = altered(alter).await.err();
        assert_eq!(refused, expected.map(AttestationRefused::NotNow), "at {at}");
    }
}

#[tokio::test]
async fn one_question_has_one_answer() {
    let (double, party) = met().await;
    let (first, second) = (passed(&double), passed(&double));
    let mut forged = passed(&double);
    forged.purpose = "marketing".into();
    let check = async |attestation: &Attestation| {
        let compact = double.sign("attestation", attestation);
        party.check_attestation(&expected(), &compact).await
    };
    assert_eq!(check(&forged).await.err(), Some(AttestationRefused::Purpose));
    assert!(check(&first).await.is_ok(), "what was refused is no answer");
    for again in [&first, &second] {
        assert_eq!(check(again).await.err(), Some(AttestationRefused::Answered));
    }
    assert_eq!(check(&forged).await.err(), Some(AttestationRefused::Purpose));
    double.clock.advance(LIFE + 60);
    let expired = check(&first).await.err();
    assert_eq!(
        expired,
        Some(NotNow::Expired.into()),
        "forgotten when it could no longer come"
    );
}

#[tokio::test]
async fn a_platform_key_may_change_and_a_revoked_one_is_refused_in_five_minutes() {
    let (double, party) = met().await;
    let question = |nonce: &str| Expected::new(&ask(), nonce.parse().unwrap());
    let signed = |nonce: &str| {
        let mut attestation = passed(&double);
        attestation.nonce = nonce.parse().unwrap();
        (attestation.iat, attestation.exp) = (double.clock.now(), double.clock.now().plus(LIFE));
        double.sign("attestation", &attestation)
    };
    let [one, two, three] = ["AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA", NONCE];
    let before = signed(two);
    assert!(
        party
            .check_attestation(&question(one), &signed(one))
            .await
            .is_ok()
    );
    double.keys.lock().unwrap().push(("attestation", 77));
    double.clock.advance(cyberid_client::REFRESH_INTERVAL);
    assert!(
        party
            .check_attestation(&question(three), &signed(three))
            .await
            .is_ok()
    );
    assert!(
        party.check_attestation(&question(two), &before).await.is_ok(),
        "retained"
    );
    let stolen = signed(one);
    double
        .keys
        .lock()
        .unwrap()
        .retain(|(role, _)| *role != "attestation");
    double.clock.advance(cyberid_client::KEYS_FRESH);
    let refused = party
        .check_attestation(&question("DDDDDDDDDDDDDDDDDDDDDA"), &stolen)
        .await;
    assert_eq!(refused, Err(MessageRefused::UnknownKey.into()));
}
