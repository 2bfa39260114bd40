//! What [`OfficialAccesses`] and [`NumberSalts`] promise.

use std::sync::Arc;

use cyberid_domain::id::OfficialAccessId;
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;

use super::sample::{self, NOW};
use super::subject::{enrolled, new_subject};
use super::{CALLERS, count, together};
use crate::official::{
    BeginningEnrolment, NumberSalts, OfficialAccess, OfficialAccesses, OfficialStep, Turn,
};
use crate::promise::Promises;
use crate::release::Stepped;
use crate::single_use::SingleUses;
use crate::subject::{EnrolmentStage, NewSubject, Subjects};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: OfficialAccesses + NumberSalts + Subjects + Promises + SingleUses + 'static,
{
    an_order_reads_back_with_its_leaf(&make().await).await;
    an_order_is_kept_once_by_its_name_and_by_its_words(&make().await).await;
    a_life_is_read_back_whole(&make().await).await;
    a_step_from_elsewhere_or_with_a_used_message_writes_nothing(&make().await).await;
    a_step_is_taken_once_among_concurrent_callers(&make().await).await;
    a_subject_is_found_by_its_number_until_it_is_cancelled(&make().await).await;
    a_salt_is_kept_for_a_free_number_and_goes_with_a_freed_enrolment(&make().await).await;
    an_enrolment_begins_with_a_number_that_is_free_or_not_at_all(&make().await).await;
    what_is_confirmed_is_open_to_nobody_and_keeps_its_salt(&make().await).await;
}

fn access() -> OfficialAccess {
    OfficialAccess {
        id: OfficialAccessId::random(&SystemRng),
        authority: sample::client(),
        order: sample::jkt(),
        countersignature: None,
        salt: sample::bytes(),
        created_at: NOW,
        expires_at: NOW.plus(3600),
        notice_after: NOW.plus(86_400),
        status: OfficialStatus::Requested,
        subject: None,
        refusal: None,
        leaves: Vec::new(),
    }
}

async fn ordered<S: OfficialAccesses>(store: &Arc<S>) -> OfficialAccess {
    let (access, leaf) = (access(), sample::promised_leaf());
    let kept = store.order(&access, &leaf, &sample::single_use()).await;
    assert_eq!(kept.unwrap(), Stepped::Now);
    OfficialAccess {
        leaves: vec![sample::release_leaf(&leaf)],
        ..access
    }
}

async fn read<S: OfficialAccesses>(store: &Arc<S>, access: &OfficialAccess) -> OfficialAccess {
    store.official(&access.id).await.unwrap().unwrap()
}

fn bare<'a>(access: &'a OfficialAccess, from: OfficialStatus, to: Turn<'a>) -> OfficialStep<'a> {
    OfficialStep {
        id: &access.id,
        from,
        to,
        leaf: None,
        uses: None,
    }
}

async fn an_order_reads_back_with_its_leaf<S: OfficialAccesses + Promises>(store: &Arc<S>) {
    let access = ordered(store).await;
    assert_eq!(read(store, &access).await, access);
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
    let unknown = OfficialAccessId::random(&SystemRng);
    assert_eq!(store.official(&unknown).await.unwrap(), None);
}

async fn an_order_is_kept_once_by_its_name_and_by_its_words<S>(store: &Arc<S>)
where
    S: OfficialAccesses + Promises + SingleUses,
{
    let (first, uses) = (access(), sample::single_use());
    let kept = store.order(&first, &sample::promised_leaf(), &uses).await;
    assert_eq!(kept.unwrap(), Stepped::Now);
    let same_name = store.order(&access(), &sample::promised_leaf(), &uses).await;
    assert_eq!(same_name.unwrap(), Stepped::Replayed);
    let same_words = OfficialAccess {
        order: first.order.clone(),
        ..access()
    };
    let unused = sample::single_use();
    let same_words = store.order(&same_words, &sample::promised_leaf(), &unused).await;
    assert_eq!(same_words.unwrap(), Stepped::Replayed);
    assert!(store.use_once(&unused).await.unwrap(), "nothing was written");
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
}

