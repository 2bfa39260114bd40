//! What [`Guardianships`] promises.

use std::sync::Arc;

use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;

use super::sample::{self, NOW};
use super::subject::{enrol, new_subject};
use super::{CALLERS, count, together};
use crate::guardianship::{Guardianship, Guardianships, Ward};
use crate::subject::{NewSubject, Subjects};

/// Asks every sentence of the contract.
pub async fn all<S: Guardianships + Subjects + 'static>(make: impl AsyncFn() -> Arc<S>) {
    a_guardian_has_their_own_wards(&make().await).await;
    a_consent_is_used_once(&make().await).await;
    a_consent_is_used_once_among_concurrent_callers(&make().await).await;
    a_ward_who_was_never_committed_is_nobodys(&make().await).await;
    a_dissolved_guardianship_is_gone(&make().await).await;
    a_guardianship_ends_at_eighteen(&make().await).await;
    a_guardianship_ends_when_the_guardian_says_so(&make().await).await;
    who_is_not_active_or_not_of_age_is_nobodys_guardian(&make().await).await;
}

async fn person<S: Subjects>(store: &Arc<S>, ages: &[Threshold]) -> NewSubject {
    let ages = ages.iter().copied();
    let new = NewSubject {
        age_flags: ages.fold(AgeFlags::default(), AgeFlags::with),
        ..new_subject()
    };
    enrol(store, &new).await;
    new
}

fn between(ward: SubjectId, guardian: &NewSubject) -> Guardianship {
    Guardianship {
        ward,
        guardian: guardian.subject,
        since: NOW,
    }
}

fn seen(ward: &NewSubject) -> Ward {
    Ward {
        ward: ward.subject,
        age_flags: ward.age_flags,
        devices: vec![ward.device.jkt.clone()],
    }
}

async fn establish<S: Guardianships>(store: &Arc<S>, guardianship: &Guardianship) {
    assert!(
        store
            .establish(guardianship, &sample::single_use())
            .await
            .unwrap()
    );
}

async fn a_guardian_has_their_own_wards<S: Guardianships + Subjects>(store: &Arc<S>) {
    let [one, two] = [
        person(store, &Threshold::ALL).await,
        person(store, &Threshold::ALL).await,
    ];
    let [elder, younger] = [
        person(store, &[Threshold::Fourteen]).await,
        person(store, &[]).await,
    ];
    establish(store, &between(elder.subject, &one)).await;
    let mut later = between(younger.subject, &one);
    later.since = NOW.plus(1);
    establish(store, &later).await;
    establish(store, &between(younger.subject, &two)).await;
    assert_eq!(
        store.wards(&one.subject).await.unwrap(),
        [seen(&elder), seen(&younger)]
    );
    assert_eq!(store.wards(&two.subject).await.unwrap(), [seen(&younger)]);
    assert_eq!(store.wards(&younger.subject).await.unwrap(), []);
}

async fn a_consent_is_used_once<S: Guardianships + Subjects>(store: &Arc<S>) {
    let guardian = person(store, &Threshold::ALL).await;
    let [ward, other] = [person(store, &[]).await, person(store, &[]).await];
    let consent = sample::single_use();
    for _ in 0..2 {
        let again = between(ward.subject, &guardian);
        assert!(store.establish(&again, &consent).await.unwrap());
    }
    let another = between(other.subject, &guardian);
    assert!(!store.establish(&another, &consent).await.unwrap());
    assert_eq!(store.wards(&guardian.subject).await.unwrap(), [seen(&ward)]);
}

