//! This crate against independent implementations: what ours makes theirs accept, what theirs make ours accepts, and
//! both make the same bytes.
//!
//! `tlog_tiles` and `signed_note` are ports of the Go checksum database's packages `tlog` and `note`, with tiles stored;
//! `ct-merkle` is a Certificate Transparency tree written from RFC 6962, which shares no code with them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod big;
mod notes;
mod small;
mod store;
mod tiles;
