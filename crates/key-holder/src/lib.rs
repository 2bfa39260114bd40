//! What vault and custodian do alike: take issuance's signed commands, and admit a warrant once.
//!
//! In scope: whose commands are followed ([`Command`]), the check of a whole warrant against this key holder's own
//! store and its own remembered checkpoint, and the single use of a consent or of an official order ([`Gate`]). Not in scope: what an
//! admitted warrant opens; that is each key holder's own, and `cyberid-record`'s.
//!
//! The code is shared, the judgement is not: each key holder runs it in its own process over its own store, anchors
//! and clock.

mod command;
mod error;
mod gate;
#[cfg(feature = "testing")]
pub mod testing;

pub use command::{Command, bound_device, distinct_fields};
pub use error::KeyHolderError;
pub use gate::{Admitted, AdmittedOfficial, Gate};
