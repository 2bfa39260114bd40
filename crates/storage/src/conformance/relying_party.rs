//! What [`RelyingParties`] promises.

use std::sync::Arc;

use cyberid_domain::id::LeafId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_domain::rng::SystemRng;

use super::sample::{self, NOW};
use super::{count, together};
use crate::promise::Promises;
use crate::relying_party::{RelyingParties, RelyingParty, WaitingKeys, WaitingRenewal};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: RelyingParties + Promises + 'static,
{
    an_application_reads_back_and_is_not_replaced(&make().await).await;
    a_row_is_replaced_whole_and_with_its_leaf(&make().await).await;
    what_waits_goes_with_the_row_that_no_longer_has_it(&make().await).await;
    a_row_is_replaced_only_as_it_was_read(&make().await).await;
    a_row_is_replaced_once_among_concurrent_callers(&make().await).await;
    waiting_keys_are_in_force_when_their_time_comes(&make().await).await;
    only_keys_whose_time_has_come_are_due(&make().await).await;
    who_may_act_comes_by_id_and_in_pages(&make().await).await;
}

/// What follows an application that is approved.
pub(super) fn approved(application: &RelyingParty) -> RelyingParty {
    RelyingParty {
        registration: r#"{"name":"approved"}"#.into(),
        certificates: vec!["first".into(), "second \"quoted\"".into()],
        expires_at: Some(NOW.plus(1000)),
        status: RegistrationStatus::Approved,
        leaf: Some(LeafId::random(&SystemRng)),
        ..application.clone()
    }
}

/// With keys that wait until [`NOW`] plus 100, and a renewal.
fn waiting(row: &RelyingParty) -> RelyingParty {
    RelyingParty {
        waiting_keys: Some(WaitingKeys {
            registration: r#"{"name":"next"}"#.into(),
            certificates: vec!["third".into()],
            in_force_at: NOW.plus(100),
        }),
        renewal: Some(WaitingRenewal {
            applied_by: sample::client(),
            applied_at: NOW.plus(1),
            particulars: Some(r#"{"name":"甲"}"#.into()),
            days: 365,
        }),
        ..row.clone()
    }
}

async fn applied<S: RelyingParties>(store: &Arc<S>) -> RelyingParty {
    let application = sample::application();
    store.apply(&application).await.unwrap();
    application
}

/// Puts `next` in the place of `was`; what is then to be read.
async fn put<S: RelyingParties>(store: &Arc<S>, was: &RelyingParty, next: RelyingParty) -> RelyingParty {
    assert!(store.replace(was, &next, None).await.unwrap());
    RelyingParty {
        revision: was.revision + 1,
        ..next
    }
}

async fn an_application_reads_back_and_is_not_replaced<S: RelyingParties>(store: &Arc<S>) {
    let application = applied(store).await;
    let id = &application.client_id;
    assert_eq!(
        store.relying_party(id, NOW).await.unwrap(),
        Some(application.clone())
    );
    let row = put(store, &application, approved(&application)).await;
    store.apply(&application).await.unwrap();
    assert_eq!(store.relying_party(id, NOW).await.unwrap(), Some(row));
    assert_eq!(store.relying_party(&sample::client(), NOW).await.unwrap(), None);
}

async fn a_row_is_replaced_whole_and_with_its_leaf<S: RelyingParties + Promises>(store: &Arc<S>) {
    let application = applied(store).await;
    let leaf = sample::promised_leaf();
    let next = RelyingParty {
        applied_by: sample::client(),
        applied_at: NOW.plus(7),
        ..waiting(&approved(&application))
    };
    assert!(store.replace(&application, &next, Some(&leaf)).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), [leaf]);
    let row = RelyingParty { revision: 1, ..next };
    let read = store.relying_party(&row.client_id, NOW).await.unwrap();
    assert_eq!(read, Some(row.clone()));

    let suspended = RelyingParty {
        status: RegistrationStatus::Suspended,
        ..row.clone()
    };
    let suspended = put(store, &row, suspended).await;
    let read = store.relying_party(&row.client_id, NOW).await.unwrap();
    assert_eq!(read, Some(suspended));
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1, "without a leaf");
}

