//! The storage ports on embedded SQLite: four databases, each a file of its own.
//!
//! One writing connection and a few reading ones per file, in WAL mode with `synchronous=FULL`: what a method has
//! returned `Ok` for survives power loss. A file is readable by its owner only.

mod cancellation;
mod case;
mod custodian;
mod custodians;
mod database;
mod device;
mod ended;
mod event;
mod fault;
mod guardianship;
mod held;
mod idempotency;
mod key_holder;
mod ledger;
mod life;
mod lock;
mod notice;
mod official;
mod open;
mod oversight;
mod passkey;
mod promise;
mod registry;
mod reindex;
mod release;
mod relying_party;
mod replacement;
mod seals;
mod single_use;
mod subject;
mod value;
mod vault;

pub use custodian::CustodianDb;
pub use key_holder::Bound;
pub use ledger::LedgerDb;
pub use open::OpenError;
pub use registry::RegistryDb;
pub use vault::VaultDb;
