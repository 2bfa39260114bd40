//! What [`Subjects`] promises.

mod enrolment;

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;

use super::sample::{self, NOW};
use super::{CALLERS, count, together};
use crate::counter::{KeyUse, MOST_CODES, NewCodes};
use crate::subject::{HashedPin, Holder, NewSubject, PinFailures, Subject, SubjectDevice, Subjects};

/// Asks every sentence of the contract.
pub async fn all<S: Subjects + 'static>(make: impl AsyncFn() -> Arc<S>) {
    enrolment::all(&make).await;
    a_status_is_set(&make().await).await;
    the_tag_of_a_person_is_kept(&make().await).await;
    holders_come_in_pages(&make().await).await;
    attempts_that_run_together_are_each_counted(&make().await).await;
    a_code_acts_once_however_many_ask(&make().await).await;
    codes_are_kept_before_they_are_bound(&make().await).await;
    a_locked_subject_has_no_attempt(&make().await).await;
    a_failure_never_shortens_a_lock(&make().await).await;
    an_age_is_reached_by_all_who_hold_its_tag(&make().await).await;
}

pub(super) fn new_subject() -> NewSubject {
    NewSubject {
        subject: sample::subject(),
        number: NetworkNumber::random(&SystemRng),
        device: SubjectDevice {
            jkt: sample::jkt(),
            key: sample::bytes(),
            bound_at: NOW,
        },
        age_flags: AgeFlags::default().with(Threshold::Fourteen),
        age_tags: vec![(Threshold::Eighteen, sample::bytes())],
        pin: HashedPin {
            salt: sample::bytes(),
            memory_kib: 65_536,
            passes: 3,
            tag: sample::bytes(),
        },
        person_tag: sample::bytes(),
        document_expires_at: NOW.plus(2000),
        credential_expires_at: NOW.plus(1000),
    }
}

/// Somebody who was just enrolled.
pub async fn enrolled<S: Subjects>(store: &Arc<S>) -> NewSubject {
    let new = new_subject();
    enrol(store, &new).await;
    new
}

pub(super) async fn enrol<S: Subjects>(store: &Arc<S>, new: &NewSubject) {
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    assert!(store.commit_enrolment(new).await.unwrap());
    store.end_enrolment(&new.subject).await.unwrap();
}

async fn read<S: Subjects>(store: &Arc<S>, new: &NewSubject) -> Subject {
    store.by_device(&new.device.jkt).await.unwrap().unwrap()
}

async fn a_status_is_set<S: Subjects>(store: &Arc<S>) {
    let (new, other) = (enrolled(store).await, enrolled(store).await);
    for status in [SubjectStatus::Suspended, SubjectStatus::Cancelled] {
        assert!(store.set_status(&new.subject, status).await.unwrap());
        assert_eq!(read(store, &new).await.status, status);
    }
    assert_eq!(read(store, &other).await.status, SubjectStatus::Active);
    let unknown = store.set_status(&sample::subject(), SubjectStatus::Active).await;
    assert!(!unknown.unwrap());
}

fn codes_of(new: &NewSubject, jkts: Vec<String>) -> NewCodes {
    NewCodes {
        subject: new.subject,
        jkts,
        station: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        now: NOW,
    }
}

async fn a_code_acts_once_however_many_ask<S: Subjects + 'static>(store: &Arc<S>) {
    let new = new_subject();
    let jkt = new.device.jkt.clone();
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    assert!(
        store
            .keep_codes(&codes_of(&new, vec![jkt.clone()]))
            .await
            .unwrap()
    );
    assert!(!store.use_code(&jkt, NOW).await.unwrap(), "it is not bound yet");
    enrol(store, &new).await;
    assert!(store.by_device(&jkt).await.unwrap().is_none());
    assert!(store.holder(&jkt).await.unwrap().unwrap().single_use);
    let keyed = async || store.by_key(&jkt).await.unwrap().unwrap();
    assert_eq!(keyed().await.usable, KeyUse::Unused);
    let used = together(|_| {
        let (store, jkt) = (Arc::clone(store), jkt.clone());
        async move { store.use_code(&jkt, NOW).await.unwrap() }
    });
    assert_eq!(count(&used.await, &true), 1);
    assert_eq!(keyed().await.usable, KeyUse::Used);
    assert_eq!(keyed().await.usable().map(|it| it.subject), None);
    assert_eq!(store.holder(&jkt).await.unwrap(), None);
    assert_eq!(store.holders_after("", 10).await.unwrap(), []);
}

async fn codes_are_kept_before_they_are_bound<S: Subjects>(store: &Arc<S>) {
    let lasting = enrolled(store).await;
    let other = sample::jkt();
    let mixed = codes_of(&lasting, vec![other.clone(), lasting.device.jkt.clone()]);
    assert!(!store.keep_codes(&mixed).await.unwrap());
    assert_eq!(read(store, &lasting).await.device.jkt, lasting.device.jkt);
    let alone = codes_of(&lasting, vec![other]);
    assert!(store.keep_codes(&alone).await.unwrap(), "nothing was written");
    assert!(!store.keep_codes(&alone).await.unwrap(), "it is kept already");
    let many = (0..MOST_CODES).map(|_| sample::jkt()).collect();
    assert!(!store.keep_codes(&codes_of(&lasting, many)).await.unwrap());
    assert!(!store.use_code(&lasting.device.jkt, NOW).await.unwrap());
    // Who did not come to be has none.
    let given_up = new_subject();
    store.begin_enrolment(&given_up.subject, NOW).await.unwrap();
    let codes = codes_of(&given_up, vec![sample::jkt()]);
    assert!(store.keep_codes(&codes).await.unwrap());
    assert!(!store.keep_codes(&codes).await.unwrap());
    store.end_enrolment(&given_up.subject).await.unwrap();
    assert!(store.keep_codes(&codes).await.unwrap());
}

