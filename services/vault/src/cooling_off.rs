//! What stays in the blind index of a person whose identifier ended: the keyed tag, for a cooling-off, so that nobody sheds
//! a ban by ending one identifier and beginning another (T7). Then it goes.

use cyberid_domain::clock::DAY;
use cyberid_key_holder::KeyHolderError;

use crate::Vault;

impl Vault {
    /// What has to be done again and again: counts the cooling-off of tags from the day on which they are first seen here,
    /// and forgets those whose is over.
    pub async fn housekeep(&self) -> Result<(), KeyHolderError> {
        let today = self.gate.clock.now().day_start();
        let before = today.minus(self.index_cooling_off);
        // Days are counted whole: one that has only begun is not over.
        let before = if self.index_cooling_off == 0 {
            before
        } else {
            before.minus(DAY)
        };
        let forgotten = self.store.cool_off(today, before).await?;
        if forgotten > 0 {
            tracing::info!(forgotten, "tags of people whose identifier ended have cooled off");
        }
        Ok(())
    }
}
