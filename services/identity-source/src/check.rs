//! The identity check: do document and evidence belong to one living person?

use cyberid_crypto::jwe::{InvalidJwe, Sealed};
use cyberid_crypto::{KeyFailure, PublicKey, base64url, digest, hpke, json};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::source::{BIRTH_DATE_INFO, PERSON_INFO, Question, SourceAnswer};
use serde::de::DeserializeOwned;

use crate::fault::SLOWNESS;
use crate::{Fault, IdentitySource, Person};

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
            Fault::None => self.answer(sealed, sealed),
            Fault::Slow => {
                tokio::time::sleep(SLOWNESS).await;
                self.answer(sealed, sealed)
            }
            Fault::Wrong => self.answer(sealed, "another question"),
            Fault::Down => Err(CheckFailure::Down),
            Fault::Garbage => Ok("garbage".into()),
        }
    }

    fn answer(&self, sealed: &str, bound_to: &str) -> Result<String, CheckFailure> {
        let question: Question = self.open(sealed)?;
        let person = self.population().by_number(question.number.expose());
        let confirmed = person.filter(|person| self.confirms(person, &question));
        let birth_date = confirmed.map(|person| seal_birth_date(person, &question.reply_to));
        let handle = confirmed.map(|person| self.seal_handle(person, &question));
        let answer = SourceAnswer {
            question_sha256: digest::sha256_base64url(bound_to.as_bytes()),
            confirmed: confirmed.is_some(),
            birth_date_sealed: birth_date.transpose()?,
            person_sealed: handle.transpose()?,
            iat: self.parts.clock.now(),
        };
        Ok(answer.sign(&*self.parts.signing_key.current())?)
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
            && person.kind == question.kind
            && person.name == question.name
            && person.valid_until.to_string() == question.valid_until.expose()
            && question.evidence_kind == crate::EVIDENCE_KIND
            && digest::equal(evidence.as_bytes(), question.evidence.expose().as_bytes())
    }

    fn seal_handle(&self, person: &Person, question: &Question) -> Result<String, KeyFailure> {
        let handle = self.handle(person, &question.aud);
        hpke::seal(&question.reply_to, PERSON_INFO, b"", handle.as_bytes())
            .map(|sealed| base64url::encode(&sealed))
    }
}

fn seal_birth_date(person: &Person, reply_to: &PublicKey) -> Result<String, KeyFailure> {
    let date = person.birth_date.to_string();
    hpke::seal(reply_to, BIRTH_DATE_INFO, b"", date.as_bytes()).map(|sealed| base64url::encode(&sealed))
}