async fn a_life_is_read_back_whole<S: OfficialAccesses + Promises>(store: &Arc<S>) {
    let (access, subject) = (ordered(store).await, sample::subject());
    let mut leaves = access.leaves.clone();
    let mut from = OfficialStatus::Requested;
    for to in [
        Turn::Countersigned("a signature"),
        Turn::Intended(&subject),
        Turn::Delivered,
    ] {
        let leaf = sample::promised_leaf();
        leaves.push(sample::release_leaf(&leaf));
        let step = OfficialStep {
            leaf: Some(&leaf),
            ..bare(&access, from, to)
        };
        assert_eq!(store.official_step(&step).await.unwrap(), Stepped::Now);
        from = to.status();
    }
    let whole = OfficialAccess {
        countersignature: Some("a signature".into()),
        subject: Some(subject),
        status: OfficialStatus::Delivered,
        leaves,
        ..access
    };
    assert_eq!(read(store, &whole).await, whole);
    assert_eq!(
        store.officials_of(&subject).await.unwrap(),
        std::slice::from_ref(&whole)
    );
    assert_eq!(store.officials_of(&sample::subject()).await.unwrap(), []);
    let delivered = store.officials_in(OfficialStatus::Delivered).await.unwrap();
    assert_eq!(delivered, [whole]);

    let refused = ordered(store).await;
    let over = bare(
        &refused,
        OfficialStatus::Requested,
        Turn::Refused(OfficialRefusal::Expired),
    );
    assert_eq!(store.official_step(&over).await.unwrap(), Stepped::Now);
    let read = read(store, &refused).await;
    assert_eq!(read.refusal, Some(OfficialRefusal::Expired));
    assert_eq!(read.status, OfficialStatus::Refused);
}

async fn a_step_from_elsewhere_or_with_a_used_message_writes_nothing<S>(store: &Arc<S>)
where
    S: OfficialAccesses + Promises + SingleUses,
{
    let access = ordered(store).await;
    let (leaf, used) = (sample::promised_leaf(), sample::single_use());
    assert!(store.use_once(&used).await.unwrap());
    let subject = sample::subject();
    let elsewhere = OfficialStep {
        leaf: Some(&leaf),
        ..bare(&access, OfficialStatus::Countersigned, Turn::Intended(&subject))
    };
    assert_eq!(store.official_step(&elsewhere).await.unwrap(), Stepped::Elsewhere);
    let replayed = OfficialStep {
        leaf: Some(&leaf),
        uses: Some(&used),
        ..bare(
            &access,
            OfficialStatus::Requested,
            Turn::Countersigned("a signature"),
        )
    };
    assert_eq!(store.official_step(&replayed).await.unwrap(), Stepped::Replayed);
    assert_eq!(read(store, &access).await, access);
    assert_eq!(store.outstanding(10).await.unwrap().len(), 1);
}

