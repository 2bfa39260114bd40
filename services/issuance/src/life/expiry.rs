//! What ends by its own date: document or certificate.

use cyberid_storage::StorageError;
use cyberid_storage::life::{LifeChange, Turn, Turned};

use crate::Issuance;

/// How many are read at once.
const PAGE: u32 = 500;

impl Issuance {
    /// Expires every active identifier whose document or certificate has ended. Stopped anywhere, and run by several at
    /// once, it does the same: each turn looks again by itself.
    pub(crate) async fn expire_ended(&self) -> Result<(), StorageError> {
        loop {
            let now = self.now();
            let ended = self.parts.lives.ended(now, PAGE).await?;
            let mut turned = 0_u32;
            for subject in ended {
                let change = LifeChange {
                    subject,
                    turn: Turn::Expire,
                    at: now,
                    leaf: None,
                };
                let turn = self.parts.subjects.turn(&change).await?;
                turned += u32::from(matches!(turn, Turned::Now(_)));
            }
            if turned < PAGE {
                return Ok(());
            }
        }
    }
}
