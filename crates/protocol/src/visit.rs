//! The sealed record of one visit: which relying party asked for what, kept because law asks for it (Cybersecurity Law,
//! article 21, item 3), in a form that only a reading for its own holder can find and open.
//!
//! A row's tag is one of [`TAGS`] that a person has on a day, and its key is the person's for that day. Both are
//! derived from the journal key and the subject's handle: whoever has the rows alone can relate none of them to a
//! person, to a relying party, or to another row.

use cyberid_crypto::aead::{self, DoesNotOpen};
use cyberid_crypto::{Mac, digest, json};
use cyberid_domain::UnixTime;
use cyberid_domain::check::Check;
use cyberid_domain::id::{ClientId, Nonce, SubjectId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How many tags a person has on a day.
pub const TAGS: u8 = 16;

/// The length of every sealed record in bytes: nonce, record, tag of the cipher.
pub const SEALED: usize = aead::NONCE + RECORD + aead::TAG;

/// The longest record is one of a purpose of [`MAX_PURPOSE`] bytes, a longest client id and every check.
const RECORD: usize = 512;

/// The longest purpose in bytes of UTF-8.
pub const MAX_PURPOSE: usize = 64;

/// What a visit's record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitRecord {
    /// When.
    pub time: UnixTime,
    /// Which relying party asked.
    pub rp: ClientId,
    /// For which purpose.
    pub purpose: String,
    /// What was checked.
    pub checks: Vec<Check>,
    /// Whether every check passed.
    pub passed: bool,
}

/// A record does not fit its fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record of a visit is longer than records are")]
pub struct TooLong;

/// The tag under which the visit of the proof `jti` on this day is kept.
pub fn tag(journal: &dyn Mac, subject: &SubjectId, day: UnixTime, jti: &Nonce) -> [u8; 16] {
    let [first, ..] = digest::sha256(jti.as_str().as_bytes());
    nth_tag(journal, subject, day, first % TAGS)
}

/// Every tag that a person's visits of this day can have.
pub fn tags(journal: &dyn Mac, subject: &SubjectId, day: UnixTime) -> Vec<[u8; 16]> {
    (0..TAGS).map(|nth| nth_tag(journal, subject, day, nth)).collect()
}

fn nth_tag(journal: &dyn Mac, subject: &SubjectId, day: UnixTime, nth: u8) -> [u8; 16] {
    let day_key = Zeroizing::new(journal.mac(&[b"cyberid/v1/visit-tag", &day.0.to_be_bytes()]));
    let parts: [&[u8]; 2] = [subject.as_bytes(), &[nth]];
    let whole = journal.suite().hmac_parts(&*day_key, &parts);
    let mut tag = [0; 16];
    tag.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    tag
}

/// Seals a record for the person's own reading; every sealed record has the same length.
pub fn seal(
    journal: &dyn Mac,
    subject: &SubjectId,
    day: UnixTime,
    nonce: [u8; aead::NONCE],
    record: &VisitRecord,
) -> Result<Vec<u8>, TooLong> {
    let mut bytes = Zeroizing::new(serde_json::to_vec(record).map_err(|_| TooLong)?);
    if bytes.len() > RECORD {
        return Err(TooLong);
    }
    bytes.resize(RECORD, b' ');
    let (key, day) = (key(journal, subject, day), day.0.to_be_bytes());
    let ciphertext = journal.suite().encrypt(&key, nonce, &day, &bytes);
    Ok([nonce.as_slice(), &ciphertext].concat())
}

/// Opens what [`seal`] made for the same person and day.
pub fn open(
    journal: &dyn Mac,
    subject: &SubjectId,
    day: UnixTime,
    sealed: &[u8],
) -> Result<VisitRecord, DoesNotOpen> {
    let (nonce, ciphertext) = sealed.split_first_chunk().ok_or(DoesNotOpen)?;
    let key = key(journal, subject, day);
    let bytes = (journal.suite()).decrypt(&key, *nonce, &day.0.to_be_bytes(), ciphertext)?;
    json::from_slice(&bytes).map_err(|_| DoesNotOpen)
}

fn key(journal: &dyn Mac, subject: &SubjectId, day: UnixTime) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(journal.mac(&[b"cyberid/v1/visit-key", subject.as_bytes(), &day.0.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::MacKey;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const DAY: UnixTime = UnixTime(1_795_392_000);
    const PERSON: SubjectId = SubjectId::from_bytes([1; 32]);
    const OTHER: SubjectId = SubjectId::from_bytes([2; 32]);

    fn journal() -> MacKey {
        MacKey::new(Zeroizing::new([7; 32]))
    }

    fn record(purpose: &str, checks: &[Check]) -> VisitRecord {
        VisitRecord {
            time: UnixTime(u64::MAX),
            rp: "A".repeat(64).parse().unwrap(),
            purpose: purpose.into(),
            checks: checks.into(),
            passed: false,
        }
    }

    #[test]
    fn the_holders_own_reading_opens_it_and_no_other() {
        let record = record("register", &[Check::RealPerson]);
        let sealed = seal(&journal(), &PERSON, DAY, [3; 12], &record).unwrap();
        assert_eq!(open(&journal(), &PERSON, DAY, &sealed), Ok(record));
        assert!(open(&journal(), &OTHER, DAY, &sealed).is_err());
        assert!(open(&journal(), &PERSON, DAY.plus(86_400), &sealed).is_err());
    }

    #[test]
    fn the_shortest_and_the_longest_record_have_one_length() {
        let longest = record(&"\"".repeat(MAX_PURPOSE), &Check::ALL);
        for record in [record("a", &[Check::RealPerson]), longest] {
            let sealed = seal(&journal(), &PERSON, DAY, [3; 12], &record).unwrap();
            assert_eq!(sealed.len(), SEALED);
        }
    }

    #[test]
    fn a_tag_is_one_of_the_persons_of_that_day_and_of_nobody_elses() {
        let jti = Nonce::random(&SystemRng);
        let tag = tag(&journal(), &PERSON, DAY, &jti);
        assert!(tags(&journal(), &PERSON, DAY).contains(&tag));
        assert!(!tags(&journal(), &OTHER, DAY).contains(&tag));
        assert!(!tags(&journal(), &PERSON, DAY.plus(86_400)).contains(&tag));
    }
}
