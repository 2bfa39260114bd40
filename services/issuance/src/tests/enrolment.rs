//! The cycle when everything works, and every way in which it is refused.

use cyberid_domain::age::Threshold;
use cyberid_domain::clock::DAY;
use cyberid_domain::field::Field;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::certificate::{Certificate, MAX_LIFE};
use cyberid_protocol::enrolment::{Enrolled, number_commitment};
use cyberid_protocol::message;
use cyberid_protocol::problem::ProblemType;
use cyberid_record::{Place, Side, open_field, open_share};
use cyberid_storage::official::NumberSalts as _;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::platform::{ISSUER, START, TestPlatform};

#[tokio::test]
async fn a_confirmed_person_gets_an_identifier() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let answer = test.enrol(&applicant).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    test.assert_one_identifier();

    let enrolled: Enrolled = answer.json();
    assert_eq!(enrolled.status, SubjectStatus::Active);
    let subject = test.registry.subjects().remove(0);
    assert_eq!(subject.number, enrolled.network_number);
    assert_eq!(subject.device.jkt, applicant.jkt());
    assert_eq!(subject.credential_expires_at, enrolled.credential_expires_at);
    assert!(Threshold::ALL.into_iter().all(|age| subject.age_flags.has(age)));
    assert!(subject.age_tags.is_empty());
    let pin = |text: &str| Pin::entered(text.to_owned()).unwrap();
    assert!(test.pins().check(&pin("31415926"), &subject.pin).await);
    assert!(!test.pins().check(&pin("31415927"), &subject.pin).await);
}

#[tokio::test]
async fn the_certificate_names_the_key_and_nothing_of_the_person() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let enrolled: Enrolled = test.enrol(&applicant).await.json();
    let claims: Certificate = message::open(&enrolled.credential, &test.certificate_key()).unwrap();
    assert_eq!((claims.iss.as_str(), claims.cnf.jkt), (ISSUER, applicant.jkt()));
    assert_eq!(claims.iat, START.day_start());
    assert_eq!(claims.exp, claims.iat.plus(MAX_LIFE));
    assert_eq!(claims.exp, enrolled.credential_expires_at);
    assert!(
        !claims
            .number_commitment
            .contains(&enrolled.network_number.compact())
    );
}

#[tokio::test]
async fn both_key_holders_bind_the_record_to_the_number_and_only_the_registry_can_open_that() {
    let test = TestPlatform::start().await;
    let enrolled: Enrolled = test.enrol(&Applicant::new(1)).await.json();
    let subject = test.registry.subjects().remove(0).subject;
    let salt = test.registry.number_salt(&subject).await.unwrap().unwrap();
    let expected = number_commitment(&salt, &enrolled.network_number);
    for holder in [&test.vault, &test.custodian] {
        assert_eq!(holder.records()[&subject].number_commitment, expected);
    }
    assert_ne!(expected, number_commitment(&[0; 32], &enrolled.network_number));
}

#[tokio::test]
async fn a_certificate_ends_with_the_document() {
    let test = TestPlatform::start().await;
    let mut applicant = Applicant::new(1);
    applicant.valid_until = START.date().to_string();
    let enrolled: Enrolled = test.enrol(&applicant).await.json();
    let subject = test.registry.subjects().remove(0);
    assert_eq!(enrolled.credential_expires_at, subject.document_expires_at);
    assert!(START < subject.document_expires_at && subject.document_expires_at <= START.plus(DAY));
}

#[tokio::test]
async fn the_record_opens_with_both_shares_and_holds_what_was_confirmed() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    test.enrol(&applicant).await;
    let subject = test.registry.subjects().remove(0).subject;
    let (vault, custodian) = (test.vault.records(), test.custodian.records());
    let (vault, custodian) = (&vault[&subject], &custodian[&subject]);
    for record in [vault, custodian] {
        assert_eq!(record.device.thumbprint(), applicant.jkt());
        let fields: Vec<Field> = record.fields.iter().map(|field| field.field).collect();
        assert_eq!(fields, Field::ALL);
    }
    let expected = [
        "王小明",
        "resident_id_card",
        &applicant.number,
        "1990-05-17",
        "2034-05-01",
    ];
    for ((ours, theirs), expected) in vault.fields.iter().zip(&custodian.fields).zip(expected) {
        let place = Place {
            subject,
            field: ours.field,
        };
        let bytes = |text: &str| cyberid_crypto::base64url::decode(text).unwrap();
        let one = open_share(Side::Vault, &test.vault.key, &place, &bytes(&ours.share)).unwrap();
        let two = open_share(
            Side::Custodian,
            &test.custodian.key,
            &place,
            &bytes(&theirs.share),
        )
        .unwrap();
        let ciphertext = bytes(ours.ciphertext.as_deref().unwrap());
        assert_eq!(
            open_field(cyberid_crypto::Suite::Nist, &place, &one, &two, &ciphertext)
                .unwrap()
                .expose(),
            expected
        );
        assert_eq!(theirs.ciphertext, None);
    }
}

