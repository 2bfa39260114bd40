//! What [`Verifications`] promises.

use std::sync::Arc;

use super::sample::{self, NOW};
use super::{CALLERS, count, together};
use crate::journal::{Journal, Visit};
use crate::single_use::SingleUse;
use crate::verification::{Answered, Kept, Opened, Verification, VerificationState, Verifications};

/// The device that opens and answers.
const DEVICE: [u8; 16] = [7; 16];
/// Another.
const OTHER: [u8; 16] = [8; 16];

/// Asks every sentence of the contract.
pub async fn all<S: Verifications + Journal + 'static>(make: impl AsyncFn() -> Arc<S>) {
    a_verification_reads_back_and_is_not_replaced(&make().await).await;
    an_answer_is_kept_with_its_visit_and_its_proof(&make().await).await;
    a_refusal_needs_no_visit(&make().await).await;
    what_is_answered_or_over_takes_no_answer(&make().await).await;
    a_proof_that_was_used_answers_nothing(&make().await).await;
    a_proof_is_used_once_however_it_came(&make().await).await;
    a_verification_is_answered_once_among_concurrent_callers(&make().await).await;
    a_proof_answers_once_among_concurrent_callers(&make().await).await;
    a_direct_proof_is_consumed_once(&make().await).await;
    what_one_opened_no_other_opens_or_answers(&make().await).await;
    what_nobody_opened_is_declined_by_anybody_and_answered_by_an_opener(&make().await).await;
    what_is_answered_or_over_is_not_opened(&make().await).await;
    a_verification_has_one_opener_among_concurrent_callers(&make().await).await;
    only_what_expired_before_is_forgotten(&make().await).await;
}

async fn asked<S: Verifications>(store: &Arc<S>) -> Verification {
    let verification = sample::verification();
    assert_eq!(store.ask(&verification).await.unwrap(), Kept::Now);
    verification
}

async fn read<S: Verifications>(store: &Arc<S>, verification: &Verification) -> Verification {
    store.verification(&verification.id).await.unwrap().unwrap()
}

async fn state<S: Verifications>(store: &Arc<S>, verification: &Verification) -> VerificationState {
    read(store, verification).await.state
}

/// Answers it with `passed`, as `DEVICE`, at `NOW`.
async fn pass<S: Verifications>(
    store: &Arc<S>,
    verification: &Verification,
    proof: &SingleUse,
    visit: &Visit,
) -> Answered {
    let passed = sample::passed();
    let (id, proof, visit) = (&verification.id, Some(proof), Some(visit));
    let answered = store.conclude(id, &passed, Some(&DEVICE), proof, visit, NOW);
    answered.await.unwrap()
}

async fn decline<S: Verifications>(
    store: &Arc<S>,
    verification: &Verification,
    opener: Option<&[u8; 16]>,
) -> Answered {
    let declined = VerificationState::Declined;
    let answered = store.conclude(&verification.id, &declined, opener, None, None, NOW);
    answered.await.unwrap()
}

/// Whether a proof is unused; it is used thereafter.
async fn is_fresh<S: Verifications>(store: &Arc<S>, proof: &SingleUse) -> bool {
    let consumed = store.conclude_direct(proof, &sample::visit()).await.unwrap();
    consumed == Answered::Now
}

async fn is_kept<S: Journal>(store: &Arc<S>, visit: &Visit) -> bool {
    !store.visits(visit.day, &visit.tag).await.unwrap().is_empty()
}

async fn a_verification_reads_back_and_is_not_replaced<S: Verifications>(store: &Arc<S>) {
    let first = asked(store).await;
    assert_eq!(read(store, &first).await, first);
    let without_sub = Verification {
        sub: None,
        ..sample::verification()
    };
    assert_eq!(store.ask(&without_sub).await.unwrap(), Kept::Now);
    assert_eq!(read(store, &without_sub).await, without_sub);
    let unknown = sample::verification().id;
    assert_eq!(store.verification(&unknown).await.unwrap(), None);

    assert_eq!(decline(store, &first, None).await, Answered::Now);
    assert_eq!(store.ask(&first).await.unwrap(), Kept::Now);
    assert_eq!(state(store, &first).await, VerificationState::Declined);
}

