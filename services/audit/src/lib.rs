//! The regulator's service: reads the ledger, proves what it shows, and can name no write.
//!
//! In scope: entries with proofs, relying parties with what they owe, traced releases, counts, and the public report. Not
//! in scope: the checking of a whole ledger, which an auditor does with
//! its own tools (`cyberid audit`), trusting nobody here.

mod entries;
mod error;
mod parties;
mod report;
mod routes;
mod summary;
mod trace;

use std::sync::Arc;

use cyberid_domain::Clock;
use cyberid_ledger_read::LedgerReader;
use cyberid_storage_read::ledger::LedgerRead;
use cyberid_storage_read::oversight::Oversight;

pub use error::AuditError;
pub use routes::routes;

/// The audit service.
pub struct Audit {
    clock: Arc<dyn Clock>,
    store: Arc<dyn LedgerRead>,
    reader: LedgerReader,
    oversight: Arc<dyn Oversight>,
    reporting: report::Reporting,
}

/// What the service is made of: ports that only read.
pub struct Parts {
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// The ledger, to be read.
    pub store: Arc<dyn LedgerRead>,
    /// Proofs over the ledger.
    pub reader: LedgerReader,
    /// The registry, to be read.
    pub oversight: Arc<dyn Oversight>,
}

impl Audit {
    /// The service of these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts {
            clock,
            store,
            reader,
            oversight,
        } = parts;
        Arc::new(Self {
            clock,
            store,
            reader,
            oversight,
            reporting: report::Reporting::default(),
        })
    }
}
