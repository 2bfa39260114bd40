//! What [`Devices`] promises.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::SubjectId;

use super::sample::{self, NOW};
use super::subject::new_subject;
use super::{count, together};
use crate::cancellation::{Cancellations, OpenCancellation};
use crate::counter::{NewCodes, UNBOUND_AFTER};
use crate::device::{
    Alert, BeginningDevice, Begun, Devices, MOST, MOST_ALERTS, MOST_REVOKED_A_DAY, NewDevice, Revoked,
    TOLD_ONCE, Unbinding,
};
use crate::subject::{HashedPin, NewSubject, SubjectDevice, Subjects};

const UNDO: u64 = 600;

/// Asks every sentence of the contract.
pub async fn all<S: Devices + Subjects + Cancellations + 'static>(make: impl AsyncFn() -> Arc<S>) {
    a_device_is_added_once_it_has_begun(&make().await).await;
    what_is_not_added_in_time_is_unbound(&make().await).await;
    a_key_that_was_somebodys_does_not_return(&make().await).await;
    a_revoked_device_is_nobodys_and_is_unbound(&make().await).await;
    the_last_device_and_one_that_ends_the_subject_stay(&make().await).await;
    a_device_may_come_in_the_place_of_all_others(&make().await).await;
    a_holder_has_so_many_devices_at_most(&make().await).await;
    what_began_before_a_revocation_is_not_added_after_it(&make().await).await;
    a_holder_who_revokes_on_and_on_waits_for_a_day(&make().await).await;
    one_of_concurrent_revocations_leaves_a_device(&make().await).await;
    a_pin_is_set_and_failures_are_forgotten(&make().await).await;
    what_is_tried_is_told_once_and_the_oldest_goes(&make().await).await;
    a_person_is_found_by_their_tag_only(&make().await).await;
    a_code_that_acted_is_unbound_unless_it_was_the_last_key(&make().await).await;
}

async fn enrolled<S: Subjects>(store: &Arc<S>) -> NewSubject {
    let new = new_subject();
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    assert!(store.commit_enrolment(&new).await.unwrap());
    store.end_enrolment(&new.subject).await.unwrap();
    new
}

fn device(bound_at: UnixTime) -> SubjectDevice {
    SubjectDevice {
        jkt: sample::jkt(),
        key: sample::bytes(),
        bound_at,
    }
}

fn beginning(subject: SubjectId, device: &SubjectDevice) -> BeginningDevice {
    BeginningDevice {
        subject,
        jkt: device.jkt.clone(),
        key: device.key,
        now: NOW,
        undo_at: NOW.plus(UNDO),
        replaces_all: false,
    }
}

fn adding(subject: SubjectId, device: &SubjectDevice) -> NewDevice {
    NewDevice {
        subject,
        device: device.clone(),
        release_from: NOW.plus(1_000),
        revoke_others: false,
        pin: None,
        alert: AlertKind::DeviceAdded,
    }
}

async fn added<S: Devices>(store: &Arc<S>, subject: SubjectId) -> SubjectDevice {
    let device = device(NOW.plus(1));
    let begun = store.begin_device(&beginning(subject, &device)).await.unwrap();
    assert_eq!(begun, Begun::Now);
    assert!(store.add_device(&adding(subject, &device)).await.unwrap());
    device
}

async fn kinds<S: Devices>(store: &Arc<S>, subject: &SubjectId) -> Vec<AlertKind> {
    let alerts = store.alerts(subject).await.unwrap().into_iter();
    alerts.map(|alert| alert.kind).collect()
}

async fn unbindings<S: Devices>(store: &Arc<S>, now: UnixTime) -> Vec<Unbinding> {
    store.unbindings_due(now, 100).await.unwrap()
}

