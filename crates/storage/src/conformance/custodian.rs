//! What [`CustodianStore`] promises.

use std::sync::Arc;

use cyberid_domain::field::Field;

use super::sample::{self, NOW};
use super::{key_holder, seals};
use crate::custodian::{CustodianShare, CustodianStore};
use crate::key_holder::BoundDevice;

/// Asks every sentence of the contract, and of what vault and custodian both keep.
pub async fn all<S: CustodianStore + 'static>(make: impl AsyncFn() -> Arc<S>) {
    key_holder::all(&make, async |store: &S, device: &BoundDevice, jkt: &str| {
        assert!(store.deposit(device, jkt, &shares(), NOW).await.unwrap());
    })
    .await;
    seals::all(&make, async |store: &S, device, shares| {
        let kept = |(name, share): &(Field, Vec<u8>)| CustodianShare {
            field: *name,
            share: share.clone(),
        };
        let shares: Vec<CustodianShare> = shares.iter().map(kept).collect();
        let kept = store.deposit(device, &sample::jkt(), &shares, NOW).await;
        assert!(kept.unwrap());
    })
    .await;
    the_same_shares_again_are_fine_and_others_are_not(&make().await).await;
    a_confirmed_record_takes_no_other_shares(&make().await).await;
    a_device_opens_one_record(&make().await).await;
    shares_come_in_the_order_asked(&make().await).await;
    freeing_removes_the_shares(&make().await).await;
}

fn share(field: Field) -> CustodianShare {
    CustodianShare {
        field,
        share: sample::bytes::<60>().to_vec(),
    }
}

fn shares() -> Vec<CustodianShare> {
    vec![share(Field::BirthDate), share(Field::Name)]
}

async fn the_same_shares_again_are_fine_and_others_are_not<S: CustodianStore>(store: &Arc<S>) {
    let device = sample::bound_device(sample::subject());
    let (jkt, kept) = (sample::jkt(), shares());
    assert!(store.deposit(&device, &jkt, &kept, NOW).await.unwrap());
    assert!(store.deposit(&device, &jkt, &kept, NOW.plus(1)).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &shares(), NOW).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &kept[..1], NOW).await.unwrap());
    let other_device = store.deposit(&device, &sample::jkt(), &kept, NOW).await;
    assert!(!other_device.unwrap());
    let other_key = sample::bound_device(device.subject);
    assert!(!store.deposit(&other_key, &jkt, &kept, NOW).await.unwrap());

    assert!(store.confirm(&device.subject).await.unwrap());
    assert_eq!(store.device(&jkt).await.unwrap(), Some(device.clone()));
    let asked = [Field::BirthDate, Field::Name];
    assert_eq!(store.shares(&device.subject, &asked).await.unwrap(), kept);
}

async fn a_confirmed_record_takes_no_other_shares<S: CustodianStore>(store: &Arc<S>) {
    let device = sample::bound_device(sample::subject());
    let (jkt, kept) = (sample::jkt(), shares());
    assert!(store.deposit(&device, &jkt, &kept, NOW).await.unwrap());
    assert!(store.confirm(&device.subject).await.unwrap());
    assert!(!store.deposit(&device, &jkt, &shares(), NOW).await.unwrap());
    let asked = [Field::BirthDate, Field::Name];
    assert_eq!(store.shares(&device.subject, &asked).await.unwrap(), kept);
}

async fn a_device_opens_one_record<S: CustodianStore>(store: &Arc<S>) {
    let (device, jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    assert!(store.deposit(&device, &jkt, &shares(), NOW).await.unwrap());
    let of_another = BoundDevice {
        subject: sample::subject(),
        ..device
    };
    assert!(!store.deposit(&of_another, &jkt, &shares(), NOW).await.unwrap());
    let kept = store.shares(&of_another.subject, &Field::ALL).await.unwrap();
    assert_eq!(kept, []);
}

async fn shares_come_in_the_order_asked<S: CustodianStore>(store: &Arc<S>) {
    let device = sample::bound_device(sample::subject());
    let [birth_date, name] = [share(Field::BirthDate), share(Field::Name)];
    let record = [name.clone(), birth_date.clone()];
    let kept = store.deposit(&device, &sample::jkt(), &record, NOW).await;
    assert!(kept.unwrap());
    let subject = &device.subject;
    let asked = [Field::BirthDate, Field::DocumentNumber, Field::Name];
    assert_eq!(
        store.shares(subject, &asked).await.unwrap(),
        [birth_date, name.clone()]
    );
    assert_eq!(store.shares(subject, &[Field::Name]).await.unwrap(), [name]);
    assert_eq!(store.shares(subject, &[]).await.unwrap(), []);
    let unknown = store.shares(&sample::subject(), &Field::ALL).await.unwrap();
    assert_eq!(unknown, []);
}

async fn freeing_removes_the_shares<S: CustodianStore>(store: &Arc<S>) {
    let device = sample::bound_device(sample::subject());
    let kept = store.deposit(&device, &sample::jkt(), &shares(), NOW).await;
    assert!(kept.unwrap());
    store.free(&device.subject).await.unwrap();
    let left = store.shares(&device.subject, &Field::ALL).await.unwrap();
    assert_eq!(left, []);
}
