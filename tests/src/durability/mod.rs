//! Proof that what was acknowledged stays: power cuts, system calls that fail, and kills, against the real executable.
//!
//! [`powercut`] records every system call of a server at work and starts the server again on what a disk would have kept
//! at thousands of moments; [`faults`] makes each system call of one append and one release fail; [`kills`] kills the
//! server at random. All three send the same mixed [`workload`] and ask the same [`verdict`]. `docs/durability.md` says what
//! is modelled and what is not.

mod dice;
pub mod faults;
mod home;
pub mod kills;
pub mod powercut;
mod replay;
mod server;
mod snapshot;
mod strace;
mod syscall;
mod trace;
mod verdict;
mod workload;

pub use home::{Home, Synchronous};
pub use strace::require as require_strace;

/// Told how far a campaign is: done, of how many, and what is done.
pub type Progress<'a> = &'a (dyn Fn(usize, usize, &str) + Sync);

/// Runs what waits for a server, on this thread.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}
