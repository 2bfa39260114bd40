//! What [`Cancellations`] promises.

use std::sync::Arc;

use cyberid_domain::case::CaseKind;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;

use super::case::{case, upheld};
use super::sample::{self, NOW};
use super::subject::{enrolled, new_subject};
use crate::cancellation::{Cancellations, OpenCancellation};
use crate::case::Cases;
use crate::event::{Events, NewEvent};
use crate::official::NumberSalts;
use crate::promise::Promises;
use crate::release::{Grant, Release, Releases, Stepped};
use crate::subject::{NewSubject, Subjects};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: Cancellations + Releases + Promises + Events + NumberSalts + Subjects + Cases + 'static,
{
    the_first_cancellation_stays_until_it_is_done(&make().await).await;
    what_somebody_else_claims_is_not_ended(&make().await).await;
    the_person_of_an_ended_identifier_cools_off(&make().await).await;
    who_cancelled_grants_nothing(&make().await).await;
    erasing_a_person_leaves_every_leaf(&make().await).await;
}

fn cancellation(subject: SubjectId, message: &str) -> OpenCancellation {
    OpenCancellation {
        subject,
        message: message.into(),
        begun_at: NOW,
    }
}

async fn granted<S: Releases>(store: &Arc<S>, subject: SubjectId) -> (Release, Grant) {
    let (release, grant) = (sample::release(), sample::grant(subject));
    store.request(&release).await.unwrap();
    let (leaf, uses) = (sample::promised_leaf(), sample::single_use());
    let stepped = store.grant(&release.id, &grant, &leaf, &uses).await;
    assert_eq!(stepped.unwrap(), Stepped::Now);
    (release, grant)
}

async fn the_first_cancellation_stays_until_it_is_done<S: Cancellations>(store: &Arc<S>) {
    let (first, other) = (sample::subject(), sample::subject());
    assert!(
        !store.erase_person(&first, &[]).await.unwrap(),
        "nobody asked for it"
    );
    for message in ["first", "second"] {
        let begun = store.begin_cancellation(&cancellation(first, message)).await;
        assert!(begun.unwrap());
    }
    let open = store.open_cancellations().await.unwrap();
    assert_eq!(open, [cancellation(first, "first")]);
    store
        .begin_cancellation(&cancellation(other, "other"))
        .await
        .unwrap();
    assert!(store.erase_person(&first, &[]).await.unwrap());
    assert!(!store.erase_person(&first, &[]).await.unwrap());
    let open = store.open_cancellations().await.unwrap();
    assert_eq!(open, [cancellation(other, "other")]);
    store
        .begin_cancellation(&cancellation(first, "again"))
        .await
        .unwrap();
    assert_eq!(
        store.open_cancellations().await.unwrap(),
        open,
        "it is done for good"
    );
}

/// Whoever enrolled as somebody else does not destroy what the true person has reported.
async fn what_somebody_else_claims_is_not_ended<S>(store: &Arc<S>)
where
    S: Cancellations + Subjects + Cases + 'static,
{
    let claimed = enrolled(store).await.subject;
    let open = case(CaseKind::Misuse, "reporter", Some(claimed));
    assert!(store.open_case(&open).await.unwrap());
    let begin = async |message| {
        let cancellation = cancellation(claimed, message);
        store.begin_cancellation(&cancellation).await.unwrap()
    };
    assert!(!begin("thief").await);
    upheld(store, &open).await;
    assert!(!begin("thief").await, "it is not carried out");
    assert_eq!(store.open_cancellations().await.unwrap(), []);
    store.case_done(&open.id, NOW).await.unwrap();
    assert!(begin("holder").await);
    let late = case(CaseKind::Misuse, "late", Some(claimed));
    assert!(store.open_case(&late).await.unwrap());
    assert!(begin("again").await, "it was taken before");
    let taken = store.open_cancellations().await.unwrap();
    assert_eq!(taken, [cancellation(claimed, "holder")]);
}

