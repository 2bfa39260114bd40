//! Of [`Releases`], the grant.

use std::sync::Arc;

use cyberid_domain::release::ReleaseStatus;

use super::{granted, read, requested};
use crate::conformance::sample::{self, NOW};
use crate::conformance::{CALLERS, count, together};
use crate::promise::Promises;
use crate::release::{Grant, Release, Releases, Stepped};
use crate::single_use::SingleUses;

pub(super) async fn all<S>(make: &impl AsyncFn() -> Arc<S>)
where
    S: Releases + Promises + SingleUses + 'static,
{
    a_grant_is_kept_whole(&make().await).await;
    only_a_requested_release_is_granted(&make().await).await;
    a_consent_that_was_used_grants_nothing(&make().await).await;
    a_consent_of_a_taken_id_grants_nothing(&make().await).await;
    a_release_is_granted_once_among_concurrent_callers(&make().await).await;
    a_consent_grants_once_among_concurrent_callers(&make().await).await;
    a_subject_sees_its_own_oldest_first(&make().await).await;
}

async fn a_grant_is_kept_whole<S: Releases + Promises + SingleUses>(store: &Arc<S>) {
    let release = requested(store).await;
    let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
    let uses = sample::single_use();
    let stepped = store.grant(&release.id, &grant, &leaf, &uses).await;
    assert_eq!(stepped.unwrap(), Stepped::Now);
    let expected = Release {
        status: ReleaseStatus::Granted,
        expires_at: grant.redeem_by,
        grant: Some(grant.clone()),
        leaves: vec![sample::release_leaf(&leaf)],
        ..release
    };
    assert_eq!(read(store, &expected).await, expected);
    let found = store.by_consent(&grant.consent_id).await.unwrap();
    assert_eq!(found, Some(expected));
    assert_eq!(store.outstanding(10).await.unwrap(), [leaf]);
    assert!(!store.use_once(&uses).await.unwrap());
    let unknown = sample::grant(sample::subject()).consent_id;
    assert_eq!(store.by_consent(&unknown).await.unwrap(), None);
}

async fn only_a_requested_release_is_granted<S: Releases + Promises + SingleUses>(store: &Arc<S>) {
    let (before, _, _) = granted(store).await;
    let expected = read(store, &before).await;
    for release in [before, sample::release()] {
        let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
        let uses = sample::single_use();
        let stepped = store.grant(&release.id, &grant, &leaf, &uses).await;
        assert_eq!(stepped.unwrap(), Stepped::Elsewhere);
        assert_eq!(store.by_consent(&grant.consent_id).await.unwrap(), None);
        assert!(store.use_once(&uses).await.unwrap());
    }
    assert_eq!(read(store, &expected).await, expected);
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
}

async fn a_consent_that_was_used_grants_nothing<S: Releases + Promises + SingleUses>(store: &Arc<S>) {
    let release = requested(store).await;
    let uses = sample::single_use();
    assert!(store.use_once(&uses).await.unwrap());
    let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
    let stepped = store.grant(&release.id, &grant, &leaf, &uses).await;
    assert_eq!(stepped.unwrap(), Stepped::Replayed);
    assert_eq!(read(store, &release).await, release);
    assert_eq!(store.outstanding(10).await.unwrap(), []);
    assert_eq!(store.of_subject(&grant.subject).await.unwrap(), []);
}

/// The holder chooses the id of a consent: choosing a taken one is a replay, and no failure of the store.
async fn a_consent_of_a_taken_id_grants_nothing<S: Releases + Promises + SingleUses>(store: &Arc<S>) {
    let (first, taken, _) = granted(store).await;
    let release = requested(store).await;
    let grant = Grant {
        consent_id: taken.consent_id.clone(),
        ..sample::grant(sample::subject())
    };
    let (leaf, uses) = (sample::promised_leaf(), sample::single_use());
    let stepped = store.grant(&release.id, &grant, &leaf, &uses).await;
    assert_eq!(stepped.unwrap(), Stepped::Replayed);
    assert_eq!(read(store, &release).await, release);
    let of_consent = store.by_consent(&taken.consent_id).await.unwrap();
    assert_eq!(of_consent.map(|release| release.id), Some(first.id));
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
    assert!(store.use_once(&uses).await.unwrap());
}

async fn a_release_is_granted_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: Releases + Promises + 'static,
{
    let release = requested(store).await;
    let answers = together(|_| {
        let (store, id) = (Arc::clone(store), release.id.clone());
        let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
        let uses = sample::single_use();
        async move { store.grant(&id, &grant, &leaf, &uses).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Stepped::Now), 1);
    assert_eq!(count(&answers, &Stepped::Elsewhere), CALLERS - 1);
    assert_eq!(store.outstanding(100).await.unwrap().len(), 1);
}

async fn a_consent_grants_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: Releases + Promises + 'static,
{
    let uses = sample::single_use();
    let answers = together(|_| {
        let (store, uses) = (Arc::clone(store), uses.clone());
        async move {
            let release = requested(&store).await;
            let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
            store.grant(&release.id, &grant, &leaf, &uses).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &Stepped::Now), 1);
    assert_eq!(count(&answers, &Stepped::Replayed), CALLERS - 1);
    assert_eq!(store.outstanding(100).await.unwrap().len(), 1);
}

async fn a_subject_sees_its_own_oldest_first<S: Releases>(store: &Arc<S>) {
    let subject = sample::subject();
    for age in [5, 20, 10] {
        let release = Release {
            created_at: NOW.minus(age),
            ..sample::release()
        };
        store.request(&release).await.unwrap();
        let (grant, leaf) = (sample::grant(subject), sample::promised_leaf());
        let stepped = store
            .grant(&release.id, &grant, &leaf, &sample::single_use())
            .await;
        assert_eq!(stepped.unwrap(), Stepped::Now);
    }
    granted(store).await;
    let own = store.of_subject(&subject).await.unwrap();
    let made: Vec<_> = own.iter().map(|release| release.created_at).collect();
    assert_eq!(made, [NOW.minus(20), NOW.minus(10), NOW.minus(5)]);
}