/// The small view agrees with the whole one, alone and in pages that miss nobody.
async fn holders_come_in_pages<S: Subjects>(store: &Arc<S>) {
    let mut expected = Vec::new();
    for _ in 0..5 {
        let new = enrolled(store).await;
        let whole = read(store, &new).await;
        let holder = Holder {
            subject: whole.subject,
            status: whole.status,
            age_flags: whole.age_flags,
            document_expires_at: whole.document_expires_at,
            key: whole.device.key,
            single_use: false,
        };
        assert_eq!(
            store.holder(&new.device.jkt).await.unwrap().as_ref(),
            Some(&holder)
        );
        expected.push((new.device.jkt, holder));
    }
    assert_eq!(store.holder(&sample::jkt()).await.unwrap(), None);
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = store.holders_after(&after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        assert!(page.len() <= 2);
        after.clone_from(last);
        found.extend(page);
    }
    assert_eq!(found, expected);
}

async fn the_tag_of_a_person_is_kept<S: Subjects>(store: &Arc<S>) {
    let (new, other) = (enrolled(store).await, enrolled(store).await);
    for own in [&new, &other] {
        let tag = store.person_tag(&own.subject).await.unwrap();
        assert_eq!(tag, Some(own.person_tag));
    }
    let unknown = store.person_tag(&sample::subject()).await;
    assert_eq!(unknown.unwrap(), None);
}

async fn attempts_that_run_together_are_each_counted<S: Subjects + 'static>(store: &Arc<S>) {
    let (new, other) = (enrolled(store).await, enrolled(store).await);
    let answers = together(|_| {
        let (store, subject) = (Arc::clone(store), new.subject);
        async move { store.begin_pin_attempt(&subject, NOW).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &true), CALLERS);
    assert_eq!(read(store, &new).await.pin_failures.count as usize, CALLERS);
    assert_eq!(read(store, &other).await.pin_failures, PinFailures::default());
    store.end_pin_attempt(&new.subject, false, None).await.unwrap();
    assert_eq!(read(store, &new).await.pin_failures.count as usize, CALLERS);
    store.end_pin_attempt(&new.subject, true, None).await.unwrap();
    assert_eq!(read(store, &new).await.pin_failures.count, 0);
    let unknown = store.begin_pin_attempt(&sample::subject(), NOW).await;
    assert!(!unknown.unwrap());
}

async fn a_locked_subject_has_no_attempt<S: Subjects>(store: &Arc<S>) {
    let subject = enrolled(store).await;
    let until = NOW.plus(60);
    assert!(begin(store, &subject, NOW).await);
    let ended = store.end_pin_attempt(&subject.subject, false, Some(until)).await;
    ended.unwrap();
    assert!(!begin(store, &subject, NOW).await);
    assert!(!begin(store, &subject, until.minus(1)).await);
    let locked = PinFailures {
        count: 1,
        locked_until: Some(until),
    };
    assert_eq!(read(store, &subject).await.pin_failures, locked);
    assert!(begin(store, &subject, until).await);
    assert_eq!(read(store, &subject).await.pin_failures.count, 2);
}

async fn begin<S: Subjects>(store: &Arc<S>, new: &NewSubject, now: UnixTime) -> bool {
    store.begin_pin_attempt(&new.subject, now).await.unwrap()
}

async fn a_failure_never_shortens_a_lock<S: Subjects>(store: &Arc<S>) {
    let new = enrolled(store).await;
    for locked_until in [Some(NOW.plus(60)), Some(NOW.plus(30)), None] {
        assert!(begin(store, &new, NOW).await || locked_until != Some(NOW.plus(60)));
        let ended = store.end_pin_attempt(&new.subject, false, locked_until).await;
        ended.unwrap();
        let failures = read(store, &new).await.pin_failures;
        assert_eq!(failures.locked_until, Some(NOW.plus(60)));
    }
}

async fn an_age_is_reached_by_all_who_hold_its_tag<S: Subjects>(store: &Arc<S>) {
    let (tag, sooner) = (sample::bytes(), sample::bytes());
    let (mut one, mut other) = (new_subject(), new_subject());
    one.age_tags = vec![(Threshold::Eighteen, tag), (Threshold::Sixteen, sooner)];
    other.age_tags = vec![(Threshold::Eighteen, tag)];
    enrol(store, &one).await;
    enrol(store, &other).await;
    let third = enrolled(store).await;
    assert_eq!(store.last_age_day().await.unwrap(), None);

    let of_another_age = [(Threshold::TwentyOne, tag)];
    assert_eq!(store.reach_ages(&of_another_age, NOW).await.unwrap(), 0);
    assert_eq!(store.last_age_day().await.unwrap(), Some(NOW));
    assert_eq!(read(store, &one).await.age_flags, one.age_flags);

    let tags = [(Threshold::Eighteen, tag), (Threshold::Sixteen, sooner)];
    assert_eq!(store.reach_ages(&tags, NOW.plus(1)).await.unwrap(), 3);
    assert_eq!(store.last_age_day().await.unwrap(), Some(NOW.plus(1)));
    let adult = other.age_flags.with(Threshold::Eighteen);
    assert_eq!(read(store, &other).await.age_flags, adult);
    assert_eq!(read(store, &one).await.age_flags, adult.with(Threshold::Sixteen));
    assert_eq!(read(store, &third).await.age_flags, third.age_flags);

    assert_eq!(store.reach_ages(&tags, NOW.plus(2)).await.unwrap(), 0);
    assert_eq!(store.last_age_day().await.unwrap(), Some(NOW.plus(2)));
}
