//! The relying party as the registry knows it: what the holder is shown comes from here, never from the request (T12).

use cyberid_crypto::{PublicKey, digest, json};
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus};
use cyberid_protocol::canonical;
use cyberid_protocol::registration::Registration;
use cyberid_protocol::request::RequestingParty;

use crate::{Consent, ConsentError, Refusal};

/// A relying party whose registration is in force.
pub(crate) struct Party {
    client_id: ClientId,
    registration: Registration,
    certificates: Vec<String>,
}

/// A registered use, with its certificate.
pub(crate) struct RegisteredUse<'a> {
    /// What was registered.
    pub(crate) intended: &'a IntendedUse,
    /// The platform's certificate of it.
    pub(crate) certificate: &'a str,
}

impl Consent {
    /// The relying party, if its registration is in force.
    pub(crate) async fn active_party(&self, client_id: &ClientId) -> Result<Party, ConsentError> {
        let now = self.parts.clock.now();
        // Keys that cool off are not in force: plaintext goes to those before them until the clock says otherwise.
        let row = self.parts.relying_parties.relying_party(client_id, now).await?;
        let row = row.ok_or(Refusal::RelyingPartyInactive)?;
        if row.standing(now) != RegistrationStatus::Approved {
            return Err(Refusal::RelyingPartyInactive.into());
        }
        let registration = json::from_slice(row.registration.as_bytes())
            .map_err(|_| ConsentError::Corrupt("registration"))?;
        Ok(Party {
            client_id: row.client_id,
            registration,
            certificates: row.certificates,
        })
    }
}

impl Party {
    /// The registered use of this purpose.
    pub(crate) fn registered_use(&self, purpose: &str) -> Option<RegisteredUse<'_>> {
        let uses = self.registration.intended_uses.iter();
        let (intended, certificate) = uses
            .zip(&self.certificates)
            .find(|(intended, _)| intended.purpose == purpose)?;
        Some(RegisteredUse {
            intended,
            certificate,
        })
    }

    /// The one key that plaintext is encrypted to now.
    pub(crate) fn encryption_key(&self) -> Result<PublicKey, ConsentError> {
        let key = self.registration.keys("enc").next();
        key.and_then(|jwk| PublicKey::try_from(jwk).ok())
            .ok_or(ConsentError::Corrupt("encryption key"))
    }

    /// How the holder is shown who asks.
    pub(crate) fn shown(&self) -> RequestingParty {
        RequestingParty {
            client_id: self.client_id.clone(),
            name: self.registration.name.clone(),
            domain: self.registration.domains.first().cloned().unwrap_or_default(),
        }
    }
}

impl RegisteredUse<'_> {
    /// SHA-256 of the registered use in canonical JSON, base64url.
    pub(crate) fn notice_sha256(&self) -> Result<String, ConsentError> {
        let text = canonical::to_string(self.intended).map_err(|_| ConsentError::Corrupt("intended use"))?;
        Ok(digest::sha256_base64url(text.as_bytes()))
    }
}
