//! The life of an identifier after its enrolment: the steps of `docs/cycles/life.md`.
//!
//! The holder halts it at once and alone, and lifts only their own halt. Operators halt one person alone, and several, or
//! lift what protects one, only together. What ends by its own date expires by the clock.

mod act;
mod expiry;
mod number;
mod renewal;

use cyberid_crypto::{KeyFailure, PublicKey, digest, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{LeafId, Nonce, SubjectId};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::random;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_pin::Candidate;
use cyberid_protocol::canonical::NotCanonical;
use cyberid_protocol::leaf::{Leaf, LeafKind, subject_commitment};
use cyberid_protocol::life::{LifeAnswer, MAX_LIFE, Renumbering, Resumption, SealedResumption, Suspension};
use cyberid_protocol::message::{self, Message, NotNow};
use cyberid_storage::StorageError;
use cyberid_storage::life::{LifeChange, LifeLeaf, Turn, Turned};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::subject::Subject;

use crate::{EnrolmentError, Issuance};

/// Why an identifier's life is not turned.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// There is no such holder, identifier or act.
    #[error("there is nothing of this name")]
    NotFound,
    /// Not a message of this kind by a holder's device.
    #[error("not signed by a device of a holder for this platform")]
    Message,
    /// It is not of this moment.
    #[error("not of this moment")]
    NotNow,
    /// It was used before.
    #[error("it was used before")]
    Replayed,
    /// The PIN is wrong, or locked.
    #[error("the PIN is wrong or locked")]
    Pin,
    /// The identifier's state does not allow it.
    #[error("the identifier is {}", .0.as_str())]
    State(SubjectStatus),
    /// What has expired needs the document and fresh evidence.
    #[error("an expired identifier is renewed with its document and fresh evidence")]
    EvidenceNeeded,
    /// Document, evidence or person do not fit.
    #[error("this is not the document and the person of the enrolment")]
    Evidence,
    /// The device cools off until this moment.
    #[error("the device cools off, and acts for itself only")]
    CoolingOff(UnixTime),
    /// The last fresh number is too new.
    #[error("a fresh number is given once in {} days", number::EVERY / cyberid_domain::clock::DAY)]
    TooSoon(UnixTime),
    /// What operators ask for is not of the documented form.
    #[error("{0}")]
    Act(&'static str),
    /// Another operator has to approve it.
    #[error("another operator has to approve it")]
    SecondOperator,
    /// The ledger did not take a leaf in time.
    #[error("the ledger has not taken the leaf yet")]
    Unplaced,
    /// What issuance does for others failed.
    #[error(transparent)]
    Issuance(#[from] EnrolmentError),
    /// The registry failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// A leaf could not be written.
    #[error(transparent)]
    Leaf(#[from] NotCanonical),
    /// A row holds what nobody could have written.
    #[error("a row is corrupt: {0}")]
    Corrupt(&'static str),
}

/// What every word of a holder on their identifier says.
pub(crate) trait Word: Message {
    /// For whom.
    fn aud(&self) -> &str;
    /// From when to when.
    fn life(&self) -> (UnixTime, UnixTime);
    /// The device's own name for it.
    fn jti(&self) -> &Nonce;
}

macro_rules! words {
    ($($word:ty),*) => {$(
        impl Word for $word {
            fn aud(&self) -> &str {
                &self.aud
            }

            fn life(&self) -> (UnixTime, UnixTime) {
                (self.iat, self.exp)
            }

            fn jti(&self) -> &Nonce {
                &self.jti
            }
        }
    )*};
}

words!(Suspension, Resumption, Renumbering);

impl Issuance {
    /// Halts the identifier of the holder who signed, at once.
    pub(crate) async fn suspend_self(&self, compact: &str) -> Result<LifeAnswer, LifeError> {
        // 1.
        let (claims, subject) = self.word::<Suspension>(compact).await?;
        self.use_word(&claims, &subject).await?;
        // 2.
        self.turn_by_holder(&subject, Turn::Suspend(LifeReason::Holder))
            .await
    }

    /// Lifts the holder's own halt; what others said stands.
    pub(crate) async fn resume_self(&self, sealed: &str) -> Result<LifeAnswer, LifeError> {
        // 1.
        let SealedResumption { resumption, pin } = self.open_resumption(sealed)?;
        let (claims, subject) = self.word::<Resumption>(&resumption).await?;
        self.require_pin_of(&subject, &pin).await?;
        self.use_word(&claims, &subject).await?;
        // 2.
        self.turn_by_holder(&subject, Turn::Reinstate(LifeReason::Holder))
            .await
    }

    async fn turn_by_holder(&self, subject: &Subject, turn: Turn) -> Result<LifeAnswer, LifeError> {
        let change = LifeChange {
            subject: subject.subject,
            turn,
            at: self.now(),
            leaf: None,
        };
        let status = match self.parts.subjects.turn(&change).await? {
            Turned::Now(status) => status,
            Turned::Before => subject.status,
            Turned::Refused => return Err(LifeError::State(subject.status)),
        };
        let reasons = self.parts.lives.suspensions(&subject.subject).await?;
        Ok(LifeAnswer {
            status,
            suspended_for: reasons.into_iter().map(|it| it.reason).collect(),
        })
    }

    /// Reads a holder's word that is for this platform and of this moment. A key that is not known and a signature that
    /// does not fit are one answer.
    pub(crate) async fn word<W: Word>(&self, compact: &str) -> Result<(W, Subject), LifeError> {
        let message = message::unverified::<W>(compact).map_err(|_| LifeError::Message)?;
        let kid = message.kid().map_err(|_| LifeError::Message)?.to_owned();
        let subject = self.parts.subjects.by_device(&kid).await?;
        let subject = subject.ok_or(LifeError::Message)?;
        let key = PublicKey::from_sec1(&subject.device.key).map_err(|_| LifeError::Corrupt("device key"))?;
        let claims: W = message.verify(&key).map_err(|_| LifeError::Message)?;
        if claims.aud() != self.parts.issuer {
            return Err(LifeError::Message);
        }
        let (iat, exp) = claims.life();
        message::check_life(iat, exp, MAX_LIFE, self.now()).map_err(|why| match why {
            NotNow::TooLong => LifeError::Message,
            NotNow::Expired | NotNow::Future => LifeError::NotNow,
        })?;
        Ok((claims, subject))
    }

    /// Uses a word up: an old halt does not come back after it was lifted.
    pub(crate) async fn use_word<W: Word>(&self, claims: &W, subject: &Subject) -> Result<(), LifeError> {
        let jkt = subject.device.jkt.as_bytes();
        let parts: [&[u8]; 3] = [W::TYP.as_bytes(), jkt, claims.jti().as_str().as_bytes()];
        let thing = SingleUse {
            digest: digest::hmac_parts(b"", &parts),
            forget_at: claims.life().1.plus(SKEW + 1),
        };
        let first = self.parts.single_uses.use_once(&thing).await?;
        first.then_some(()).ok_or(LifeError::Replayed)
    }

    fn open_resumption(&self, sealed: &str) -> Result<SealedResumption, LifeError> {
        let sealed = jwe::Sealed::parse(sealed).map_err(|_| LifeError::Message)?;
        let keys = &self.parts.message_key;
        let key = match sealed.kid() {
            Some(kid) => keys.find(kid).ok_or(LifeError::Message)?,
            None => keys.current(),
        };
        let opened = sealed.open(&*key).map_err(|_| LifeError::Message)?;
        SealedResumption::read(&opened).map_err(|_| LifeError::Message)
    }

    async fn require_pin_of(&self, subject: &Subject, pin: &Pin) -> Result<(), LifeError> {
        let candidate = Candidate {
            subject: &subject.subject,
            jkt: &subject.device.jkt,
            known: true,
        };
        let holds = self.pin_attempts.try_pin(candidate, pin, self.now()).await?;
        holds.then_some(()).ok_or(LifeError::Pin)
    }

    /// The leaf that says what others did to an identity. The name is the event's own, so that doing it again promises
    /// nothing twice.
    pub(crate) async fn life_leaf(
        &self,
        kind: LeafKind,
        subject: &SubjectId,
        reason: LifeReason,
        event: &str,
    ) -> Result<LifeLeaf, LifeError> {
        let devices = self.parts.subjects.devices(subject).await?;
        let device_jkt = devices
            .into_iter()
            .next()
            .map(|device| device.jkt)
            .unwrap_or_default();
        let salt: [u8; 32] = random(&*self.parts.rng);
        let commitment = subject_commitment(&salt, &device_jkt);
        let leaf = Leaf::of_identity(kind, self.now(), commitment, reason);
        Ok(LifeLeaf {
            leaf: PromisedLeaf {
                id: leaf_name(kind, subject, event)?,
                body: leaf.to_text()?,
            },
            salt,
            device_jkt,
        })
    }
}

/// The name of the leaf of an event in a life.
pub(crate) fn leaf_name(kind: LeafKind, subject: &SubjectId, event: &str) -> Result<LeafId, LifeError> {
    let parts: [&[u8]; 3] = [kind.as_str().as_bytes(), event.as_bytes(), subject.as_bytes()];
    let digest = cyberid_crypto::base64url::encode(&digest::hmac_parts(b"cyberid/v1/life", &parts));
    let name = format!("{}{digest}", LeafId::PREFIX);
    name.parse().map_err(|_| LifeError::Corrupt("leaf id"))
}
