//! Of [`Releases`], the withdrawal of what was delivered, and the erasure that it obliges to.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::ReleaseId;
use cyberid_domain::release::ReleaseStatus;

use super::{bare, granted, read};
use crate::conformance::sample::{self, NOW};
use crate::event::{Events, NewEvent};
use crate::promise::{PromisedLeaf, Promises};
use crate::release::{OwedErasure, Release, Releases, Step, Stepped};

/// Who is told in these tests.
const REMINDED: &str = "AAAAAAAAAAAAAAAAAAAAAA";

pub(super) async fn all<S: Releases + Promises + Events>(make: &impl AsyncFn() -> Arc<S>) {
    a_withdrawal_owes_an_erasure(&make().await).await;
    a_withdrawal_from_elsewhere_owes_nothing(&make().await).await;
    a_confirmed_erasure_is_not_overdue(&make().await).await;
    an_overdue_erasure_is_recorded_once(&make().await).await;
    an_overdue_erasure_can_still_be_confirmed(&make().await).await;
}

async fn delivered<S: Releases>(store: &Arc<S>, as_presumed: bool) -> Release {
    let (release, _, _) = granted(store).await;
    let end = if as_presumed {
        ReleaseStatus::Presumed
    } else {
        ReleaseStatus::Delivered
    };
    for (from, to) in [
        (ReleaseStatus::Granted, ReleaseStatus::Intended),
        (ReleaseStatus::Intended, end),
    ] {
        let stepped = store.step(&bare(&release, from, to)).await;
        assert_eq!(stepped.unwrap(), Stepped::Now);
    }
    read(store, &release).await
}

async fn withdraw<S: Releases>(store: &Arc<S>, release: &Release, erase_by: UnixTime) -> Stepped {
    let leaf = sample::promised_leaf();
    let step = Step {
        leaf: Some(&leaf),
        ..bare(release, release.status, ReleaseStatus::Withdrawn)
    };
    store.withdraw_delivered(&step, erase_by).await.unwrap()
}

/// A withdrawn release whose erasure is owed by the moment.
async fn owed<S: Releases>(store: &Arc<S>, erase_by: UnixTime) -> Release {
    let release = delivered(store, false).await;
    assert_eq!(withdraw(store, &release, erase_by).await, Stepped::Now);
    release
}

async fn overdue<S: Releases>(store: &Arc<S>, now: UnixTime) -> Vec<OwedErasure> {
    store.overdue_erasures(now).await.unwrap()
}

async fn late<S: Releases>(store: &Arc<S>, id: &ReleaseId, leaf: &PromisedLeaf) -> crate::Result<bool> {
    store.record_overdue(id, leaf, &reminder()).await
}

fn reminder() -> NewEvent {
    NewEvent {
        client_id: REMINDED.parse().unwrap(),
        token: "overdue".into(),
    }
}

async fn reminded<S: Events>(store: &Arc<S>) -> usize {
    let told = store.events_after(&reminder().client_id, 0, 10).await;
    told.unwrap().len()
}

fn owes(release: &Release, erase_by: UnixTime) -> OwedErasure {
    OwedErasure {
        release: release.id.clone(),
        client_id: release.client_id.clone(),
        erase_by,
    }
}

async fn is_last_leaf<S: Releases>(store: &Arc<S>, release: &Release, leaf: &PromisedLeaf) -> bool {
    read(store, release).await.leaves.last() == Some(&sample::release_leaf(leaf))
}

async fn a_withdrawal_owes_an_erasure<S: Releases>(store: &Arc<S>) {
    for as_presumed in [false, true] {
        let release = delivered(store, as_presumed).await;
        let erase_by = NOW.plus(100);
        assert_eq!(withdraw(store, &release, erase_by).await, Stepped::Now);
        let withdrawn = read(store, &release).await;
        assert_eq!(withdrawn.status, ReleaseStatus::Withdrawn);
        assert_eq!(withdrawn.leaves.len(), 2);
        assert_eq!(overdue(store, erase_by).await, []);
        let found = overdue(store, erase_by.plus(1)).await;
        assert!(found.contains(&owes(&release, erase_by)));
    }
}

async fn a_withdrawal_from_elsewhere_owes_nothing<S: Releases + Promises>(store: &Arc<S>) {
    let (release, _, _) = granted(store).await;
    let elsewhere = Release {
        status: ReleaseStatus::Delivered,
        ..release.clone()
    };
    assert_eq!(withdraw(store, &elsewhere, NOW).await, Stepped::Elsewhere);
    assert_eq!(read(store, &release).await.status, ReleaseStatus::Granted);
    assert_eq!(overdue(store, NOW.plus(1)).await, []);
    let leaf = sample::promised_leaf();
    assert!(!store.confirm_erasure(&release.id, &leaf).await.unwrap());
    assert!(!late(store, &release.id, &leaf).await.unwrap());
    let unknown = sample::release().id;
    assert!(!store.confirm_erasure(&unknown, &leaf).await.unwrap());
    assert!(!late(store, &unknown, &leaf).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
}

async fn a_confirmed_erasure_is_not_overdue<S: Releases + Promises>(store: &Arc<S>) {
    let release = owed(store, NOW).await;
    let leaf = sample::promised_leaf();
    assert!(store.confirm_erasure(&release.id, &leaf).await.unwrap());
    assert!(is_last_leaf(store, &release, &leaf).await);
    assert_eq!(overdue(store, NOW.plus(1)).await, []);
    let promised = store.outstanding(10).await.unwrap();
    assert_eq!(promised.last(), Some(&leaf));
    let again = sample::promised_leaf();
    assert!(!store.confirm_erasure(&release.id, &again).await.unwrap());
    assert!(!late(store, &release.id, &again).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), promised);
    assert!(is_last_leaf(store, &release, &leaf).await);
}

async fn an_overdue_erasure_is_recorded_once<S: Releases + Promises + Events>(store: &Arc<S>) {
    let (first, second) = (owed(store, NOW).await, owed(store, NOW.plus(1)).await);
    let leaf = sample::promised_leaf();
    assert!(late(store, &first.id, &leaf).await.unwrap());
    assert!(is_last_leaf(store, &first, &leaf).await);
    assert_eq!(overdue(store, NOW.plus(2)).await, [owes(&second, NOW.plus(1))]);
    let promised = store.outstanding(10).await.unwrap();
    assert_eq!(promised.last(), Some(&leaf));
    assert_eq!(reminded(store).await, 1);
    let again = late(store, &first.id, &sample::promised_leaf()).await;
    assert!(!again.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), promised);
    assert_eq!(reminded(store).await, 1, "whoever owes it is told once");
}

async fn an_overdue_erasure_can_still_be_confirmed<S: Releases + Promises>(store: &Arc<S>) {
    let release = owed(store, NOW).await;
    let (first, leaf) = (sample::promised_leaf(), sample::promised_leaf());
    assert!(late(store, &release.id, &first).await.unwrap());
    assert!(store.confirm_erasure(&release.id, &leaf).await.unwrap());
    assert!(is_last_leaf(store, &release, &leaf).await);
    let again = store.confirm_erasure(&release.id, &sample::promised_leaf()).await;
    assert!(!again.unwrap());
}
