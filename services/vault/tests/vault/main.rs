//! The vault through its router.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod cooling_off;
mod enrolment;
mod index;
mod official;
mod opening;
mod support;
