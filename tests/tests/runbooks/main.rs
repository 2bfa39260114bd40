//! The runbooks of docs/runbooks, step by step, with the very commands, on real processes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod changed_set;
mod log_key;
mod lost_passphrase;
mod lost_witness;
mod scene;
