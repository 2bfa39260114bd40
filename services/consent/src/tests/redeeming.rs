use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::release::Redeemed;
use cyberid_storage::subject::Subjects as _;
use cyberid_tlog::receipt::TlogProof;
use http::header::AUTHORIZATION;
use http::{Method, Request, StatusCode};

use super::answering::join_all;
use super::key_holders::Mood;
use super::{LeafKind, Platform};

const DELIVERED: [LeafKind; 3] = [
    LeafKind::ConsentGranted,
    LeafKind::ReleaseIntended,
    LeafKind::ReleaseDelivered,
];

#[tokio::test]
async fn plaintext_comes_with_the_proof_that_outsiders_knew_first() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let answer = platform.redeem(&id, None).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let redeemed: Redeemed = answer.json();
    assert_eq!(redeemed.identity, "sealed identity number 1");
    assert_eq!(
        Leaf::from_text(&redeemed.leaf).unwrap().kind,
        LeafKind::ReleaseIntended
    );
    let proof = TlogProof::parse(redeemed.proof.as_bytes()).unwrap();
    let anchors = &platform.anchors;
    let entry = proof
        .verify(redeemed.leaf.as_bytes(), &anchors.ledger, &anchors.policy)
        .unwrap();
    assert_eq!(entry.cosignatures().len(), 1);
    assert_eq!(platform.logged(&id).await, DELIVERED);
    assert_eq!(platform.status(&id).await, "delivered");
}

#[tokio::test]
async fn a_second_release_proves_consistency_with_the_first() {
    let platform = Platform::start().await;
    let (one, two) = (platform.granted().await.0, platform.granted().await.0);
    for id in [&one, &two] {
        assert_eq!(platform.redeem(id, None).await.status, StatusCode::OK);
    }
    assert_eq!(platform.key_holders.opened(), 2);
}

#[tokio::test]
async fn only_a_granted_release_is_redeemed_and_only_by_who_asked() {
    let platform = Platform::start().await;
    let asked = platform.ask().await;
    assert_eq!(
        platform.redeem(&asked, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    let (id, _) = platform.granted().await;
    let path = format!("/v1/releases/{id}/redeem");
    let other = platform
        .call(Method::POST, &path, &platform.as_other_rp(), None)
        .await;
    assert_eq!(other.problem(), ProblemType::NotFound);
    assert_eq!(platform.key_holders.asked(), 0);
}

#[tokio::test]
async fn a_grant_that_is_over_opens_nothing() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.clock.advance(3600);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    assert_eq!(platform.status(&id).await, "expired");
    platform.consent.housekeep().await.unwrap();
    assert_eq!(
        platform.logged(&id).await,
        [LeafKind::ConsentGranted, LeafKind::ConsentExpired]
    );
    assert_eq!(platform.key_holders.asked(), 0);
}

#[tokio::test]
async fn a_changed_key_makes_the_release_void() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.change_key(23, 60).await;
    platform.clock.advance(60);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseVoid
    );
    assert_eq!(platform.logged(&id).await, [LeafKind::ConsentGranted]);
    assert_eq!(platform.key_holders.asked(), 0);
}

#[tokio::test]
async fn a_key_that_cools_off_leaves_the_release_to_the_one_in_force() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.change_key(23, 60).await;
    platform.clock.advance(59);
    let redeemed = platform.redeem(&id, None).await;
    assert_eq!(redeemed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_suspended_party_or_holder_stops_a_release() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let alice = platform.alice.subject;
    platform
        .registry
        .set_status(&alice, SubjectStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::ReleaseNotGranted
    );
    platform
        .registry
        .set_status(&alice, SubjectStatus::Active)
        .await
        .unwrap();
    platform.suspend_rp().await;
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::RelyingPartyInactive
    );
    assert_eq!(platform.key_holders.asked(), 0);
}

#[tokio::test]
async fn a_suspended_party_does_not_hear_an_answer_again() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let key = Some("a key that nobody guesses");
    assert_eq!(platform.redeem(&id, key).await.status, StatusCode::OK);
    platform.suspend_rp().await;
    assert_eq!(
        platform.redeem(&id, key).await.problem(),
        ProblemType::RelyingPartyInactive
    );
}

#[tokio::test]
async fn without_witnesses_nothing_opens_and_with_them_the_same_release_goes_on() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.witness.set_down(true);
    for _ in 0..2 {
        let answer = platform.redeem(&id, Some("key")).await;
        assert_eq!(answer.problem(), ProblemType::WitnessUnavailable);
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(platform.key_holders.asked(), 0);
    assert_eq!(platform.status(&id).await, "intended");
    platform.witness.set_down(false);
    assert_eq!(platform.redeem(&id, Some("key")).await.status, StatusCode::OK);
    assert_eq!(platform.logged(&id).await, DELIVERED);
    assert_eq!(platform.key_holders.opened(), 1);
}

