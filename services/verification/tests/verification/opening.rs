//! A request is of the device that opened it, and both screens show its code.

use std::sync::Arc;

use axum::body::Body;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::comparison;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::verification::{Attested, VerificationRequested, VerificationStatus};
use cyberid_storage::subject::Subjects as _;
use cyberid_storage::verification::Verifications as _;
use http::Request;
use serde_json::json;

use crate::holding::{NONCE, asking};
use crate::platform::{Citizen, Platform, at_once, new_key, pin};
use crate::verification::forged;

#[tokio::test]
async fn who_opened_a_request_answers_it_and_nobody_else() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (holder, other) = (platform.adult().await, platform.adult().await);
    let id = platform.ask(&rp, asking(&["real_person"])).await;
    let path = format!("/v1/requests/{id}");
    let request = platform.request(&platform.open(&holder, &id).await);
    assert_eq!(
        platform.open(&holder, &id).await.status,
        200,
        "as often as it likes"
    );

    let closed = ProblemType::RequestClosed;
    assert_eq!(platform.open(&other, &id).await.problem(), closed);
    assert_eq!(platform.get_publicly(&path).await.problem(), closed);
    assert_eq!(platform.agree(&rp, &other, &request).await.problem(), closed);
    let proof = platform.agreeing(&rp, &request);
    let forged = forged(&platform, &holder.device, &proof, None);
    let forged = platform.answer(&id, json!({ "sealed": forged })).await;
    assert_eq!(forged.problem(), closed, "the device's name is not the device");
    assert_eq!(platform.decline(&other, &id).await.problem(), closed);
    let nobody = platform.answer(&id, json!({"declined": true})).await;
    assert_eq!(nobody.problem(), closed);
    assert_eq!(platform.view(&rp, &id).await.status, VerificationStatus::Pending);

    assert_eq!(platform.agree(&rp, &holder, &request).await.status, 204);
    assert_eq!(platform.view(&rp, &id).await.status, VerificationStatus::Passed);
}

#[tokio::test]
async fn what_nobody_opened_is_for_anybody_who_has_its_address() {
    let platform = Platform::start().await;
    let (rp, holder) = (platform.relying_party().await, platform.adult().await);
    let ask = async || platform.ask(&rp, asking(&["real_person"])).await;
    let answered = ask().await;
    for _ in 0..2 {
        let fetched = platform.get_publicly(&format!("/v1/requests/{answered}")).await;
        let request = platform.request(&fetched);
        assert_eq!((&request.id, request.guardian_agreed), (&answered, false));
    }
    let fetched = platform.get_publicly(&format!("/v1/requests/{answered}")).await;
    let request = platform.request(&fetched);
    assert_eq!(platform.agree(&rp, &holder, &request).await.status, 204);
    assert_eq!(
        platform.view(&rp, &answered).await.status,
        VerificationStatus::Passed
    );
    let declined = ask().await;
    let answer = platform.answer(&declined, json!({"declined": true})).await;
    assert_eq!(answer.status, 204);
    for opened in [false, true] {
        let id = ask().await;
        if opened {
            platform.request(&platform.open(&holder, &id).await);
        }
        assert_eq!(platform.decline(&holder, &id).await.status, 204, "{opened}");
        let view = platform.view(&rp, &id).await;
        assert_eq!(view.status, VerificationStatus::Declined);
    }
}

#[tokio::test]
async fn of_many_who_open_at_once_one_has_it() {
    let platform = Arc::new(Platform::start().await);
    let rp = platform.relying_party().await;
    let id = platform.ask(&rp, asking(&["real_person"])).await;
    let answers = at_once(20, || {
        let (platform, id) = (Arc::clone(&platform), id.clone());
        async move {
            let citizen = platform.adult().await;
            platform.open(&citizen, &id).await
        }
    })
    .await;
    let opened = answers.iter().filter(|answer| answer.status == 200).count();
    let closed = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((opened, closed), (1, 19));
}

#[tokio::test]
async fn a_token_that_is_not_good_is_not_overlooked() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let id = platform.ask(&rp, asking(&["real_person"])).await;
    let path = format!("/v1/requests/{id}");
    for (name, value) in [("authorization", "Bearer rubbish"), ("dpop", "a.b.c")] {
        let request = Request::get(&path).header(name, value);
        let answer = platform.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem(), ProblemType::Unauthenticated, "{name}");
    }
    let as_party = platform.get(&path, &rp).await;
    assert_eq!(as_party.problem(), ProblemType::Forbidden);
    assert_eq!(platform.get_publicly(&path).await.status, 200, "nobody opened it");
}

#[tokio::test]
async fn nothing_that_is_stored_relates_two_requests_of_a_device() {
    let platform = Platform::start().await;
    let (rp, holder) = (platform.relying_party().await, platform.adult().await);
    let mut openers = vec![];
    for _ in 0..2 {
        let id = platform.ask(&rp, asking(&["real_person"])).await;
        let row = async || platform.journal.verification(&id).await.unwrap().unwrap();
        assert_eq!(row().await.opener, None);
        platform.request(&platform.open(&holder, &id).await);
        openers.push(row().await.opener.unwrap());
    }
    assert_ne!(openers[0], openers[1]);
}

