//! A suspension halts a relying party within a second, whatever it holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cyberid_crypto::Sign as _;
use cyberid_domain::check::Check;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::Registered;
use cyberid_storage::relying_party::{RelyingParties as _, RelyingParty};
use serde_json::{Value, json};

use crate::platform::{Client, PURPOSE, Platform};

fn question() -> Value {
    json!({"purpose": PURPOSE, "checks": ["real_person"], "nonce": "AAAAAAAAAAAAAAAAAAAAAA"})
}

async fn suspend(platform: &Platform, rp: &Client) -> Registered {
    platform
        .act(&platform.operators[0], &rp.id, "suspend")
        .await
        .expect(200)
}

#[tokio::test]
async fn a_suspension_takes_effect_at_once_whatever_was_begun() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let sealed = platform.seal(&citizen.device, &platform.proof(&rp, &[Check::RealPerson]), None);
    let waiting = platform.ask(&rp, question()).await;

    let suspended = suspend(&platform, &rp).await;
    assert_eq!(suspended.status, RegistrationStatus::Suspended);
    let inactive = ProblemType::RelyingPartyInactive;
    let asked = platform.post("/v1/verifications", &rp, question()).await;
    assert_eq!(asked.problem(), inactive);
    assert_eq!(platform.direct(&rp, &sealed).await.problem(), inactive);
    let path = format!("/v1/verifications/{waiting}");
    assert_eq!(platform.get(&path, &rp).await.problem(), inactive);
    let fetched = platform.get_publicly(&format!("/v1/requests/{waiting}")).await;
    assert_eq!(fetched.problem(), inactive);
    let answered = platform.answer(&waiting, json!({"declined": true})).await;
    assert_eq!(answered.problem(), inactive);
    let revived = platform.act(&platform.operators[1], &rp.id, "approve").await;
    assert_eq!(revived.problem(), inactive);
    // It sees where it stands.
    let path = format!("/v1/relying-parties/{}", rp.id);
    let seen: Registered = platform.get(&path, &rp).await.expect(200);
    assert_eq!(seen.status, RegistrationStatus::Suspended);
    // Again is fine.
    suspend(&platform, &rp).await;
}

/// Another process on the same store writes, and this one has just read.
#[tokio::test]
async fn a_suspension_elsewhere_takes_effect_here_within_a_second() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    platform.ask(&rp, question()).await;
    let now = cyberid_domain::Clock::now(&*platform.clock);
    let was = platform.db.relying_party(&rp.id, now).await.unwrap().unwrap();
    let next = RelyingParty {
        status: RegistrationStatus::Suspended,
        ..was.clone()
    };
    assert!(platform.db.replace(&was, &next, None).await.unwrap());
    let written = Instant::now();
    loop {
        let asked = platform.post("/v1/verifications", &rp, question()).await;
        if asked.status != 201 {
            assert_eq!(asked.problem(), ProblemType::RelyingPartyInactive);
            break;
        }
        assert!(written.elapsed() < Duration::from_secs(1), "still active");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_suspension_is_one_leaf_and_an_application_cannot_be_suspended() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    platform.logging.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        let unplaced = platform.act(&platform.operators[0], &rp.id, "suspend").await;
        assert_eq!(unplaced.problem(), ProblemType::Unavailable);
    }
    let leaves = platform.unlogged().await;
    let kinds: Vec<_> = leaves.iter().map(|leaf| leaf.kind).collect();
    assert_eq!(kinds, [LeafKind::RpSuspended]);
    // It does not wait for the log to take effect.
    let asked = platform.post("/v1/verifications", &rp, question()).await;
    assert_eq!(asked.problem(), ProblemType::RelyingPartyInactive);
    let applicant = platform.applicant().await;
    let refused = platform
        .act(&platform.operators[0], &applicant.id, "suspend")
        .await;
    assert_eq!(refused.problem(), ProblemType::RelyingPartyInactive);
}

#[tokio::test]
async fn keys_that_wait_do_not_outlast_a_suspension() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    crate::keys::announce(&platform, &rp, &[&crate::platform::new_key()]).await;
    let suspended = suspend(&platform, &rp).await;
    assert_eq!(suspended.waiting_keys, None);
    platform.clock.advance(crate::platform::COOLING_OFF);
    let after = platform.registered(&rp.id).await;
    assert_eq!(
        crate::keys::certified(&platform, &after),
        [rp.key.public_key().thumbprint()]
    );
}

/// Who waits for an answer when it is suspended does not go on waiting for it.
#[tokio::test]
async fn a_suspension_ends_a_long_poll() {
    let platform = Arc::new(Platform::start().await);
    let rp = Arc::new(platform.relying_party().await);
    let id = platform.ask(&rp, question()).await;
    let waiter = tokio::spawn({
        let (platform, rp) = (Arc::clone(&platform), Arc::clone(&rp));
        async move {
            platform
                .get(&format!("/v1/verifications/{id}?wait=20"), &rp)
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    suspend(&platform, &rp).await;
    let told = waiter.await.unwrap();
    assert_eq!(told.problem(), ProblemType::RelyingPartyInactive);
    assert!(begun.elapsed() < Duration::from_secs(5));
}
