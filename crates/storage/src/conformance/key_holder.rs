//! What [`KeyHolderStore`] promises, of vault and custodian alike.

use std::sync::Arc;

use cyberid_domain::id::SubjectId;

use super::sample::{self, NOW};
use super::{CALLERS, count, together};
use crate::key_holder::{BoundDevice, ConsentUse, DeviceBinding, KeyHolderStore, RememberedCheckpoint, Used};

/// Asks every sentence of the contract, of records that `deposit` makes of a device and its thumbprint.
pub async fn all<S: KeyHolderStore + 'static>(
    make: impl AsyncFn() -> Arc<S>,
    deposit: impl AsyncFn(&S, &BoundDevice, &str),
) {
    a_device_opens_confirmed_records_only(&make().await, &deposit).await;
    an_unconfirmed_record_is_freed_and_a_confirmed_one_stays(&make().await, &deposit).await;
    another_device_opens_the_same_record(&make().await, &deposit).await;
    an_unbound_device_opens_nothing_again(&make().await, &deposit).await;
    a_record_is_numbered_anew_by_a_later_word(&make().await, &deposit).await;
    a_consent_is_used_for_one_leaf(&make().await).await;
    the_larger_checkpoint_is_remembered(&make().await).await;
    an_overtaken_checkpoint_writes_nothing(&make().await).await;
    another_root_of_the_same_size_is_overtaken(&make().await).await;
    one_of_concurrent_uses_is_the_first(&make().await).await;
    one_of_concurrent_leaves_wins(&make().await).await;
}

