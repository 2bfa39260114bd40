//! A relying party that may act: approved, not suspended, not over.
//!
//! It is read from the store at most half a second before it acts, and anew after every change that this process makes: a
//! suspension takes effect here at once, and in every process that shares the store within a second.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::check::Check;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::canonical;
use cyberid_protocol::registration::Registration;
use cyberid_protocol::request::RequestingParty;
use cyberid_storage::StorageError;
use cyberid_storage::relying_party::RelyingParty;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Verification;
use crate::refusal::Refusal;

/// A relying party that may act.
pub(crate) struct ActiveParty {
    pub(crate) row: RelyingParty,
    pub(crate) registration: Registration,
}

impl ActiveParty {
    /// Takes a row as active at `now`.
    pub(crate) fn of(row: RelyingParty, now: UnixTime) -> Result<Self, Refusal> {
        let registration = read(&row)?;
        let party = Self { row, registration };
        party.require_active(now)?;
        Ok(party)
    }

    fn require_active(&self, now: UnixTime) -> Result<(), Refusal> {
        let active = self.row.standing(now) == RegistrationStatus::Approved;
        active.then_some(()).ok_or(Refusal::Inactive)
    }

    /// The party as holders are shown it.
    pub(crate) fn shown(&self) -> RequestingParty {
        RequestingParty {
            client_id: self.row.client_id.clone(),
            name: self.registration.name.clone(),
            domain: self.registration.domains.first().cloned().unwrap_or_default(),
        }
    }

    /// Whether these checks are within the registered use.
    pub(crate) fn may_ask(&self, purpose: &str, checks: &[Check]) -> bool {
        let registered = self.registration.intended_use(purpose);
        registered.is_some_and(|registered| checks.iter().all(|check| registered.checks.contains(check)))
    }

    /// The registration certificate of a purpose.
    pub(crate) fn certificate(&self, purpose: &str) -> Result<String, Refusal> {
        let uses = self.registration.intended_uses.iter();
        uses.zip(&self.row.certificates)
            .find(|(intended, _)| intended.purpose == purpose)
            .map(|(_, certificate)| certificate.clone())
            .ok_or(Refusal::UnregisteredUse)
    }
}

/// The registration that a row holds.
pub(crate) fn read(row: &RelyingParty) -> Result<Registration, Refusal> {
    parse(&row.registration)
}

/// What a row holds as text.
pub(crate) fn parse<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    canonical::from_str(text).map_err(|_| StorageError::Corrupt("registration").into())
}

impl Verification {
    /// The calling relying party, if it may act. Its quota was spent when its token told who it is.
    pub(crate) async fn calling_party(&self, client_id: &ClientId) -> Result<Arc<ActiveParty>, Refusal> {
        self.active_party(client_id).await
    }

    /// The relying party of this id, if it may act.
    pub(crate) async fn active_party(&self, client_id: &ClientId) -> Result<Arc<ActiveParty>, Refusal> {
        if let Some(party) = self.kept_parties.find(client_id) {
            party.require_active(self.now())?;
            return Ok(party);
        }
        // Its age counts from before it is read, and what is written here meanwhile is not missed at all.
        let reading = self.kept_parties.begin();
        let row = self
            .parts
            .relying_parties
            .relying_party(client_id, self.now())
            .await?;
        let party = Arc::new(ActiveParty::of(row.ok_or(Refusal::Inactive)?, self.now())?);
        self.kept_parties.keep(&reading, client_id, &party);
        Ok(party)
    }

    /// Refuses what is not registered, and counts what is more than is registered.
    pub(crate) async fn require_registered(
        &self,
        party: &ActiveParty,
        purpose: &str,
        checks: &[Check],
    ) -> Result<(), Refusal> {
        let intended = party.registration.intended_use(purpose);
        let registered = &intended.ok_or(Refusal::UnregisteredUse)?.checks;
        if checks.iter().all(|check| registered.contains(check)) {
            return Ok(());
        }
        let client_id = &party.row.client_id;
        self.parts.relying_parties.count_over_asking(client_id).await?;
        Err(Refusal::OverAsking)
    }
}