#[tokio::test]
async fn an_intent_that_nobody_goes_on_with_is_presumed_to_be_a_delivery() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.witness.set_down(true);
    platform.redeem(&id, None).await;
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.status(&id).await, "intended");
    platform.clock.advance(601);
    platform.witness.set_down(false);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::AlreadyRedeemed
    );
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.status(&id).await, "presumed");
    assert_eq!(
        platform.logged(&id).await.last(),
        Some(&LeafKind::ReleasePresumed)
    );
    assert_eq!(platform.key_holders.asked(), 0);
}

#[tokio::test]
async fn a_warrant_is_built_anew_when_a_key_holder_has_moved() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.key_holders.will(&[Mood::Stale, Mood::Stale]);
    assert_eq!(platform.redeem(&id, None).await.status, StatusCode::OK);
    assert_eq!(
        (platform.key_holders.asked(), platform.key_holders.opened()),
        (3, 1)
    );
    let (id, _) = platform.granted().await;
    platform
        .key_holders
        .will(&[Mood::Stale, Mood::Stale, Mood::Stale]);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::Unavailable
    );
    assert_eq!(platform.redeem(&id, None).await.status, StatusCode::OK);
    assert_eq!(platform.logged(&id).await, DELIVERED);
}

#[tokio::test]
async fn a_refused_warrant_delivers_nothing_and_says_nothing() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform.key_holders.will(&[Mood::Refuse]);
    let refused = platform.redeem(&id, None).await;
    assert_eq!(refused.problem(), ProblemType::Internal);
    assert!(!refused.text().contains("leaf_differs"));
    platform.key_holders.will(&[Mood::Break]);
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::Unavailable
    );
    assert_eq!(platform.status(&id).await, "intended");
    assert_eq!(platform.key_holders.opened(), 0);
}

#[tokio::test]
async fn one_key_repeats_one_answer_for_ten_minutes() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let first = platform.redeem(&id, Some("key")).await;
    assert_eq!(first.status, StatusCode::OK);
    platform.clock.advance(599);
    let again = platform.redeem(&id, Some("key")).await;
    assert_eq!((again.status, again.bytes), (StatusCode::OK, first.bytes));
    for other in [None, Some("yek")] {
        assert_eq!(
            platform.redeem(&id, other).await.problem(),
            ProblemType::AlreadyRedeemed
        );
    }
    platform.clock.advance(1);
    assert_eq!(
        platform.redeem(&id, Some("key")).await.problem(),
        ProblemType::AlreadyRedeemed
    );
    assert_eq!(platform.key_holders.asked(), 1);
}

#[tokio::test]
async fn one_key_is_for_one_request() {
    let platform = Platform::start().await;
    let (one, two) = (platform.granted().await.0, platform.granted().await.0);
    assert_eq!(platform.redeem(&one, Some("key")).await.status, StatusCode::OK);
    assert_eq!(
        platform.redeem(&two, Some("key")).await.problem(),
        ProblemType::IdempotencyMismatch
    );
    let redeem = |body: &'static str, key: &str| {
        let request = Request::post(format!("/v1/releases/{one}/redeem"))
            .header(AUTHORIZATION, platform.as_rp())
            .header("idempotency-key", key);
        platform.send(request.body(body.into()).unwrap())
    };
    assert_eq!(
        redeem("{}", "key").await.problem(),
        ProblemType::IdempotencyMismatch
    );
    assert_eq!(
        redeem(r#"{"more":1}"#, "key").await.problem(),
        ProblemType::MalformedRequest
    );
    assert_eq!(redeem("", "").await.problem(), ProblemType::MalformedRequest);
    assert_eq!(platform.status(&two).await, "granted");
}

#[tokio::test]
async fn of_fifty_at_once_the_vault_hears_one() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let answers = join_all((0..50).map(|_| platform.redeem(&id, None))).await;
    let redeemed = answers.iter().filter(|answer| answer.status == StatusCode::OK);
    assert_eq!(redeemed.count(), 1);
    let others = answers.iter().filter(|answer| answer.status != StatusCode::OK);
    for answer in others {
        assert_eq!(answer.problem(), ProblemType::AlreadyRedeemed);
    }
    assert_eq!(platform.key_holders.asked(), 1);
    assert_eq!(platform.logged(&id).await, DELIVERED);
}

#[tokio::test]
async fn of_fifty_under_one_key_all_hear_the_same() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let answers = join_all((0..50).map(|_| platform.redeem(&id, Some("key")))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
    assert_eq!(platform.key_holders.asked(), 1);
}

#[tokio::test]
async fn many_releases_at_once_do_not_overtake_each_other() {
    let platform = Platform::start().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(platform.granted().await.0);
    }
    let answers = join_all(ids.iter().map(|id| platform.redeem(id, None))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(platform.key_holders.asked(), 8);
    assert_eq!(platform.key_holders.most_at_work(), 1);
}
