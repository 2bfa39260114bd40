//! What [`Verifications`] promises.

use std::sync::Arc;

use super::sample::{self, NOW};
use super::{CALLERS, count, together};
use crate::journal::{Journal, Visit};
use crate::single_use::SingleUses;
use crate::verification::{Answered, Verification, VerificationState, Verifications};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: Verifications + Journal + SingleUses + 'static,
{
    a_verification_reads_back_and_is_not_replaced(&make().await).await;
    an_answer_is_kept_with_its_visit_and_its_proof(&make().await).await;
    a_refusal_needs_no_visit(&make().await).await;
    what_is_answered_or_over_takes_no_answer(&make().await).await;
    a_proof_that_was_used_answers_nothing(&make().await).await;
    a_verification_is_answered_once_among_concurrent_callers(&make().await).await;
    a_proof_answers_once_among_concurrent_callers(&make().await).await;
    a_direct_proof_is_consumed_once(&make().await).await;
    only_what_expired_before_is_forgotten(&make().await).await;
}

async fn asked<S: Verifications>(store: &Arc<S>) -> Verification {
    let verification = sample::verification();
    store.ask(&verification).await.unwrap();
    verification
}

async fn state<S: Verifications>(store: &Arc<S>, verification: &Verification) -> VerificationState {
    let read = store.verification(&verification.id).await.unwrap();
    read.unwrap().state
}

async fn is_kept<S: Journal>(store: &Arc<S>, visit: &Visit) -> bool {
    !store.visits(visit.day, &visit.tag).await.unwrap().is_empty()
}

async fn a_verification_reads_back_and_is_not_replaced<S: Verifications>(store: &Arc<S>) {
    let first = asked(store).await;
    assert_eq!(store.verification(&first.id).await.unwrap(), Some(first.clone()));
    let without_sub = Verification {
        sub: None,
        ..sample::verification()
    };
    store.ask(&without_sub).await.unwrap();
    let read = store.verification(&without_sub.id).await.unwrap();
    assert_eq!(read, Some(without_sub));
    let unknown = sample::verification().id;
    assert_eq!(store.verification(&unknown).await.unwrap(), None);

    let refused = store.conclude(&first.id, &VerificationState::Declined, None, None, NOW);
    assert_eq!(refused.await.unwrap(), Answered::Now);
    store.ask(&first).await.unwrap();
    assert_eq!(state(store, &first).await, VerificationState::Declined);
}

async fn an_answer_is_kept_with_its_visit_and_its_proof<S>(store: &Arc<S>)
where
    S: Verifications + Journal + SingleUses,
{
    let failed = VerificationState::Failed {
        attestation: "another attestation".into(),
    };
    for answer in [sample::passed(), failed] {
        let verification = asked(store).await;
        let (proof, visit) = (sample::single_use(), sample::visit());
        let last = verification.expires_at.minus(1);
        let answered = store.conclude(&verification.id, &answer, Some(&proof), Some(&visit), last);
        assert_eq!(answered.await.unwrap(), Answered::Now);
        let expected = Verification {
            state: answer,
            ..verification
        };
        assert_eq!(store.verification(&expected.id).await.unwrap(), Some(expected));
        assert_eq!(store.visits(visit.day, &visit.tag).await.unwrap(), [visit.sealed]);
        assert!(!store.use_once(&proof).await.unwrap());
    }
}

async fn a_refusal_needs_no_visit<S: Verifications + SingleUses>(store: &Arc<S>) {
    let verification = asked(store).await;
    let proof = sample::single_use();
    let declined = VerificationState::Declined;
    let answered = store.conclude(&verification.id, &declined, Some(&proof), None, NOW);
    assert_eq!(answered.await.unwrap(), Answered::Now);
    assert_eq!(state(store, &verification).await, declined);
    assert!(!store.use_once(&proof).await.unwrap());
}

