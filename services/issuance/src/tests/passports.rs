//! A passport's chip beside the source's evidence: what has to agree, and that every refusal is one and the same.

use cyberid_crypto::base64url;
use cyberid_domain::document::icao9303_check;
use cyberid_passport::TrustAnchors;
use cyberid_passport::synthetic::{Founded, Holder, Utopia};
use cyberid_protocol::problem::ProblemType;
use http::StatusCode;
use serde_json::{Value, json};
use time::macros::date;

use super::applicant::Applicant;
use super::platform::{Answer, START, TestPlatform};
use crate::Passports;

const NAME: &str = "ANNA MARIA ERIKSSON";

/// Utopia, and a platform that asks this of passports.
async fn with(policy: fn(TrustAnchors) -> Passports) -> (TestPlatform, Utopia) {
    let Founded { utopia, files } = Utopia::found(START).unwrap();
    let mut test = TestPlatform::start().await;
    test.take_passports(policy(TrustAnchors::read(&files, START).unwrap()));
    (test, utopia)
}

fn holder() -> Holder<'static> {
    Holder {
        name: NAME,
        number: "L898902C3",
        // The day that the source tells of everybody.
        birth_date: date!(1990 - 05 - 17),
        valid_until: date!(2034 - 05 - 01),
    }
}

fn chip(utopia: &Utopia, holder: &Holder<'_>) -> Value {
    let chip = utopia.issue(holder).unwrap();
    json!({"sod": base64url::encode(&chip.sod), "dg1": base64url::encode(&chip.dg1),
        "dg2": base64url::encode(chip.dg2.as_deref().unwrap())})
}

/// Enrols the holder of the passport, with this chip and whatever else is changed.
async fn enrols(test: &TestPlatform, chip: Option<Value>, change: impl FnOnce(&mut Value)) -> Answer {
    let applicant = Applicant::new(1);
    let mut body = applicant.body(&applicant.proof(&test.nonce().await, START));
    let check = icao9303_check("L898902C3").unwrap();
    body["document"] = json!({"type": "passport", "name": NAME, "number": format!("L898902C3{check}"),
        "valid_until": "2034-05-01"});
    if let Some(chip) = chip {
        body["evidence"]["chip"] = chip;
    }
    change(&mut body);
    test.post("/v1/enrolments", body.to_string()).await
}

#[tokio::test]
async fn a_passport_is_what_its_chip_says() {
    let (test, utopia) = with(Passports::ChipRequired).await;
    let own = chip(&utopia, &holder());
    let enrolled = enrols(&test, Some(own), |_| {}).await;
    assert_eq!(enrolled.status, StatusCode::CREATED);
    test.assert_one_identifier();
}

/// What is stated and differs from the chip is refused before the source is asked; what the source tells, after it. All refusals
/// are equal to the byte.
#[tokio::test]
async fn whatever_differs_is_one_and_the_same_refusal() {
    let (test, utopia) = with(Passports::ChipRequired).await;
    let own = || Some(chip(&utopia, &holder()));
    let of = |holder: Holder<'_>| Some(chip(&utopia, &holder));
    let none: fn(&mut Value) = |_| {};
    let wrong_evidence = enrols(&test, own(), |body| body["evidence"]["token"] = "false".into()).await;
    assert_eq!(wrong_evidence.problem(), ProblemType::EnrolmentRefused);
    assert_eq!(test.source.asked(), 1);
    let elder = Holder {
        birth_date: date!(1990 - 05 - 18),
        ..holder()
    };
    assert_eq!(
        enrols(&test, of(elder), none).await,
        wrong_evidence,
        "another birth"
    );
    assert_eq!(test.source.asked(), 2);
    let other = Utopia::found(START).unwrap().utopia;
    let refused = [
        ("none", enrols(&test, None, none).await),
        (
            "a stranger's signature",
            enrols(&test, Some(chip(&other, &holder())), none).await,
        ),
        (
            "number",
            enrols(
                &test,
                of(Holder {
                    number: "X898902C3",
                    ..holder()
                }),
                none,
            )
            .await,
        ),
        (
            "name",
            enrols(
                &test,
                of(Holder {
                    name: "ANNA ERIKSSON",
                    ..holder()
                }),
                none,
            )
            .await,
        ),
        (
            "last day",
            enrols(
                &test,
                of(Holder {
                    valid_until: date!(2034 - 05 - 02),
                    ..holder()
                }),
                none,
            )
            .await,
        ),
        (
            "stated name",
            enrols(&test, own(), |body| body["document"]["name"] = "王伟".into()).await,
        ),
        (
            "not base64url",
            enrols(&test, own(), |body| body["evidence"]["chip"]["sod"] = "=".into()).await,
        ),
        (
            "empty",
            enrols(&test, own(), |body| body["evidence"]["chip"]["dg1"] = "".into()).await,
        ),
        (
            "another kind of document",
            enrols(&test, own(), |body| {
                body["document"] = json!({"type": "resident_id_card", "name": NAME,
                    "number": "11010519900517001X", "valid_until": "2034-05-01"});
            })
            .await,
        ),
    ];
    for (why, answer) in refused {
        assert_eq!(answer, wrong_evidence, "{why}");
    }
    assert_eq!(
        test.source.asked(),
        2,
        "the source is not asked about what is refused before"
    );
    test.assert_nothing_left();
}

#[tokio::test]
async fn where_a_chip_is_offered_one_that_is_shown_has_to_be_good() {
    let (test, utopia) = with(Passports::ChipOffered).await;
    let other = Holder {
        number: "X898902C3",
        ..holder()
    };
    let bad = enrols(&test, Some(chip(&utopia, &other)), |_| {}).await;
    assert_eq!(bad.problem(), ProblemType::EnrolmentRefused);
    let without = enrols(&test, None, |_| {}).await;
    assert_eq!(without.status, StatusCode::CREATED);
}

#[tokio::test]
async fn where_nobody_is_pinned_a_chip_is_refused_and_not_passed_over() {
    let (test, utopia) = with(|_| Passports::WithoutChip).await;
    let shown = enrols(&test, Some(chip(&utopia, &holder())), |_| {}).await;
    assert_eq!(shown.problem(), ProblemType::EnrolmentRefused);
    assert_eq!(enrols(&test, None, |_| {}).await.status, StatusCode::CREATED);
}