#[tokio::test]
async fn both_sides_learn_the_same_four_digits() {
    let platform = Platform::start().await;
    let (rp, holder) = (platform.relying_party().await, platform.adult().await);
    let asked = platform
        .post("/v1/verifications", &rp, asking(&["real_person"]))
        .await;
    let asked: VerificationRequested = asked.expect(201);
    let request = platform.request(&platform.open(&holder, &asked.id).await);
    assert_eq!(request.comparison_code, asked.comparison_code);
    let own = comparison::code(&rp.id, asked.id.as_str(), &request.nonce);
    assert_eq!(asked.comparison_code, own);
    assert!(own.len() == 4 && own.bytes().all(|digit| digit.is_ascii_digit()));
}

/// T16, for the answer of a request: all outcomes have one form, and cost the same hash of a PIN.
#[tokio::test]
async fn every_answer_that_is_taken_is_answered_alike() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let (good, suspended, cancelled) = (
        platform.adult().await,
        platform.adult().await,
        platform.adult().await,
    );
    for (citizen, status) in [
        (&suspended, SubjectStatus::Suspended),
        (&cancelled, SubjectStatus::Cancelled),
    ] {
        platform.db.set_status(&citizen.subject, status).await.unwrap();
    }
    let mut body = asking(&["real_person", "age_over_18"]);
    body["factors"] = json!(["pin"]);
    let mut forms = vec![];
    for who in ["good", "unknown", "forged", "suspended", "cancelled"] {
        let id = platform.ask(&rp, body.clone()).await;
        let proof = Proof {
            request: Some(id.clone()),
            factors: vec![Factor::Device, Factor::Pin],
            nonce: NONCE.parse().unwrap(),
            ..platform.proof(&rp, &[Check::RealPerson, Check::AgeOver18])
        };
        let pin = Some(pin());
        let sealed = match who {
            "good" => platform.seal(&good.device, &proof, pin.as_ref()),
            "unknown" => platform.seal(&new_key(), &proof, pin.as_ref()),
            "forged" => forged(&platform, &good.device, &proof, pin.as_ref()),
            "suspended" => platform.seal(&suspended.device, &proof, pin.as_ref()),
            _ => platform.seal(&cancelled.device, &proof, pin.as_ref()),
        };
        platform.pepper.take();
        let answer = platform.answer(&id, json!({ "sealed": sealed })).await;
        let hashed = platform.pepper.take();
        let headers: Vec<_> = answer.headers.iter().map(|(name, _)| name.clone()).collect();
        forms.push((answer.status, headers, answer.body.clone(), hashed));
        let view = platform.view(&rp, &id).await;
        let attestation = platform.attestation(&rp, &view.attestation.unwrap());
        assert_eq!(attestation.result == Outcome::Pass, who == "good", "{who}");
        let all = attestation
            .checks
            .values()
            .all(|check| *check == attestation.result);
        assert!(all, "{who}");
    }
    assert!(
        forms.windows(2).all(|pair| pair[0] == pair[1]),
        "one form: {forms:?}"
    );
    let (status, _, body, hashed) = &forms[0];
    assert_eq!((status.as_u16(), body.len(), *hashed), (204, 0, 2));
}

/// The second authentication of a real person: it is the pseudonym that decides, and every check has its own say.
#[tokio::test]
async fn the_same_person_and_another_check_both_have_to_hold() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let adult = platform.adult().await;
    let child = AgeFlags::default().with(Threshold::Fourteen);
    let child = platform.citizen(child).await;
    let sub = async |citizen: &Citizen| {
        let proof = platform.proof(&rp, &[Check::RealPerson]);
        let sealed = platform.seal(&citizen.device, &proof, None);
        let answer = platform.direct(&rp, &sealed).await;
        let attested: Attested = answer.expect(200);
        platform.attestation(&rp, &attested.attestation).sub.unwrap()
    };
    let (adults, childs) = (sub(&adult).await, sub(&child).await);
    let cases = [
        (&adult, &adults, [true, true]),
        (&adult, &childs, [false, true]),
        (&child, &childs, [true, false]),
        (&child, &adults, [false, false]),
    ];
    for (citizen, sub, [same, old]) in cases {
        let mut body = asking(&["same_person", "age_over_18"]);
        body["sub"] = json!(sub);
        let id = platform.ask(&rp, body).await;
        let request = platform.request(&platform.open(citizen, &id).await);
        assert_eq!(platform.agree(&rp, citizen, &request).await.status, 204);
        let view = platform.view(&rp, &id).await;
        let attestation = platform.attestation(&rp, &view.attestation.unwrap());
        assert_eq!(attestation.checks[&Check::SamePerson], Outcome::from(same));
        assert_eq!(attestation.checks[&Check::AgeOver18], Outcome::from(old));
        assert_eq!(attestation.result, Outcome::from(same && old));
        assert_eq!(attestation.sub.is_some(), same && old);
        let passed = view.status == VerificationStatus::Passed;
        assert_eq!(passed, same && old);
    }
}
