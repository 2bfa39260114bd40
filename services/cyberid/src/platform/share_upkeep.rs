//! What a key holder does beside answering: sealing its shares anew after a rotation, and keeping backups of its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cyberid_custodian::Custodian;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_vault::{ResealError, Resealed, Vault};

use super::backup::{BackupConfig, ShareDb};
use super::upkeep::warn_of;
use super::{DataDirectory, Stop};

/// How often it looks whether there is something to do.
const EVERY: Duration = Duration::from_secs(5);

/// A key holder at work.
pub(crate) enum Holder {
    Vault(Arc<Vault>),
    Custodian(Arc<Custodian>),
}

impl Holder {
    async fn reseal(&self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Resealed, ResealError> {
        match self {
            Self::Vault(vault) => vault.reseal(stop).await,
            Self::Custodian(custodian) => custodian.reseal(stop).await,
        }
    }
}

/// A key holder, its store, and where backups of the store go.
pub(crate) struct ShareUpkeep {
    pub(crate) holder: Holder,
    pub(crate) store: ShareDb,
    pub(crate) data: DataDirectory,
    pub(crate) backup: Option<BackupConfig>,
}

impl ShareUpkeep {
    /// Works until told to stop.
    pub(crate) async fn keep(self, stop: Stop) {
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let told = stop.told();
        let mut telling = tokio::spawn(async move {
            told.await;
            seen.store(true, Ordering::Relaxed);
        });
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = &mut telling => break,
                _ = every.tick() => self.once(&|| stopped.load(Ordering::Relaxed)).await,
            }
        }
    }

    async fn once(&self, stop: &(dyn Fn() -> bool + Sync)) {
        let part = self.store.name().as_str();
        match self.holder.reseal(stop).await {
            Ok(Resealed { done: 0, .. }) => {}
            Ok(Resealed { done, left, .. }) => tracing::info!(part, done, left, "shares were sealed anew"),
            Err(error) => warn_of(part, Err(error)),
        }
        let Some(backup) = &self.backup else { return };
        let kept = backup.keep(&self.store, &self.data, SystemClock.now()).await;
        let done = if kept.is_ok() { "yes" } else { "no" };
        metrics::counter!("share_backup_rounds_total", "store" => part, "done" => done).increment(1);
        warn_of("backup", kept);
    }
}
