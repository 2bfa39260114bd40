//! Once everybody is in memory nobody is looked up in the store, known or not; before that, everybody is.

use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::conformance;
use cyberid_storage::subject::Subjects as _;

use crate::store::{Store, cache, enrol, new_subject, whole};

#[tokio::test]
async fn it_is_a_store_of_subjects() {
    conformance::subject::all(async || {
        let cached = cache(&Store::open().await, 1_000);
        whole(&cached).await;
        cached
    })
    .await;
}

#[tokio::test]
async fn known_and_unknown_are_answered_from_memory_alike() {
    let store = Store::open().await;
    let known = enrol(&*store).await;
    let cached = cache(&store, 1_000);
    whole(&cached).await;
    store.asked();
    let holder = cached.holder(&known.device.jkt).await.unwrap().unwrap();
    assert_eq!((holder.subject, holder.key), (known.subject, known.device.key));
    assert_eq!(cached.holder(&new_subject().device.jkt).await.unwrap(), None);
    assert_eq!(store.asked(), 0);
    let later = enrol(&*cached).await;
    store.asked();
    assert!(cached.holder(&later.device.jkt).await.unwrap().is_some());
    assert_eq!(store.asked(), 0);
}

#[tokio::test]
async fn until_everybody_is_in_memory_the_store_is_asked_for_all() {
    let store = Store::open().await;
    let known = enrol(&*store).await;
    store.after_page.shut();
    let cached = cache(&store, 1_000);
    store.after_page.somebody_waits().await;
    for jkt in [known.device.jkt.clone(), new_subject().device.jkt] {
        cached.holder(&jkt).await.unwrap();
        assert_eq!(store.asked(), 1);
    }
    // What changes while a page is on its way is newer than the page.
    cached
        .set_status(&known.subject, SubjectStatus::Suspended)
        .await
        .unwrap();
    store.after_page.lift();
    whole(&cached).await;
    let holder = cached.holder(&known.device.jkt).await.unwrap().unwrap();
    assert_eq!(holder.status, SubjectStatus::Suspended);
}

#[tokio::test]
async fn more_than_the_most_are_not_kept() {
    let store = Store::open().await;
    let cached = cache(&store, 2);
    whole(&cached).await;
    let first = enrol(&*cached).await;
    enrol(&*cached).await;
    assert!(cached.is_whole());
    enrol(&*cached).await;
    assert!(!cached.is_whole());
    store.asked();
    assert!(cached.holder(&first.device.jkt).await.unwrap().is_some());
    assert_eq!(store.asked(), 1);
    let again = cache(&store, 2);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!again.is_whole());
}

#[tokio::test]
async fn one_too_many_while_everybody_is_read_is_too_many() {
    let store = Store::open().await;
    let first = enrol(&*store).await;
    enrol(&*store).await;
    store.after_page.shut();
    let cached = cache(&store, 2);
    store.after_page.somebody_waits().await;
    // All are in memory, and the end is on its way.
    store.after_page.lift_for_one();
    store.after_page.somebody_waits().await;
    enrol(&*cached).await;
    store.after_page.lift();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(cached.holder(&first.device.jkt).await.unwrap().is_some());
    assert!(!cached.is_whole());
}
