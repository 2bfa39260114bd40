//! How a relying party comes to be registered, and how it is halted: `docs/cycles/registration.md`.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::registration::{MAX_LIFE, Registered, Registration, RegistrationCertificate};
use cyberid_storage::relying_party::{InForce, RelyingParty};

use crate::Verification;
use crate::leaf::{leaf, name};
use crate::party;
use crate::refusal::Refusal;
use crate::registration::{CheckedRegistration, encryption_jkt, signing_keys};

impl Verification {
    /// Keeps an operator's application for a relying party.
    pub(crate) async fn apply(&self, operator: &ClientId, body: Registration) -> Result<Registered, Refusal> {
        // 1.
        let registration = CheckedRegistration::new(body)?;
        // 2.
        let row = RelyingParty {
            client_id: ClientId::random(&*self.parts.rng),
            registration: registration.to_text()?,
            status: RegistrationStatus::Applied,
            applied_by: operator.clone(),
            applied_at: self.now(),
            expires_at: None,
            certificates: Vec::new(),
        };
        self.parts.relying_parties.apply(&row).await?;
        Ok(registered(row))
    }

    /// Where a registration stands.
    pub(crate) async fn registered(&self, client_id: &ClientId) -> Result<Registered, Refusal> {
        self.registration(client_id).await.map(registered)
    }

    /// Approves an application, for an operator who is not the applicant.
    pub(crate) async fn approve(
        &self,
        operator: &ClientId,
        client_id: &ClientId,
    ) -> Result<Registered, Refusal> {
        let row = self.registration(client_id).await?;
        // 3.
        if row.applied_by == *operator {
            return Err(Refusal::SecondOperator);
        }
        let leaf_id = name(LeafKind::RpRegistered, client_id, "")?;
        if row.status == RegistrationStatus::Applied {
            // 4.
            let (now, registration) = (self.now(), party::read(&row)?);
            let force = self.in_force(client_id, &registration, now, now.plus(MAX_LIFE))?;
            let leaf = leaf(
                &leaf_id,
                LeafKind::RpRegistered,
                client_id,
                &force.registration,
                now,
            )?;
            // 5. Another operator may have been faster: what is in force is read again below.
            self.parts
                .relying_parties
                .approve(client_id, &force, &leaf)
                .await?;
        }
        let row = self.registration(client_id).await?;
        if row.status != RegistrationStatus::Approved {
            return Err(Refusal::Inactive);
        }
        // 6.
        self.placed(&leaf_id).await?;
        Ok(registered(row))
    }

    /// Halts an approved relying party, at once.
    pub(crate) async fn suspend(&self, client_id: &ClientId) -> Result<Registered, Refusal> {
        let row = self.registration(client_id).await?;
        let leaf_id = name(LeafKind::RpSuspended, client_id, "")?;
        if row.status == RegistrationStatus::Approved {
            let kind = LeafKind::RpSuspended;
            let leaf = leaf(&leaf_id, kind, client_id, &row.registration, self.now())?;
            self.parts.relying_parties.suspend(client_id, &leaf).await?;
        }
        let row = self.registration(client_id).await?;
        if row.status != RegistrationStatus::Suspended {
            return Err(Refusal::Inactive);
        }
        self.placed(&leaf_id).await?;
        Ok(registered(row))
    }

    /// What is in force for a registration: a certificate for each of its uses.
    pub(crate) fn in_force(
        &self,
        client_id: &ClientId,
        registration: &Registration,
        now: UnixTime,
        expires_at: UnixTime,
    ) -> Result<InForce, Refusal> {
        let enc_jkt = encryption_jkt(registration).ok_or(Refusal::Text)?;
        let sig_jkts: Vec<_> = signing_keys(registration)
            .iter()
            .map(PublicKey::thumbprint)
            .collect();
        let key = self.parts.registration.current();
        let certificates = registration.intended_uses.iter().map(|intended_use| {
            let certificate = RegistrationCertificate {
                iss: self.parts.issuer.clone(),
                sub: client_id.clone(),
                name: registration.name.clone(),
                domain: registration.domains.first().cloned().unwrap_or_default(),
                intended_use: intended_use.clone(),
                sig_jkts: sig_jkts.clone(),
                enc_jkt: enc_jkt.clone(),
                iat: now,
                exp: expires_at,
            };
            certificate.sign(&*key)
        });
        Ok(InForce {
            registration: cyberid_protocol::canonical::to_string(registration)?,
            certificates: certificates.collect::<Result<_, _>>()?,
            expires_at,
        })
    }

    async fn registration(&self, client_id: &ClientId) -> Result<RelyingParty, Refusal> {
        let row = self.parts.relying_parties.relying_party(client_id).await?;
        row.ok_or(Refusal::NotFound)
    }
}

/// What callers are told of a row.
pub(crate) fn registered(row: RelyingParty) -> Registered {
    Registered {
        client_id: row.client_id,
        status: row.status,
        registration_certificates: row.certificates,
    }
}
