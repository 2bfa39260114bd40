//! Passive authentication of a passport's chip: ICAO Doc 9303 parts 3 to 5 (machine-readable zone), 10 (data groups,
//! EF.SOD) and 12 (country signing authorities). Pure: files of a chip, trust anchors and the time in, a checked document out.
//!
//! In scope: the security object's signature, its signer's certificate up to a country signing authority that the platform
//! pinned, revocation, the hashes of the data groups, the check digits and dates of the machine-readable zone, and that the
//! country which signed is the one which issued. Not in scope: reading a chip; whose face it is; whether the chip is a copy.
//!
//! What it proves is that a state signed these data. A copy of the data passes as the original does (active and chip
//! authentication are between chip and reader, part 11), and so does a thief who read a stolen passport. So a platform never
//! takes a chip alone for a person: the identity source's own evidence of the person stands beside it.

mod algorithm;
mod anchors;
mod certificate;
mod chip;
mod country;
mod curve;
mod lds;
mod master_list;
mod mrz;
mod name;
mod passport;
mod refusal;
mod signed;
mod sod;
#[cfg(feature = "synthetic")]
pub mod synthetic;
mod tlv;

pub use anchors::{AnchorFault, TrustAnchors};
pub use chip::Chip;
pub use mrz::{Mrz, MrzDate, MrzFault};
pub use passport::{Passport, authenticate};
pub use refusal::{Cert, File, Refusal};
