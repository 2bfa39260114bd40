//! What [`VaultStore`] promises.

use std::sync::Arc;

use cyberid_domain::clock::DAY;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use tokio::task::JoinSet;

use super::sample::{self, NOW};
use super::{key_holder, seals};
use crate::key_holder::BoundDevice;
use crate::vault::{VaultField, VaultStore};

/// Asks every sentence of the contract, and of what vault and custodian both keep.
pub async fn all<S: VaultStore + 'static>(make: impl AsyncFn() -> Arc<S>) {
    key_holder::all(&make, async |store: &S, device: &BoundDevice, jkt: &str| {
        let reserved = store.reserve(&sample::bytes(), &device.subject, NOW).await;
        assert!(reserved.unwrap());
        assert!(store.deposit(device, jkt, &fields()).await.unwrap());
    })
    .await;
    seals::all(&make, async |store: &S, device, shares| {
        let kept = |(name, share): &(Field, Vec<u8>)| VaultField {
            share: share.clone(),
            ..field(*name)
        };
        let fields: Vec<VaultField> = shares.iter().map(kept).collect();
        let reserved = store.reserve(&sample::bytes(), &device.subject, NOW).await;
        assert!(reserved.unwrap());
        assert!(store.deposit(device, &sample::jkt(), &fields).await.unwrap());
    })
    .await;
    a_person_is_reserved_once(&make().await).await;
    a_hundred_subjects_of_one_person_reserve_once(&make().await).await;
    a_person_stands_under_the_newest_key(&make().await).await;
    a_person_and_a_record_are_kept_in_one_step_or_neither(&make().await).await;
    a_record_needs_a_reservation(&make().await).await;
    the_same_record_again_is_fine_and_another_is_not(&make().await).await;
    a_confirmed_record_takes_no_other(&make().await).await;
    a_device_opens_one_record(&make().await).await;
    fields_come_in_the_order_asked(&make().await).await;
    freeing_removes_the_fields(&make().await).await;
    an_erased_persons_tag_cools_off(&make().await).await;
    a_tag_that_cools_off_does_so_under_the_newest_key(&make().await).await;
    an_unconfirmed_record_that_is_erased_bars_nobody(&make().await).await;
}

fn field(field: Field) -> VaultField {
    VaultField {
        field,
        ciphertext: sample::bytes::<50>().to_vec(),
        share: sample::bytes::<60>().to_vec(),
    }
}

fn fields() -> Vec<VaultField> {
    vec![field(Field::BirthDate), field(Field::Name)]
}

async fn reserved<S: VaultStore>(store: &Arc<S>) -> SubjectId {
    let subject = sample::subject();
    let reserved = store.reserve(&sample::bytes(), &subject, NOW).await;
    assert!(reserved.unwrap());
    subject
}

async fn a_person_is_reserved_once<S: VaultStore>(store: &Arc<S>) {
    let (tag, subject, other) = (sample::bytes(), sample::subject(), sample::subject());
    assert!(store.reserve(&tag, &subject, NOW).await.unwrap());
    assert!(store.reserve(&tag, &subject, NOW.plus(1)).await.unwrap());
    assert!(!store.reserve(&tag, &other, NOW).await.unwrap());
    // A reservation alone is no record.
    assert!(!store.confirm(&subject).await.unwrap());
    store.free(&subject).await.unwrap();
    assert!(store.reserve(&tag, &other, NOW).await.unwrap());

    let device = sample::bound_device(other);
    assert!(store.deposit(&device, &sample::jkt(), &fields()).await.unwrap());
    assert!(store.confirm(&other).await.unwrap());
    store.free(&other).await.unwrap();
    assert!(!store.reserve(&tag, &subject, NOW).await.unwrap());
    assert!(store.reserve(&tag, &other, NOW).await.unwrap());
}

async fn a_person_stands_under_the_newest_key<S: VaultStore>(store: &Arc<S>) {
    let (subject, other) = (sample::subject(), sample::subject());
    let (oldest, old, new): ([u8; 32], [u8; 32], [u8; 32]) =
        (sample::bytes(), sample::bytes(), sample::bytes());
    assert!(store.reserve(&old, &subject, NOW).await.unwrap());
    for _ in 0..2 {
        store.reindex(&[oldest, old], &new).await.unwrap();
    }
    assert!(!store.reserve(&new, &other, NOW).await.unwrap());
    assert!(store.reserve(&new, &subject, NOW).await.unwrap());
    assert!(store.reserve(&old, &other, NOW).await.unwrap(), "it is kept once");
    store.reindex(&[old], &new).await.unwrap();
    assert!(
        store.reserve(&new, &subject, NOW).await.unwrap(),
        "who stands there stays"
    );
}

