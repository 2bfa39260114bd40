//! A synthetic identity source: people who do not exist, in a register that answers as an authoritative one does.
//!
//! In scope: the [`Population`], made of a seed alone; the identity check (`cyberid_protocol::source`), by which
//! issuance asks it; the notices (`cyberid_protocol::notice`) by which it is told what happens to them later; the face check
//! (`cyberid_protocol::face`), by which a holder gets evidence; and, for a sandbox only, the list of its people, what is
//! to happen to them, and faults on demand. Not in scope: any real register, which keeps to the same protocol
//! (`docs/identity-source.md`) behind an adapter of its own.

mod check;
mod face;
mod fault;
mod life;
mod notices;
mod population;
mod routes;

use std::sync::{Arc, Mutex, PoisonError};

use cyberid_domain::Clock;
use cyberid_domain::document::DocumentType;
use cyberid_keystore::role::{Message, Pairwise, Source};
use cyberid_keystore::{MacHandle, Opener, Signer};

pub use check::CheckFailure;
pub use fault::Fault;
pub use life::{JournalFailed, Life};
pub use population::{EVIDENCE_KIND, Person, Population};
pub use routes::{fault_routes, platform_routes, routes, sandbox_routes};

/// What the source is made of.
pub struct Parts {
    /// The moment of answers.
    pub clock: Arc<dyn Clock>,
    /// The people as they were at first.
    pub population: Population,
    /// What has happened to them since.
    pub life: Life,
    /// Signs answers.
    pub signing_key: Signer<Source>,
    /// Opens questions.
    pub opening_key: Opener<Message>,
    /// Derives the handles of people, one for each platform.
    pub person_key: MacHandle<Pairwise>,
}

/// The synthetic identity source.
pub struct IdentitySource {
    parts: Parts,
    fault: Mutex<Fault>,
}

impl IdentitySource {
    /// A source that works.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            fault: Mutex::new(Fault::None),
        })
    }

    /// The people as they were at first.
    pub fn population(&self) -> &Population {
        &self.parts.population
    }

    /// The people as they are now, in order.
    pub fn people(&self) -> impl Iterator<Item = Person> {
        let life = &self.parts.life;
        self.parts.population.people().map(|person| life.now(person))
    }

    /// The person whose present document is of this kind and number.
    pub fn by_document(&self, kind: DocumentType, number: &str) -> Option<Person> {
        self.parts.life.by_document(&self.parts.population, kind, number)
    }

    /// Makes every later answer faulty in this way.
    pub fn set_fault(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