async fn what_waits_goes_with_the_row_that_no_longer_has_it<S: RelyingParties>(store: &Arc<S>) {
    let application = applied(store).await;
    let row = put(store, &application, waiting(&approved(&application))).await;
    let rid = RelyingParty {
        waiting_keys: None,
        renewal: None,
        ..row.clone()
    };
    let rid = put(store, &row, rid).await;
    let read = store.relying_party(&rid.client_id, NOW.plus(100)).await.unwrap();
    assert_eq!(read, Some(rid));
}

async fn a_row_is_replaced_only_as_it_was_read<S: RelyingParties + Promises>(store: &Arc<S>) {
    let application = applied(store).await;
    let row = put(store, &application, approved(&application)).await;
    let outdated = RelyingParty {
        status: RegistrationStatus::Suspended,
        ..waiting(&application)
    };
    let leaf = sample::promised_leaf();
    assert!(!store.replace(&application, &outdated, Some(&leaf)).await.unwrap());
    let read = store.relying_party(&row.client_id, NOW).await.unwrap();
    assert_eq!(read, Some(row));
    let unknown = sample::application();
    assert!(!store.replace(&unknown, &unknown, Some(&leaf)).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), []);
}

async fn a_row_is_replaced_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: RelyingParties + Promises + 'static,
{
    let row = applied(store).await;
    let answers = together(|_| {
        let (store, row) = (Arc::clone(store), row.clone());
        async move {
            let leaf = sample::promised_leaf();
            store.replace(&row, &approved(&row), Some(&leaf)).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
    assert_eq!(store.outstanding(100).await.unwrap().len(), 1);
}

async fn waiting_keys_are_in_force_when_their_time_comes<S: RelyingParties>(store: &Arc<S>) {
    let application = applied(store).await;
    let row = put(store, &application, waiting(&approved(&application))).await;
    let id = &row.client_id;
    let before = store.relying_party(id, NOW.plus(99)).await.unwrap();
    assert_eq!(before, Some(row.clone()));
    let matured = store.relying_party(id, NOW.plus(100)).await.unwrap().unwrap();
    assert_eq!(matured.registration, r#"{"name":"next"}"#);
    assert_eq!(matured.certificates, ["third"]);
    assert_eq!(
        (&matured.waiting_keys, &matured.renewal, matured.revision),
        (&None, &row.renewal, 1)
    );
    // Written down, it is the same.
    let settled = put(store, &matured, matured.clone()).await;
    assert_eq!(store.relying_party(id, NOW).await.unwrap(), Some(settled));
}

async fn only_keys_whose_time_has_come_are_due<S: RelyingParties>(store: &Arc<S>) {
    let application = applied(store).await;
    let row = put(store, &application, waiting(&approved(&application))).await;
    let idle = applied(store).await;
    put(store, &idle, approved(&idle)).await;
    assert_eq!(store.keys_due(NOW.plus(99), 10).await.unwrap(), []);
    let due = store.keys_due(NOW.plus(100), 10).await.unwrap();
    assert_eq!(due, [row.clone().at(NOW.plus(100))]);
    assert_eq!(store.keys_due(NOW.plus(100), 0).await.unwrap(), []);
    put(store, &row, due[0].clone()).await;
    assert_eq!(store.keys_due(NOW.plus(100), 10).await.unwrap(), []);
}

async fn who_may_act_comes_by_id_and_in_pages<S: RelyingParties>(store: &Arc<S>) {
    let mut active = Vec::new();
    for _ in 0..4 {
        let application = applied(store).await;
        active.push(put(store, &application, approved(&application)).await);
    }
    active.sort_by(|left, right| left.client_id.cmp(&right.client_id));
    let mut all = active.clone();
    all.push(applied(store).await);
    let halted = applied(store).await;
    let suspended = RelyingParty {
        status: RegistrationStatus::Suspended,
        ..approved(&halted)
    };
    all.push(put(store, &halted, suspended).await);
    all.sort_by(|left, right| left.client_id.cmp(&right.client_id));
    assert_eq!(store.relying_parties(NOW).await.unwrap(), all);

    let last = NOW.plus(999);
    assert_eq!(store.active(None, 10, last).await.unwrap(), active);
    let first = store.active(None, 3, last).await.unwrap();
    assert_eq!(first, active[..3]);
    let after = Some(&first[2].client_id);
    assert_eq!(store.active(after, 3, last).await.unwrap(), active[3..]);
    assert_eq!(store.active(None, 10, NOW.plus(1000)).await.unwrap(), []);
}