/// Nobody sheds a ban with another document.
async fn the_person_of_an_ended_identifier_cools_off<S>(store: &Arc<S>)
where
    S: Cancellations + Subjects + 'static,
{
    let (ended, stays) = (enrolled(store).await, enrolled(store).await);
    let signed = cancellation(ended.subject, "signed");
    assert!(store.begin_cancellation(&signed).await.unwrap());
    assert!(store.erase_person(&ended.subject, &[]).await.unwrap());
    assert_eq!(store.person_tag(&ended.subject).await.unwrap(), None);
    let comes = async |person_tag| {
        let new = NewSubject {
            person_tag,
            ..new_subject()
        };
        store.begin_enrolment(&new.subject, NOW).await.unwrap();
        store.commit_enrolment(&new).await.unwrap()
    };
    let cool_off = async |today, before| store.cool_off_people(today, before).await.unwrap();
    assert!(!comes(ended.person_tag).await, "before it is counted");
    assert_eq!(cool_off(NOW, NOW.minus(1)).await, 0);
    assert_eq!(cool_off(NOW.plus(9), NOW.minus(1)).await, 0);
    assert!(!comes(ended.person_tag).await);
    assert_eq!(cool_off(NOW.plus(9), NOW).await, 1, "counted from the first day");
    assert!(comes(ended.person_tag).await);
    assert!(!comes(stays.person_tag).await);
}

async fn who_cancelled_grants_nothing<S: Cancellations + Releases + Promises>(store: &Arc<S>) {
    let subject = sample::subject();
    store
        .begin_cancellation(&cancellation(subject, "signed"))
        .await
        .unwrap();
    for _ in 0..2 {
        let (release, grant) = (sample::release(), sample::grant(subject));
        store.request(&release).await.unwrap();
        let (leaf, uses) = (sample::promised_leaf(), sample::single_use());
        let stepped = store.grant(&release.id, &grant, &leaf, &uses).await;
        assert_eq!(stepped.unwrap(), Stepped::Elsewhere);
        assert_eq!(store.release(&release.id).await.unwrap(), Some(release));
        assert_eq!(store.outstanding(10).await.unwrap(), []);
        store.erase_person(&subject, &[]).await.unwrap();
    }
}

async fn erasing_a_person_leaves_every_leaf<S>(store: &Arc<S>)
where
    S: Cancellations + Releases + Promises + Events + NumberSalts,
{
    let (subject, other) = (sample::subject(), sample::subject());
    let mine = [granted(store, subject).await, granted(store, subject).await];
    let (theirs, _) = granted(store, other).await;
    for (release, _) in &mine {
        store
            .keep_request_object(&release.id, "en", "object")
            .await
            .unwrap();
    }
    for (subject, salt) in [(subject, [1; 32]), (other, [2; 32])] {
        let number = NetworkNumber::random(&SystemRng);
        let kept = store.keep_number_salt(&subject, &number, &salt).await;
        assert!(kept.unwrap());
    }
    let leaves = store.outstanding(10).await.unwrap();
    let before = store.release(&theirs.id).await.unwrap();
    let event = NewEvent {
        client_id: sample::client(),
        token: "cancelled".into(),
    };
    store
        .begin_cancellation(&cancellation(subject, "signed"))
        .await
        .unwrap();
    let told = [event.clone()];
    assert!(store.erase_person(&subject, &told).await.unwrap());
    assert!(!store.erase_person(&subject, &told).await.unwrap());
    for (release, grant) in &mine {
        let left = store.release(&release.id).await.unwrap().unwrap();
        assert_eq!((left.grant, left.sub.as_str(), left.leaves.len()), (None, "", 1));
        assert_eq!(store.by_consent(&grant.consent_id).await.unwrap(), None);
        assert!(store.request_objects(&release.id).await.unwrap().is_empty());
    }
    assert!(store.of_subject(&subject).await.unwrap().is_empty());
    assert_eq!(
        store.outstanding(10).await.unwrap(),
        leaves,
        "every leaf keeps its bytes"
    );
    assert_eq!(
        store.release(&theirs.id).await.unwrap(),
        before,
        "and everybody else all of theirs"
    );
    assert_eq!(store.number_salt(&subject).await.unwrap(), None);
    assert_eq!(store.number_salt(&other).await.unwrap(), Some([2; 32]));
    let events = store.events_after(&event.client_id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
}
