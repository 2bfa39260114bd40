//! Attempts at a person's PIN: counted before they are checked, one at a time.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_domain::pin::Pin;
use cyberid_storage::Result;
use cyberid_storage::subject::Subjects;
use tokio::sync::{Mutex, MutexGuard};

use crate::{PinHasher, lockout};

const GATES: usize = 64;

/// Whoever tries a PIN.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The subject; a random one stands for nobody.
    pub subject: &'a SubjectId,
    /// The thumbprint of the device key that speaks for them.
    pub jkt: &'a str,
    /// Whether that device did speak: where not, a decoy's PIN is tried, with the same work.
    pub known: bool,
}

/// Attempts at PINs.
pub struct PinAttempts {
    subjects: Arc<dyn Subjects>,
    pins: PinHasher,
    gates: Gates,
}

impl PinAttempts {
    /// Attempts at the PINs of these subjects.
    pub fn new(subjects: Arc<dyn Subjects>, pins: PinHasher) -> Self {
        Self {
            subjects,
            pins,
            gates: Gates::default(),
        }
    }

    /// Whether `pin` is the candidate's, at the moment `now`. A failure counts, and after a few of them locks.
    pub async fn try_pin(&self, candidate: Candidate<'_>, pin: &Pin, now: UnixTime) -> Result<bool> {
        let (subjects, subject) = (&self.subjects, candidate.subject);
        let _gate = self.gates.enter(subject).await;
        let counted = subjects.begin_pin_attempt(subject, now).await?;
        // Read after the attempt was counted, so that the count is this one's.
        let (found, decoy) = (subjects.by_key(candidate.jkt).await?, self.pins.decoy());
        let known = found.map(|keyed| keyed.subject).filter(|_| candidate.known);
        let (hashed, failures) =
            known.map_or((decoy, 0), |subject| (subject.pin, subject.pin_failures.count));
        let holds = counted & self.pins.check(pin, &hashed).await;
        let until = lockout(failures, now).filter(|_| counted && !holds);
        // Where nothing was counted this changes nothing, and takes as long (T16).
        subjects.end_pin_attempt(subject, holds, until).await?;
        Ok(holds)
    }
}

/// One attempt at a person's PIN at a time: guesses that run together would all be checked before the first is counted
/// as failed. Gates are shared by a byte of the subject's random handle.
struct Gates([Mutex<()>; GATES]);

impl Default for Gates {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Gates {
    /// Passes the gate of a subject; it closes behind the caller until the guard is dropped.
    async fn enter(&self, subject: &SubjectId) -> MutexGuard<'_, ()> {
        let [first, ..] = *subject.as_bytes();
        let [zeroth, ..] = &self.0;
        self.0
            .get(usize::from(first) % GATES)
            .unwrap_or(zeroth)
            .lock()
            .await
    }
}
