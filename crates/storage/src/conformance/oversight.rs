//! What [`Oversight`] promises.

use std::sync::Arc;

use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::relying_party::RegistrationStatus;

use super::sample::{self, NOW};
use super::{CALLERS, together};
use crate::oversight::{Evidence, OutstandingErasure, OverseenParty, Oversight, TracedRelease};
use crate::promise::Promises;
use crate::release::{Release, Releases, Step, Stepped};
use crate::relying_party::{RelyingParties, RelyingParty, WaitingKeys};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: Oversight + RelyingParties + Releases + Promises + 'static,
{
    over_asking_is_counted_among_concurrent_callers(&make().await).await;
    parties_are_seen_as_they_stand_and_in_pages(&make().await).await;
    an_erasure_is_outstanding_until_it_is_confirmed(&make().await).await;
    a_release_is_traced_once_it_was_granted(&make().await).await;
}

async fn applied<S: RelyingParties>(store: &Arc<S>) -> RelyingParty {
    let application = sample::application();
    store.apply(&application).await.unwrap();
    application
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

async fn parties_are_seen_as_they_stand_and_in_pages<S>(store: &Arc<S>)
where
    S: RelyingParties + Oversight,
{
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(applied(store).await.client_id);
    }
    ids.sort();
    let was = store.relying_party(&ids[1], NOW).await.unwrap().unwrap();
    let next = RelyingParty {
        status: RegistrationStatus::Approved,
        expires_at: Some(NOW.plus(1000)),
        waiting_keys: Some(WaitingKeys {
            registration: r#"{"later":1}"#.into(),
            certificates: Vec::new(),
            in_force_at: NOW.plus(60),
        }),
        ..was.clone()
    };
    assert!(store.replace(&was, &next, None).await.unwrap());
    let seen = |registration: &str, status| OverseenParty {
        client_id: ids[1].clone(),
        registration: registration.into(),
        status,
        expires_at: next.expires_at,
    };
    for (after, registration, status) in [
        (59, was.registration.as_str(), RegistrationStatus::Approved),
        (60, r#"{"later":1}"#, RegistrationStatus::Approved),
        (1000, r#"{"later":1}"#, RegistrationStatus::Expired),
    ] {
        let now = NOW.plus(after);
        let expected = seen(registration, status);
        assert_eq!(store.party(&ids[1], now).await.unwrap(), Some(expected.clone()));
        assert_eq!(store.parties(None, 9, now).await.unwrap()[1], expected);
    }
    let page: Vec<_> = store.parties(Some(&ids[0]), 1, NOW).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].client_id, ids[1]);
    assert_eq!(store.parties(Some(&ids[2]), 9, NOW).await.unwrap(), []);
    assert_eq!(store.party(&sample::client(), NOW).await.unwrap(), None);
}

async fn granted<S: Releases>(store: &Arc<S>) -> Release {
    let release = sample::release();
    store.request(&release).await.unwrap();
    let (grant, leaf) = (sample::grant(sample::subject()), sample::promised_leaf());
    let granted = store
        .grant(&release.id, &grant, &leaf, &sample::single_use())
        .await;
    assert_eq!(granted.unwrap(), Stepped::Now);
    store.release(&release.id).await.unwrap().unwrap()
}

async fn an_erasure_is_outstanding_until_it_is_confirmed<S: Releases + Oversight>(store: &Arc<S>) {
    use ReleaseStatus as Status;
    let mut owed = Vec::new();
    for erase_by in [NOW.plus(20), NOW.plus(10)] {
        let release = granted(store).await;
        for (from, to) in [
            (Status::Granted, Status::Intended),
            (Status::Intended, Status::Delivered),
        ] {
            assert_eq!(store.step(&step(&release, from, to)).await.unwrap(), Stepped::Now);
        }
        let withdrawal = step(&release, Status::Delivered, Status::Withdrawn);
        assert_eq!(
            store.withdraw_delivered(&withdrawal, erase_by).await.unwrap(),
            Stepped::Now
        );
        owed.push(OutstandingErasure {
            release: release.id,
            client_id: release.client_id,
            erase_by,
        });
    }
    owed.reverse();
    assert_eq!(store.outstanding_erasures().await.unwrap(), owed);
    let late = sample::promised_leaf();
    assert!(
        store
            .record_overdue(&owed[0].release, &late, &sample::event())
            .await
            .unwrap()
    );
    assert_eq!(
        store.outstanding_erasures().await.unwrap(),
        owed,
        "late is not done"
    );
    let leaf = sample::promised_leaf();
    assert!(store.confirm_erasure(&owed[0].release, &leaf).await.unwrap());
    assert_eq!(store.outstanding_erasures().await.unwrap(), owed[1..]);
}

fn step(release: &Release, from: ReleaseStatus, to: ReleaseStatus) -> Step<'_> {
    Step {
        id: &release.id,
        from,
        to,
        leaf: None,
        event: None,
        uses: None,
    }
}

async fn a_release_is_traced_once_it_was_granted<S>(store: &Arc<S>)
where
    S: Releases + Oversight + Promises,
{
    let requested = sample::release();
    store.request(&requested).await.unwrap();
    assert_eq!(store.traced(&requested.id).await.unwrap(), None);
    let release = granted(store).await;
    let grant = release.grant.unwrap();
    let expected = |places: &[u64]| TracedRelease {
        places: places.to_vec(),
        evidence: Some(Evidence {
            consent: grant.consent.clone(),
            request_object: grant.request_object.clone(),
            salt: grant.salt,
            device_key: None,
        }),
    };
    assert_eq!(
        store.traced(&release.id).await.unwrap(),
        Some(expected(&[])),
        "a leaf on its way has no place"
    );
    store.kept(&release.leaves[0].id, 7).await.unwrap();
    assert_eq!(store.traced(&release.id).await.unwrap(), Some(expected(&[7])));
}
