//! The citizen's side: a device key, an enrolment, requests that are checked before they are shown, answers that
//! are signed and sealed, and receipts that can be checked without the platform.
//!
//! The platform is not believed further than its signatures go. What arrives is unchecked; only what has passed the
//! review ([`ReviewedRequest`], [`ReviewedDirect`]) can be answered, and only a [`VerifiedReceipt`] says that something
//! is in the ledger. Not in scope: showing things to people, and a phone's secure element, which implements
//! [`cyberid_crypto::Sign`].

mod activity;
mod answer;
mod case;
mod certified;
mod code;
mod codes;
mod consents;
mod counter;
mod device_key;
mod devices;
mod direct;
mod enrol;
mod error;
mod export;
mod factors;
mod grant;
mod holder;
mod life;
mod personal;
#[cfg(test)]
#[path = "../../client/src/testing.rs"]
pub mod platform_double;
mod receipt;
mod review;
#[cfg(test)]
mod testing;
mod wards;

pub use certified::CertificateRefused;
pub use code::{Code, InvalidCode};
pub use cyberid_client::ledger::Tree;
pub use cyberid_client::{Pins, Platform};
pub use device_key::DeviceKey;
pub use devices::Reproof;
pub use direct::{ReviewedDirect, review_direct_offline};
pub use enrol::Enrolment;
pub use error::{HolderError, RequestRefused};
pub use export::Exported;
pub use factors::{Authenticator, Face, FaceSource, Factors};
pub use grant::Consented;
pub use holder::Holder;
pub use receipt::{ReceiptRefused, VerifiedReceipt, check_receipt, verify_receipt};
pub use review::{ReviewedRelease, ReviewedRequest, ReviewedVerification};
pub use wards::ReviewedWard;
