//! Asking the identity source. What cannot be believed counts as no answer: enrolment fails closed (T7).

use cyberid_crypto::{Agree as _, Mac as _, base64url, digest, hpke};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::personal::Personal;
use cyberid_protocol::enrolment::Evidence;
use cyberid_protocol::face::person_tag;
use cyberid_protocol::message;
use cyberid_protocol::source::{
    BIRTH_DATE_INFO, IdentityCheckAnswer, IdentityCheckBody, LONGEST_QUESTION, PERSON_INFO, Question,
    SourceAnswer,
};
use time::Date;

use crate::document::CheckedDocument;
use crate::passport::agrees;
use crate::reply_key::ReplyKey;
use crate::{EnrolmentError, Issuance, SourceFailure, calendar};

/// For how many seconds an answer is fresh, beside the skew.
const FRESH: u64 = 60;

/// What the source says of the living person whom document and evidence belong to.
pub(crate) struct Confirmed {
    pub(crate) birth_date: Date,
    /// The source's handle of the person, under a key of the platform.
    pub(crate) person_tag: [u8; 32],
}

impl Issuance {
    /// What the source says of the living person whom document and evidence belong to.
    pub(crate) async fn ask_source(
        &self,
        document: &CheckedDocument,
        evidence: &Evidence,
    ) -> Result<Confirmed, EnrolmentError> {
        let passport = self.check_chip(document, evidence)?;
        let reply_to = ReplyKey::fresh(self.parts.source_encryption_key.suite())?;
        let question = self.question(document, evidence, &reply_to);
        let sealed = question.seal(&self.parts.source_encryption_key)?;
        // What the source would not read is the asker's fault: it is no failure of the source, and closes it to nobody.
        if sealed.len() > LONGEST_QUESTION {
            return Err(EnrolmentError::Refused);
        }
        let passage = self.source_checks.pass().map_err(SourceFailure::from)?;
        let said = self.said(sealed, &reply_to).await?;
        passage.answered();
        said.filter(|confirmed| agrees(passport.as_ref(), confirmed))
            .ok_or(EnrolmentError::Refused)
    }

    /// What the source says to a sealed question: nothing of whom it does not confirm.
    async fn said(&self, sealed: String, reply_to: &ReplyKey) -> Result<Option<Confirmed>, SourceFailure> {
        let question_sha256 = digest::sha256_base64url(sealed.as_bytes());
        let body = IdentityCheckBody { sealed };
        let answer: IdentityCheckAnswer = self.parts.source.post("/v1/identity-checks", &body).await?;
        let answer = self.believe(&answer.answer, &question_sha256)?;
        if !answer.confirmed {
            return Ok(None);
        }
        Ok(Some(Confirmed {
            birth_date: birth_date(&answer, reply_to).ok_or(SourceFailure::NoBirthDate)?,
            person_tag: self
                .person_tag(&answer, reply_to)
                .ok_or(SourceFailure::NoPerson)?,
        }))
    }

    /// The feed in which the source tells this platform what happens to the people it has confirmed: nobody else knows its
    /// name.
    pub(crate) fn source_feed(&self) -> String {
        let name = self
            .parts
            .evidence_key
            .mac(&[b"feed", self.parts.issuer.as_bytes()]);
        base64url::encode(&name)
    }

    fn person_tag(&self, answer: &SourceAnswer, reply_to: &ReplyKey) -> Option<[u8; 32]> {
        let sealed = base64url::decode(answer.person_sealed.as_deref()?)?;
        let person = hpke::open(reply_to, PERSON_INFO, b"", &sealed).ok()?;
        person_tag(&self.parts.evidence_key, str::from_utf8(&person).ok()?)
    }

    fn question(&self, document: &CheckedDocument, evidence: &Evidence, reply_to: &ReplyKey) -> Question {
        Question {
            kind: document.kind,
            name: document.name.clone(),
            number: Personal::new(document.number.expose().to_owned()),
            valid_until: document.valid_until.clone(),
            evidence_kind: evidence.kind.clone(),
            evidence: evidence.token.clone(),
            aud: self.parts.issuer.clone(),
            feed: self.source_feed(),
            reply_to: reply_to.public_key(),
        }
    }

    fn believe(&self, compact: &str, question_sha256: &str) -> Result<SourceAnswer, SourceFailure> {
        let answer: SourceAnswer =
            message::open(compact, &self.parts.source_signing_key).map_err(|_| SourceFailure::NotSigned)?;
        if answer.question_sha256 != question_sha256 {
            return Err(SourceFailure::OtherQuestion);
        }
        self.require_now(answer.iat)?;
        Ok(answer)
    }

    /// What the source signs, it signs for this moment.
    pub(crate) fn require_now(&self, iat: UnixTime) -> Result<(), SourceFailure> {
        let now = self.now();
        if iat > now.plus(SKEW) || now.since(iat) > FRESH + SKEW {
            return Err(SourceFailure::NotNow);
        }
        Ok(())
    }
}

fn birth_date(answer: &SourceAnswer, reply_to: &ReplyKey) -> Option<Date> {
    let sealed = base64url::decode(answer.birth_date_sealed.as_deref()?)?;
    let text = hpke::open(reply_to, BIRTH_DATE_INFO, b"", &sealed).ok()?;
    calendar::read(str::from_utf8(&text).ok()?)
}
