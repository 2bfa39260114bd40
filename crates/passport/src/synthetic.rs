//! Document authorities of countries that do not exist, and their passports: for tests and the sandbox.
//!
//! OpenSSL makes the keys and the signatures, another library than the one that checks them. Everything that can be wrong with
//! a passport can be made wrong here, and then signed.

mod authority;
mod document;
mod key;
mod revocation;
mod utopia;

pub use authority::{Authority, Profile};
pub use document::{Attributes, SodPlan, dg1, dg2, td3};
pub use key::{Digest, Key, KeyKind, SyntheticFault};
pub use revocation::{extended_revocation_list, revocation_list};
pub use utopia::{Founded, Holder, Utopia};
