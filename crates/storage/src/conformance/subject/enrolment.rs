//! Of [`Subjects`], the way of an enrolment.

use std::sync::Arc;

use cyberid_domain::subject::SubjectStatus;

use super::{enrolled, new_subject, read};
use crate::conformance::sample::{self, NOW};
use crate::conformance::{count, together};
use crate::subject::{EnrolmentStage, NewSubject, PinFailures, SubjectDevice, Subjects};

pub(super) async fn all<S: Subjects + 'static>(make: &impl AsyncFn() -> Arc<S>) {
    a_crash_finds_an_enrolment_where_it_was(&make().await).await;
    a_committed_subject_reads_back_whole(&make().await).await;
    only_an_open_enrolment_is_committed(&make().await).await;
    what_is_taken_is_not_committed(&make().await).await;
    a_number_is_taken_once_among_concurrent_callers(&make().await).await;
}

async fn a_crash_finds_an_enrolment_where_it_was<S: Subjects>(store: &Arc<S>) {
    let (new, other) = (new_subject(), sample::subject());
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    store.begin_enrolment(&new.subject, NOW.plus(1)).await.unwrap();
    store.begin_enrolment(&other, NOW.plus(10)).await.unwrap();
    assert_eq!(store.open_enrolments(NOW).await.unwrap(), []);
    let begun = (new.subject, EnrolmentStage::Begun);
    assert_eq!(store.open_enrolments(NOW.plus(1)).await.unwrap(), [begun]);
    assert!(store.commit_enrolment(&new).await.unwrap());
    let committed = (new.subject, EnrolmentStage::Committed);
    let open = store.open_enrolments(NOW.plus(11)).await.unwrap();
    assert_eq!(open.len(), 2);
    assert!(open.contains(&committed) && open.contains(&(other, EnrolmentStage::Begun)));
    store.end_enrolment(&new.subject).await.unwrap();
    store.end_enrolment(&new.subject).await.unwrap();
    let open = store.open_enrolments(NOW.plus(11)).await.unwrap();
    assert_eq!(open, [(other, EnrolmentStage::Begun)]);
}

async fn a_committed_subject_reads_back_whole<S: Subjects>(store: &Arc<S>) {
    let new = enrolled(store).await;
    let subject = read(store, &new).await;
    assert_eq!(subject.subject, new.subject);
    assert_eq!(subject.number, new.number);
    assert_eq!(subject.status, SubjectStatus::Active);
    assert_eq!(subject.age_flags, new.age_flags);
    assert_eq!(subject.document_expires_at, new.document_expires_at);
    assert_eq!(subject.credential_expires_at, new.credential_expires_at);
    assert_eq!(subject.device, new.device);
    assert!(subject.pin == new.pin);
    assert_eq!(subject.pin_failures, PinFailures::default());
    assert_eq!(store.devices(&new.subject).await.unwrap(), [new.device]);
    assert_eq!(store.devices(&sample::subject()).await.unwrap(), []);
    assert!(store.by_device(&sample::jkt()).await.unwrap().is_none());
}

async fn only_an_open_enrolment_is_committed<S: Subjects>(store: &Arc<S>) {
    let new = new_subject();
    assert!(!store.commit_enrolment(&new).await.unwrap());
    assert!(store.by_device(&new.device.jkt).await.unwrap().is_none());
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    assert!(store.commit_enrolment(&new).await.unwrap());
    // Whoever was not told asks again.
    assert!(store.commit_enrolment(&new).await.unwrap());
    store.end_enrolment(&new.subject).await.unwrap();
    assert!(!store.commit_enrolment(&new).await.unwrap());
}

async fn what_is_taken_is_not_committed<S: Subjects>(store: &Arc<S>) {
    let first = enrolled(store).await;
    let same_number = NewSubject {
        number: first.number.clone(),
        ..new_subject()
    };
    let same_key = NewSubject {
        device: SubjectDevice {
            jkt: sample::jkt(),
            ..first.device.clone()
        },
        ..new_subject()
    };
    let same_thumbprint = NewSubject {
        device: SubjectDevice {
            key: sample::bytes(),
            ..first.device.clone()
        },
        ..new_subject()
    };
    for taken in [same_number, same_key, same_thumbprint] {
        store.begin_enrolment(&taken.subject, NOW).await.unwrap();
        assert!(!store.commit_enrolment(&taken).await.unwrap());
        assert_eq!(store.devices(&taken.subject).await.unwrap(), []);
        let open = store.open_enrolments(NOW.plus(1)).await.unwrap();
        assert!(open.contains(&(taken.subject, EnrolmentStage::Begun)));
    }
    assert_eq!(read(store, &first).await.subject, first.subject);
}

async fn a_number_is_taken_once_among_concurrent_callers<S: Subjects + 'static>(store: &Arc<S>) {
    let number = new_subject().number;
    let answers = together(|_| {
        let new = NewSubject {
            number: number.clone(),
            ..new_subject()
        };
        let store = Arc::clone(store);
        async move {
            store.begin_enrolment(&new.subject, NOW).await.unwrap();
            store.commit_enrolment(&new).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &true), 1);
}
