//! What is being written is never answered from memory, however the writers meet or end.

use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::age::Threshold;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::subject::{NewSubject, Subjects as _};
use cyberid_storage_cache::CachedSubjects;

use crate::store::{NOW, Store, cache, enrol, new_subject, whole};

async fn begun() -> (Arc<Store>, Arc<CachedSubjects>, NewSubject) {
    let store = Store::open().await;
    let new = enrol(&*store).await;
    let cached = cache(&store, 1_000);
    whole(&cached).await;
    (store, cached, new)
}

async fn status(cached: &CachedSubjects, new: &NewSubject) -> SubjectStatus {
    cached.holder(&new.device.jkt).await.unwrap().unwrap().status
}

fn set(cached: &Arc<CachedSubjects>, new: &NewSubject, to: SubjectStatus) -> tokio::task::JoinHandle<()> {
    let (cached, subject) = (Arc::clone(cached), new.subject);
    tokio::spawn(async move {
        assert!(cached.set_status(&subject, to).await.unwrap());
    })
}

#[tokio::test]
async fn a_status_that_was_set_is_answered_from_memory() {
    let (store, cached, new) = begun().await;
    set(&cached, &new, SubjectStatus::Suspended).await.unwrap();
    store.asked();
    assert_eq!(status(&cached, &new).await, SubjectStatus::Suspended);
    assert_eq!(store.asked(), 0);
}

#[tokio::test]
async fn a_writer_that_is_cut_off_leaves_the_store_to_be_asked() {
    let (store, cached, new) = begun().await;
    store.after_write.shut();
    let writer = set(&cached, &new, SubjectStatus::Suspended);
    store.after_write.somebody_waits().await;
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    store.after_write.lift();
    store.asked();
    assert_eq!(status(&cached, &new).await, SubjectStatus::Suspended);
    assert_eq!(store.asked(), 1);
}

#[tokio::test]
async fn of_two_writers_the_last_one_to_end_reads_what_both_wrote() {
    let (store, cached, new) = begun().await;
    store.after_write.shut();
    let first = set(&cached, &new, SubjectStatus::Suspended);
    store.after_write.somebody_waits().await;
    let second = set(&cached, &new, SubjectStatus::Cancelled);
    store.after_write.somebody_waits().await;
    store.asked();
    assert_eq!(status(&cached, &new).await, SubjectStatus::Cancelled);
    assert_eq!(store.asked(), 1, "while it is written the store is asked");
    first.abort();
    store.after_write.lift();
    second.await.unwrap();
    assert_eq!(status(&cached, &new).await, SubjectStatus::Cancelled);
}

#[tokio::test]
async fn an_age_that_is_reached_counts_at_once() {
    let (store, cached, new) = begun().await;
    let has = async |cached: &CachedSubjects| {
        let holder = cached.holder(&new.device.jkt).await.unwrap().unwrap();
        holder.age_flags.has(Threshold::Eighteen)
    };
    assert!(!has(&cached).await);
    store.after_write.shut();
    let reaching = {
        let cached = Arc::clone(&cached);
        tokio::spawn(async move { cached.reach_ages(&[(Threshold::Eighteen, [8; 32])], NOW).await })
    };
    store.after_write.somebody_waits().await;
    assert!(has(&cached).await, "written, and not yet told");
    store.after_write.lift();
    assert_eq!(reaching.await.unwrap().unwrap(), 1);
    whole(&cached).await;
    assert!(has(&cached).await);
}

#[tokio::test]
async fn nothing_is_whole_after_a_change_of_everybody_was_cut_off() {
    let (store, cached, _) = begun().await;
    store.after_write.shut();
    let reaching = {
        let cached = Arc::clone(&cached);
        tokio::spawn(async move { cached.reach_ages(&[(Threshold::Eighteen, [8; 32])], NOW).await })
    };
    store.after_write.somebody_waits().await;
    reaching.abort();
    assert!(reaching.await.unwrap_err().is_cancelled());
    store.after_write.lift();
    cached.reach_ages(&[], NOW).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!cached.is_whole());
}

#[tokio::test]
async fn a_device_that_is_enrolled_while_a_status_is_set_has_it() {
    let (store, cached, _) = begun().await;
    let new = new_subject();
    cached.begin_enrolment(&new.subject, NOW).await.unwrap();
    store.before_write.shut();
    let writer = set(&cached, &new, SubjectStatus::Suspended);
    store.before_write.somebody_waits().await;
    assert!(cached.commit_enrolment(&new).await.unwrap());
    store.before_write.lift();
    writer.await.unwrap();
    assert_eq!(status(&cached, &new).await, SubjectStatus::Suspended);
}

#[tokio::test]
async fn what_was_read_back_before_an_age_was_reached_is_not_put_in_after_it() {
    let (store, cached, new) = begun().await;
    store.after_holder.shut();
    let writer = set(&cached, &new, SubjectStatus::Suspended);
    store.after_holder.somebody_waits().await;
    let reaching = {
        let cached = Arc::clone(&cached);
        tokio::spawn(async move { cached.reach_ages(&[(Threshold::Eighteen, [8; 32])], NOW).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    store.after_holder.lift();
    writer.await.unwrap();
    assert_eq!(reaching.await.unwrap().unwrap(), 1);
    whole(&cached).await;
    let holder = cached.holder(&new.device.jkt).await.unwrap().unwrap();
    assert!(holder.age_flags.has(Threshold::Eighteen));
}
