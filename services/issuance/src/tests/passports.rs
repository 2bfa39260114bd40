//! A passport's chip beside the source's evidence: what has to agree, and that every refusal is one and the same.

use cyberid_crypto::base64url;
use cyberid_domain::document::icao9303_check;
use cyberid_passport::synthetic::{Founded, Holder, Utopia};
use cyberid_passport::{Chip, TrustAnchors};
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
    files(&utopia.issue(holder).unwrap())
}

fn files(chip: &Chip) -> Value {
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

/// Passports of others, and of nobody.
fn others() -> [(&'static str, Holder<'static>); 3] {
    let own = holder();
    let number = "X898902C3";
    let valid_until = date!(2034 - 05 - 02);
    let name = "ANNA ERIKSSON";
    [
        ("number", Holder { number, ..own }),
        ("name", Holder { name, ..own }),
        ("last day", Holder { valid_until, ..own }),
    ]
}

/// What the chip says otherwise than the holder is refused before the source is asked; what the source says otherwise, after
/// it. All refusals are equal to the byte.
#[tokio::test]
async fn whatever_differs_is_one_and_the_same_refusal() {
    let (test, utopia) = with(Passports::ChipRequired).await;
    let none: fn(&mut Value) = |_| {};
    let wrong: fn(&mut Value) = |body| body["evidence"]["token"] = "false".into();
    let refused = enrols(&test, Some(chip(&utopia, &holder())), wrong).await;
    assert_eq!(refused.problem(), ProblemType::EnrolmentRefused);
    let birth_date = date!(1990 - 05 - 18);
    let elder = chip(
        &utopia,
        &Holder {
            birth_date,
            ..holder()
        },
    );
    assert_eq!(enrols(&test, Some(elder), none).await, refused, "another birth");
    assert_eq!(test.source.asked(), 2);
    for (why, other) in others() {
        let shown = enrols(&test, Some(chip(&utopia, &other)), none).await;
        assert_eq!(shown, refused, "{why}");
    }
    let stranger = Utopia::found(START).unwrap().utopia;
    let shown = enrols(&test, Some(chip(&stranger, &holder())), none).await;
    assert_eq!(shown, refused, "a stranger's signature");
    assert_eq!(enrols(&test, None, none).await, refused, "without a chip");
    assert_eq!(test.source.asked(), 2, "nobody is asked about these");
    test.assert_nothing_left();
}

#[tokio::test]
async fn a_chip_of_no_form_or_beside_another_document_is_the_same_refusal() {
    let (test, utopia) = with(Passports::ChipRequired).await;
    let refused = enrols(&test, None, |_| {}).await;
    assert_eq!(refused.problem(), ProblemType::EnrolmentRefused);
    let changes: [fn(&mut Value); 4] = [
        |body| body["document"]["name"] = "王伟".into(),
        |body| body["evidence"]["chip"]["sod"] = "=".into(),
        |body| body["evidence"]["chip"]["dg1"] = "".into(),
        |body| {
            let number = Applicant::new(1).number;
            body["document"]["type"] = "resident_id_card".into();
            body["document"]["number"] = number.into();
        },
    ];
    for (which, change) in changes.into_iter().enumerate() {
        let shown = enrols(&test, Some(chip(&utopia, &holder())), change).await;
        assert_eq!(shown, refused, "{which}");
    }
    assert_eq!(test.source.asked(), 0);
    test.assert_nothing_left();
}

/// A state signs the chips of its identity cards as it signs those of its passports.
#[tokio::test]
async fn the_chip_of_another_document_is_no_passports() {
    let (test, utopia) = with(Passports::ChipRequired).await;
    let card = holder().zone().replacen("P<", "I<", 1);
    let card = files(&utopia.issue_zone(&card).unwrap());
    let shown = enrols(&test, Some(card), |_| {}).await;
    assert_eq!(shown.problem(), ProblemType::EnrolmentRefused);
    assert_eq!(test.source.asked(), 0);
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