async fn an_answer_is_kept_with_its_visit_and_its_proof<S: Verifications + Journal>(store: &Arc<S>) {
    let failed = VerificationState::Failed {
        attestation: "another attestation".into(),
    };
    for answer in [sample::passed(), failed] {
        let verification = asked(store).await;
        let (proof, visit) = (sample::single_use(), sample::visit());
        let last = verification.expires_at.minus(1);
        let (id, once) = (&verification.id, Some(&proof));
        let answered = store.conclude(id, &answer, Some(&DEVICE), once, Some(&visit), last);
        assert_eq!(answered.await.unwrap(), Answered::Now);
        let expected = Verification {
            opener: Some(DEVICE),
            state: answer,
            ..verification
        };
        assert_eq!(read(store, &expected).await, expected);
        assert_eq!(store.visits(visit.day, &visit.tag).await.unwrap(), [visit.sealed]);
        assert!(!is_fresh(store, &proof).await);
    }
}

async fn a_refusal_needs_no_visit<S: Verifications>(store: &Arc<S>) {
    let verification = asked(store).await;
    let proof = sample::single_use();
    let declined = VerificationState::Declined;
    let (id, once) = (&verification.id, Some(&proof));
    let answered = store.conclude(id, &declined, Some(&DEVICE), once, None, NOW);
    assert_eq!(answered.await.unwrap(), Answered::Now);
    assert_eq!(state(store, &verification).await, declined);
    assert!(!is_fresh(store, &proof).await);
}

async fn what_is_answered_or_over_takes_no_answer<S: Verifications + Journal>(store: &Arc<S>) {
    let (unknown, over, answered) = (sample::verification(), asked(store).await, asked(store).await);
    let declined = VerificationState::Declined;
    assert_eq!(decline(store, &answered, None).await, Answered::Now);
    for (verification, now) in [(&unknown, NOW), (&over, over.expires_at), (&answered, NOW)] {
        let (proof, visit) = (sample::single_use(), sample::visit());
        let (id, once, passed) = (&verification.id, Some(&proof), sample::passed());
        let late = store.conclude(id, &passed, Some(&DEVICE), once, Some(&visit), now);
        assert_eq!(late.await.unwrap(), Answered::Closed);
        assert!(!is_kept(store, &visit).await);
        assert!(is_fresh(store, &proof).await);
    }
    assert_eq!(store.verification(&unknown.id).await.unwrap(), None);
    assert_eq!(read(store, &over).await, over);
    assert_eq!(state(store, &answered).await, declined);
}

async fn a_proof_that_was_used_answers_nothing<S: Verifications + Journal>(store: &Arc<S>) {
    let verification = asked(store).await;
    let (proof, visit) = (sample::single_use(), sample::visit());
    assert!(is_fresh(store, &proof).await);
    let replayed = pass(store, &verification, &proof, &visit).await;
    assert_eq!(replayed, Answered::Replayed);
    assert_eq!(read(store, &verification).await, verification);
    assert!(!is_kept(store, &visit).await);
}

async fn a_proof_is_used_once_however_it_came<S: Verifications + Journal>(store: &Arc<S>) {
    let (first, second) = (asked(store).await, asked(store).await);
    let (proof, visit) = (sample::single_use(), sample::visit());
    assert_eq!(pass(store, &first, &proof, &sample::visit()).await, Answered::Now);
    // Whenever it says that it may be forgotten.
    for later in [0, 1, 90] {
        let again = SingleUse {
            forget_at: proof.forget_at.plus(later),
            ..proof.clone()
        };
        assert_eq!(pass(store, &second, &again, &visit).await, Answered::Replayed);
        assert!(!is_fresh(store, &again).await);
    }
    assert!(!is_kept(store, &visit).await);
}

