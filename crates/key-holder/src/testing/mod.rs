//! An honest world to attack: people with devices and sealed records, a relying party, issuance, and a ledger with
//! its witness. Every attack in [`attack`] changes one thing in it.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must stop"
)]

mod attack;
mod ledger;
mod official;
mod official_attack;
mod person;
mod store;
mod world;

pub use attack::{Attack, attacks};
pub use ledger::{Cosigned, TestLedger};
pub use official::Bureau;
pub use official_attack::{OfficialAttack, official_attacks};
pub use person::Person;
pub use store::{Memory, MemoryCustodian, MemoryVault};
pub use world::{ISSUER, World};