async fn a_step_is_taken_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: OfficialAccesses + Promises + 'static,
{
    let access = ordered(store).await;
    let answers = together(|_| {
        let (store, access) = (Arc::clone(store), access.clone());
        async move {
            let leaf = sample::promised_leaf();
            let refusal = Turn::Refused(OfficialRefusal::OneOfficer);
            let step = OfficialStep {
                leaf: Some(&leaf),
                ..bare(&access, OfficialStatus::Requested, refusal)
            };
            store.official_step(&step).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &Stepped::Now), 1);
    assert_eq!(count(&answers, &Stepped::Elsewhere), CALLERS - 1);
    assert_eq!(read(store, &access).await.leaves.len(), 2);
    assert_eq!(store.outstanding(100).await.unwrap().len(), 2);
}

async fn a_subject_is_found_by_its_number_until_it_is_cancelled<S>(store: &Arc<S>)
where
    S: OfficialAccesses + Subjects,
{
    let person = enrolled(store).await;
    let found = store.subject_of(&person.number).await.unwrap();
    assert_eq!(found, Some(person.subject));
    let nobody = cyberid_domain::number::NetworkNumber::random(&SystemRng);
    assert_eq!(store.subject_of(&nobody).await.unwrap(), None);
    for (status, found) in [
        (SubjectStatus::Suspended, Some(person.subject)),
        (SubjectStatus::Cancelled, None),
    ] {
        assert!(store.set_status(&person.subject, status).await.unwrap());
        assert_eq!(store.subject_of(&person.number).await.unwrap(), found);
    }
}

async fn a_salt_is_kept_for_a_free_number_and_goes_with_a_freed_enrolment<S>(store: &Arc<S>)
where
    S: NumberSalts + Subjects,
{
    let new = new_subject();
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    for salt in [[1; 32], [2; 32]] {
        let kept = store.keep_number_salt(&new.subject, &new.number, &salt).await;
        assert!(kept.unwrap());
        let salt_kept = store.number_salt(&new.subject).await.unwrap();
        assert_eq!(salt_kept, Some(salt));
    }
    assert!(store.commit_enrolment(&new).await.unwrap());
    store.end_enrolment(&new.subject).await.unwrap();
    assert_eq!(store.number_salt(&new.subject).await.unwrap(), Some([2; 32]));

    let other = new_subject();
    store.begin_enrolment(&other.subject, NOW).await.unwrap();
    let taken = store
        .keep_number_salt(&other.subject, &new.number, &[3; 32])
        .await;
    assert!(!taken.unwrap());
    assert_eq!(store.number_salt(&other.subject).await.unwrap(), None);
    let kept = store
        .keep_number_salt(&other.subject, &other.number, &[4; 32])
        .await;
    assert!(kept.unwrap());
    store.end_enrolment(&other.subject).await.unwrap();
    assert_eq!(store.number_salt(&other.subject).await.unwrap(), None);
}

fn beginning(new: &NewSubject) -> BeginningEnrolment {
    BeginningEnrolment {
        subject: new.subject,
        number: new.number.clone(),
        salt: sample::bytes(),
        now: NOW,
    }
}

async fn an_enrolment_begins_with_a_number_that_is_free_or_not_at_all<S>(store: &Arc<S>)
where
    S: NumberSalts + Subjects,
{
    let (new, other) = (new_subject(), new_subject());
    let first = beginning(&new);
    assert!(store.begin_numbered(&first).await.unwrap());
    assert_eq!(store.number_salt(&new.subject).await.unwrap(), Some(first.salt));
    let begun = (new.subject, EnrolmentStage::Begun);
    assert_eq!(store.open_enrolments(NOW.plus(1)).await.unwrap(), [begun]);
    assert!(store.commit_enrolment(&new).await.unwrap());

    let taken = BeginningEnrolment {
        number: new.number.clone(),
        ..beginning(&other)
    };
    assert!(!store.begin_numbered(&taken).await.unwrap());
    assert_eq!(store.number_salt(&other.subject).await.unwrap(), None);
    assert_eq!(store.open_enrolments(NOW.plus(1)).await.unwrap().len(), 1);
    assert!(store.begin_numbered(&beginning(&other)).await.unwrap());
    store.end_enrolment(&other.subject).await.unwrap();
    assert_eq!(store.number_salt(&other.subject).await.unwrap(), None);
}

async fn what_is_confirmed_is_open_to_nobody_and_keeps_its_salt<S>(store: &Arc<S>)
where
    S: NumberSalts + Subjects,
{
    let (new, next) = (new_subject(), new_subject());
    let first = beginning(&new);
    assert!(store.begin_numbered(&first).await.unwrap());
    assert!(store.commit_enrolment(&new).await.unwrap());
    for _ in 0..2 {
        store.end_confirmed(&new.subject).await.unwrap();
        assert_eq!(store.open_enrolments(NOW.plus(1)).await.unwrap(), []);
        assert!(!store.commit_enrolment(&new).await.unwrap());
    }
    assert!(store.begin_numbered(&beginning(&next)).await.unwrap());
    let begun = (next.subject, EnrolmentStage::Begun);
    assert_eq!(store.open_enrolments(NOW.plus(1)).await.unwrap(), [begun]);
    assert_eq!(store.number_salt(&new.subject).await.unwrap(), Some(first.salt));
}