async fn a_device_is_added_once_it_has_begun<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let device = device(NOW.plus(1));
    let new = adding(own.subject, &device);
    assert!(!store.add_device(&new).await.unwrap());
    let begins = beginning(own.subject, &device);
    for _ in 0..2 {
        assert_eq!(store.begin_device(&begins).await.unwrap(), Begun::Now);
    }
    let of_another = BeginningDevice {
        subject: sample::subject(),
        ..begins.clone()
    };
    assert_eq!(store.begin_device(&of_another).await.unwrap(), Begun::Taken);
    assert!(store.add_device(&new).await.unwrap() && store.add_device(&new).await.unwrap());
    let listed = store.listed_devices(&own.subject).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|listed| &listed.device).collect();
    assert_eq!(keys, [&own.device, &device]);
    assert_eq!(
        (listed[0].release_from, listed[1].release_from),
        (UnixTime(0), NOW.plus(1_000))
    );
    let known = store.known_device(&device.jkt).await.unwrap().unwrap();
    assert_eq!((known.subject, known.revoked_at), (own.subject, None));
    let holder = store.holder(&device.jkt).await.unwrap().unwrap();
    assert_eq!(holder.subject, own.subject);
    assert_eq!(unbindings(store, NOW.plus(10 * UNDO)).await, []);
    assert_eq!(kinds(store, &own.subject).await, [AlertKind::DeviceAdded]);
    assert_eq!(store.begin_device(&begins).await.unwrap(), Begun::Taken);
}

async fn what_is_not_added_in_time_is_unbound<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let late = device(NOW.plus(UNDO));
    store.begin_device(&beginning(own.subject, &late)).await.unwrap();
    assert_eq!(unbindings(store, NOW.plus(UNDO - 1)).await, []);
    assert!(!store.add_device(&adding(own.subject, &late)).await.unwrap());
    let due = unbindings(store, NOW.plus(UNDO)).await;
    assert_eq!(
        (due.len(), &due[0].jkt, due[0].subject),
        (1, &late.jkt, own.subject)
    );
    let again = BeginningDevice {
        now: NOW.plus(UNDO),
        undo_at: NOW.plus(2 * UNDO),
        ..beginning(own.subject, &late)
    };
    assert_eq!(store.begin_device(&again).await.unwrap(), Begun::Taken);
    for _ in 0..2 {
        store.end_unbinding(&late.jkt).await.unwrap();
    }
    assert_eq!(unbindings(store, NOW.plus(UNDO)).await, []);
}

async fn a_key_that_was_somebodys_does_not_return<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let lost = added(store, own.subject).await;
    let revoked = store.revoke_device(&own.subject, &lost.jkt, NOW).await.unwrap();
    assert_eq!(revoked, Revoked::Now);
    store.end_unbinding(&lost.jkt).await.unwrap();
    let again = store.begin_device(&beginning(own.subject, &lost)).await.unwrap();
    assert_eq!(again, Begun::Taken);
    let begins = device(NOW);
    let begun = store
        .begin_device(&beginning(own.subject, &begins))
        .await
        .unwrap();
    assert_eq!(begun, Begun::Now);
    for device in [lost, begins] {
        let other = NewSubject {
            device,
            ..new_subject()
        };
        store.begin_enrolment(&other.subject, NOW).await.unwrap();
        assert!(!store.commit_enrolment(&other).await.unwrap());
    }
}

async fn a_revoked_device_is_nobodys_and_is_unbound<S: Devices + Subjects>(store: &Arc<S>) {
    let (own, neighbour) = (enrolled(store).await, enrolled(store).await);
    let second = added(store, own.subject).await;
    let revoke =
        async |subject: &SubjectId| store.revoke_device(subject, &own.device.jkt, NOW).await.unwrap();
    assert_eq!(revoke(&neighbour.subject).await, Revoked::NotThere);
    assert_eq!(revoke(&own.subject).await, Revoked::Now);
    assert_eq!(revoke(&own.subject).await, Revoked::NotThere);
    assert!(store.by_device(&own.device.jkt).await.unwrap().is_none());
    assert!(store.holder(&own.device.jkt).await.unwrap().is_none());
    assert!(store.by_device(&second.jkt).await.unwrap().is_some());
    let known = store.known_device(&own.device.jkt).await.unwrap().unwrap();
    assert_eq!((known.revoked_at, known.key), (Some(NOW), Some(own.device.key)));
    let due = unbindings(store, NOW).await;
    assert_eq!(
        (due.len(), &due[0].jkt, due[0].key),
        (1, &own.device.jkt, own.device.key)
    );
    let told = kinds(store, &own.subject).await;
    assert_eq!(told, [AlertKind::DeviceRevoked, AlertKind::DeviceAdded]);
}

