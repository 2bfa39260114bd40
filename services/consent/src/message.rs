//! What is done to every signed message of a holder: its key, its signature, its moment, its one use.

use cyberid_crypto::{PublicKey, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::Nonce;
use cyberid_protocol::message::{self, Message, NotNow};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::subject::Subject;

use crate::{Consent, ConsentError, Refusal};

/// A message that a device key of this subject signed.
pub(crate) struct Signed<M> {
    /// What it says.
    pub(crate) claims: M,
    /// Whose device signed.
    pub(crate) subject: Subject,
    /// Whether the key is a code's, which acts once.
    pub(crate) once: bool,
}

impl Consent {
    /// Reads a holder's message. A key that is not known and a signature that does not fit are one answer, so that
    /// nobody learns which keys are enrolled.
    pub(crate) async fn signed<M: Message>(&self, compact: &str) -> Result<Signed<M>, ConsentError> {
        let message = message::unverified::<M>(compact).map_err(|_| Refusal::InvalidMessage)?;
        let kid = message.kid().map_err(|_| Refusal::InvalidMessage)?.to_owned();
        let keyed = self.parts.subjects.by_key(&kid).await?;
        let keyed = keyed.ok_or(Refusal::InvalidMessage)?;
        let once = keyed.is_code();
        let subject = keyed.usable().ok_or(Refusal::InvalidMessage)?;
        let key =
            PublicKey::from_sec1(&subject.device.key).map_err(|_| ConsentError::Corrupt("device key"))?;
        let claims = message.verify(&key).map_err(|_| Refusal::InvalidMessage)?;
        Ok(Signed {
            claims,
            subject,
            once,
        })
    }

    /// Uses up the code that signed, durably and before its word has any effect; a device that lasts stays as it is.
    pub(crate) async fn use_up<M>(&self, signed: &Signed<M>) -> Result<(), ConsentError> {
        if !signed.once {
            return Ok(());
        }
        // 7. of the cycle of a counter.
        let subjects = &self.parts.subjects;
        let used = subjects.use_code(&signed.subject.device.jkt, self.parts.clock.now());
        used.await?.then_some(()).ok_or(Refusal::InvalidMessage.into())
    }

    /// Checks that a message is of this moment.
    pub(crate) fn now_within(&self, iat: UnixTime, exp: UnixTime, max: u64) -> Result<(), Refusal> {
        let life = message::check_life(iat, exp, max, self.parts.clock.now());
        life.map_err(|why| match why {
            NotNow::TooLong => Refusal::InvalidMessage,
            NotNow::Expired | NotNow::Future => Refusal::ExpiredMessage,
        })
    }
}

/// The one use of a message, by its type, its device and the device's name for it (T14).
pub(crate) fn use_of<M: Message>(device_jkt: &str, jti: &Nonce, exp: UnixTime) -> SingleUse {
    let parts: [&[u8]; 3] = [M::TYP.as_bytes(), device_jkt.as_bytes(), jti.as_str().as_bytes()];
    SingleUse {
        digest: digest::hmac_parts(b"", &parts),
        forget_at: exp.plus(SKEW),
    }
}
