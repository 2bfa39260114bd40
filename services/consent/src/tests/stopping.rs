//! The table of crash points: a release is stopped, or fails, at every place that it goes through, and a new service is
//! started on the same stores. Plaintext never leaves without its intent in the log, never twice, and whatever may have
//! left the holder sees.

use std::sync::Arc;

use cyberid_domain::id::ReleaseId;
use cyberid_domain::release::ReleaseStatus;
use cyberid_storage::promise::Promises as _;
use cyberid_storage::release::Releases as _;
use http::{Method, StatusCode};
use serde_json::Value;

use super::people::agree;
use super::script::{Fault, Place};
use super::{Answer, LeafKind, Platform};

/// A release from the consent to the answer: what the holder and the relying party were answered.
async fn release(platform: &Platform, id: &ReleaseId, object: &str) -> (Answer, Answer) {
    let claims = agree(object, &*platform.clock);
    let consented = platform.answer(id, &claims, &platform.alice).await;
    (consented, platform.redeem(id, Some(id.as_str())).await)
}

impl Platform {
    /// A request that the holder has read.
    async fn read_request(&self) -> (ReleaseId, String) {
        let id = self.ask().await;
        let object = self.request_object(&id).await;
        (id, object)
    }

    /// Where the holder sees the release stand; nothing if it is not in their list.
    async fn seen_by_holder(&self, id: &ReleaseId) -> Option<String> {
        let caller = format!("holder {}", self.alice.jkt());
        let list: Value = self
            .call(Method::GET, "/v1/me/consents", &caller, None)
            .await
            .json();
        let consents = list["consents"].as_array().unwrap().iter();
        let of = consents.filter(|consent| consent["release_id"] == id.as_str());
        of.map(|consent| consent["status"].as_str().unwrap().to_owned())
            .next_back()
    }

    /// What has to be true of a release whenever no call is under way and the service has recovered.
    async fn is_whole(&self, id: &ReleaseId, case: &str) {
        let kinds = self.logged(id).await;
        let status = self.registry.release(id).await.unwrap().unwrap().status;
        assert_eq!(kinds, expected(status), "{case}: {status:?}");
        assert!(
            self.registry.outstanding(9).await.unwrap().is_empty(),
            "{case}: a promise is open"
        );
        let seen = self.seen_by_holder(id).await;
        let granted = status != ReleaseStatus::Requested;
        assert_eq!(
            seen.as_deref(),
            granted.then_some(status.as_str()),
            "{case}: what the holder sees"
        );
        let (opened, leaves) = self.key_holders.openings_of(id);
        let disclosed = kinds.iter().any(Discloses::discloses);
        assert!(
            opened == 0 || disclosed,
            "{case}: plaintext left, and the log does not say so"
        );
        assert!(leaves <= 1, "{case}: key holders were shown {leaves} intents");
        assert_eq!(
            self.key_holders.unwitnessed(),
            0,
            "{case}: shown before outsiders had seen it"
        );
    }
}

trait Discloses {
    fn discloses(&self) -> bool;
}

impl Discloses for LeafKind {
    fn discloses(&self) -> bool {
        matches!(self, Self::ReleaseDelivered | Self::ReleasePresumed)
    }
}

/// The leaves of a release that stands here.
fn expected(status: ReleaseStatus) -> Vec<LeafKind> {
    use LeafKind::{ConsentGranted, ReleaseDelivered, ReleaseIntended, ReleasePresumed};
    match status {
        ReleaseStatus::Requested => vec![],
        ReleaseStatus::Granted => vec![ConsentGranted],
        ReleaseStatus::Delivered => vec![ConsentGranted, ReleaseIntended, ReleaseDelivered],
        ReleaseStatus::Presumed => vec![ConsentGranted, ReleaseIntended, ReleasePresumed],
        other => panic!("a recovered release stands at {other:?}"),
    }
}

/// The places of a release that nothing happens to.
async fn places(platform: &Platform) -> Vec<Place> {
    let (id, object) = platform.read_request().await;
    platform.script.plan(None);
    let (consented, redeemed) = release(platform, &id, &object).await;
    let places = platform.script.reached();
    assert_eq!(consented.status, StatusCode::CREATED, "{}", consented.text());
    assert_eq!(redeemed.status, StatusCode::OK, "{}", redeemed.text());
    platform.is_whole(&id, "nothing happened").await;
    for needed in [
        "grant",
        "kept",
        "step to intended",
        "witness",
        "vault admits",
        "custodian yields",
        "vault opens",
        "keep_answer",
        "step to delivered",
    ] {
        assert!(
            places.contains(&(needed, 0)),
            "{needed} is no place any more: {places:?}"
        );
    }
    places
}

