use cyberid_domain::clock::DAY;
use cyberid_domain::id::ConsentId;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_protocol::event::{Event, Events, SecurityEvent};
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::message;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::receipt::Receipt;
use http::{Method, StatusCode};
use serde_json::json;

use super::people::{Person, withdrawal};
use super::{Answer, LeafKind, Platform};

impl Platform {
    async fn withdraw_by(&self, person: &Person, id: &ConsentId) -> Answer {
        let withdrawal = withdrawal(id, self.clock.now());
        let body = Some(person.sign_withdrawal(&withdrawal));
        self.call(Method::POST, &format!("/v1/consents/{id}/withdraw"), "", body)
            .await
    }

    async fn erase(&self, id: &cyberid_domain::id::ReleaseId, caller: &str, at: UnixTime) -> Answer {
        let body = Some(json!({"erased_at": at.0}));
        self.call(Method::POST, &format!("/v1/releases/{id}/erasure"), caller, body)
            .await
    }

    async fn told(&self, caller: &str, after: u64) -> Events {
        self.call(Method::GET, &format!("/v1/events?after={after}"), caller, None)
            .await
            .json()
    }
}

#[tokio::test]
async fn a_withdrawn_consent_is_never_redeemed() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    let receipt: Receipt = platform.withdraw(&consent_id).await.json();
    assert_eq!(
        Leaf::from_text(&receipt.leaf).unwrap().kind,
        LeafKind::ConsentWithdrawn
    );
    let states: Vec<_> = receipt
        .record
        .events
        .iter()
        .map(|event| event.event_state.as_str())
        .collect();
    assert_eq!(states, ["consent.granted", "consent.withdrawn"]);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    assert_eq!(platform.key_holders.asked(), 0);
    let now = platform.clock.now();
    let nothing_owed = platform.erase(&id, &platform.as_rp(), now).await;
    assert_eq!(nothing_owed.problem(), ProblemType::NotFound);
    assert_eq!(
        platform.logged(&id).await,
        [LeafKind::ConsentGranted, LeafKind::ConsentWithdrawn]
    );
}

#[tokio::test]
async fn the_relying_party_is_told_by_a_signed_event() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    assert!(platform.told(&platform.as_rp(), 0).await.events.is_empty());
    platform.withdraw(&consent_id).await;
    let told = platform.told(&platform.as_rp(), 0).await;
    let event: SecurityEvent = message::open(&told.events[0], &platform.event_key()).unwrap();
    assert_eq!(event.aud, platform.rp);
    let Event::ConsentWithdrawn(withdrawn) = event.events else {
        panic!("a withdrawal")
    };
    assert_eq!((&withdrawn.consent, &withdrawn.release), (&consent_id, &id));
    assert_eq!(withdrawn.erase_by, platform.clock.now().plus(30 * DAY));
    assert!(
        platform
            .told(&platform.as_rp(), told.next)
            .await
            .events
            .is_empty()
    );
    assert!(platform.told(&platform.as_other_rp(), 0).await.events.is_empty());
}

#[tokio::test]
async fn what_was_delivered_has_to_be_erased() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    platform.redeem(&id, Some("key")).await;
    platform.clock.advance(10);
    assert_eq!(platform.withdraw(&consent_id).await.status, StatusCode::OK);
    assert_eq!(
        platform.redeem(&id, Some("key")).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    let (rp, now) = (platform.as_rp(), platform.clock.now());
    for impossible in [now.minus(1), now.plus(61)] {
        assert_eq!(
            platform.erase(&id, &rp, impossible).await.problem(),
            ProblemType::MalformedRequest
        );
    }
    let by_other = platform.erase(&id, &platform.as_other_rp(), now).await;
    assert_eq!(by_other.problem(), ProblemType::NotFound);
    for _ in 0..2 {
        assert_eq!(platform.erase(&id, &rp, now).await.status, StatusCode::NO_CONTENT);
    }
    platform.clock.advance(31 * DAY);
    platform.consent.housekeep().await.unwrap();
    assert_eq!(
        platform.logged(&id).await[2..],
        [
            LeafKind::ReleaseDelivered,
            LeafKind::ConsentWithdrawn,
            LeafKind::ErasureConfirmed,
        ]
    );
}

#[tokio::test]
async fn an_erasure_that_is_overdue_is_recorded_once_and_can_still_be_confirmed() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    platform.redeem(&id, None).await;
    platform.withdraw(&consent_id).await;
    platform.clock.advance(30 * DAY);
    platform.consent.housekeep().await.unwrap();
    assert_eq!(
        platform.logged(&id).await.last(),
        Some(&LeafKind::ConsentWithdrawn)
    );
    platform.clock.advance(1);
    for _ in 0..2 {
        platform.consent.housekeep().await.unwrap();
    }
    let told = platform.told(&platform.as_rp(), 0).await;
    assert_eq!(told.events.len(), 2, "the withdrawal, and one reminder");
    let reminder: SecurityEvent = message::open(&told.events[1], &platform.event_key()).unwrap();
    let Event::ErasureOverdue(overdue) = reminder.events else {
        panic!("a reminder")
    };
    assert_eq!(
        (overdue.release, overdue.erase_by),
        (id.clone(), platform.clock.now().minus(1))
    );
    let now = platform.clock.now();
    assert_eq!(
        platform.erase(&id, &platform.as_rp(), now).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        platform.logged(&id).await[3..],
        [
            LeafKind::ConsentWithdrawn,
            LeafKind::ErasureOverdue,
            LeafKind::ErasureConfirmed,
        ]
    );
}

