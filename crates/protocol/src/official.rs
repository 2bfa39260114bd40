//! Official access: an authority's order for one person's fields, under two officers' signatures, and the warrant by
//! which each key holder convinces itself of it.
//!
//! Against an over-reaching authority (T8): one subject per order, two different officers, an end, a leaf before
//! plaintext, and the person is told. Against the platform's own operator (T3): authorities and officers are pinned at
//! each key holder, so that nobody at the platform can invent one.

mod authority;
mod bodies;
mod identity;
mod order;
mod warrant;

pub use authority::{Authorities, Authority, InvalidAuthorities, Officer};
pub use bodies::{
    Countersign, MyOfficialAccess, OfficialAccessBody, OfficialAccessRequested, OfficialAccessView,
};
pub use identity::{OfficialIdentity, OfficialIdentityClaims};
pub use order::{
    Countersignature, MAX_LIFE, MAX_NOTICE_DELAY, OneSubject, Order, OrderRefused, OrderedBy, check_second,
    open_order, words_sha256,
};
pub use warrant::{BoundRecord, CheckedOfficial, OfficialWarrant, OfficialWarrantBody, subject_commitment};
