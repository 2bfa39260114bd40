//! Codes at a counter: a holder shows one as a QR code, a relying party sends it with its question, and the question is
//! that device's from its birth. They live in this process's memory, for half a minute; a restart voids them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cyberid_domain::id::{CounterCode, VerificationId};
use cyberid_domain::{Rng, UnixTime};
use cyberid_protocol::counter_code::{CodeMade, CodeView, LIFE};
use tokio::time::Instant;

use crate::Verification;
use crate::refusal::Refusal;
use crate::waiting::Waiting;

/// For how many seconds after a code's end its holder still learns which request it led to.
const LINGER: u64 = 60;

/// How many devices have a code at once: what a flood of codes can fill (T10).
const CAPACITY: usize = 65_536;

/// How many holders wait for their codes at once. Relying parties have seats of their own.
const SEATS: usize = 256;

/// How often a waiting holder's code is looked at, should it end meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// The codes that were given out of late: one for each device, the latest.
pub(crate) struct Codes {
    kept: Mutex<Kept>,
    waiting: Waiting,
}

#[derive(Default)]
struct Kept {
    codes: HashMap<CounterCode, Shown>,
    latest: HashMap<String, CounterCode>,
}

struct Shown {
    device: String,
    until: UnixTime,
    stage: Stage,
}

/// What became of a code.
enum Stage {
    Unused,
    Taken,
    Asked(VerificationId),
}

/// What the device that shows a code learns of it.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    NothingYet,
    LedTo(VerificationId),
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            waiting: Waiting::with_seats(SEATS),
        }
    }
}

impl Codes {
    /// A fresh code of `device`, whose earlier one is void; none while there is no room.
    fn make(&self, device: &str, rng: &dyn Rng, now: UnixTime) -> Option<CounterCode> {
        let mut kept = self.kept();
        if let Some(earlier) = kept.latest.remove(device) {
            kept.codes.remove(&earlier);
        }
        if kept.codes.len() >= CAPACITY {
            return None;
        }
        let code = CounterCode::random(rng);
        kept.latest.insert(device.into(), code.clone());
        let shown = Shown {
            device: device.into(),
            until: now.plus(LIFE),
            stage: Stage::Unused,
        };
        kept.codes.insert(code.clone(), shown);
        Some(code)
    }

    /// The device of a code that can be used now. Of many who take it, one gets it.
    fn take(&self, code: &CounterCode, now: UnixTime) -> Option<String> {
        let mut kept = self.kept();
        let shown = kept.codes.get_mut(code)?;
        if !matches!(shown.stage, Stage::Unused) || shown.until <= now {
            return None;
        }
        shown.stage = Stage::Taken;
        Some(shown.device.clone())
    }

    /// Tells who shows the code which request it led to.
    pub(crate) fn led_to(&self, code: &CounterCode, request: &VerificationId) {
        if let Some(shown) = self.kept().codes.get_mut(code) {
            shown.stage = Stage::Asked(request.clone());
        }
        self.waiting.answered(code);
    }

    /// What became of a code of `device`; nothing if there is none, or it is over.
    fn look(&self, code: &CounterCode, device: &str, now: UnixTime) -> Option<Seen> {
        let kept = self.kept();
        let shown = kept.codes.get(code).filter(|shown| shown.device == device)?;
        match &shown.stage {
            Stage::Asked(request) if now < shown.until.plus(LINGER) => Some(Seen::LedTo(request.clone())),
            Stage::Unused | Stage::Taken if now < shown.until => Some(Seen::NothingYet),
            _ => None,
        }
    }