async fn a_hundred_subjects_of_one_person_reserve_once<S: VaultStore + 'static>(store: &Arc<S>) {
    let tag = sample::bytes();
    let calls: JoinSet<bool> = (0..100)
        .map(|_| {
            let store = Arc::clone(store);
            async move { store.reserve(&tag, &sample::subject(), NOW).await.unwrap() }
        })
        .collect();
    let answers = calls.join_all().await;
    assert_eq!(answers.into_iter().filter(|reserved| *reserved).count(), 1);
}

async fn a_record_needs_a_reservation<S: VaultStore>(store: &Arc<S>) {
    let device = sample::bound_device(sample::subject());
    assert!(!store.deposit(&device, &sample::jkt(), &fields()).await.unwrap());
    assert!(!store.confirm(&device.subject).await.unwrap());
    let kept = store.fields(&device.subject, &Field::ALL).await.unwrap();
    assert_eq!(kept, []);
}

async fn a_person_and_a_record_are_kept_in_one_step_or_neither<S: VaultStore>(store: &Arc<S>) {
    let (tag, jkt, kept) = (sample::bytes(), sample::jkt(), fields());
    let device = sample::bound_device(sample::subject());
    let deposit = async |tag: &[u8; 32], device: &BoundDevice, jkt: &str, fields: &[VaultField]| {
        let deposited = store.deposit_reserving(tag, NOW, (device, jkt), fields).await;
        deposited.unwrap()
    };
    assert!(deposit(&tag, &device, &jkt, &kept).await);
    assert!(deposit(&tag, &device, &jkt, &kept).await, "again");
    assert!(!deposit(&tag, &device, &jkt, &fields()).await, "another record");
    let twin = sample::bound_device(sample::subject());
    assert!(!deposit(&tag, &twin, &sample::jkt(), &fields()).await, "taken");
    assert!(!store.confirm(&twin.subject).await.unwrap());
    // The device of another record: the person stays free.
    let other_tag = sample::bytes();
    let of_another = BoundDevice {
        subject: twin.subject,
        ..device.clone()
    };
    assert!(!deposit(&other_tag, &of_another, &jkt, &fields()).await);
    let other = sample::subject();
    assert!(store.reserve(&other_tag, &other, NOW).await.unwrap());
    assert!(store.confirm(&device.subject).await.unwrap());
    assert_eq!(
        store
            .fields(&device.subject, &[Field::BirthDate, Field::Name])
            .await
            .unwrap(),
        kept
    );
    assert!(!deposit(&tag, &device, &jkt, &kept).await, "confirmed");
    store.erase(&device.subject).await.unwrap();
    assert!(
        !deposit(&tag, &twin, &sample::jkt(), &fields()).await,
        "cools off"
    );
}

async fn the_same_record_again_is_fine_and_another_is_not<S: VaultStore>(store: &Arc<S>) {
    let device = sample::bound_device(reserved(store).await);
    let (jkt, kept) = (sample::jkt(), fields());
    assert!(store.deposit(&device, &jkt, &kept).await.unwrap());
    assert!(store.deposit(&device, &jkt, &kept).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &fields()).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &kept[..1]).await.unwrap());
    assert!(!store.deposit(&device, &sample::jkt(), &kept).await.unwrap());
    let other_key = sample::bound_device(device.subject);
    assert!(!store.deposit(&other_key, &jkt, &kept).await.unwrap());

    assert!(store.confirm(&device.subject).await.unwrap());
    assert_eq!(store.device(&jkt).await.unwrap(), Some(device.clone()));
    let asked = [Field::BirthDate, Field::Name];
    assert_eq!(store.fields(&device.subject, &asked).await.unwrap(), kept);
}

async fn a_confirmed_record_takes_no_other<S: VaultStore>(store: &Arc<S>) {
    let device = sample::bound_device(reserved(store).await);
    let (jkt, kept) = (sample::jkt(), fields());
    assert!(store.deposit(&device, &jkt, &kept).await.unwrap());
    assert!(store.confirm(&device.subject).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &kept).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &fields()).await.unwrap());
}