async fn the_last_device_and_one_that_ends_the_subject_stay<S: Devices + Subjects + Cancellations>(
    store: &Arc<S>,
) {
    let own = enrolled(store).await;
    let revoke = async |jkt: &str| store.revoke_device(&own.subject, jkt, NOW).await.unwrap();
    assert_eq!(revoke(&own.device.jkt).await, Revoked::Last);
    let second = added(store, own.subject).await;
    let third = device(NOW.plus(1));
    store.begin_device(&beginning(own.subject, &third)).await.unwrap();
    let cancellation = OpenCancellation {
        subject: own.subject,
        message: "m".into(),
        begun_at: NOW,
    };
    store.begin_cancellation(&cancellation).await.unwrap();
    assert_eq!(revoke(&second.jkt).await, Revoked::Ending);
    assert!(!store.add_device(&adding(own.subject, &third)).await.unwrap());
    assert!(store.holder(&second.jkt).await.unwrap().is_some());
}

async fn a_device_may_come_in_the_place_of_all_others<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let second = added(store, own.subject).await;
    let fresh = device(NOW.plus(2));
    store.begin_device(&beginning(own.subject, &fresh)).await.unwrap();
    let pin = HashedPin {
        tag: sample::bytes(),
        ..own.pin.clone()
    };
    let new = NewDevice {
        revoke_others: true,
        pin: Some(pin.clone()),
        alert: AlertKind::DeviceRecovered,
        ..adding(own.subject, &fresh)
    };
    assert!(store.add_device(&new).await.unwrap());
    let listed = store.listed_devices(&own.subject).await.unwrap();
    assert_eq!((listed.len(), &listed[0].device), (1, &fresh));
    for lost in [&own.device.jkt, &second.jkt] {
        assert!(store.by_device(lost).await.unwrap().is_none());
    }
    assert_eq!(unbindings(store, NOW.plus(2)).await.len(), 2);
    assert_eq!(store.by_device(&fresh.jkt).await.unwrap().unwrap().pin, pin);
    assert_eq!(kinds(store, &own.subject).await[0], AlertKind::DeviceRecovered);
}

async fn a_holder_has_so_many_devices_at_most<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    for _ in 1..MOST {
        added(store, own.subject).await;
    }
    let more = beginning(own.subject, &device(NOW));
    assert_eq!(store.begin_device(&more).await.unwrap(), Begun::Full);
    let instead = BeginningDevice {
        replaces_all: true,
        ..more
    };
    assert_eq!(store.begin_device(&instead).await.unwrap(), Begun::Now);
    // Nor by two that begin together.
    let own = enrolled(store).await;
    for _ in 2..MOST {
        added(store, own.subject).await;
    }
    let together = [(); 2].map(|()| device(NOW.plus(1)));
    for device in &together {
        let begun = store.begin_device(&beginning(own.subject, device)).await.unwrap();
        assert_eq!(begun, Begun::Now);
    }
    let [first, second] = together.map(|device| adding(own.subject, &device));
    assert!(store.add_device(&first).await.unwrap());
    assert!(!store.add_device(&second).await.unwrap());
    let devices = store.listed_devices(&own.subject).await.unwrap();
    assert_eq!(u32::try_from(devices.len()), Ok(MOST));
}

