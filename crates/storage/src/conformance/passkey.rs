//! What [`Passkeys`] promises.

use std::sync::Arc;

use cyberid_domain::id::SubjectId;

use super::sample::{self, NOW};
use super::{CALLERS, count, subject, together};
use crate::passkey::{Added, MOST, Passkey, Passkeys, Used};
use crate::single_use::{SingleUse, SingleUses};
use crate::subject::Subjects;

/// Asks every sentence of the contract.
pub async fn all<S: Passkeys + Subjects + SingleUses + 'static>(make: impl AsyncFn() -> Arc<S>) {
    a_passkey_is_its_holders_until_removed(&make().await).await;
    an_id_is_taken_once(&make().await).await;
    a_holder_has_so_many_and_no_more(&make().await).await;
    a_counter_goes_forward_or_does_not_count(&make().await).await;
    an_attempt_is_used_up_once(&make().await).await;
    of_many_uses_of_one_count_one_is_counted(&make().await).await;
}

fn passkey(subject: SubjectId, id: u8) -> Passkey {
    Passkey {
        id: vec![id; 16],
        subject,
        key: sample::bytes(),
        sign_count: 0,
        backup_eligible: id.is_multiple_of(2),
        created_at: NOW.plus(id.into()),
    }
}

fn attempt() -> SingleUse {
    SingleUse {
        digest: sample::bytes(),
        forget_at: NOW.plus(600),
    }
}

async fn holder<S: Subjects>(store: &Arc<S>) -> SubjectId {
    subject::enrolled(store).await.subject
}

async fn a_passkey_is_its_holders_until_removed<S: Passkeys + Subjects>(store: &Arc<S>) {
    let (own, other) = (holder(store).await, holder(store).await);
    let (first, second) = (passkey(own, 1), passkey(own, 2));
    for new in [&second, &first] {
        assert_eq!(store.add_passkey(new).await.unwrap(), Added::Now);
    }
    assert_eq!(
        store.passkeys(&own).await.unwrap(),
        [first.clone(), second.clone()]
    );
    assert_eq!(
        store.passkey(&own, &second.id).await.unwrap(),
        Some(second.clone())
    );
    assert_eq!(store.passkey(&other, &first.id).await.unwrap(), None);
    assert!(store.passkeys(&other).await.unwrap().is_empty());
    assert!(!store.remove_passkey(&other, &first.id).await.unwrap());
    assert!(store.remove_passkey(&own, &first.id).await.unwrap());
    assert!(!store.remove_passkey(&own, &first.id).await.unwrap());
    assert_eq!(store.passkeys(&own).await.unwrap(), [second]);
}

async fn an_id_is_taken_once<S: Passkeys + Subjects>(store: &Arc<S>) {
    let (own, other) = (holder(store).await, holder(store).await);
    let first = passkey(own, 1);
    assert_eq!(store.add_passkey(&first).await.unwrap(), Added::Now);
    for again in [passkey(own, 1), passkey(other, 1)] {
        assert_eq!(store.add_passkey(&again).await.unwrap(), Added::Taken);
    }
    assert_eq!(store.passkey(&own, &first.id).await.unwrap(), Some(first));
}

async fn a_holder_has_so_many_and_no_more<S: Passkeys + Subjects + 'static>(store: &Arc<S>) {
    let (own, other) = (holder(store).await, holder(store).await);
    let answers = together(|which| {
        let (store, new) = (Arc::clone(store), passkey(own, u8::try_from(which).unwrap()));
        async move { store.add_passkey(&new).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Added::Now), MOST as usize);
    assert_eq!(count(&answers, &Added::Full), CALLERS - MOST as usize);
    let theirs = store.add_passkey(&passkey(other, 200)).await;
    assert_eq!(theirs.unwrap(), Added::Now);
}

async fn a_counter_goes_forward_or_does_not_count<S: Passkeys + Subjects>(store: &Arc<S>) {
    let (own, other) = (holder(store).await, holder(store).await);
    let (counting, not) = (passkey(own, 1), passkey(own, 2));
    store.add_passkey(&counting).await.unwrap();
    store.add_passkey(&not).await.unwrap();
    let used = async |subject: &SubjectId, id: &[u8], sign_count: u32| {
        let used = store.use_passkey(subject, id, sign_count, &attempt()).await;
        used.unwrap()
    };
    for (sign_count, expected) in [
        (0, Used::Now),
        (3, Used::Now),
        (3, Used::Behind),
        (2, Used::Behind),
        (0, Used::Behind),
        (4, Used::Now),
        (u32::MAX, Used::Now),
        (1, Used::Behind),
    ] {
        assert_eq!(
            used(&own, &counting.id, sign_count).await,
            expected,
            "{sign_count}"
        );
    }
    let kept = store.passkey(&own, &counting.id).await.unwrap().unwrap();
    assert_eq!(kept.sign_count, u32::MAX);
    for _ in 0..2 {
        assert_eq!(used(&own, &not.id, 0).await, Used::Now);
    }
    assert_eq!(used(&other, &not.id, 9).await, Used::Behind);
    assert_eq!(used(&own, &[9; 16], 9).await, Used::Behind);
    let kept = store.passkey(&own, &not.id).await.unwrap().unwrap();
    assert_eq!(kept, not);
}

async fn an_attempt_is_used_up_once<S: Passkeys + Subjects + SingleUses>(store: &Arc<S>) {
    let own = holder(store).await;
    let known = passkey(own, 1);
    store.add_passkey(&known).await.unwrap();
    let (good, nobodys) = (attempt(), attempt());
    for (id, thing, first) in [
        (known.id.as_slice(), &good, Used::Now),
        ([9; 16].as_slice(), &nobodys, Used::Behind),
    ] {
        let used = store.use_passkey(&own, id, 5, thing).await.unwrap();
        assert_eq!(used, first);
        let again = store.use_passkey(&own, id, 6, thing).await.unwrap();
        assert_eq!(again, Used::Replayed);
        assert!(!store.use_once(thing).await.unwrap());
    }
    let kept = store.passkey(&own, &known.id).await.unwrap().unwrap();
    assert_eq!(kept.sign_count, 5, "a replay moves nothing");
}

async fn of_many_uses_of_one_count_one_is_counted<S: Passkeys + Subjects + 'static>(store: &Arc<S>) {
    let own = holder(store).await;
    let known = passkey(own, 1);
    store.add_passkey(&known).await.unwrap();
    let answers = together(|_| {
        let (store, id) = (Arc::clone(store), known.id.clone());
        async move { store.use_passkey(&own, &id, 1, &attempt()).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Used::Now), 1);
    assert_eq!(count(&answers, &Used::Behind), CALLERS - 1);
}
