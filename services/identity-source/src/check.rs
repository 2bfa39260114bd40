//! The identity check: do document and evidence belong to one living person?

use cyberid_crypto::jwe::{InvalidJwe, Sealed};
use cyberid_crypto::{
    Agree as _, AgreementKey, KeyFailure, PublicKey, SigningKey, base64url, digest, hpke, json,
};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Rng as _, UnixTime};
use cyberid_protocol::message::Message;
use cyberid_protocol::source::{BIRTH_DATE_INFO, PERSON_INFO, Question, SourceAnswer};
use serde::de::DeserializeOwned;

use crate::fault::SLOWNESS;
use crate::{Fault, IdentitySource, JournalFailed, Person};

/// How old an old answer is, in seconds.
const HOUR: u64 = 3_600;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailure {
    /// It is not sealed to this source, or holds no question.
    #[error("not a question to this source")]
    NotAQuestion,
    /// No such person, or not their face.
    #[error("not the face of the document's person")]
    Refused,
    /// The source was told to be down.
    #[error("the source is down")]
    Down,
    /// A key of the source could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// What the source has to remember could not be kept.
    #[error(transparent)]
    Journal(#[from] JournalFailed),
}

impl From<InvalidJwe> for CheckFailure {
    fn from(_: InvalidJwe) -> Self {
        Self::NotAQuestion
    }
}

impl IdentitySource {
    /// The signed answer to a sealed question, or what the present fault makes of it.
    pub async fn check(&self, sealed: &str) -> Result<String, CheckFailure> {
        match self.fault() {
            Fault::Down => Err(CheckFailure::Down),
            Fault::Garbage => Ok("garbage".into()),
            Fault::Slow => {
                tokio::time::sleep(SLOWNESS).await;
                self.answer(sealed, Fault::None)
            }
            fault => self.answer(sealed, fault),
        }
    }

    fn answer(&self, sealed: &str, fault: Fault) -> Result<String, CheckFailure> {
        let question: Question = self.open(sealed)?;
        let feed = feed(&question.feed).ok_or(CheckFailure::NotAQuestion)?;
        let person = self.by_document(question.kind, question.number.expose());
        let confirmed = person.filter(|person| self.confirms(person, &question));
        if let Some(person) = &confirmed {
            self.parts.life.confirm(self.population(), feed, person.index)?;
        }
        let reply_to = match fault {
            Fault::Unreadable => AgreementKey::ephemeral_of(question.reply_to.suite())?.public_key(),
            _ => question.reply_to,
        };
        let answered = confirmed.map(|person| self.seal_person(&person, &question.aud, &reply_to));
        let (birth_date, handle) = answered.transpose()?.unzip();
        let bound_to = match fault {
            Fault::Wrong => "another question",
            _ => sealed,
        };
        let answer = SourceAnswer {
            question_sha256: digest::sha256_base64url(bound_to.as_bytes()),
            confirmed: birth_date.is_some(),
            birth_date_sealed: birth_date,
            person_sealed: handle,
            iat: self.moment(fault),
        };
        self.sign(&answer, fault)
    }

    /// The present, or what a fault makes of it.
    pub(crate) fn moment(&self, fault: Fault) -> UnixTime {
        let now = self.parts.clock.now();
        match fault {
            Fault::Old => now.minus(HOUR),
            _ => now,
        }
    }

    /// Signs as the source, or as a fault has it.
    pub(crate) fn sign(&self, message: &impl Message, fault: Fault) -> Result<String, CheckFailure> {
        match fault {
            Fault::OtherKey => {
                let scalar = cyberid_crypto::key::random_scalar(|out| SystemRng.fill(out));
                let key = SigningKey::from_scalar(&scalar).map_err(|_| KeyFailure)?;
                Ok(message.sign(&key)?)
            }
            _ => Ok(message.sign(&*self.parts.signing_key.current())?),
        }
    }

    pub(crate) fn open<T: DeserializeOwned>(&self, sealed: &str) -> Result<T, CheckFailure> {
        let sealed = Sealed::parse(sealed)?;
        let kid = sealed.kid().ok_or(CheckFailure::NotAQuestion)?;
        let key = self.parts.opening_key.find(kid);
        let plaintext = sealed.open(&*key.ok_or(CheckFailure::NotAQuestion)?)?;
        json::from_slice(&plaintext).map_err(|_| CheckFailure::NotAQuestion)
    }

    /// Whether everything that was stated is this person's. The document's last day is compared, not judged: whether
    /// it has passed is for the asker.
    fn confirms(&self, person: &Person, question: &Question) -> bool {
        let evidence = self.population().evidence(person);
        person.living
            && person.document_valid
            && person.name == question.name
            && person.valid_until.to_string() == question.valid_until.expose()
            && question.evidence_kind == crate::EVIDENCE_KIND
            && digest::equal(evidence.as_bytes(), question.evidence.expose().as_bytes())
    }

    /// The date of birth and the handle of a person, for whoever asks.
    fn seal_person(
        &self,
        person: &Person,
        platform: &str,
        reply_to: &PublicKey,
    ) -> Result<(String, String), KeyFailure> {
        let birth_date = person.birth_date.to_string();
        let handle = self.handle(person, platform);
        // One agreement for both, which the platform makes once.
        let mut sender = hpke::Sender::to(reply_to)?;
        let mut seal = |info, text: &str| {
            let sealed = sender.seal(info, b"", text.as_bytes())?;
            Ok(base64url::encode(&sealed))
        };
        Ok((seal(BIRTH_DATE_INFO, &birth_date)?, seal(PERSON_INFO, &handle)?))
    }
}

/// By what the source knows a feed: whoever reads its files cannot ask for it.
pub(crate) fn feed(name: &str) -> Option<[u8; 32]> {
    let name: [u8; 32] = base64url::decode_array(name)?;
    Some(digest::sha256(&name))
}
