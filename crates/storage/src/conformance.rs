//! The conformance suite that every backend passes: each sentence of the ports' contracts, asked of a real store.
//!
//! Each module has one function that takes a maker of fresh stores. A backend mounts it in its tests, on a runtime
//! of several threads; it panics where the backend breaks its contract.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a suite of tests, which a backend runs in its own: it panics where a contract is broken"
)]

pub mod cancellation;
pub mod case;
pub mod custodian;
pub mod device;
pub mod event;
pub mod guardianship;
pub mod head;
pub mod idempotency;
pub mod journal;
pub mod key_holder;
pub mod ledger;
pub mod life;
pub mod official;
pub mod oversight;
pub mod passkey;
pub mod promise;
pub mod release;
pub mod relying_party;
pub mod seals;
pub mod single_use;
pub mod subject;
pub mod vault;
pub mod verification;

mod sample;

use std::future::Future;

use tokio::task::JoinSet;

/// How many callers a contract that speaks of concurrent callers is tried with.
const CALLERS: usize = 50;

/// What each of [`CALLERS`] callers was answered that called at the same time.
async fn together<T, F>(call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let calls: JoinSet<T> = (0..CALLERS).map(call).collect();
    calls.join_all().await
}

/// How many of the answers are this one.
fn count<T: PartialEq>(answers: &[T], answer: &T) -> usize {
    answers.iter().filter(|given| *given == answer).count()
}
