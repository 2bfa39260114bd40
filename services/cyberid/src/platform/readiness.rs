//! Whether a process can do its work: its stores answer, and its keys sign what verifies.

use std::sync::Arc;

use async_trait::async_trait;
use cyberid_crypto::{Sign, jws};
use cyberid_web::operations::{NotReady, Readiness};

/// A piece of work that shows that a part is ready.
#[async_trait]
pub(crate) trait Trial: Send + Sync {
    /// Which part.
    fn part(&self) -> &'static str;

    /// Does it.
    async fn run(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// A self-test of several trials; one without any is always ready.
#[derive(Default)]
pub(crate) struct SelfTest(pub(crate) Vec<Box<dyn Trial>>);

#[async_trait]
impl Readiness for SelfTest {
    async fn check(&self) -> Result<(), NotReady> {
        for trial in &self.0 {
            let tried = trial.run().await;
            tried.map_err(|source| NotReady {
                part: trial.part(),
                source: Some(source),
            })?;
        }
        Ok(())
    }
}

/// A key signs what its public half verifies.
pub(crate) struct SigningTrial(pub(crate) Arc<dyn Fn() -> Arc<dyn Sign> + Send + Sync>);

#[async_trait]
impl Trial for SigningTrial {
    fn part(&self) -> &'static str {
        "signing key"
    }

    async fn run(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        const MESSAGE: &[u8] = b"cyberid/v1/readiness";
        let key = (self.0)();
        let signature = key.sign(MESSAGE)?;
        Ok(jws::verify_signature(&key.public_key(), MESSAGE, &signature)?)
    }
}

/// The registry answers.
pub(crate) struct RegistryTrial(pub(crate) Arc<dyn cyberid_storage::promise::Promises>);

#[async_trait]
impl Trial for RegistryTrial {
    fn part(&self) -> &'static str {
        "registry"
    }

    async fn run(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.outstanding(1).await?;
        Ok(())
    }
}

/// The journal takes changes: once it has stopped, it stays so until the process is started anew.
pub(crate) struct JournalTrial(pub(crate) Arc<cyberid_storage_journal::FileJournal>);

#[async_trait]
impl Trial for JournalTrial {
    fn part(&self) -> &'static str {
        "journal"
    }

    async fn run(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.0.is_running() {
            Ok(())
        } else {
            Err("the journal has stopped".into())
        }
    }
}

/// The ledger's sequencer works: once it has stopped, it stays so until the process is started anew.
pub(crate) struct LedgerTrial(pub(crate) Arc<cyberid_ledger::Ledger>);

#[async_trait]
impl Trial for LedgerTrial {
    fn part(&self) -> &'static str {
        "ledger"
    }

    async fn run(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.0.is_running() {
            Ok(())
        } else {
            Err("the sequencer has stopped".into())
        }
    }
}