/// T11: one refusal, whatever stands against the enrolment.
#[tokio::test]
async fn every_refusal_is_the_same_bytes() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let enrolled = Applicant::new(1);
    assert_eq!(test.enrol(&enrolled).await.status, StatusCode::CREATED);

    let mut bound_device = Applicant::new(2);
    bound_device.device = enrolled.device;
    let mut wrong_evidence = Applicant::new(2);
    wrong_evidence.evidence = "false".into();
    let mut check_digit = Applicant::new(2);
    check_digit.number = "110105194912310021".into();
    let mut ended = Applicant::new(2);
    ended.valid_until = "2026-11-22".into();
    let mut no_date = Applicant::new(2);
    no_date.valid_until = "soon".into();
    let taken = Applicant::new(1);

    let refused = test.enrol(&taken).await;
    assert_eq!(refused.problem(), ProblemType::EnrolmentRefused);
    let asked = test.source.asked();
    assert_eq!(test.enrol(&bound_device).await, refused);
    assert_eq!(
        test.source.asked(),
        asked,
        "asked about a person for a device that is bound"
    );
    for applicant in [wrong_evidence, check_digit, ended, no_date] {
        assert_eq!(test.enrol(&applicant).await, refused);
    }
    let kept = [test.vault.records(), test.custodian.records()].map(|records| records.len());
    assert_eq!((kept, test.vault.reservations().len()), ([1, 1], 1));
}

/// T7: the same person on a hundred devices at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_parallel_enrolments_of_one_person_give_exactly_one() {
    let test = TestPlatform::start().await;
    let test = std::sync::Arc::new(test);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let test = std::sync::Arc::clone(&test);
            tokio::spawn(async move { test.enrol(&Applicant::new(1)).await })
        })
        .collect();
    let mut enrolled = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            StatusCode::CREATED => enrolled += 1,
            _ => assert_eq!(answer.problem(), ProblemType::EnrolmentRefused),
        }
    }
    assert_eq!(enrolled, 1);
    assert_eq!(test.source.asked(), 100);
    test.assert_one_identifier();
}

/// Of enrolments that end together the key holders are told by fewer commands, each before its answer.
#[tokio::test]
async fn those_who_enrol_together_are_confirmed_together() {
    let test = TestPlatform::start().await;
    let [one, two, three] = [1, 2, 3].map(Applicant::new);
    let (first, second, third) = tokio::join!(test.enrol(&one), test.enrol(&two), test.enrol(&three));
    for answer in [first, second, third] {
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    assert_eq!(test.registry.open(), []);
    for holder in [&test.vault, &test.custodian] {
        assert!(holder.records().values().all(|record| record.confirmed));
        assert_eq!(holder.records().len(), 3);
        assert!(holder.settlements() < 3, "{}", holder.settlements());
    }
    let told = test.vault.settlements();
    test.enrol(&Applicant::new(4)).await;
    assert_eq!(test.vault.settlements(), told + 1, "nobody waits alone");
}

#[tokio::test]
async fn one_device_cannot_be_bound_to_two_people_at_once() {
    let test = TestPlatform::start().await;
    let (one, two) = (Applicant::new(1), Applicant::new(2));
    let (first, second) = {
        let proof = |nonce| one.proof(&nonce, START);
        let (nonce_one, nonce_two) = (test.nonce().await, test.nonce().await);
        (
            one.body(&proof(nonce_one)).to_string(),
            two.body(&proof(nonce_two)).to_string(),
        )
    };
    let (first, second) = tokio::join!(
        test.post("/v1/enrolments", first),
        test.post("/v1/enrolments", second)
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    test.assert_one_identifier();
}

#[tokio::test]
async fn a_body_of_another_form_is_malformed() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let body = applicant.body(&applicant.proof(&test.nonce().await, START));
    let mut bodies = vec!["{".to_owned(), "[]".to_owned(), "{}".to_owned()];
    let with = |edit: &dyn Fn(&mut serde_json::Value)| {
        let mut body = body.clone();
        edit(&mut body);
        body.to_string()
    };
    bodies.push(with(&|body| body["guardian"] = json!("x")));
    bodies.push(with(&|body| body["document"]["colour"] = json!("red")));
    bodies.push(with(&|body| body["document"]["type"] = json!("library_card")));
    bodies.push(with(&|body| body["pin"] = json!(31_415_926)));
    bodies.push(with(&|body| body["pin"] = json!("314159")));
    bodies.push(with(&|body| body["locale"] = json!("fr")));
    bodies.push(body.to_string().replacen('{', r#"{"pin":"27182818","#, 1));
    for body in bodies {
        let answer = test.post("/v1/enrolments", body.clone()).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest, "{body}");
    }
    assert_eq!(test.issuance.nonces.used(), 0);
    // None of them used the nonce up.
    let answer = test.post("/v1/enrolments", body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_pin_that_is_easy_to_guess_is_named_before_anything_is_used_up() {
    let test = TestPlatform::start().await;
    let mut applicant = Applicant::new(1);
    applicant.pin = "12345678".into();
    assert_eq!(
        test.enrol(&applicant).await.problem(),
        ProblemType::PinUnacceptable
    );
    assert_eq!((test.issuance.nonces.used(), test.source.asked()), (0, 0));
    test.assert_nothing_left();
}

#[tokio::test]
async fn an_enrolment_goes_on_when_the_caller_goes_away() {
    let test = TestPlatform::start().await;
    test.custodian.pause("/v1/deposits");
    let applicant = Applicant::new(1);
    tokio::select! {
        _ = test.enrol(&applicant) => panic!("the custodian waits"),
        () = async { while !test.custodian.is_waiting() { tokio::task::yield_now().await; } } => {}
    }
    test.custodian.gate.add_permits(1);
    while test.registry.subjects().is_empty() || !test.registry.open().is_empty() {
        tokio::task::yield_now().await;
    }
    test.assert_one_identifier();
}