async fn a_device_opens_one_record<S: VaultStore>(store: &Arc<S>) {
    let (first, second) = (reserved(store).await, reserved(store).await);
    let (device, jkt) = (sample::bound_device(first), sample::jkt());
    assert!(store.deposit(&device, &jkt, &fields()).await.unwrap());
    let of_another = BoundDevice {
        subject: second,
        ..device
    };
    assert!(!store.deposit(&of_another, &jkt, &fields()).await.unwrap());
    assert_eq!(store.fields(&second, &Field::ALL).await.unwrap(), []);
}

async fn fields_come_in_the_order_asked<S: VaultStore>(store: &Arc<S>) {
    let device = sample::bound_device(reserved(store).await);
    let [birth_date, name] = [field(Field::BirthDate), field(Field::Name)];
    let record = [name.clone(), birth_date.clone()];
    assert!(store.deposit(&device, &sample::jkt(), &record).await.unwrap());
    let subject = &device.subject;
    let asked = [Field::BirthDate, Field::DocumentNumber, Field::Name];
    assert_eq!(
        store.fields(subject, &asked).await.unwrap(),
        [birth_date, name.clone()]
    );
    assert_eq!(store.fields(subject, &[Field::Name]).await.unwrap(), [name]);
    assert_eq!(store.fields(subject, &[]).await.unwrap(), []);
    let unknown = store.fields(&sample::subject(), &Field::ALL).await.unwrap();
    assert_eq!(unknown, []);
}

async fn freeing_removes_the_fields<S: VaultStore>(store: &Arc<S>) {
    let device = sample::bound_device(reserved(store).await);
    assert!(store.deposit(&device, &sample::jkt(), &fields()).await.unwrap());
    store.free(&device.subject).await.unwrap();
    let left = store.fields(&device.subject, &Field::ALL).await.unwrap();
    assert_eq!(left, []);
}

async fn recorded<S: VaultStore>(store: &Arc<S>, tag: &[u8; 32]) -> SubjectId {
    let subject = sample::subject();
    assert!(store.reserve(tag, &subject, NOW).await.unwrap());
    let device = sample::bound_device(subject);
    assert!(store.deposit(&device, &sample::jkt(), &fields()).await.unwrap());
    subject
}

async fn an_erased_persons_tag_cools_off<S: VaultStore>(store: &Arc<S>) {
    let tag = sample::bytes();
    let subject = recorded(store, &tag).await;
    assert!(store.confirm(&subject).await.unwrap());
    store.erase(&subject).await.unwrap();
    store.erase(&subject).await.unwrap();
    let today = NOW.day_start();
    let free = async |now| store.reserve(&tag, &sample::subject(), now).await.unwrap();
    assert!(!free(NOW).await, "nobody counted yet");
    assert_eq!(store.cool_off(today, today.minus(DAY)).await.unwrap(), 0);
    assert!(!free(NOW).await);
    // The first day counts, and no later one.
    assert_eq!(store.cool_off(today.plus(DAY), today.minus(1)).await.unwrap(), 0);
    assert!(!free(NOW.plus(DAY)).await);
    assert_eq!(store.cool_off(today.plus(2 * DAY), today).await.unwrap(), 1);
    assert!(free(NOW.plus(2 * DAY)).await);
}

async fn a_tag_that_cools_off_does_so_under_the_newest_key<S: VaultStore>(store: &Arc<S>) {
    let (old, new): ([u8; 32], [u8; 32]) = (sample::bytes(), sample::bytes());
    let subject = recorded(store, &old).await;
    assert!(store.confirm(&subject).await.unwrap());
    store.erase(&subject).await.unwrap();
    let today = NOW.day_start();
    assert_eq!(store.cool_off(today, today.minus(DAY)).await.unwrap(), 0);
    for _ in 0..2 {
        store.reindex(&[old], &new).await.unwrap();
    }
    assert!(!store.reserve(&new, &sample::subject(), NOW).await.unwrap());
    assert!(
        store.reserve(&old, &sample::subject(), NOW).await.unwrap(),
        "it is kept once"
    );
    // A rotation is no new beginning of its time.
    assert_eq!(store.cool_off(today.plus(DAY), today).await.unwrap(), 1);
    assert!(store.reserve(&new, &sample::subject(), NOW).await.unwrap());
}

async fn an_unconfirmed_record_that_is_erased_bars_nobody<S: VaultStore>(store: &Arc<S>) {
    let tag = sample::bytes();
    let subject = recorded(store, &tag).await;
    store.erase(&subject).await.unwrap();
    assert!(store.reserve(&tag, &sample::subject(), NOW).await.unwrap());
}
