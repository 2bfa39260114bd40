//! The leaves of the platform's own life.

use cyberid_protocol::leaf::{Leaf, NoHalt};
use cyberid_storage::promise::Promises as _;

use super::script::Fault;
use super::{LeafKind, Platform};
use crate::PlatformKey;

impl Platform {
    async fn leaves(&self) -> Vec<Leaf> {
        let bodies = self.bodies().await;
        bodies.iter().map(|body| Leaf::from_text(body).unwrap()).collect()
    }

    async fn last(&self) -> Leaf {
        self.leaves().await.pop().unwrap()
    }

    /// The keys that the log has, as often as it has them.
    async fn recorded_keys(&self) -> Vec<PlatformKey> {
        let leaves = self.leaves().await.into_iter();
        let rotated = leaves.filter(|leaf| leaf.kind == LeafKind::KeyRotated);
        rotated
            .map(|leaf| PlatformKey {
                role: leaf.role.unwrap(),
                kid: leaf.kid.unwrap(),
            })
            .collect()
    }
}

fn key(role: &str, kid: &str) -> PlatformKey {
    PlatformKey {
        role: role.into(),
        kid: kid.into(),
    }
}

#[tokio::test]
async fn every_start_says_whether_a_halt_went_before() {
    let mut platform = Platform::bare().await;
    platform.restart().await;
    let resumed = |leaf: &Leaf| (leaf.kind, leaf.reason);
    assert_eq!(
        resumed(&platform.last().await),
        (LeafKind::ServiceResumed, Some(NoHalt::First))
    );
    platform.restart().await;
    assert_eq!(
        resumed(&platform.last().await),
        (LeafKind::ServiceResumed, Some(NoHalt::Unclean))
    );

    platform.register(&platform.rp, 21).await;
    platform.consent.halt().await.unwrap();
    let kinds: Vec<_> = platform.leaves().await.iter().map(|leaf| leaf.kind).collect();
    let halted = [LeafKind::RpRegistered, LeafKind::ServiceHalted];
    assert_eq!(
        kinds[2..],
        halted,
        "what was promised goes before, and nothing comes after"
    );
    platform.restart().await;
    assert_eq!(resumed(&platform.last().await), (LeafKind::ServiceResumed, None));
    assert_eq!(platform.leaves().await.len(), 5);
}

#[tokio::test]
async fn a_log_of_whole_bundles_ends_where_it_ends() {
    let mut platform = Platform::bare().await;
    for starts in 1..=258 {
        platform.restart().await;
        if starts % 256 == 0 {
            platform.consent.halt().await.unwrap();
        }
    }
    let leaves = platform.leaves().await;
    assert_eq!((leaves.len(), leaves[256].kind), (259, LeafKind::ServiceHalted));
    assert_eq!(leaves[257].reason, None);
    assert_eq!(leaves[258].reason, Some(NoHalt::Unclean));
}

#[tokio::test]
async fn a_key_is_recorded_when_it_is_in_use_and_once() {
    let mut platform = Platform::bare().await;
    let mut keys = vec![key("message", "m1"), key("event", "e1")];
    for _ in 0..2 {
        platform.consent.record_keys(&keys).await.unwrap();
        platform.restart().await;
    }
    assert_eq!(platform.recorded_keys().await, keys);
    keys.push(key("message", "m2"));
    platform.consent.record_keys(&keys).await.unwrap();
    assert_eq!(platform.recorded_keys().await, keys);
    // The same key in two roles would be two keys.
    keys.push(key("event", "m2"));
    platform.consent.record_keys(&keys).await.unwrap();
    assert_eq!(platform.recorded_keys().await, keys);
}

#[tokio::test]
async fn a_rotation_that_a_crash_follows_is_recorded_by_the_next_start() {
    let mut platform = Platform::bare().await;
    let mut keys = Vec::new();
    for place in [("pledge", 0), ("outstanding", 0), ("kept", 0)] {
        for fault in Fault::ALL {
            keys.push(key("message", &format!("{place:?} {fault:?}")));
            platform.script.plan(Some((place, fault)));
            let ended = platform.script.run(platform.consent.record_keys(&keys)).await;
            assert!(platform.script.hit(), "{place:?} {fault:?}");
            assert!(!matches!(ended, Some(Ok(()))));
            platform.script.plan(None);
            if fault.stops() {
                platform.restart().await;
            }
            platform.consent.record_keys(&keys).await.unwrap();
            assert_eq!(platform.recorded_keys().await, keys);
            assert!(platform.registry.outstanding(9).await.unwrap().is_empty());
        }
    }
}
