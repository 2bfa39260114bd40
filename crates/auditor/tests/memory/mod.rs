//! A ledger in memory, for tests to alter.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cyberid_auditor::{LedgerSource, SourceError};

use crate::ledger::publish;

/// A ledger in memory, to be altered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<String, Vec<u8>>);

#[async_trait]
impl LedgerSource for Memory {
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        self.0.get(path).cloned().ok_or_else(|| SourceError {
            path: path.into(),
            cause: "it is not there".into(),
            absent: true,
        })
    }
}

/// The ledger of these leaves in memory.
pub(crate) fn in_memory<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> Memory {
    let mut memory = Memory::default();
    publish(leaves, |path, bytes| {
        memory.0.insert(path, bytes);
    });
    memory
}