/// T10: what is revoked is kept for ever.
async fn a_holder_who_revokes_on_and_on_waits_for_a_day<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    for _ in 0..MOST_REVOKED_A_DAY {
        let lost = added(store, own.subject).await;
        let revoked = store.revoke_device(&own.subject, &lost.jkt, NOW).await.unwrap();
        assert_eq!(revoked, Revoked::Now);
    }
    let more = beginning(own.subject, &device(NOW));
    assert_eq!(store.begin_device(&more).await.unwrap(), Begun::Full);
    let instead = BeginningDevice {
        replaces_all: true,
        ..beginning(own.subject, &device(NOW))
    };
    assert_eq!(store.begin_device(&instead).await.unwrap(), Begun::Now);
    let later = BeginningDevice {
        now: NOW.plus(DAY),
        ..more
    };
    assert_eq!(store.begin_device(&later).await.unwrap(), Begun::Now);
}

/// T7: a thief whose device is revoked, or recovered from, while it adds another has added none.
async fn what_began_before_a_revocation_is_not_added_after_it<S: Devices + Subjects>(store: &Arc<S>) {
    for recovers in [false, true] {
        let (own, neighbour) = (enrolled(store).await, enrolled(store).await);
        let lost = added(store, own.subject).await;
        let [thiefs, fresh, neighbours] = [(); 3].map(|()| device(NOW.plus(1)));
        for (subject, device) in [
            (own.subject, &thiefs),
            (own.subject, &fresh),
            (neighbour.subject, &neighbours),
        ] {
            let begun = store.begin_device(&beginning(subject, device)).await.unwrap();
            assert_eq!(begun, Begun::Now);
        }
        if recovers {
            let new = NewDevice {
                revoke_others: true,
                ..adding(own.subject, &fresh)
            };
            assert!(store.add_device(&new).await.unwrap());
        } else {
            let revoked = store.revoke_device(&own.subject, &lost.jkt, NOW.plus(2)).await;
            assert_eq!(revoked.unwrap(), Revoked::Now);
        }
        assert!(!store.add_device(&adding(own.subject, &thiefs)).await.unwrap());
        let again = store
            .begin_device(&beginning(own.subject, &thiefs))
            .await
            .unwrap();
        assert_eq!(again, Begun::Taken);
        let due = unbindings(store, NOW.plus(2)).await;
        assert!(due.iter().any(|due| due.jkt == thiefs.jkt), "{recovers}");
        let others = store.add_device(&adding(neighbour.subject, &neighbours)).await;
        assert!(others.unwrap(), "somebody else's is added");
        added(store, own.subject).await;
    }
}

async fn one_of_concurrent_revocations_leaves_a_device<S: Devices + Subjects + 'static>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let second = added(store, own.subject).await;
    let keys = [own.device.jkt, second.jkt];
    let answers = together(|caller| {
        let (store, jkt) = (Arc::clone(store), keys[caller % 2].clone());
        async move { store.revoke_device(&own.subject, &jkt, NOW).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Revoked::Now), 1);
    assert_eq!(store.listed_devices(&own.subject).await.unwrap().len(), 1);
}

async fn a_pin_is_set_and_failures_are_forgotten<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    assert!(store.begin_pin_attempt(&own.subject, NOW).await.unwrap());
    let until = Some(NOW.plus(100));
    store.end_pin_attempt(&own.subject, false, until).await.unwrap();
    let pin = HashedPin {
        tag: sample::bytes(),
        ..own.pin.clone()
    };
    let alert = Alert {
        time: NOW,
        kind: AlertKind::PinReset,
        device: None,
    };
    assert!(!store.set_pin(&sample::subject(), &pin, &alert).await.unwrap());
    assert!(store.set_pin(&own.subject, &pin, &alert).await.unwrap());
    let subject = store.by_device(&own.device.jkt).await.unwrap().unwrap();
    assert_eq!(subject.pin, pin);
    assert_eq!(
        (subject.pin_failures.count, subject.pin_failures.locked_until),
        (0, None)
    );
    assert_eq!(store.alerts(&own.subject).await.unwrap(), [alert]);
}

