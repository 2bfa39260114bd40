//! What the person is told, and what a crash leaves.

use cyberid_domain::id::{LeafId, OfficialAccessId};
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::official::{OneSubject, Order, subject_commitment, words_sha256};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::warrant::MAX_AGE;
use cyberid_storage::official::{OfficialAccesses as _, OfficialStep, Turn};
use cyberid_storage::promise::PromisedLeaf;
use http::{Method, StatusCode};
use serde_json::Value;

use super::bureau::{BUREAU, carol, order};
use super::{Platform, START};
use crate::tests::people::Person;

const PRESUMED: [LeafKind; 3] = [
    LeafKind::OfficialRequested,
    LeafKind::OfficialIntended,
    LeafKind::OfficialPresumed,
];

impl Platform {
    /// What a person reads of official accesses.
    async fn told_of_officials(&self, person: &Person) -> Vec<Value> {
        let caller = format!("holder {}", person.jkt());
        let answer = self.call(Method::GET, "/v1/me/consents", &caller, None).await;
        let body: Value = answer.json();
        body["official_accesses"].as_array().unwrap().clone()
    }

    async fn opened(&self, order: &Order) -> OfficialAccessId {
        let id = self.ordered(order).await;
        self.countersigned(&id).await;
        assert_eq!(self.carry_out(&id, None).await.status, StatusCode::OK);
        id
    }

    /// What a crash after the intent leaves.
    async fn crash_after_intent(&self) -> OfficialAccessId {
        let id = self.ordered(&order()).await;
        self.countersigned(&id).await;
        let access = self.official_row(&id).await;
        let last = Leaf::from_text(&access.leaves.last().unwrap().body).unwrap();
        let leaf = last.followed_by(LeafKind::OfficialIntended, last.time).unwrap();
        let leaf = PromisedLeaf {
            id: LeafId::random(&SystemRng),
            body: leaf.to_text().unwrap(),
        };
        let step = OfficialStep {
            id: &id,
            from: access.status,
            to: Turn::Intended(&carol().person.subject),
            leaf: Some(&leaf),
            uses: None,
        };
        self.registry.official_step(&step).await.unwrap();
        id
    }
}

#[tokio::test]
async fn the_person_is_told_at_once_and_can_check_what_they_are_told() {
    let platform = Platform::with_carol().await;
    assert!(platform.told_of_officials(&carol().person).await.is_empty());
    let order = order();
    let id = platform.opened(&order).await;
    let told = platform.told_of_officials(&carol().person).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["id"], id.as_str());
    assert_eq!(told[0]["authority_name"], "Example Bureau");
    assert_eq!(told[0]["status"], "delivered");
    assert_eq!(told[0]["case_reference"], order.case_reference);
    let text = |member: &str| told[0][member].as_str().unwrap().to_owned();
    let leaf = Leaf::from_text(&text("leaf")).unwrap();
    assert_eq!(leaf.order_sha256, Some(words_sha256(&text("order"))));
    let salt = cyberid_crypto::base64url::decode_array(&text("salt")).unwrap();
    let subject = OneSubject::Number(carol().number.clone());
    assert_eq!(leaf.subject_commitment, Some(subject_commitment(&salt, &subject)));
    assert!(
        platform.told_of_officials(&platform.alice).await.is_empty(),
        "nobody else is"
    );
}

#[tokio::test]
async fn a_delayed_notice_comes_at_its_moment_and_not_before() {
    let platform = Platform::with_carol().await;
    let notice_after = Some(START.plus(86_400));
    let id = platform
        .opened(&Order {
            notice_after,
            ..order()
        })
        .await;
    platform.clock.advance(86_399);
    assert!(platform.told_of_officials(&carol().person).await.is_empty());
    platform.clock.advance(1);
    let told = platform.told_of_officials(&carol().person).await;
    assert_eq!((told.len(), &told[0]["id"]), (1, &Value::from(id.as_str())));
    // The log has said that an access took place all the while.
    assert_eq!(platform.official_kinds(&id).await.len(), 3);
}

#[tokio::test]
async fn of_what_was_refused_there_is_nothing_to_tell() {
    let platform = Platform::with_carol().await;
    let id = platform.ordered(&order()).await;
    platform.carry_out(&id, None).await;
    platform.ordered(&order()).await;
    assert!(platform.told_of_officials(&carol().person).await.is_empty());
}

#[tokio::test]
async fn a_crash_after_the_intent_is_a_presumed_delivery_that_the_person_sees() {
    let mut platform = Platform::with_carol().await;
    let id = platform.crash_after_intent().await;
    platform.restart().await;
    assert_eq!(platform.official_kinds(&id).await, PRESUMED);
    let again = platform.carry_out(&id, None).await;
    assert_eq!(again.problem(), ProblemType::AlreadyRedeemed);
    assert_eq!(
        platform.told_of_officials(&carol().person).await[0]["status"],
        "presumed"
    );
    assert_eq!(platform.key_holders.opened(), 0);
    platform.restart().await;
    assert_eq!(platform.official_kinds(&id).await, PRESUMED);
}

#[tokio::test]
async fn an_intent_that_nobody_carries_out_is_given_up() {
    let platform = Platform::with_carol().await;
    let id = platform.crash_after_intent().await;
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.official_row(&id).await.leaves.len(), 2, "still possible");
    platform.clock.advance(MAX_AGE + 1);
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.official_kinds(&id).await, PRESUMED);
    let late = platform.carry_out(&id, None).await;
    assert_eq!(late.problem(), ProblemType::AlreadyRedeemed);
    let view = platform.view_official(&id).await;
    assert_eq!(view["status"], "presumed");
    let caller = BUREAU.caller();
    let path = format!("/v1/official-accesses/{id}");
    let seen = platform.call(Method::GET, &path, &caller, None).await;
    assert_eq!(seen.status, StatusCode::OK);
}
