//! A relying party that may act: approved, not suspended, not over. It is loaded at every call, so that a suspension
//! takes effect at once.

use cyberid_domain::UnixTime;
use cyberid_domain::check::Check;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::canonical;
use cyberid_protocol::registration::Registration;
use cyberid_protocol::request::RequestingParty;
use cyberid_storage::StorageError;
use cyberid_storage::relying_party::RelyingParty;

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
        let current = row.expires_at.is_some_and(|end| now < end);
        if row.status != RegistrationStatus::Approved || !current {
            return Err(Refusal::Inactive);
        }
        let registration = read(&row)?;
        Ok(Self { row, registration })
    }

    /// The party as holders are shown it.
    pub(crate) fn shown(&self) -> RequestingParty {
        RequestingParty {
            client_id: self.row.client_id.clone(),
            name: self.registration.name.clone(),
            domain: self.registration.domains.first().cloned().unwrap_or_default(),
        }
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
    canonical::from_str(&row.registration).map_err(|_| StorageError::Corrupt("registration").into())
}

impl Verification {
    /// The calling relying party, if it may act and has a call left.
    pub(crate) async fn calling_party(&self, client_id: &ClientId) -> Result<ActiveParty, Refusal> {
        self.parties.spend(client_id.as_str(), self.now())?;
        self.active_party(client_id).await
    }

    /// The relying party of this id, if it may act.
    pub(crate) async fn active_party(&self, client_id: &ClientId) -> Result<ActiveParty, Refusal> {
        let row = self.parts.relying_parties.relying_party(client_id).await?;
        ActiveParty::of(row.ok_or(Refusal::Inactive)?, self.now())
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
