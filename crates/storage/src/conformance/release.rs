//! What [`Releases`] promises.

mod erasure;
mod grant;
mod step;

use std::sync::Arc;

use cyberid_domain::release::ReleaseStatus;

use super::sample::{self, NOW};
use super::{CALLERS, together};
use crate::event::Events;
use crate::promise::{PromisedLeaf, Promises};
use crate::release::{Grant, Release, Releases, Step, Stepped};
use crate::single_use::SingleUses;

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: Releases + Promises + Events + SingleUses + 'static,
{
    a_request_reads_back_and_is_not_replaced(&make().await).await;
    the_first_request_object_of_a_language_stays(&make().await).await;
    releases_in_a_status_come_oldest_first(&make().await).await;
    grant::all(&make).await;
    step::all(&make).await;
    erasure::all(&make).await;
}

async fn requested<S: Releases>(store: &Arc<S>) -> Release {
    let release = sample::release();
    store.request(&release).await.unwrap();
    release
}

/// A granted release, with its grant and its leaf.
async fn granted<S: Releases>(store: &Arc<S>) -> (Release, Grant, PromisedLeaf) {
    let release = requested(store).await;
    let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
    let granted = store
        .grant(&release.id, &grant, &leaf, &sample::single_use())
        .await;
    assert_eq!(granted.unwrap(), Stepped::Now);
    (release, grant, leaf)
}

/// A step from one status to the next with nothing that belongs to it.
fn bare(release: &Release, from: ReleaseStatus, to: ReleaseStatus) -> Step<'_> {
    Step {
        id: &release.id,
        from,
        to,
        leaf: None,
        event: None,
        uses: None,
    }
}

async fn read<S: Releases>(store: &Arc<S>, release: &Release) -> Release {
    store.release(&release.id).await.unwrap().unwrap()
}

async fn a_request_reads_back_and_is_not_replaced<S: Releases>(store: &Arc<S>) {
    let release = requested(store).await;
    assert_eq!(read(store, &release).await, release);
    let unknown = sample::release().id;
    assert_eq!(store.release(&unknown).await.unwrap(), None);
    let declined = bare(&release, ReleaseStatus::Requested, ReleaseStatus::Declined);
    assert_eq!(store.step(&declined).await.unwrap(), Stepped::Now);
    store.request(&release).await.unwrap();
    assert_eq!(read(store, &release).await.status, ReleaseStatus::Declined);
}

async fn the_first_request_object_of_a_language_stays<S: Releases + 'static>(store: &Arc<S>) {
    let (release, other) = (requested(store).await, requested(store).await);
    assert!(store.request_objects(&release.id).await.unwrap().is_empty());
    let answers = together(|caller| {
        let (store, id) = (Arc::clone(store), release.id.clone());
        async move {
            let kept = store
                .keep_request_object(&id, "en", &format!("en {caller}"))
                .await;
            kept.unwrap()
        }
    })
    .await;
    assert_eq!(super::count(&answers, &answers[0]), CALLERS);
    let chinese = store.keep_request_object(&release.id, "zh", "zh").await;
    assert_eq!(chinese.unwrap(), "zh");
    let mut kept = store.request_objects(&release.id).await.unwrap();
    kept.sort();
    assert_eq!(kept, [answers[0].as_str(), "zh"]);
    assert!(store.request_objects(&other.id).await.unwrap().is_empty());
}

async fn releases_in_a_status_come_oldest_first<S: Releases>(store: &Arc<S>) {
    let mut releases = Vec::new();
    for age in [5, 20, 10] {
        let release = Release {
            created_at: NOW.minus(age),
            ..sample::release()
        };
        store.request(&release).await.unwrap();
        releases.push(release);
    }
    let declined = requested(store).await;
    let step = bare(&declined, ReleaseStatus::Requested, ReleaseStatus::Declined);
    assert_eq!(store.step(&step).await.unwrap(), Stepped::Now);
    releases.sort_by_key(|release| release.created_at);
    let found = store.in_status(ReleaseStatus::Requested).await.unwrap();
    assert_eq!(found, releases);
    assert_eq!(store.in_status(ReleaseStatus::Intended).await.unwrap(), []);
}
