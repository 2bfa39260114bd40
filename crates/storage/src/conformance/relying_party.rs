//! What [`RelyingParties`] and [`Oversight`] promise.

use std::sync::Arc;

use cyberid_domain::relying_party::RegistrationStatus;

use super::sample::{self, NOW};
use super::{CALLERS, count, together};
use crate::promise::Promises;
use crate::relying_party::{InForce, Oversight, RelyingParties, RelyingParty};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: RelyingParties + Oversight + Promises + 'static,
{
    an_application_reads_back_and_is_not_replaced(&make().await).await;
    all_come_by_id(&make().await).await;
    only_an_application_is_approved(&make().await).await;
    an_application_is_approved_once_among_concurrent_callers(&make().await).await;
    only_an_approved_one_is_suspended(&make().await).await;
    keys_change_only_from_the_registration_in_force(&make().await).await;
    over_asking_is_counted_among_concurrent_callers(&make().await).await;
}

/// What an approval sets.
pub(super) fn in_force() -> InForce {
    InForce {
        registration: r#"{"name":"approved"}"#.into(),
        certificates: vec!["first".into(), "second \"quoted\"".into()],
        expires_at: NOW.plus(1000),
    }
}

fn is_in_force(application: &RelyingParty, force: &InForce) -> RelyingParty {
    RelyingParty {
        registration: force.registration.clone(),
        certificates: force.certificates.clone(),
        expires_at: Some(force.expires_at),
        status: RegistrationStatus::Approved,
        ..application.clone()
    }
}

async fn applied<S: RelyingParties>(store: &Arc<S>) -> RelyingParty {
    let application = sample::application();
    store.apply(&application).await.unwrap();
    application
}

async fn approved<S: RelyingParties>(store: &Arc<S>) -> RelyingParty {
    let application = applied(store).await;
    let leaf = sample::promised_leaf();
    let approved = store.approve(&application.client_id, &in_force(), &leaf).await;
    assert!(approved.unwrap());
    is_in_force(&application, &in_force())
}

async fn an_application_reads_back_and_is_not_replaced<S: RelyingParties>(store: &Arc<S>) {
    let application = applied(store).await;
    let read = store.relying_party(&application.client_id).await.unwrap();
    assert_eq!(read, Some(application.clone()));
    let approval = store
        .approve(&application.client_id, &in_force(), &sample::promised_leaf())
        .await;
    assert!(approval.unwrap());
    store.apply(&application).await.unwrap();
    let read = store.relying_party(&application.client_id).await.unwrap();
    assert_eq!(read, Some(is_in_force(&application, &in_force())));
    assert_eq!(store.relying_party(&sample::client()).await.unwrap(), None);
}

async fn all_come_by_id<S: RelyingParties>(store: &Arc<S>) {
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(applied(store).await);
    }
    all.sort_by(|left, right| left.client_id.cmp(&right.client_id));
    assert_eq!(store.relying_parties().await.unwrap(), all);
}

async fn only_an_application_is_approved<S: RelyingParties + Promises>(store: &Arc<S>) {
    let (force, leaf) = (in_force(), sample::promised_leaf());
    assert!(!store.approve(&sample::client(), &force, &leaf).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), []);
    let rp = applied(store).await;
    assert!(store.approve(&rp.client_id, &force, &leaf).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), [leaf]);
    let other = InForce {
        certificates: Vec::new(),
        ..in_force()
    };
    let again = store
        .approve(&rp.client_id, &other, &sample::promised_leaf())
        .await;
    assert!(!again.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
    let read = store.relying_party(&rp.client_id).await.unwrap();
    assert_eq!(read, Some(is_in_force(&rp, &force)));
}

async fn an_application_is_approved_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: RelyingParties + Promises + 'static,
{
    let rp = applied(store).await;
    let answers = together(|_| {
        let (store, id) = (Arc::clone(store), rp.client_id.clone());
        async move {
            let approval = store.approve(&id, &in_force(), &sample::promised_leaf()).await;
            approval.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
    assert_eq!(store.outstanding(100).await.unwrap().len(), 1);
}

async fn only_an_approved_one_is_suspended<S: RelyingParties + Promises>(store: &Arc<S>) {
    let waiting = applied(store).await;
    let refused = store.suspend(&waiting.client_id, &sample::promised_leaf()).await;
    assert!(!refused.unwrap());
    let unknown = store.suspend(&sample::client(), &sample::promised_leaf()).await;
    assert!(!unknown.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap(), []);
    let rp = approved(store).await;
    let leaf = sample::promised_leaf();
    assert!(store.suspend(&rp.client_id, &leaf).await.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap().last(), Some(&leaf));
    let again = store.suspend(&rp.client_id, &sample::promised_leaf()).await;
    assert!(!again.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap().len(), 2);
    let suspended = RelyingParty {
        status: RegistrationStatus::Suspended,
        ..rp
    };
    let read = store.relying_party(&suspended.client_id).await.unwrap();
    assert_eq!(read, Some(suspended));
}

async fn keys_change_only_from_the_registration_in_force<S: RelyingParties + Promises>(store: &Arc<S>) {
    let rp = approved(store).await;
    let (id, was) = (&rp.client_id, rp.registration.as_str());
    let next = InForce {
        registration: r#"{"name":"next"}"#.into(),
        ..in_force()
    };
    let outdated = store
        .change_keys(id, r#"{"name":"other"}"#, &next, &sample::promised_leaf())
        .await;
    assert!(!outdated.unwrap());
    assert_eq!(store.relying_party(id).await.unwrap(), Some(rp.clone()));
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
    let leaf = sample::promised_leaf();
    assert!(store.change_keys(id, was, &next, &leaf).await.unwrap());
    assert_eq!(
        store.relying_party(id).await.unwrap(),
        Some(is_in_force(&rp, &next))
    );
    assert_eq!(store.outstanding(10).await.unwrap().last(), Some(&leaf));

    assert!(store.suspend(id, &sample::promised_leaf()).await.unwrap());
    let suspended = store
        .change_keys(id, &next.registration, &in_force(), &sample::promised_leaf())
        .await;
    assert!(!suspended.unwrap());
    let unknown = sample::client();
    let unknown = store
        .change_keys(&unknown, was, &next, &sample::promised_leaf())
        .await;
    assert!(!unknown.unwrap());
    assert_eq!(store.outstanding(10).await.unwrap().len(), 3);
}

async fn over_asking_is_counted_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: RelyingParties + Oversight + 'static,
{
    let (often, once) = (applied(store).await, applied(store).await);
    together(|_| {
        let (store, id) = (Arc::clone(store), often.client_id.clone());
        async move { store.count_over_asking(&id).await.unwrap() }
    })
    .await;
    store.count_over_asking(&once.client_id).await.unwrap();
    let counts = store.over_asking().await.unwrap();
    assert!(counts.contains(&(often.client_id, CALLERS as u64)));
    assert!(counts.contains(&(once.client_id, 1)));
}
