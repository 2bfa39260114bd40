//! What [`ShareSeals`] promises.

use std::sync::Arc;

use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;

use super::sample;
use crate::key_holder::{BoundDevice, KeyHolderStore};
use crate::seals::{ResealedShare, SealedShare, ShareRow, ShareSeals};

type Shares = [(Field, Vec<u8>)];

/// Asks every sentence of the contract; `deposit` makes an unconfirmed record of these sealed shares.
pub(super) async fn all<S: KeyHolderStore + ShareSeals>(
    make: impl AsyncFn() -> Arc<S>,
    deposit: impl AsyncFn(&S, &BoundDevice, &Shares),
) {
    shares_are_found_by_their_key(&*make().await, &deposit).await;
    they_come_in_order_from_where_one_stood(&*make().await, &deposit).await;
    an_unconfirmed_record_is_counted_and_left_alone(&*make().await, &deposit).await;
    new_seals_take_the_place_of_those_that_were_read(&*make().await, &deposit).await;
    what_was_erased_meanwhile_stays_erased(&*make().await, &deposit).await;
}

/// A share that is sealed to this key.
fn sealed(key: [u8; 32]) -> Vec<u8> {
    [key.as_slice(), &sample::bytes::<60>()].concat()
}

/// A record of two shares that are sealed to this key, unconfirmed.
async fn record<S: ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
    key: [u8; 32],
) -> (SubjectId, Vec<SealedShare>) {
    let device = sample::bound_device(sample::subject());
    let shares = [Field::BirthDate, Field::Name].map(|field| (field, sealed(key)));
    deposit(store, &device, &shares).await;
    let subject = device.subject;
    let read = shares.map(|(field, share)| SealedShare {
        row: ShareRow { subject, field },
        share,
    });
    (subject, read.into())
}

/// The same, confirmed.
async fn confirmed<S: KeyHolderStore + ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
    key: [u8; 32],
) -> (SubjectId, Vec<SealedShare>) {
    let made = record(store, deposit, key).await;
    assert!(store.confirm(&made.0).await.unwrap());
    made
}

async fn shares_are_found_by_their_key<S: KeyHolderStore + ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
) {
    assert_eq!(store.seal_keys().await.unwrap(), [[0; 32]; 0]);
    let (one, other) = ([1; 32], [2; 32]);
    let (_, read) = confirmed(store, deposit, one).await;
    for _ in 0..3 {
        confirmed(store, deposit, other).await;
    }
    assert_eq!(store.seal_keys().await.unwrap(), [one, other]);
    assert_eq!(store.sealed_to(&one).await.unwrap(), 2);
    assert_eq!(store.sealed_to(&other).await.unwrap(), 6);
    assert_eq!(store.sealed_to(&[3; 32]).await.unwrap(), 0);
    assert_eq!(store.next_sealed_to(&one, None, 9).await.unwrap(), read);
    assert_eq!(store.next_sealed_to(&other, None, 9).await.unwrap().len(), 6);
}

async fn they_come_in_order_from_where_one_stood<S: KeyHolderStore + ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
) {
    let key = [1; 32];
    for _ in 0..3 {
        confirmed(store, deposit, key).await;
    }
    let all = store.next_sealed_to(&key, None, 100).await.unwrap();
    assert_eq!(all.len(), 6);
    let (mut after, mut read) = (None, Vec::new());
    loop {
        let next = store.next_sealed_to(&key, after, 1).await.unwrap();
        let Some(share) = next.first() else { break };
        assert_eq!(next.len(), 1);
        after = Some(share.row);
        read.extend(next);
    }
    assert_eq!(read, all);
}

async fn an_unconfirmed_record_is_counted_and_left_alone<S: KeyHolderStore + ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
) {
    let key = [1; 32];
    let (subject, read) = record(store, deposit, key).await;
    assert_eq!(store.sealed_to(&key).await.unwrap(), 2);
    assert_eq!(store.next_sealed_to(&key, None, 9).await.unwrap(), []);
    assert!(store.confirm(&subject).await.unwrap());
    assert_eq!(store.next_sealed_to(&key, None, 9).await.unwrap(), read);
}

async fn new_seals_take_the_place_of_those_that_were_read<S: KeyHolderStore + ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
) {
    let (old, new) = ([1; 32], [2; 32]);
    let (_, read) = confirmed(store, deposit, old).await;
    let resealed = resealed(&read, new);
    let stale = ResealedShare {
        old: SealedShare {
            share: sealed(old),
            ..read[1].clone()
        },
        new: sealed(new),
    };
    assert_eq!(
        store.reseal(&[resealed[0].clone(), stale]).await.unwrap(),
        1,
        "one stands as it was read"
    );
    assert_eq!(store.sealed_to(&old).await.unwrap(), 1);
    assert_eq!(store.reseal(&resealed).await.unwrap(), 1, "the other one");
    assert_eq!(store.seal_keys().await.unwrap(), [new]);
    let kept = store.next_sealed_to(&new, None, 9).await.unwrap();
    let shares = kept.iter().map(|kept| &kept.share);
    assert!(shares.eq(resealed.iter().map(|resealed| &resealed.new)));
    assert_eq!(store.reseal(&[]).await.unwrap(), 0);
}

async fn what_was_erased_meanwhile_stays_erased<S: KeyHolderStore + ShareSeals>(
    store: &S,
    deposit: &impl AsyncFn(&S, &BoundDevice, &Shares),
) {
    let (subject, read) = confirmed(store, deposit, [1; 32]).await;
    store.erase(&subject).await.unwrap();
    assert_eq!(store.reseal(&resealed(&read, [2; 32])).await.unwrap(), 0);
    assert_eq!(store.seal_keys().await.unwrap(), [[0; 32]; 0]);
}

fn resealed(read: &[SealedShare], key: [u8; 32]) -> Vec<ResealedShare> {
    let anew = |old: &SealedShare| ResealedShare {
        old: old.clone(),
        new: sealed(key),
    };
    read.iter().map(anew).collect()
}
