//! Each party of a split platform in turn hostile, against the real other ones: nothing opens.
//!
//! The party that is played has what it would have: its own keys and store, and the code. The others are processes of
//! the real executable. Every attack is honest but for one thing, and beside the attacks stands the honest case, which
//! opens: so a refusal is for the one thing.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

mod attacks;
mod canary;
mod crash;
mod custodian;
mod fork;
mod ledger_operator;
mod operator;
mod thief;
mod vault;
mod warrants;