async fn what_is_answered_or_over_takes_no_answer<S>(store: &Arc<S>)
where
    S: Verifications + Journal + SingleUses,
{
    let (unknown, over, answered) = (sample::verification(), asked(store).await, asked(store).await);
    let declined = VerificationState::Declined;
    let first = store.conclude(&answered.id, &declined, None, None, NOW);
    assert_eq!(first.await.unwrap(), Answered::Now);
    for (verification, now) in [(&unknown, NOW), (&over, over.expires_at), (&answered, NOW)] {
        let (proof, visit) = (sample::single_use(), sample::visit());
        let passed = sample::passed();
        let late = store.conclude(&verification.id, &passed, Some(&proof), Some(&visit), now);
        assert_eq!(late.await.unwrap(), Answered::Closed);
        assert!(!is_kept(store, &visit).await);
        assert!(store.use_once(&proof).await.unwrap());
    }
    assert_eq!(store.verification(&unknown.id).await.unwrap(), None);
    assert_eq!(state(store, &over).await, VerificationState::Pending);
    assert_eq!(state(store, &answered).await, declined);
}

async fn a_proof_that_was_used_answers_nothing<S>(store: &Arc<S>)
where
    S: Verifications + Journal + SingleUses,
{
    let verification = asked(store).await;
    let (proof, visit) = (sample::single_use(), sample::visit());
    assert!(store.use_once(&proof).await.unwrap());
    let passed = sample::passed();
    let replayed = store.conclude(&verification.id, &passed, Some(&proof), Some(&visit), NOW);
    assert_eq!(replayed.await.unwrap(), Answered::Replayed);
    assert_eq!(state(store, &verification).await, VerificationState::Pending);
    assert!(!is_kept(store, &visit).await);
}

async fn a_verification_is_answered_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: Verifications + Journal + 'static,
{
    let verification = asked(store).await;
    let tag = sample::bytes();
    let answers = together(|_| {
        let (store, id) = (Arc::clone(store), verification.id.clone());
        let (proof, passed) = (sample::single_use(), sample::passed());
        let visit = Visit {
            tag,
            ..sample::visit()
        };
        async move {
            let answered = store.conclude(&id, &passed, Some(&proof), Some(&visit), NOW);
            answered.await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &Answered::Now), 1);
    assert_eq!(count(&answers, &Answered::Closed), CALLERS - 1);
    let visits = store.visits(sample::visit().day, &tag).await.unwrap();
    assert_eq!(visits.len(), 1);
}

async fn a_proof_answers_once_among_concurrent_callers<S: Verifications + 'static>(store: &Arc<S>) {
    let proof = sample::single_use();
    let answers = together(|_| {
        let (store, proof) = (Arc::clone(store), proof.clone());
        async move {
            let verification = asked(&store).await;
            let (passed, visit) = (sample::passed(), sample::visit());
            let answered = store.conclude(&verification.id, &passed, Some(&proof), Some(&visit), NOW);
            answered.await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, &Answered::Now), 1);
    assert_eq!(count(&answers, &Answered::Replayed), CALLERS - 1);
}

async fn a_direct_proof_is_consumed_once<S>(store: &Arc<S>)
where
    S: Verifications + Journal + 'static,
{
    let (proof, tag) = (sample::single_use(), sample::bytes());
    let answers = together(|_| {
        let (store, proof) = (Arc::clone(store), proof.clone());
        let visit = Visit {
            tag,
            ..sample::visit()
        };
        async move { store.conclude_direct(&proof, &visit).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Answered::Now), 1);
    assert_eq!(count(&answers, &Answered::Replayed), CALLERS - 1);
    let visits = store.visits(sample::visit().day, &tag).await.unwrap();
    assert_eq!(visits.len(), 1);
}

async fn only_what_expired_before_is_forgotten<S: Verifications>(store: &Arc<S>) {
    let over = asked(store).await;
    let not_yet = Verification {
        expires_at: over.expires_at.plus(1),
        ..sample::verification()
    };
    store.ask(&not_yet).await.unwrap();
    assert_eq!(store.forget_verifications(over.expires_at).await.unwrap(), 0);
    assert_eq!(store.forget_verifications(not_yet.expires_at).await.unwrap(), 1);
    assert_eq!(store.verification(&over.id).await.unwrap(), None);
    assert_eq!(store.verification(&not_yet.id).await.unwrap(), Some(not_yet));
}
