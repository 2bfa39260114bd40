//! PINs at rest: Argon2id under a pepper, and the delay that grows with failed attempts.
//!
//! Answers T4 (a stolen database: without the pepper, which lives in the keystore, a PIN table cannot even be
//! searched) and T10 (a flood: Argon2 runs on so many threads, none of which serves; the others wait). Not in scope: which
//! texts are PINs (`cyberid_domain::pin`), and where the counts of attempts are kept (`cyberid_storage::subject`).

mod attempt;
mod hasher;
mod lockout;
mod work;

pub use attempt::{Candidate, PinAttempts};
pub use hasher::{HashingFailed, PinCost, PinHasher};
pub use lockout::{FREE_FAILURES, LONGEST_LOCK, SHORTEST_LOCK, lockout};
