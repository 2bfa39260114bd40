//! What [`KeptAnswers`] promises.

use std::sync::Arc;

use super::sample::{self, NOW};
use crate::idempotency::{KeptAnswer, KeptAnswers};

/// Asks every sentence of the contract.
pub async fn all<S: KeptAnswers>(make: impl AsyncFn() -> Arc<S>) {
    the_first_answer_stays(&make().await).await;
    an_answer_that_is_over_is_not_given(&make().await).await;
    only_what_is_over_is_forgotten(&make().await).await;
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        digest: sample::bytes(),
        request_sha256: sample::bytes(),
        sealed: sample::bytes::<80>().to_vec(),
        forget_at: NOW.plus(60),
    }
}

async fn the_first_answer_stays<S: KeptAnswers>(store: &Arc<S>) {
    let first = answer();
    assert_eq!(store.kept_answer(&first.digest, NOW).await.unwrap(), None);
    store.keep_answer(&first).await.unwrap();
    let second = KeptAnswer {
        digest: first.digest,
        ..answer()
    };
    store.keep_answer(&second).await.unwrap();
    let kept = store.kept_answer(&first.digest, NOW).await.unwrap();
    assert_eq!(kept, Some(first));
    assert_eq!(store.kept_answer(&sample::bytes(), NOW).await.unwrap(), None);
}

async fn an_answer_that_is_over_is_not_given<S: KeptAnswers>(store: &Arc<S>) {
    let answer = answer();
    store.keep_answer(&answer).await.unwrap();
    let just_before = answer.forget_at.minus(1);
    assert!(
        store
            .kept_answer(&answer.digest, just_before)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        store.kept_answer(&answer.digest, answer.forget_at).await.unwrap(),
        None
    );
}

async fn only_what_is_over_is_forgotten<S: KeptAnswers>(store: &Arc<S>) {
    let over = answer();
    let not_yet = KeptAnswer {
        forget_at: over.forget_at.plus(1),
        ..answer()
    };
    store.keep_answer(&over).await.unwrap();
    store.keep_answer(&not_yet).await.unwrap();
    assert_eq!(store.forget_answers(over.forget_at).await.unwrap(), 1);
    assert_eq!(store.kept_answer(&over.digest, NOW).await.unwrap(), None);
    assert_eq!(
        store.kept_answer(&not_yet.digest, NOW).await.unwrap(),
        Some(not_yet)
    );
}
