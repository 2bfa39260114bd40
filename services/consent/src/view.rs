//! What relying parties and holders read: where a release stands, what was told, what was agreed to.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_protocol::event::Events;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::official::MyOfficialAccess;
use cyberid_protocol::release::ReleaseView;
use cyberid_storage::counter::Keyed;
use cyberid_storage::release::Release;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::receipt::{grant, life};
use crate::{Consent, ConsentError, leaf};

/// How many events one answer holds.
const EVENTS: u32 = 100;

/// The answer of `GET /v1/me/consents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MyConsents {
    /// The holder's consents, oldest first.
    pub consents: Vec<MyConsent>,
    /// The official accesses to the holder's record, oldest first; one whose order delays the notice stands here from
    /// that moment on.
    pub official_accesses: Vec<MyOfficialAccess>,
}

/// One consent as its holder sees it in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MyConsent {
    /// The consent's id.
    pub consent_id: ConsentId,
    /// The release that it grants.
    pub release_id: ReleaseId,
    /// The relying party.
    pub rp: ClientId,
    /// Where the release stands.
    pub status: ReleaseStatus,
    /// The registered purpose.
    pub purpose: String,
    /// The granted fields.
    pub fields: Vec<Field>,
    /// When it was granted.
    pub granted_at: UnixTime,
    /// What happened to it, oldest first: each left a leaf, and has its receipt.
    pub events: Vec<ConsentEvent>,
}

/// Something that happened to a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentEvent {
    /// What, as the leaf's kind.
    pub kind: LeafKind,
    /// When.
    pub time: UnixTime,
}

impl Consent {
    /// Where a release of this relying party stands.
    pub(crate) async fn view(
        &self,
        client_id: &ClientId,
        id: &ReleaseId,
    ) -> Result<ReleaseView, ConsentError> {
        let release = self.own_release(client_id, id).await?;
        let status = self.status(&release);
        let granted = release
            .grant
            .as_ref()
            .map(|_| leaf::first(&release))
            .transpose()?;
        Ok(ReleaseView {
            status,
            fields: granted.and_then(|leaf| leaf.fields),
            expires_at: release
                .grant
                .as_ref()
                .map_or(release.expires_at, |grant| grant.redeem_by),
            consent_id: release.grant.map(|grant| grant.consent_id),
            id: release.id,
        })
    }

    /// The events of a relying party after this one.
    pub(crate) async fn events(&self, client_id: &ClientId, after: u64) -> Result<Events, ConsentError> {
        let told = self.parts.events.events_after(client_id, after, EVENTS).await?;
        Ok(Events {
            next: told.last().map_or(after, |(sequence, _)| *sequence),
            events: told.into_iter().map(|(_, token)| token).collect(),
        })
    }

    /// What the holder of this device agreed to; nothing for a device that is not known.
    pub(crate) async fn my_consents(&self, device_jkt: &str) -> Result<MyConsents, ConsentError> {
        let keyed = self.parts.subjects.by_key(device_jkt).await?;
        let Some(subject) = keyed.and_then(Keyed::usable) else {
            return Ok(MyConsents {
                consents: Vec::new(),
                official_accesses: Vec::new(),
            });
        };
        let releases = self.parts.releases.of_subject(&subject.subject).await?;
        let consents = releases.iter().map(|release| self.my_consent(release));
        Ok(MyConsents {
            consents: consents.collect::<Result<_, _>>()?,
            official_accesses: self.my_officials(&subject.subject).await?,
        })
    }

    fn my_consent(&self, release: &Release) -> Result<MyConsent, ConsentError> {
        let granted = leaf::first(release)?;
        Ok(MyConsent {
            consent_id: grant(release)?.consent_id.clone(),
            release_id: release.id.clone(),
            rp: release.client_id.clone(),
            status: self.status(release),
            purpose: release.purpose.clone(),
            fields: granted.fields.unwrap_or_default(),
            granted_at: granted.time,
            events: life(release)?
                .into_iter()
                .map(|(kind, time)| ConsentEvent { kind, time })
                .collect(),
        })
    }

    /// Where a release stands by the clock, whether or not housekeeping has seen it yet.
    fn status(&self, release: &Release) -> ReleaseStatus {
        let now = self.parts.clock.now();
        let redeem_by = release.grant.as_ref().map(|grant| grant.redeem_by);
        match release.status {
            ReleaseStatus::Requested if release.expires_at <= now => ReleaseStatus::Expired,
            ReleaseStatus::Granted if redeem_by.is_some_and(|end| end <= now) => ReleaseStatus::Expired,
            status => status,
        }
    }
}
