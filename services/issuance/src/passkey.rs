//! A holder's passkeys: registered over a nonce of this platform with the PIN, listed, removed.

use cyberid_crypto::{base64url, jwe};
use cyberid_domain::pin::Pin;
use cyberid_pin::Candidate;
use cyberid_protocol::passkey::{
    Credential, PasskeyAdded, PasskeyRefused, PasskeyRegistration, PasskeyView, Passkeys, Site, credential_id,
};
use cyberid_protocol::sealed::SealedPasskey;
use cyberid_storage::StorageError;
use cyberid_storage::passkey::{Added, Passkey};
use cyberid_storage::subject::Subject;

use crate::{EnrolmentError, Issuance};

/// Why a passkey is not added, shown or removed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// There is no such holder, or no such passkey of theirs.
    #[error("there is nothing of this id for this holder")]
    NotFound,
    /// Not a sealed passkey of this platform.
    #[error("not a sealed passkey with a PIN")]
    Message,
    /// The challenge is not a nonce that can be used.
    #[error(transparent)]
    Nonce(#[from] EnrolmentError),
    /// The passkey does not show what it has to.
    #[error(transparent)]
    Refused(#[from] PasskeyRefused),
    /// The PIN is wrong, or locked.
    #[error("the PIN is wrong or locked")]
    Pin,
    /// The credential is registered already.
    #[error("the passkey is registered already")]
    Taken,
    /// The holder has enough passkeys.
    #[error("the holder has as many passkeys as one may have")]
    Full,
    /// The registry failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Issuance {
    /// Adds a passkey to the holder of the device key `jkt`. The device key alone does not suffice: a thief of the
    /// unlocked device would have a second factor of their own.
    pub(crate) async fn add_passkey(&self, jkt: &str, sealed: &str) -> Result<PasskeyAdded, PasskeyError> {
        let SealedPasskey { passkey, pin } = self.open_passkey(sealed)?;
        let subject = self.subject(jkt).await?;
        let credential = self.take_registration(&passkey)?;
        self.require_pin(&subject, &pin).await?;
        let id = base64url::encode(&credential.id);
        let new = Passkey {
            id: credential.id,
            subject: subject.subject,
            key: *credential.key.as_sec1(),
            sign_count: credential.sign_count,
            backup_eligible: credential.backup_eligible,
            created_at: self.now(),
        };
        match self.parts.passkeys.add_passkey(&new).await? {
            Added::Now => Ok(PasskeyAdded { id }),
            Added::Taken => Err(PasskeyError::Taken),
            Added::Full => Err(PasskeyError::Full),
        }
    }

    /// The passkeys of the holder of the device key `jkt`.
    pub(crate) async fn passkeys(&self, jkt: &str) -> Result<Passkeys, PasskeyError> {
        let subject = self.subject(jkt).await?.subject;
        let passkeys = self.parts.passkeys.passkeys(&subject).await?;
        let view = |passkey: Passkey| PasskeyView {
            id: base64url::encode(&passkey.id),
            created_at: passkey.created_at,
        };
        Ok(Passkeys {
            passkeys: passkeys.into_iter().map(view).collect(),
        })
    }

    /// Forgets a passkey of the holder of the device key `jkt`.
    pub(crate) async fn remove_passkey(&self, jkt: &str, id: &str) -> Result<(), PasskeyError> {
        let subject = self.subject(jkt).await?.subject;
        let id = credential_id(id).ok_or(PasskeyError::NotFound)?;
        let removed = self.parts.passkeys.remove_passkey(&subject, &id).await?;
        removed.then_some(()).ok_or(PasskeyError::NotFound)
    }

    async fn subject(&self, jkt: &str) -> Result<Subject, PasskeyError> {
        let subject = self.parts.subjects.by_device(jkt).await?;
        subject.ok_or(PasskeyError::NotFound)
    }

    fn open_passkey(&self, sealed: &str) -> Result<SealedPasskey, PasskeyError> {
        let sealed = jwe::Sealed::parse(sealed).map_err(|_| PasskeyError::Message)?;
        let keys = &self.parts.message_key;
        let key = match sealed.kid() {
            Some(kid) => keys.find(kid).ok_or(PasskeyError::Message)?,
            None => keys.current(),
        };
        let opened = sealed.open(&*key).map_err(|_| PasskeyError::Message)?;
        SealedPasskey::read(&opened).map_err(|_| PasskeyError::Message)
    }

    /// The credential of a registration over a nonce of this platform, which is used up by it.
    fn take_registration(&self, registration: &PasskeyRegistration) -> Result<Credential, PasskeyError> {
        let challenge = registration.challenge()?;
        let nonce = challenge.parse().map_err(|_| EnrolmentError::UnknownNonce)?;
        let credential = registration.check(&Site::of(&self.parts.issuer), &challenge)?;
        self.take_nonce(&nonce)?;
        Ok(credential)
    }

    async fn require_pin(&self, subject: &Subject, pin: &Pin) -> Result<(), PasskeyError> {
        let candidate = Candidate {
            subject: &subject.subject,
            jkt: &subject.device.jkt,
            known: true,
        };
        let holds = self.pin_attempts.try_pin(candidate, pin, self.now()).await?;
        holds.then_some(()).ok_or(PasskeyError::Pin)
    }
}
