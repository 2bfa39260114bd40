//! What a call leaves on its thread's stack, wiped.
//!
//! The allocator wipes what is freed on the heap. A name or a number that was hashed, or moved in a buffer of fixed size, also
//! stays on the stack below the frame that called for it, until something else happens to be written there.

use std::pin::Pin;
use std::task::{Context, Poll};

/// How many bytes below are wiped: deeper than what a handler calls, which is 32 KiB for a verification as sampled in a release
/// build; frames are many times larger unoptimised.
const DEPTH: usize = if cfg!(debug_assertions) {
    512 * 1024
} else {
    64 * 1024
};

/// A future after each of whose steps the stack below it is wiped.
pub struct Scrubbed<F>(Pin<Box<F>>);

impl<F: Future> Scrubbed<F> {
    /// The same as `future`.
    pub fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Scrubbed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let step = self.0.as_mut().poll(context);
        wipe_below();
        step
    }
}

/// Writes over what earlier calls left below this frame.
#[inline(never)]
#[expect(
    clippy::large_stack_arrays,
    reason = "it is the stack that is written over, and a thread has two megabytes of it"
)]
fn wipe_below() {
    let below = [0_u8; DEPTH];
    std::hint::black_box(&below);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_future_comes_to_the_same_in_as_many_steps() {
        let mut steps = 0;
        let stepping = std::future::poll_fn(|context| {
            steps += 1;
            context.waker().wake_by_ref();
            if steps < 3 {
                Poll::Pending
            } else {
                Poll::Ready("done")
            }
        });
        assert_eq!(Scrubbed::new(stepping).await, "done");
        assert_eq!(steps, 3);
    }
}