async fn a_device_opens_confirmed_records_only<S: KeyHolderStore>(
    store: &Arc<S>,
    deposit: &impl AsyncFn(&S, &BoundDevice, &str),
) {
    let (device, jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    assert!(!store.confirm(&device.subject).await.unwrap());
    deposit(store, &device, &jkt).await;
    assert_eq!(store.device(&jkt).await.unwrap(), None);
    assert!(store.confirm(&device.subject).await.unwrap());
    assert!(store.confirm(&device.subject).await.unwrap());
    assert_eq!(store.device(&jkt).await.unwrap(), Some(device));
    assert_eq!(store.device(&sample::jkt()).await.unwrap(), None);
}

async fn a_record_is_numbered_anew_by_a_later_word<S: KeyHolderStore>(
    store: &Arc<S>,
    deposit: &impl AsyncFn(&S, &BoundDevice, &str),
) {
    let (device, jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    let (other, other_jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    deposit(store, &device, &jkt).await;
    deposit(store, &other, &other_jkt).await;
    let [first, second]: [[u8; 32]; 2] = [sample::bytes(), sample::bytes()];
    let renumber =
        async |commitment: [u8; 32], at| store.renumber(&device.subject, &commitment, at).await.unwrap();
    assert!(!renumber(first, NOW).await, "not confirmed");
    for bound in [&device, &other] {
        assert!(store.confirm(&bound.subject).await.unwrap());
    }
    assert!(renumber(first, NOW).await && renumber(first, NOW).await);
    assert!(renumber(second, NOW.plus(1)).await);
    assert!(!renumber(first, NOW).await, "an earlier word");
    let numbered = BoundDevice {
        number_commitment: Some(second),
        ..device
    };
    assert_eq!(store.device(&jkt).await.unwrap(), Some(numbered));
    assert_eq!(store.device(&other_jkt).await.unwrap(), Some(other));
    let nobody = store.renumber(&sample::subject(), &first, NOW).await;
    assert!(!nobody.unwrap());
}

async fn an_unconfirmed_record_is_freed_and_a_confirmed_one_stays<S: KeyHolderStore>(
    store: &Arc<S>,
    deposit: &impl AsyncFn(&S, &BoundDevice, &str),
) {
    let (freed, kept) = (
        sample::bound_device(sample::subject()),
        sample::bound_device(sample::subject()),
    );
    let (freed_jkt, kept_jkt) = (sample::jkt(), sample::jkt());
    deposit(store, &freed, &freed_jkt).await;
    deposit(store, &kept, &kept_jkt).await;
    assert!(store.confirm(&kept.subject).await.unwrap());
    free_twice(store, &freed.subject).await;
    free_twice(store, &kept.subject).await;
    free_twice(store, &sample::subject()).await;
    assert!(!store.confirm(&freed.subject).await.unwrap());
    assert_eq!(store.device(&freed_jkt).await.unwrap(), None);
    assert_eq!(store.device(&kept_jkt).await.unwrap(), Some(kept));
    // Nothing is left of it: its device may open another record.
    let other = BoundDevice {
        subject: sample::subject(),
        ..freed
    };
    deposit(store, &other, &freed_jkt).await;
    assert!(store.confirm(&other.subject).await.unwrap());
    assert_eq!(store.device(&freed_jkt).await.unwrap(), Some(other));
}

fn binding(subject: SubjectId) -> DeviceBinding {
    DeviceBinding {
        subject,
        jkt: sample::jkt(),
        key: sample::bytes(),
        release_from: NOW.plus(1_000),
    }
}

async fn another_device_opens_the_same_record<S: KeyHolderStore>(
    store: &Arc<S>,
    deposit: &impl AsyncFn(&S, &BoundDevice, &str),
) {
    let (first, jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    let second = binding(first.subject);
    assert!(!store.bind(&second).await.unwrap(), "there is no record");
    deposit(store, &first, &jkt).await;
    assert!(!store.bind(&second).await.unwrap(), "it is not confirmed");
    assert!(store.confirm(&first.subject).await.unwrap());
    assert!(store.bind(&second).await.unwrap());
    let later = DeviceBinding {
        release_from: NOW,
        ..second.clone()
    };
    assert!(store.bind(&later).await.unwrap());
    let bound = BoundDevice {
        key: second.key,
        release_from: NOW.plus(1_000),
        ..first.clone()
    };
    assert_eq!(store.device(&second.jkt).await.unwrap(), Some(bound));
    assert_eq!(store.device(&jkt).await.unwrap(), Some(first.clone()));
    let (other, other_jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    deposit(store, &other, &other_jkt).await;
    assert!(store.confirm(&other.subject).await.unwrap());
    let of_another = DeviceBinding {
        subject: other.subject,
        ..second.clone()
    };
    assert!(!store.bind(&of_another).await.unwrap());
    store.erase(&first.subject).await.unwrap();
    assert_eq!(store.device(&second.jkt).await.unwrap(), None);
}

async fn an_unbound_device_opens_nothing_again<S: KeyHolderStore>(
    store: &Arc<S>,
    deposit: &impl AsyncFn(&S, &BoundDevice, &str),
) {
    let (first, jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    deposit(store, &first, &jkt).await;
    assert!(store.confirm(&first.subject).await.unwrap());
    let (second, never) = (binding(first.subject), binding(first.subject));
    assert!(store.bind(&second).await.unwrap());
    let (other, other_jkt) = (sample::bound_device(sample::subject()), sample::jkt());
    deposit(store, &other, &other_jkt).await;
    assert!(store.confirm(&other.subject).await.unwrap());
    for stranger in [sample::subject(), other.subject] {
        store.unbind(&stranger, &jkt, &first.key).await.unwrap();
        assert!(
            store.device(&jkt).await.unwrap().is_some(),
            "it is another record's"
        );
    }
    for _ in 0..2 {
        store.unbind(&first.subject, &jkt, &first.key).await.unwrap();
        store
            .unbind(&first.subject, &never.jkt, &never.key)
            .await
            .unwrap();
    }
    assert_eq!(store.device(&jkt).await.unwrap(), None);
    assert!(store.device(&second.jkt).await.unwrap().is_some());
    assert!(
        !store.bind(&never).await.unwrap(),
        "it was unbound before it was bound"
    );
    let again = DeviceBinding {
        jkt,
        key: first.key,
        ..binding(first.subject)
    };
    assert!(!store.bind(&again).await.unwrap());
}

async fn free_twice<S: KeyHolderStore>(store: &Arc<S>, subject: &SubjectId) {
    store.free(subject).await.unwrap();
    store.free(subject).await.unwrap();
}

fn checkpoint(size: u64) -> RememberedCheckpoint {
    RememberedCheckpoint {
        size,
        root: [u8::try_from(size).unwrap(); 32],
    }
}

fn consent_at(size: u64) -> ConsentUse {
    ConsentUse {
        consent_sha256: sample::jkt(),
        leaf_sha256: sample::jkt(),
        checkpoint: checkpoint(size),
        time: NOW,
    }
}

async fn a_consent_is_used_for_one_leaf<S: KeyHolderStore>(store: &Arc<S>) {
    let consent = consent_at(5);
    let for_another_leaf = ConsentUse {
        leaf_sha256: sample::jkt(),
        checkpoint: checkpoint(9),
        ..consent.clone()
    };
    assert_eq!(store.remembered().await.unwrap(), None);
    assert_eq!(store.use_consent(&consent).await.unwrap(), Used::First);
    assert_eq!(store.use_consent(&consent).await.unwrap(), Used::Again);
    let other = store.use_consent(&for_another_leaf).await.unwrap();
    assert_eq!(other, Used::ForAnotherLeaf);
    assert_eq!(store.use_consent(&consent).await.unwrap(), Used::Again);
    assert_eq!(store.remembered().await.unwrap(), Some(checkpoint(5)));
}

async fn the_larger_checkpoint_is_remembered<S: KeyHolderStore>(store: &Arc<S>) {
    let consent = consent_at(5);
    assert_eq!(store.use_consent(&consent).await.unwrap(), Used::First);
    assert_eq!(store.remembered().await.unwrap(), Some(checkpoint(5)));
    let same_checkpoint = consent_at(5);
    assert_eq!(store.use_consent(&same_checkpoint).await.unwrap(), Used::First);
    let larger = consent_at(6);
    assert_eq!(store.use_consent(&larger).await.unwrap(), Used::First);
    assert_eq!(store.remembered().await.unwrap(), Some(checkpoint(6)));
    let again = ConsentUse {
        checkpoint: checkpoint(7),
        ..consent
    };
    assert_eq!(store.use_consent(&again).await.unwrap(), Used::Again);
    assert_eq!(store.remembered().await.unwrap(), Some(checkpoint(7)));
}

async fn an_overtaken_checkpoint_writes_nothing<S: KeyHolderStore>(store: &Arc<S>) {
    assert_eq!(store.use_consent(&consent_at(5)).await.unwrap(), Used::First);
    let late = consent_at(4);
    assert_eq!(store.use_consent(&late).await.unwrap(), Used::Overtaken);
    assert_eq!(store.remembered().await.unwrap(), Some(checkpoint(5)));
    let checked_again = ConsentUse {
        checkpoint: checkpoint(5),
        leaf_sha256: sample::jkt(),
        ..late
    };
    assert_eq!(store.use_consent(&checked_again).await.unwrap(), Used::First);
}

async fn another_root_of_the_same_size_is_overtaken<S: KeyHolderStore>(store: &Arc<S>) {
    assert_eq!(store.use_consent(&consent_at(5)).await.unwrap(), Used::First);
    let mut fork = consent_at(5);
    fork.checkpoint.root = [0xff; 32];
    assert_eq!(store.use_consent(&fork).await.unwrap(), Used::Overtaken);
    assert_eq!(store.remembered().await.unwrap(), Some(checkpoint(5)));
}

async fn one_of_concurrent_uses_is_the_first<S: KeyHolderStore + 'static>(store: &Arc<S>) {
    let consent = consent_at(5);
    let answers = together(|_| {
        let (store, consent) = (Arc::clone(store), consent.clone());
        async move { store.use_consent(&consent).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Used::First), 1);
    assert_eq!(count(&answers, &Used::Again), CALLERS - 1);
}

async fn one_of_concurrent_leaves_wins<S: KeyHolderStore + 'static>(store: &Arc<S>) {
    let consent = consent_at(5);
    let answers = together(|_| {
        let store = Arc::clone(store);
        let consent = ConsentUse {
            leaf_sha256: sample::jkt(),
            ..consent.clone()
        };
        async move { store.use_consent(&consent).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Used::First), 1);
    assert_eq!(count(&answers, &Used::ForAnotherLeaf), CALLERS - 1);
}