async fn a_verification_is_answered_once_among_concurrent_callers<S>(store: &Arc<S>)
where
    S: Verifications + Journal + 'static,
{
    let verification = asked(store).await;
    let tag = sample::bytes();
    let answers = together(|_| {
        let (store, verification) = (Arc::clone(store), verification.clone());
        let visit = Visit {
            tag,
            ..sample::visit()
        };
        async move { pass(&store, &verification, &sample::single_use(), &visit).await }
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
            pass(&store, &verification, &proof, &sample::visit()).await
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

async fn what_one_opened_no_other_opens_or_answers<S: Verifications + Journal>(store: &Arc<S>) {
    let verification = asked(store).await;
    let id = &verification.id;
    for _ in 0..2 {
        assert_eq!(store.open(id, &OTHER, NOW).await.unwrap(), Opened::Now);
    }
    assert_eq!(store.open(id, &DEVICE, NOW).await.unwrap(), Opened::Another);
    let (proof, visit) = (sample::single_use(), sample::visit());
    assert_eq!(
        pass(store, &verification, &proof, &visit).await,
        Answered::Another
    );
    for opener in [None, Some(&DEVICE)] {
        assert_eq!(decline(store, &verification, opener).await, Answered::Another);
    }
    assert!(!is_kept(store, &visit).await);
    assert!(is_fresh(store, &proof).await);
    let opened = Verification {
        opener: Some(OTHER),
        ..verification
    };
    assert_eq!(read(store, &opened).await, opened);
    assert_eq!(decline(store, &opened, Some(&OTHER)).await, Answered::Now);
}

async fn what_nobody_opened_is_declined_by_anybody_and_answered_by_an_opener<S>(store: &Arc<S>)
where
    S: Verifications + Journal,
{
    let (first, second) = (asked(store).await, asked(store).await);
    let (proof, visit, passed) = (sample::single_use(), sample::visit(), sample::passed());
    let nobodys = store.conclude(&first.id, &passed, None, Some(&proof), Some(&visit), NOW);
    assert_eq!(nobodys.await.unwrap(), Answered::Another);
    assert!(!is_kept(store, &visit).await);
    assert_eq!(decline(store, &first, None).await, Answered::Now);
    assert_eq!(read(store, &first).await.opener, None);
    assert_eq!(pass(store, &second, &proof, &visit).await, Answered::Now);
    assert_eq!(read(store, &second).await.opener, Some(DEVICE));
}

async fn what_is_answered_or_over_is_not_opened<S: Verifications>(store: &Arc<S>) {
    let (unknown, over, answered) = (sample::verification(), asked(store).await, asked(store).await);
    assert_eq!(decline(store, &answered, None).await, Answered::Now);
    for (verification, now) in [(&unknown, NOW), (&over, over.expires_at), (&answered, NOW)] {
        let (id, last) = (&verification.id, over.expires_at.minus(1));
        assert_eq!(store.open(id, &DEVICE, now).await.unwrap(), Opened::Closed);
        assert!(!store.agree(id, now).await.unwrap());
        assert!(store.awaiting_guardian(last).await.unwrap().is_empty());
    }
    assert!(!store.agree(&over.id, NOW).await.unwrap(), "nobody opened it");
    assert_eq!(read(store, &over).await, over);
    assert_eq!(store.open(&over.id, &DEVICE, NOW).await.unwrap(), Opened::Now);
    for _ in 0..2 {
        assert!(store.agree(&over.id, over.expires_at.minus(1)).await.unwrap());
    }
    assert!(!store.agree(&over.id, over.expires_at).await.unwrap());
    assert!(read(store, &over).await.guardian_agreed);
}

async fn a_verification_has_one_opener_among_concurrent_callers<S: Verifications + 'static>(store: &Arc<S>) {
    let verification = asked(store).await;
    let answers = together(|_| {
        let (store, id) = (Arc::clone(store), verification.id.clone());
        async move { store.open(&id, &sample::bytes(), NOW).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Opened::Now), 1);
    assert_eq!(count(&answers, &Opened::Another), CALLERS - 1);
    assert!(read(store, &verification).await.opener.is_some());
}

async fn only_what_expired_before_is_forgotten<S: Verifications>(store: &Arc<S>) {
    let over = asked(store).await;
    let not_yet = Verification {
        expires_at: over.expires_at.plus(1),
        ..sample::verification()
    };
    assert_eq!(store.ask(&not_yet).await.unwrap(), Kept::Now);
    assert_eq!(store.forget_verifications(over.expires_at).await.unwrap(), 0);
    assert_eq!(store.forget_verifications(not_yet.expires_at).await.unwrap(), 1);
    assert_eq!(store.verification(&over.id).await.unwrap(), None);
    assert_eq!(read(store, &not_yet).await, not_yet);
}
