//! What vault and custodian do alike: take issuance's signed commands, and admit a warrant once.
//!
//! In scope: whose commands are followed ([`Command`]), the check of a whole warrant against this key holder's own
//! store and its own remembered checkpoint, the single use of a consent or of an official order ([`Gate`]), and sealing
//! its shares anew after a rotation of its key ([`reseal`]). Not in scope: what an admitted warrant opens; that is each
//! key holder's own, and `cyberid-record`'s.
//!
//! The code is shared, the judgement is not: each key holder runs it in its own process over its own store, anchors
//! and clock.

mod command;
mod device;
mod error;
mod gate;
mod number;
mod reseal;
#[cfg(feature = "testing")]
pub mod testing;

pub use command::{Command, bound_device, distinct, distinct_fields};
pub use error::KeyHolderError;
pub use gate::{Admitted, AdmittedOfficial, Gate};
pub use reseal::{ResealError, Resealed, reseal};
