//! Official accesses over HTTP: what two officers may do, what one may not, and what everybody is told.

mod bureau;
mod former;
mod telling;

use cyberid_domain::field::Field;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::Order;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::release::Redeemed;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::{Value, json};

use super::key_holders::Mood;
use super::platform::START;
use super::{LeafKind, Platform};
use bureau::{BUREAU, OTHER, carol, order, sign_claims};
pub(super) use bureau::{authorities, check};

const DELIVERED: [LeafKind; 3] = [
    LeafKind::OfficialRequested,
    LeafKind::OfficialIntended,
    LeafKind::OfficialDelivered,
];
const REFUSED: [LeafKind; 2] = [LeafKind::OfficialRequested, LeafKind::OfficialRefused];

#[tokio::test]
async fn two_officers_open_one_record_and_outsiders_knew_first() {
    let platform = Platform::with_carol().await;
    let order = order();
    let id = platform.ordered(&order).await;
    assert_eq!(platform.official_kinds(&id).await, [LeafKind::OfficialRequested]);
    platform.countersigned(&id).await;
    let answer = platform.carry_out(&id, None).await;
    let redeemed: Redeemed = answer.json();
    assert_eq!(redeemed.identity, "sealed identity number 1");
    assert_eq!(platform.official_kinds(&id).await, DELIVERED);
    let leaf = Leaf::from_text(&redeemed.leaf).unwrap();
    assert_eq!(leaf.authority, Some(BUREAU.client_id.clone()));
    assert_eq!(leaf.fields, Some(vec![Field::Name]));
    for secret in [
        order.case_reference.as_str(),
        &order.legal_basis,
        &carol().number.to_string(),
        &carol().number.compact(),
    ] {
        assert!(!redeemed.leaf.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn without_a_second_officer_nothing_opens_and_the_log_says_so() {
    let platform = Platform::with_carol().await;
    let id = platform.ordered(&order()).await;
    let answer = platform.carry_out(&id, None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.problem(), ProblemType::TwoPersonsRequired);
    assert_eq!(platform.official_kinds(&id).await, REFUSED);
    for late in [
        platform.countersign(&id, &BUREAU.officers[1]).await,
        platform.carry_out(&id, None).await,
    ] {
        assert_eq!(late.problem(), ProblemType::OfficialRefused);
        assert_eq!(late.json_problem()["reason"], "one_officer");
    }
    assert_eq!(platform.key_holders.opened(), 0);
}

#[tokio::test]
async fn the_same_officer_twice_ends_the_order() {
    let platform = Platform::with_carol().await;
    let id = platform.ordered(&order()).await;
    let same = platform.countersign(&id, &BUREAU.officers[0]).await;
    assert_eq!(same.problem(), ProblemType::TwoPersonsRequired);
    assert_eq!(platform.official_kinds(&id).await, REFUSED);
    let second = platform.countersign(&id, &BUREAU.officers[1]).await;
    assert_eq!(second.problem(), ProblemType::OfficialRefused);
}

#[tokio::test]
async fn another_authority_neither_signs_for_an_order_nor_sees_it() {
    let platform = Platform::with_carol().await;
    let id = platform.ordered(&order()).await;
    let foreign = platform.countersign(&id, &OTHER.officers[1]).await;
    assert_eq!(foreign.problem(), ProblemType::InvalidMessage);
    let path = format!("/v1/official-accesses/{id}");
    for (method, path) in [("GET", path.clone()), ("POST", format!("{path}/redeem"))] {
        let method = method.parse().unwrap();
        let seen = platform.call(method, &path, &OTHER.caller(), None).await;
        assert_eq!(seen.problem(), ProblemType::NotFound, "{path}");
    }
    let theirs = order().sign(&OTHER.officers[0]).unwrap();
    let refused = platform.order_as(&BUREAU, &theirs).await;
    assert_eq!(refused.problem(), ProblemType::InvalidMessage);
    platform.countersigned(&id).await;
    assert_eq!(platform.carry_out(&id, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_order_for_more_than_one_subject_is_refused_by_a_leaf_too() {
    let platform = Platform::with_carol().await;
    let before = platform.bodies().await.len();
    let number = carol().number.to_string();
    let wide = [
        json!({"network_number": "*"}),
        json!({"network_number": [number, number]}),
        json!({"network_number": number, "born_before": "1980-01-01"}),
    ];
    for (nth, subject) in wide.iter().enumerate() {
        let mut claims = serde_json::to_value(order()).unwrap();
        let members = claims.as_object_mut().unwrap();
        members.extend(subject.as_object().unwrap().clone());
        let signed = sign_claims(&claims);
        let answer = platform.order_as(&BUREAU, &signed).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.problem(), ProblemType::OrderTooWide, "{subject}");
        let kinds: Vec<LeafKind> = platform.kinds_after(before + 2 * nth).await;
        assert_eq!(kinds, REFUSED, "{subject}");
        let again = platform.order_as(&BUREAU, &signed).await;
        assert_eq!(again.problem(), ProblemType::ReplayedMessage);
    }
    assert_eq!(platform.bodies().await.len(), before + 2 * wide.len());
}

#[tokio::test]
async fn an_order_that_is_over_is_refused_whoever_notices() {
    let platform = Platform::with_carol().await;
    let (noticed, kept) = (platform.ordered(&order()).await, platform.ordered(&order()).await);
    // The second signature stands for longer than the order.
    platform.clock.advance(3500);
    platform.countersigned(&noticed).await;
    platform.clock.advance(100);
    let late = platform.carry_out(&noticed, None).await;
    assert_eq!(late.json_problem()["reason"], "expired");
    platform.consent.housekeep().await.unwrap();
    for id in [&noticed, &kept] {
        assert_eq!(platform.official_kinds(id).await, REFUSED);
        let view = platform.view_official(id).await;
        assert_eq!(view["refusal"], "expired");
    }
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.official_kinds(&kept).await, REFUSED);
    assert_eq!(platform.key_holders.opened(), 0);

    let over = Order {
        iat: START,
        exp: START.plus(60),
        ..order()
    };
    let over = over.sign(&BUREAU.officers[0]).unwrap();
    let refused = platform.order_as(&BUREAU, &over).await;
    assert_eq!(refused.problem(), ProblemType::ExpiredMessage);
}

#[tokio::test]
async fn a_second_signature_that_is_over_ends_the_order_before_anything_is_intended() {
    let platform = Platform::with_carol().await;
    let id = platform.ordered(&order()).await;
    platform.countersigned(&id).await;
    platform.clock.advance(600);
    let late = platform.carry_out(&id, None).await;
    assert_eq!(late.problem(), ProblemType::OfficialRefused);
    assert_eq!(late.json_problem()["reason"], "expired");
    assert_eq!(platform.official_kinds(&id).await, REFUSED);
}

#[tokio::test]
async fn an_order_altered_after_it_was_signed_leaves_no_trace() {
    let platform = Platform::with_carol().await;
    let before = platform.bodies().await.len();
    let wide = Order {
        fields: Field::ALL.into(),
        ..order()
    };
    let (narrow, wide) = (
        order().sign(&BUREAU.officers[0]).unwrap(),
        wide.sign(&BUREAU.officers[0]).unwrap(),
    );
    let parts: Vec<&str> = narrow.split('.').collect();
    let altered = [parts[0], wide.split('.').nth(1).unwrap(), parts[2]].join(".");
    let answer = platform.order_as(&BUREAU, &altered).await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    assert_eq!(platform.bodies().await.len(), before);
}

#[tokio::test]
async fn every_message_of_an_officer_is_used_once() {
    let platform = Platform::with_carol().await;
    let signed = order().sign(&BUREAU.officers[0]).unwrap();
    let first = platform.order_as(&BUREAU, &signed).await;
    let id = first.json::<Value>()["id"].as_str().unwrap().parse().unwrap();
    let replayed = platform.order_as(&BUREAU, &signed).await;
    assert_eq!(replayed.problem(), ProblemType::ReplayedMessage);
    let renamed: Order = cyberid_protocol::message::open(&signed, &BUREAU.key(0)).unwrap();
    let renamed = Order {
        case_reference: "another case".into(),
        ..renamed
    };
    let renamed = renamed.sign(&BUREAU.officers[0]).unwrap();
    let same_name = platform.order_as(&BUREAU, &renamed).await;
    assert_eq!(same_name.problem(), ProblemType::ReplayedMessage);

    platform.countersigned(&id).await;
    let again = platform.countersign(&id, &BUREAU.officers[1]).await;
    assert_eq!(again.problem(), ProblemType::RequestClosed);
    let key = Some("a key that nobody guesses");
    let one = platform.carry_out(&id, key).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.text());
    assert_eq!(platform.carry_out(&id, key).await.bytes, one.bytes);
    let twice = platform.carry_out(&id, None).await;
    assert_eq!(twice.problem(), ProblemType::AlreadyRedeemed);
    assert_eq!(platform.key_holders.opened(), 1);
    assert_eq!(platform.official_kinds(&id).await, DELIVERED);
}

#[tokio::test]
async fn whether_a_subject_exists_is_learnt_by_two_officers_and_by_a_leaf() {
    let platform = Platform::with_carol().await;
    let nobody = Order {
        network_number: Some(cyberid_domain::number::NetworkNumber::random(
            &cyberid_domain::rng::SystemRng,
        )),
        ..order()
    };
    // One officer learns nothing: the answer is the one for a person who is there.
    let id = platform.ordered(&nobody).await;
    platform.countersigned(&id).await;
    let answer = platform.carry_out(&id, None).await;
    assert_eq!(answer.problem(), ProblemType::OfficialRefused);
    assert_eq!(answer.json_problem()["reason"], "no_record");
    assert_eq!(platform.official_kinds(&id).await, REFUSED);
}

#[tokio::test]
async fn a_suspended_identifier_opens_and_a_cancelled_one_does_not() {
    let platform = Platform::with_carol().await;
    for (status, expected) in [
        (SubjectStatus::Suspended, StatusCode::OK),
        (SubjectStatus::Cancelled, StatusCode::FORBIDDEN),
    ] {
        let set = platform
            .registry
            .set_status(&carol().person.subject, status)
            .await;
        assert!(set.unwrap());
        let id = platform.ordered(&order()).await;
        platform.countersigned(&id).await;
        assert_eq!(platform.carry_out(&id, None).await.status, expected, "{status:?}");
    }
}

#[tokio::test]
async fn a_pseudonym_names_one_person_at_one_relying_party() {
    let platform = Platform::with_carol().await;
    let by_sub = |client_id: &cyberid_domain::id::ClientId| Order {
        network_number: None,
        client_id: Some(client_id.clone()),
        sub: Some(platform.sub(&carol().person)),
        ..order()
    };
    let id = platform.ordered(&by_sub(&platform.rp)).await;
    platform.countersigned(&id).await;
    assert_eq!(platform.carry_out(&id, None).await.status, StatusCode::OK);
    let elsewhere = platform.ordered(&by_sub(&platform.other_rp)).await;
    platform.countersigned(&elsewhere).await;
    let answer = platform.carry_out(&elsewhere, None).await;
    assert_eq!(answer.json_problem()["reason"], "no_record");
}

#[tokio::test]
async fn without_witnesses_nothing_leaves_and_the_same_call_goes_on() {
    let platform = Platform::with_carol().await;
    let id = platform.ordered(&order()).await;
    platform.countersigned(&id).await;
    platform.witness.set_down(true);
    let answer = platform.carry_out(&id, None).await;
    assert_eq!(answer.problem(), ProblemType::WitnessUnavailable);
    assert_eq!(platform.key_holders.opened(), 0);
    platform.witness.set_down(false);
    platform.key_holders.will(&[Mood::Stale, Mood::Stale]);
    assert_eq!(platform.carry_out(&id, None).await.status, StatusCode::OK);
    assert_eq!(platform.official_kinds(&id).await, DELIVERED);
}
