use cyberid_domain::id::LeafId;
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::promise::{PromisedLeaf, Promises as _};
use cyberid_storage::release::{Releases as _, Step};
use http::StatusCode;

use super::{LeafKind, Platform};

impl Platform {
    /// What a crash between the transaction and the log leaves: a step that was taken and a leaf that was promised.
    async fn crash_after(&self, id: &cyberid_domain::id::ReleaseId, to: ReleaseStatus, kind: LeafKind) {
        let release = self.registry.release(id).await.unwrap().unwrap();
        let last = Leaf::from_text(&release.leaves.last().unwrap().body).unwrap();
        let leaf = PromisedLeaf {
            id: LeafId::random(&SystemRng),
            body: last.followed_by(kind, last.time).unwrap().to_text().unwrap(),
        };
        let step = Step {
            id,
            from: release.status,
            to,
            leaf: Some(&leaf),
            event: None,
            uses: None,
        };
        self.registry.step(&step).await.unwrap();
    }
}

#[tokio::test]
async fn a_crash_after_the_intent_is_a_presumed_delivery() {
    let mut platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    platform
        .crash_after(&id, ReleaseStatus::Intended, LeafKind::ReleaseIntended)
        .await;
    platform.restart().await;
    assert_eq!(platform.status(&id).await, "presumed");
    assert_eq!(
        platform.logged(&id).await,
        [
            LeafKind::ConsentGranted,
            LeafKind::ReleaseIntended,
            LeafKind::ReleasePresumed,
        ]
    );
    assert_eq!(
        platform.redeem(&id, None).await.problem(),
        ProblemType::AlreadyRedeemed
    );
    assert_eq!(platform.key_holders.asked(), 0);
    platform.restart().await;
    assert_eq!(platform.logged(&id).await.len(), 3);
    assert_eq!(platform.withdraw(&consent_id).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_crash_before_the_delivered_leaf_loses_no_leaf() {
    let mut platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    platform
        .crash_after(&id, ReleaseStatus::Intended, LeafKind::ReleaseIntended)
        .await;
    platform
        .crash_after(&id, ReleaseStatus::Delivered, LeafKind::ReleaseDelivered)
        .await;
    assert_eq!(platform.logged(&id).await, [LeafKind::ConsentGranted]);
    platform.restart().await;
    assert_eq!(
        platform.logged(&id).await[1..],
        [LeafKind::ReleaseIntended, LeafKind::ReleaseDelivered,]
    );
    assert!(platform.registry.outstanding(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_leaves_of_a_release_keep_their_order_whoever_puts_them_into_the_log() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    platform
        .crash_after(&id, ReleaseStatus::Intended, LeafKind::ReleaseIntended)
        .await;
    platform
        .crash_after(&id, ReleaseStatus::Delivered, LeafKind::ReleaseDelivered)
        .await;
    // Nobody has pumped: the withdrawal has to bring the two before it.
    assert_eq!(platform.withdraw(&consent_id).await.status, StatusCode::OK);
    assert_eq!(
        platform.logged(&id).await[1..],
        [
            LeafKind::ReleaseIntended,
            LeafKind::ReleaseDelivered,
            LeafKind::ConsentWithdrawn,
        ]
    );
}

#[tokio::test]
async fn leaves_that_other_services_promise_are_kept() {
    let platform = Platform::start().await;
    platform.suspend_rp().await;
    assert_eq!(platform.consent.pump().await.unwrap(), 1);
    assert_eq!(platform.consent.pump().await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_waits_for_promises_is_woken() {
    let platform = Platform::start().await;
    let parts = &platform.consent.parts;
    let (waiting, ()) = tokio::join!(
        tokio::time::timeout(std::time::Duration::from_secs(5), platform.consent.promised()),
        async { parts.promised.notify_one() }
    );
    assert!(waiting.is_ok());
}
