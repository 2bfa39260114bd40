//! The words of the house: ids, personal data, secrets, time and chance, checks and fields, and the
//! lifecycles. Pure: no IO, no cryptography, nothing of ours below it.

pub mod age;
pub mod calendar;
pub mod case;
pub mod check;
pub mod clock;
pub mod device;
pub mod document;
pub mod field;
pub mod happening;
pub mod id;
pub mod number;
pub mod official;
pub mod personal;
pub mod pin;
pub mod release;
pub mod relying_party;
pub mod rng;
pub mod secret;
pub mod subject;

pub use clock::{Clock, UnixTime};
pub use rng::Rng;
