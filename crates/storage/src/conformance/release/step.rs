//! Of [`Releases`], any other step.

use std::sync::Arc;

use cyberid_domain::release::ReleaseStatus;

use super::{bare, granted, read, requested};
use crate::conformance::{CALLERS, count, sample, together};
use crate::event::{Events, NewEvent};
use crate::promise::Promises;
use crate::release::{Release, Releases, Step, Stepped};
use crate::single_use::SingleUses;

pub(super) async fn all<S>(make: &impl AsyncFn() -> Arc<S>)
where
    S: Releases + Promises + Events + SingleUses + 'static,
{
    a_step_is_taken_with_all_that_belongs_to_it(&make().await).await;
    a_step_from_elsewhere_writes_nothing(&make().await).await;
    a_replayed_step_writes_nothing(&make().await).await;
    a_step_is_taken_once_among_concurrent_callers(&make().await).await;
}

fn withdrawn_event(release: &Release) -> NewEvent {
    NewEvent {
        client_id: release.client_id.clone(),
        token: "withdrawn".into(),
    }
}

async fn a_step_is_taken_with_all_that_belongs_to_it<S>(store: &Arc<S>)
where
    S: Releases + Promises + Events + SingleUses,
{
    let (release, grant, first) = granted(store).await;
    let (leaf, uses) = (sample::promised_leaf(), sample::single_use());
    let event = withdrawn_event(&release);
    let step = Step {
        leaf: Some(&leaf),
        event: Some(&event),
        uses: Some(&uses),
        ..bare(&release, ReleaseStatus::Granted, ReleaseStatus::Withdrawn)
    };
    assert_eq!(store.step(&step).await.unwrap(), Stepped::Now);
    let read = read(store, &release).await;
    assert_eq!(read.status, ReleaseStatus::Withdrawn);
    assert_eq!(read.grant, Some(grant));
    let leaves = [sample::release_leaf(&first), sample::release_leaf(&leaf)];
    assert_eq!(read.leaves, leaves);
    assert_eq!(store.outstanding(10).await.unwrap(), [first, leaf]);
    let events = store.events_after(&release.client_id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1, event.token);
    assert!(!store.use_once(&uses).await.unwrap());
}

async fn a_step_from_elsewhere_writes_nothing<S>(store: &Arc<S>)
where
    S: Releases + Promises + Events + SingleUses,
{
    let release = requested(store).await;
    for missing in [release.clone(), sample::release()] {
        let (leaf, uses) = (sample::promised_leaf(), sample::single_use());
        let event = withdrawn_event(&missing);
        let step = Step {
            leaf: Some(&leaf),
            event: Some(&event),
            uses: Some(&uses),
            ..bare(&missing, ReleaseStatus::Granted, ReleaseStatus::Withdrawn)
        };
        assert_eq!(store.step(&step).await.unwrap(), Stepped::Elsewhere);
        let events = store.events_after(&missing.client_id, 0, 10).await;
        assert!(events.unwrap().is_empty());
        assert!(store.use_once(&uses).await.unwrap());
    }
    assert_eq!(read(store, &release).await, release);
    assert_eq!(store.outstanding(10).await.unwrap(), []);
}

async fn a_replayed_step_writes_nothing<S>(store: &Arc<S>)
where
    S: Releases + Promises + Events + SingleUses,
{
    let release = requested(store).await;
    let (leaf, uses) = (sample::promised_leaf(), sample::single_use());
    let event = withdrawn_event(&release);
    assert!(store.use_once(&uses).await.unwrap());
    let step = Step {
        leaf: Some(&leaf),
        event: Some(&event),
        uses: Some(&uses),
        ..bare(&release, ReleaseStatus::Requested, ReleaseStatus::Declined)
    };
    assert_eq!(store.step(&step).await.unwrap(), Stepped::Replayed);
    assert_eq!(read(store, &release).await, release);
    assert_eq!(store.outstanding(10).await.unwrap(), []);
    let events = store.events_after(&release.client_id, 0, 10).await;
    assert!(events.unwrap().is_empty());
}

async fn a_step_is_taken_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: Releases + Promises + 'static,
{
    let (release, _, _) = granted(store).await;
    let answers = together(|_| {
        let (store, release) = (Arc::clone(store), release.clone());
        async move {
            let leaf = sample::promised_leaf();
            let step = Step {
                leaf: Some(&leaf),
                ..bare(&release, ReleaseStatus::Granted, ReleaseStatus::Intended)
            };
            store.step(&step).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &Stepped::Now), 1);
    assert_eq!(count(&answers, &Stepped::Elsewhere), CALLERS - 1);
    assert_eq!(read(store, &release).await.leaves.len(), 2);
    assert_eq!(store.outstanding(100).await.unwrap().len(), 2);
}
