//! Hashes wait for their turn, and those that follow one another share one memory.
//!
//! To get 64 MiB from the system and to wipe them again takes a good part of the time of a hash. So the memory is kept
//! while another hash waits, which writes over all of it at once, and is wiped and given back when none does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use cyberid_domain::pin::Pin;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::HashingFailed;

/// What Argon2id makes of a PIN.
pub(crate) type Output = Zeroizing<[u8; 32]>;
/// What hashes one after another are computed in; wiped when it goes.
pub(crate) type Memory = Zeroizing<Vec<Block>>;

/// One hash.
pub(crate) struct Job {
    pub(crate) pin: Pin,
    pub(crate) salt: [u8; 16],
    pub(crate) params: Params,
}

/// Hashes that run, and hashes that wait.
pub(crate) struct Work {
    at_once: usize,
    state: Mutex<State>,
}

/// A hash, and who is told of it.
type Waiting = (Job, oneshot::Sender<Result<Output, HashingFailed>>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    workers: usize,
}

impl Job {
    /// Hashes in this memory, which grows to what is needed.
    pub(crate) fn run(&self, memory: &mut Memory) -> Result<Output, HashingFailed> {
        let blocks = self.params.block_count();
        if memory.len() < blocks {
            // What is replaced is wiped; a growing vector would leave a copy behind.
            *memory = Zeroizing::new(vec![Block::default(); blocks]);
        }
        let memory = memory.get_mut(..blocks).ok_or(HashingFailed)?;
        let mut output = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
            .hash_password_into_with_memory(self.pin.expose().as_bytes(), &self.salt, output.as_mut(), memory)
            .map_err(|_| HashingFailed)?;
        Ok(output)
    }
}

impl Work {
    /// At most so many hashes run at once, and at least one.
    pub(crate) fn of(at_once: usize) -> Arc<Self> {
        Arc::new(Self {
            at_once: at_once.max(1),
            state: Mutex::default(),
        })
    }

    /// Hashes when it is this one's turn.
    pub(crate) async fn hash(self: &Arc<Self>, job: Job) -> Result<Output, HashingFailed> {
        let (done, output) = oneshot::channel();
        if self.take(job, done) {
            let worker = Worker::of(self);
            tokio::task::spawn_blocking(move || worker.run());
        }
        output.await.map_err(|_| HashingFailed)?
    }

    /// Puts a hash in the row; `true` if a worker has to be called for it.
    fn take(&self, job: Job, done: oneshot::Sender<Result<Output, HashingFailed>>) -> bool {
        let mut state = self.state();
        state.waiting.push_back((job, done));
        let room = state.workers < self.at_once;
        state.workers += usize::from(room);
        room
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hashes until nobody waits.
struct Worker {
    work: Arc<Work>,
    /// It has found nobody waiting, and is not counted any more.
    done: bool,
}

impl Worker {
    fn of(work: &Arc<Work>) -> Self {
        Self {
            work: Arc::clone(work),
            done: false,
        }
    }

    fn run(mut self) {
        let mut memory = Memory::default();
        while let Some((job, done)) = self.next() {
            // A caller that has given up needs no hash.
            if !done.is_closed() {
                // One that gives up meanwhile needs no answer.
                let _ = done.send(job.run(&mut memory));
            }
        }
    }

    /// Who waits longest. Finding nobody and going is one step: who comes after it calls another worker.
    fn next(&mut self) -> Option<Waiting> {
        let mut state = self.work.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.workers -= 1;
            self.done = true;
        }
        next
    }
}

impl Drop for Worker {
    /// One that never ran (the process is stopping) or that panicked makes room; the last one tells who waits.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut state = self.work.state();
        state.workers -= 1;
        if state.workers == 0 {
            state.waiting.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn job(memory_kib: u32, salt: u8) -> Job {
        Job {
            pin: Pin::entered("31415926".into()).unwrap(),
            salt: [salt; 16],
            params: Params::new(memory_kib, 1, 1, Some(32)).unwrap(),
        }
    }

    #[test]
    fn a_hash_does_not_depend_on_what_the_memory_held() {
        let mut shared = Memory::default();
        for (memory_kib, salt) in [(64, 1), (128, 2), (32, 3), (64, 1)] {
            let job = job(memory_kib, salt);
            let fresh = job.run(&mut Memory::default()).unwrap();
            assert_eq!(job.run(&mut shared).unwrap(), fresh);
        }
        assert_eq!(shared.len(), 128, "it grew once, and was kept");
    }

    /// T10: a hash waits for its turn, and every one gets it.
    #[tokio::test]
    async fn no_more_hashes_run_at_once_than_set() {
        let work = Work::of(2);
        let mut hashes: Vec<_> = (0..6)
            .map(|salt| Box::pin(work.hash(job(65_536, salt))))
            .collect();
        for hash in &mut hashes {
            // Once is enough to join the row.
            let _ = tokio::time::timeout(Duration::ZERO, hash.as_mut()).await;
            assert!(work.state().workers <= 2);
        }
        assert!(!work.state().waiting.is_empty());
        let given_up = hashes.pop();
        drop(given_up);
        for (salt, hash) in (0..).zip(hashes) {
            let alone = job(65_536, salt).run(&mut Memory::default());
            assert_eq!(hash.await, alone);
        }
        while work.state().workers > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(work.hash(job(64, 9)).await.is_ok(), "a later one calls a worker");
    }

    #[tokio::test]
    async fn a_worker_that_never_runs_leaves_nobody_waiting() {
        let work = Work::of(1);
        let (done, output) = oneshot::channel();
        assert!(work.take(job(64, 1), done));
        drop(Worker::of(&work));
        assert!(output.await.is_err());
        assert!(work.hash(job(64, 1)).await.is_ok());
    }
}