async fn what_is_tried_is_told_once_and_the_oldest_goes<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let tell = async |kind, time| {
        let device = None;
        store
            .tell(&own.subject, &Alert { time, kind, device })
            .await
            .unwrap();
    };
    for _ in 0..3 {
        tell(AlertKind::EnrolmentTried, NOW).await;
    }
    tell(AlertKind::RecoveryTried, NOW).await;
    tell(AlertKind::EnrolmentTried, NOW.plus(TOLD_ONCE)).await;
    assert_eq!(store.alerts(&own.subject).await.unwrap().len(), 3);
    for hour in 2..u64::from(MOST_ALERTS) + 10 {
        tell(AlertKind::EnrolmentTried, NOW.plus(hour * TOLD_ONCE)).await;
    }
    let alerts = store.alerts(&own.subject).await.unwrap();
    assert_eq!(alerts.len(), MOST_ALERTS as usize);
    assert!(alerts[0].time > alerts[1].time);
}

async fn a_person_is_found_by_their_tag_only<S: Devices + Subjects>(store: &Arc<S>) {
    let own = enrolled(store).await;
    let found = store.subject_of_person(&own.person_tag).await.unwrap();
    assert_eq!(found, Some(own.subject));
    assert_eq!(store.subject_of_person(&sample::bytes()).await.unwrap(), None);
    // One person has one identifier, by whatever document they come.
    let twin = NewSubject {
        person_tag: own.person_tag,
        ..new_subject()
    };
    store.begin_enrolment(&twin.subject, NOW).await.unwrap();
    assert!(!store.commit_enrolment(&twin).await.unwrap());
}

async fn a_code_that_acted_is_unbound_unless_it_was_the_last_key<S: Devices + Subjects>(store: &Arc<S>) {
    let own = new_subject();
    let (first, second) = (own.device.jkt.clone(), device(NOW.plus(1)));
    let codes = NewCodes {
        subject: own.subject,
        jkts: vec![first.clone(), second.jkt.clone()],
        station: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        now: NOW,
    };
    store.begin_enrolment(&own.subject, NOW).await.unwrap();
    assert!(store.keep_codes(&codes).await.unwrap());
    assert!(store.commit_enrolment(&own).await.unwrap());
    store
        .begin_device(&beginning(own.subject, &second))
        .await
        .unwrap();
    assert!(store.add_device(&adding(own.subject, &second)).await.unwrap());
    let keys = async || {
        let devices = store.devices(&own.subject).await.unwrap().into_iter();
        devices.map(|device| device.jkt).collect::<Vec<_>>()
    };
    let due = async || {
        let due = unbindings(store, NOW.plus(10 * UNBOUND_AFTER)).await.into_iter();
        due.map(|due| due.jkt).collect::<Vec<_>>()
    };
    assert!(store.use_code(&first, NOW).await.unwrap());
    assert_eq!(due().await, [first.as_str()]);
    assert_eq!(
        unbindings(store, NOW.plus(UNBOUND_AFTER - 1)).await,
        [],
        "its consents are still redeemed"
    );
    assert_eq!(keys().await, [second.jkt.clone(), first.clone()]);
    assert_eq!(store.listed_devices(&own.subject).await.unwrap().len(), 1);
    let revoke = async |jkt: &str| store.revoke_device(&own.subject, jkt, NOW).await.unwrap();
    assert_eq!(
        (revoke(&first).await, revoke(&second.jkt).await),
        (Revoked::NotThere, Revoked::Last)
    );
    assert!(store.use_code(&second.jkt, NOW.plus(1)).await.unwrap());
    assert_eq!(
        due().await,
        [first.as_str()],
        "the key holders know the record by the last one"
    );
    assert_eq!(keys().await, [second.jkt.clone(), first]);
}