    /// Forgets the codes that nobody can ask for any more.
    pub(crate) fn forget(&self, now: UnixTime) {
        let mut kept = self.kept();
        let Kept { codes, latest } = &mut *kept;
        codes.retain(|_, shown| now < shown.until.plus(LINGER));
        latest.retain(|_, code| codes.contains_key(code));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verification {
    /// A fresh code for the calling device.
    pub(crate) fn make_code(&self, device: &str) -> Result<CodeMade, Refusal> {
        self.holders.spend(device, self.now())?;
        let code = self.codes.make(device, &*self.parts.rng, self.now());
        Ok(CodeMade {
            code: code.ok_or(Refusal::Full)?,
            expires_in: LIFE,
        })
    }

    /// The device that shows this code, which is used up thereby. Nobody is looked up: that a holder is suspended fails
    /// their answer, as everything else does that fails, and is not told across a counter before they answer.
    pub(crate) fn take_code(&self, code: &CounterCode) -> Result<String, Refusal> {
        self.codes.take(code, self.now()).ok_or(Refusal::Code)
    }

    /// Which request the calling device's code led to, once it did or `wait` is over; at once, when too many wait.
    pub(crate) async fn code_view(
        &self,
        device: &str,
        code: &CounterCode,
        wait: Duration,
    ) -> Result<CodeView, Refusal> {
        self.holders.spend(device, self.now())?;
        let seat = self.codes.waiting.seat();
        let wait = if seat.is_some() { wait } else { Duration::ZERO };
        let deadline = Instant::now() + wait;
        loop {
            let next = self.codes.waiting.next_answer(code);
            let seen = self.codes.look(code, device, self.now());
            if let Seen::LedTo(request) = seen.ok_or(Refusal::NotFound)? {
                let request_uri = Some(self.request_uri(&request));
                return Ok(CodeView { request_uri });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(CodeView::default());
            }
            // Woken or not, the code is looked at again.
            if let Some(next) = next {
                let _ = tokio::time::timeout(left.min(LOOK), next).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const NOW: UnixTime = UnixTime(1_795_400_000);

    fn request() -> VerificationId {
        VerificationId::random(&SystemRng)
    }

    #[test]
    fn a_code_is_taken_once_and_for_half_a_minute() {
        let codes = Codes::default();
        let code = codes.make("a", &SystemRng, NOW).unwrap();
        assert_eq!(codes.take(&code, NOW.plus(29)), Some("a".into()));
        assert_eq!(codes.take(&code, NOW.plus(29)), None);
        let late = codes.make("a", &SystemRng, NOW).unwrap();
        assert_eq!(codes.take(&late, NOW.plus(LIFE)), None);
        assert_eq!(codes.take(&CounterCode::random(&SystemRng), NOW), None);
    }

    #[test]
    fn a_device_has_one_code_and_a_new_one_voids_it() {
        let codes = Codes::default();
        let first = codes.make("a", &SystemRng, NOW).unwrap();
        let other = codes.make("b", &SystemRng, NOW).unwrap();
        codes.make("a", &SystemRng, NOW).unwrap();
        assert_eq!(codes.take(&first, NOW), None);
        assert_eq!(codes.take(&other, NOW), Some("b".into()));
        assert_eq!(codes.kept().codes.len(), 2);
    }

    #[test]
    fn a_device_learns_of_its_own_code_and_of_no_other() {
        let codes = Codes::default();
        let (code, led_to) = (codes.make("a", &SystemRng, NOW).unwrap(), request());
        assert_eq!(codes.look(&code, "a", NOW), Some(Seen::NothingYet));
        assert_eq!(codes.look(&code, "b", NOW), None);
        codes.take(&code, NOW).unwrap();
        codes.led_to(&code, &led_to);
        assert_eq!(
            codes.look(&code, "a", NOW.plus(LIFE)),
            Some(Seen::LedTo(led_to)),
            "it lingers"
        );
        assert_eq!(codes.look(&code, "a", NOW.plus(LIFE + LINGER)), None);
    }

    #[test]
    fn codes_are_forgotten_and_their_number_is_bounded() {
        let codes = Codes::default();
        for nth in 0..CAPACITY {
            codes.make(&nth.to_string(), &SystemRng, NOW).unwrap();
        }
        assert_eq!(codes.make("one more", &SystemRng, NOW), None);
        codes.forget(NOW.plus(LIFE + LINGER - 1));
        assert_eq!(codes.make("one more", &SystemRng, NOW), None);
        codes.forget(NOW.plus(LIFE + LINGER));
        let kept = codes.kept();
        assert!(kept.codes.is_empty() && kept.latest.is_empty());
    }
}