#[tokio::test]
async fn whatever_stops_or_fails_a_release_it_ends_delivered_or_presumed_and_the_holder_sees_it() {
    let mut platform = Platform::start().await;
    let places = places(&platform).await;
    let (mut hits, mut presumed) = (0, 0);
    for place in &places {
        for fault in Fault::ALL {
            let case = format!("{fault:?} at {place:?}");
            let (id, object) = platform.read_request().await;
            platform.script.plan(Some((*place, fault)));
            let ended = platform.script.run(release(&platform, &id, &object)).await;
            hits += usize::from(platform.script.hit());
            platform.script.plan(None);
            assert_eq!(ended.is_none(), fault.stops(), "{case}");
            let mut heard = answered(ended);
            if !fault.stops() {
                // The process lives: whoever asks again goes on from there.
                heard.extend(ok(platform.redeem(&id, Some(id.as_str())).await));
            }
            platform.restart().await;
            platform.is_whole(&id, &case).await;
            heard.extend(ok(platform.redeem(&id, Some(id.as_str())).await));
            platform.is_whole(&id, &case).await;
            heard.dedup();
            assert!(heard.len() <= 1, "{case}: two answers to one release");
            let status = platform.status(&id).await;
            presumed += usize::from(status == "presumed");
            assert!(
                fault.stops() || status != "presumed",
                "{case}: nothing ended the process"
            );
            assert!(
                heard.is_empty() || matches!(&*status, "delivered" | "presumed"),
                "{case}"
            );
        }
    }
    assert_eq!(
        hits,
        places.len() * Fault::ALL.len(),
        "a case that hits nothing proves nothing"
    );
    assert!(presumed >= 10, "{presumed} cases ended in a presumed delivery");
}

/// What the relying party has of a release, of the answers that came.
fn answered(ended: Option<(Answer, Answer)>) -> Vec<Vec<u8>> {
    ended
        .map(|(_, redeemed)| ok(redeemed))
        .into_iter()
        .flatten()
        .collect()
}

fn ok(answer: Answer) -> Option<Vec<u8>> {
    (answer.status == StatusCode::OK).then_some(answer.bytes)
}

/// Where a release is stopped before its recovery is stopped, too.
const FIRST: [&str; 5] = [
    "grant",
    "step to intended",
    "vault opens",
    "keep_answer",
    "step to delivered",
];

impl Platform {
    /// A release that was stopped once this was done.
    async fn stopped_after(&self, first: &'static str) -> ReleaseId {
        let (id, object) = self.read_request().await;
        self.script.plan(Some(((first, 0), Fault::StopAfter)));
        let ended = self.script.run(release(self, &id, &object)).await;
        assert!(ended.is_none(), "{first}");
        self.script.plan(None);
        id
    }
}

#[tokio::test]
async fn a_recovery_that_is_stopped_is_made_up_for_by_the_next() {
    let mut platform = Platform::start().await;
    let (mut pairs, mut hits) = (0, 0);
    for first in FIRST {
        platform.stopped_after(first).await;
        platform.restart().await;
        let recovery = platform.script.reached();
        for (place, second) in recovery
            .iter()
            .flat_map(|place| Fault::ALL.map(|fault| (*place, fault)))
        {
            let case = format!("stopped after {first}, then {second:?} at {place:?}");
            let id = platform.stopped_after(first).await;
            let script = Arc::clone(&platform.script);
            script.plan(Some((place, second)));
            let recovered = script.run(platform.try_restart()).await;
            (pairs, hits) = (pairs + 1, hits + usize::from(script.hit()));
            assert_ne!(recovered, Some(true), "{case}");
            script.plan(None);
            platform.restart().await;
            platform.is_whole(&id, &case).await;
        }
    }
    assert!(pairs >= 50, "{pairs} pairs of faults");
    assert_eq!(hits, pairs, "a case that hits nothing proves nothing");
}
