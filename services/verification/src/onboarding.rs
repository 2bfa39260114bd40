//! How a relying party comes to be registered, and how it is halted: `docs/cycles/registration.md`.

use cyberid_domain::id::{ClientId, LeafId};
use cyberid_domain::relying_party::{RegistrationAct, RegistrationStatus};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::registration::{MAX_LIFE, Registered, Registration, WaitingKeys, WaitingRenewal};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::relying_party::RelyingParty;

use crate::Verification;
use crate::leaf::{leaf, name};
use crate::party;
use crate::refusal::Refusal;
use crate::registration::CheckedRegistration;
use crate::renewal;

/// How often a change is made anew, when another one came between reading and writing.
const ATTEMPTS: usize = 16;

/// A row that is to take the place of the one that was read, and the leaf that says so.
pub(crate) struct Change {
    pub(crate) next: RelyingParty,
    pub(crate) leaf: Option<PromisedLeaf>,
}

impl Verification {
    /// Keeps an operator's application for a relying party.
    pub(crate) async fn apply(&self, operator: &ClientId, body: Registration) -> Result<Registered, Refusal> {
        // 1.
        let registration = CheckedRegistration::new(body, self.suite())?;
        // 2.
        let row = RelyingParty {
            client_id: ClientId::random(&*self.parts.rng),
            revision: 0,
            registration: registration.to_text()?,
            status: RegistrationStatus::Applied,
            applied_by: operator.clone(),
            applied_at: self.now(),
            expires_at: None,
            certificates: Vec::new(),
            leaf: None,
            waiting_keys: None,
            renewal: None,
        };
        self.parts.relying_parties.apply(&row).await?;
        self.shown(row)
    }

    /// Where a registration stands.
    pub(crate) async fn registered(&self, client_id: &ClientId) -> Result<Registered, Refusal> {
        self.shown(self.registration(client_id).await?)
    }

    /// Approves an application, or the renewal of this digest, for an operator who did not apply for it.
    pub(crate) async fn approve(
        &self,
        operator: &ClientId,
        client_id: &ClientId,
        seen: Option<&str>,
    ) -> Result<Registered, Refusal> {
        // 5. Another operator may have been faster: then nothing is left to approve.
        let row = self
            .change(client_id, |was| {
                // 3.
                let applicant = was.renewal.as_ref().map_or(&was.applied_by, |it| &it.applied_by);
                if applicant == operator {
                    return Err(Refusal::SecondOperator);
                }
                match (&was.renewal, was.standing(self.now())) {
                    (Some(renewal), _) => self.renewed(was, renewal, seen).map(Some),
                    (None, RegistrationStatus::Applied) => self.approved(was).map(Some),
                    (None, RegistrationStatus::Approved) => Ok(None),
                    (None, _) => Err(Refusal::Inactive),
                }
            })
            .await?;
        // 6.
        self.recorded(row, LeafKind::RpRegistered).await
    }

    fn approved(&self, was: &RelyingParty) -> Result<Change, Refusal> {
        let now = self.now();
        let registration = party::read(was)?;
        let expires_at = now.plus(MAX_LIFE);
        let next = RelyingParty {
            status: allowed(was.standing(now), RegistrationAct::Approve)?,
            // 4.
            certificates: self.certify(&was.client_id, &registration, now, expires_at)?,
            expires_at: Some(expires_at),
            ..was.clone()
        };
        self.with_leaf(next, LeafKind::RpRegistered)
    }

    /// Halts a relying party, at once. What waits is dropped: a thief's keys do not come into force while it rests, and
    /// a renewal that was applied for before does not lift the suspension.
    pub(crate) async fn suspend(&self, client_id: &ClientId) -> Result<Registered, Refusal> {
        let row = self
            .change(client_id, |was| {
                let standing = was.standing(self.now());
                if standing == RegistrationStatus::Suspended {
                    return Ok(None);
                }
                let next = RelyingParty {
                    status: allowed(standing, RegistrationAct::Suspend)?,
                    waiting_keys: None,
                    renewal: None,
                    ..was.clone()
                };
                self.with_leaf(next, LeafKind::RpSuspended).map(Some)
            })
            .await?;
        self.recorded(row, LeafKind::RpSuspended).await
    }

    /// Puts what `decide` makes of the row in its place, anew where another change came between; where it makes
    /// nothing, the row stays. The row that is then there.
    pub(crate) async fn change(
        &self,
        client_id: &ClientId,
        decide: impl Fn(&RelyingParty) -> Result<Option<Change>, Refusal>,
    ) -> Result<RelyingParty, Refusal> {
        for _ in 0..ATTEMPTS {
            let was = self.registration(client_id).await?;
            let Some(Change { next, leaf }) = decide(&was)? else {
                return Ok(was);
            };
            let store = &self.parts.relying_parties;
            let replaced = store.replace(&was, &next, leaf.as_ref()).await;
            // Also when it failed: whether it happened is then unknown.
            self.kept_parties.forget(client_id);
            if replaced? {
                return self.registration(client_id).await;
            }
        }
        Err(Refusal::Contended)
    }

    /// What operators changed, with the leaf that says so.
    pub(crate) fn with_leaf(&self, next: RelyingParty, kind: LeafKind) -> Result<Change, Refusal> {
        let id = name(kind, &next.client_id, &next.revision.to_string())?;
        let leaf = leaf(&id, kind, &next.client_id, &next.registration, self.now())?;
        let next = RelyingParty {
            leaf: Some(id),
            ..next
        };
        Ok(Change {
            next,
            leaf: Some(leaf),
        })
    }

    /// What callers are told of a row, once the last thing that operators did is in the log.
    pub(crate) async fn recorded(&self, row: RelyingParty, kind: LeafKind) -> Result<Registered, Refusal> {
        // Rows that are older than revisions do not name their leaf.
        let first = || name(kind, &row.client_id, "");
        let leaf: LeafId = row.leaf.clone().map_or_else(first, Ok)?;
        self.placed(&leaf).await?;
        self.shown(row)
    }

    pub(crate) async fn registration(&self, client_id: &ClientId) -> Result<RelyingParty, Refusal> {
        let store = &self.parts.relying_parties;
        let row = store.relying_party(client_id, self.now()).await?;
        row.ok_or(Refusal::NotFound)
    }

    fn shown(&self, row: RelyingParty) -> Result<Registered, Refusal> {
        let waiting_keys = row.waiting_keys.as_ref().map(|keys| {
            Ok::<_, Refusal>(WaitingKeys {
                jwks: party::parse::<Registration>(&keys.registration)?.jwks,
                in_force_at: keys.in_force_at,
            })
        });
        let waiting_renewal = row.renewal.as_ref().map(|renewal| {
            Ok::<_, Refusal>(WaitingRenewal {
                renewal_sha256: renewal::digest(&row.client_id, renewal),
                applied_by: renewal.applied_by.clone(),
                applied_at: renewal.applied_at,
                registration: renewal.particulars.as_deref().map(party::parse).transpose()?,
                expires_in_days: renewal.days,
            })
        });
        Ok(Registered {
            status: row.standing(self.now()),
            registration: Some(party::read(&row)?),
            waiting_keys: waiting_keys.transpose()?,
            waiting_renewal: waiting_renewal.transpose()?,
            client_id: row.client_id,
            registration_certificates: row.certificates,
            expires_at: row.expires_at,
            outcomes: None,
        })
    }
}

/// The status after an act, where the act is possible.
pub(crate) fn allowed(
    status: RegistrationStatus,
    act: RegistrationAct,
) -> Result<RegistrationStatus, Refusal> {
    status.after(act).ok_or(Refusal::Inactive)
}