#[tokio::test]
async fn an_intent_that_is_withdrawn_is_presumed_delivered_first() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    platform.witness.set_down(true);
    platform.redeem(&id, None).await;
    assert_eq!(platform.withdraw(&consent_id).await.status, StatusCode::OK);
    platform.witness.set_down(false);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    assert_eq!(
        platform.logged(&id).await[1..],
        [
            LeafKind::ReleaseIntended,
            LeafKind::ReleasePresumed,
            LeafKind::ConsentWithdrawn,
        ]
    );
    assert_eq!(platform.key_holders.asked(), 0);
}

#[tokio::test]
async fn a_withdrawal_is_of_its_holder_its_consent_and_its_moment() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    assert_eq!(
        platform.withdraw_by(&platform.bob, &consent_id).await.problem(),
        ProblemType::NotFound
    );
    let unknown = ConsentId::random(&SystemRng);
    assert_eq!(platform.withdraw(&unknown).await.problem(), ProblemType::NotFound);
    let stranger = platform.withdraw_by(&Person::new(13), &consent_id).await;
    assert_eq!(stranger.problem(), ProblemType::InvalidMessage);

    let now = platform.clock.now();
    let honest = withdrawal(&consent_id, now);
    let path = format!("/v1/consents/{consent_id}/withdraw");
    let mut other = honest.clone();
    other.aud = "https://other.example".into();
    let mut another = honest.clone();
    another.consent = unknown;
    let mut old = honest.clone();
    (old.iat, old.exp) = (now.minus(300), now.minus(60));
    let mut long = honest.clone();
    long.exp = now.plus(301);
    for (withdrawal, problem) in [
        (other, ProblemType::InvalidMessage),
        (another, ProblemType::InvalidMessage),
        (old, ProblemType::ExpiredMessage),
        (long, ProblemType::InvalidMessage),
    ] {
        let body = Some(platform.alice.sign_withdrawal(&withdrawal));
        assert_eq!(
            platform.call(Method::POST, &path, "", body).await.problem(),
            problem
        );
    }
    assert_eq!(platform.status(&id).await, "granted");
    assert_eq!(platform.withdraw(&consent_id).await.status, StatusCode::OK);
    assert_eq!(
        platform.withdraw(&consent_id).await.problem(),
        ProblemType::AlreadyWithdrawn
    );
}

#[tokio::test]
async fn a_withdrawal_is_used_once() {
    let platform = Platform::start().await;
    let (one, two) = (platform.granted().await.1, platform.granted().await.1);
    let first = withdrawal(&one, platform.clock.now());
    let mut second = withdrawal(&two, platform.clock.now());
    second.jti = first.jti.clone();
    let mut answers = Vec::new();
    for (id, withdrawal) in [(&one, &first), (&two, &second)] {
        let body = Some(platform.alice.sign_withdrawal(withdrawal));
        answers.push(
            platform
                .call(Method::POST, &format!("/v1/consents/{id}/withdraw"), "", body)
                .await,
        );
    }
    assert_eq!(answers[0].status, StatusCode::OK);
    assert_eq!(answers[1].problem(), ProblemType::ReplayedMessage);
    assert_eq!(platform.told(&platform.as_rp(), 0).await.events.len(), 1);
}

#[tokio::test]
async fn a_consent_that_ended_by_itself_is_closed() {
    let platform = Platform::start().await;
    let (_, consent_id) = platform.granted().await;
    platform.clock.advance(3600);
    platform.consent.housekeep().await.unwrap();
    assert_eq!(
        platform.withdraw(&consent_id).await.problem(),
        ProblemType::RequestClosed
    );
}

#[tokio::test]
async fn withdrawing_and_redeeming_at_once_leave_one_story() {
    for _ in 0..5 {
        let platform = Platform::start().await;
        let (id, consent_id) = platform.granted().await;
        let (redeemed, withdrawn) = tokio::join!(platform.redeem(&id, None), platform.withdraw(&consent_id));
        assert_eq!(withdrawn.status, StatusCode::OK);
        let delivered = platform.logged(&id).await.contains(&LeafKind::ReleaseDelivered);
        assert_eq!(redeemed.status == StatusCode::OK, delivered);
        assert_eq!(platform.key_holders.opened(), usize::from(delivered));
    }
}