async fn a_consent_is_used_once_among_concurrent_callers<S: Guardianships + Subjects + 'static>(
    store: &Arc<S>,
) {
    let guardian = person(store, &Threshold::ALL).await;
    let consent = sample::single_use();
    let answers = together(|_| {
        let (store, consent) = (Arc::clone(store), consent.clone());
        let guardianship = between(sample::subject(), &guardian);
        async move { store.establish(&guardianship, &consent).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &true), 1, "of {CALLERS}");
}

async fn a_ward_who_was_never_committed_is_nobodys<S: Guardianships + Subjects>(store: &Arc<S>) {
    let guardian = person(store, &Threshold::ALL).await;
    establish(store, &between(sample::subject(), &guardian)).await;
    assert_eq!(store.wards(&guardian.subject).await.unwrap(), []);
}

async fn a_dissolved_guardianship_is_gone<S: Guardianships + Subjects>(store: &Arc<S>) {
    let guardian = person(store, &Threshold::ALL).await;
    let [ward, other] = [person(store, &[]).await, person(store, &[]).await];
    for ward in [&ward, &other] {
        establish(store, &between(ward.subject, &guardian)).await;
    }
    for _ in 0..2 {
        store.dissolve(&ward.subject).await.unwrap();
    }
    assert_eq!(store.wards(&guardian.subject).await.unwrap(), [seen(&other)]);
}

async fn a_guardianship_ends_at_eighteen<S: Guardianships + Subjects>(store: &Arc<S>) {
    let guardian = person(store, &Threshold::ALL).await;
    let ward = NewSubject {
        age_tags: vec![(Threshold::Eighteen, sample::bytes())],
        ..new_subject()
    };
    enrol(store, &ward).await;
    establish(store, &between(ward.subject, &guardian)).await;
    assert_eq!(store.wards(&guardian.subject).await.unwrap(), [seen(&ward)]);
    store.reach_ages(&ward.age_tags, NOW.day_start()).await.unwrap();
    assert_eq!(store.wards(&guardian.subject).await.unwrap(), []);
}

async fn a_guardianship_ends_when_the_guardian_says_so<S: Guardianships + Subjects>(store: &Arc<S>) {
    let (one, other) = (
        person(store, &Threshold::ALL).await,
        person(store, &Threshold::ALL).await,
    );
    let ward = person(store, &[]).await;
    for guardian in [&one, &other] {
        establish(store, &between(ward.subject, guardian)).await;
    }
    assert!(store.has_guardian(&ward.subject).await.unwrap());
    let end = async |guardian: SubjectId| store.end_guardianship(&ward.subject, &guardian, NOW).await;
    assert!(!end(ward.subject).await.unwrap(), "there is none");
    assert!(end(one.subject).await.unwrap());
    assert!(!end(one.subject).await.unwrap());
    let again = between(ward.subject, &one);
    let again = store.establish(&again, &sample::single_use()).await;
    assert!(!again.unwrap(), "what was ended does not begin again");
    assert_eq!(store.wards(&one.subject).await.unwrap(), []);
    assert_eq!(store.wards(&other.subject).await.unwrap(), [seen(&ward)]);
    assert!(store.has_guardian(&ward.subject).await.unwrap());
    assert!(end(other.subject).await.unwrap());
    assert!(!store.has_guardian(&ward.subject).await.unwrap());
}

async fn who_is_not_active_or_not_of_age_is_nobodys_guardian<S: Guardianships + Subjects>(store: &Arc<S>) {
    let ward = person(store, &[]).await;
    let minor = person(store, &[Threshold::Fourteen, Threshold::Sixteen]).await;
    establish(store, &between(ward.subject, &minor)).await;
    assert!(!store.has_guardian(&ward.subject).await.unwrap());
    let guardian = person(store, &Threshold::ALL).await;
    establish(store, &between(ward.subject, &guardian)).await;
    for (status, speaks) in [
        (SubjectStatus::Suspended, false),
        (SubjectStatus::Active, true),
        (SubjectStatus::Expired, false),
        (SubjectStatus::Deceased, false),
    ] {
        assert!(store.set_status(&guardian.subject, status).await.unwrap());
        assert_eq!(
            store.has_guardian(&ward.subject).await.unwrap(),
            speaks,
            "{status:?}"
        );
    }
}
