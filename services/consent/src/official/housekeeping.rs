//! What has to happen to official accesses without anybody asking.

use cyberid_domain::id::OfficialAccessId;
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage::official::{OfficialAccess, Turn};

use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Presumes delivered what a crash left intended, because plaintext may have left.
    pub(crate) async fn recover_officials(&self) -> Result<(), ConsentError> {
        for access in self
            .parts
            .officials
            .officials_in(OfficialStatus::Intended)
            .await?
        {
            let _turn = self.official_turns.of(&access.id).await;
            self.presume_official(&access).await?;
        }
        Ok(())
    }

    /// Refuses orders that are over, and gives up intents that nobody carried out: what fails for one is logged and
    /// does not hold up the others.
    pub(crate) async fn housekeep_officials(&self) -> Result<(), ConsentError> {
        for status in [OfficialStatus::Requested, OfficialStatus::Countersigned] {
            for access in self.parts.officials.officials_in(status).await? {
                if access.expires_at <= self.parts.clock.now() {
                    log(&access.id, self.expire_official(&access.id).await);
                }
            }
        }
        for access in self
            .parts
            .officials
            .officials_in(OfficialStatus::Intended)
            .await?
        {
            log(&access.id, self.give_up_official(&access.id).await);
        }
        Ok(())
    }

    async fn expire_official(&self, id: &OfficialAccessId) -> Result<(), ConsentError> {
        let _turn = self.official_turns.of(id).await;
        let access = self
            .parts
            .officials
            .official(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        match access.status {
            OfficialStatus::Requested | OfficialStatus::Countersigned => {
                self.refuse_official(id, OfficialRefusal::Expired).await
            }
            _ => Ok(()),
        }
    }

    async fn give_up_official(&self, id: &OfficialAccessId) -> Result<(), ConsentError> {
        let _turn = self.official_turns.of(id).await;
        let access = self
            .parts
            .officials
            .official(id)
            .await?
            .ok_or(Refusal::NotFound)?;
        if access.status == OfficialStatus::Intended && self.is_stale_official(&access)? {
            self.presume_official(&access).await?;
        }
        Ok(())
    }

    async fn presume_official(&self, access: &OfficialAccess) -> Result<(), ConsentError> {
        let kind = LeafKind::OfficialPresumed;
        self.advance_official(access, Turn::Presumed, kind)
            .await
            .map(|_| ())
    }
}

fn log(id: &OfficialAccessId, done: Result<(), ConsentError>) {
    if let Err(error) = done {
        tracing::error!(official = %id, cause = %error, "housekeeping failed for an official access");
    }
}
