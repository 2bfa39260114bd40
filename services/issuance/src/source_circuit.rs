//! The circuit breaker between issuance and the identity source: a source that fails again and again is left alone for a
//! while, and whoever enrols is told so at once instead of waiting for it. Nothing passes that the source has not answered:
//! an open circuit refuses, and never assumes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cyberid_domain::{Clock, UnixTime};

/// So many failures within [`WINDOW`] open the circuit.
pub(crate) const MOST_FAILURES: usize = 5;

/// Within how many seconds failures count together.
pub(crate) const WINDOW: u64 = 30;

/// For how many seconds the source is left alone; then one question tries.
pub(crate) const REST: u64 = 15;

/// Which questions a circuit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Identity checks.
    Checks,
    /// Notices.
    Notices,
}

impl Line {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Checks => "checks",
            Self::Notices => "notices",
        }
    }
}

/// The circuit of one line to the source.
pub(crate) struct Circuit {
    line: Line,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

enum State {
    /// Questions pass; these are the late failures.
    Closed(VecDeque<UnixTime>),
    /// None passes before this moment.
    Open(UnixTime),
    /// One question tries; the others are refused.
    Trying,
}

/// A question under way. Whoever gives it up without a word has seen a failure.
pub(crate) struct Passage<'a> {
    circuit: &'a Circuit,
    answered: bool,
}

/// The source is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resting {
    /// For so many seconds.
    pub(crate) retry_after: u64,
}

impl Circuit {
    /// A closed circuit.
    pub(crate) fn new(line: Line, clock: Arc<dyn Clock>) -> Self {
        gauge(line, false);
        Self {
            line,
            clock,
            state: Mutex::new(State::Closed(VecDeque::new())),
        }
    }

    /// Lets a question pass, or says for how long none does.
    pub(crate) fn pass(&self) -> Result<Passage<'_>, Resting> {
        let now = self.clock.now();
        let mut state = self.state();
        match *state {
            State::Closed(_) => {}
            // A clock that was set back keeps it open for no longer.
            State::Open(until) if until > now && until.since(now) <= REST => {
                return Err(self.refused(until.since(now)));
            }
            State::Open(_) => *state = State::Trying,
            State::Trying => return Err(self.refused(1)),
        }
        Ok(Passage {
            circuit: self,
            answered: false,
        })
    }

    fn refused(&self, retry_after: u64) -> Resting {
        count(self.line, "not_asked");
        Resting { retry_after }
    }

    fn failed(&self) {
        count(self.line, "failed");
        let now = self.clock.now();
        let mut state = self.state();
        match &mut *state {
            State::Closed(failures) => {
                failures.push_back(now);
                while failures.front().is_some_and(|first| now.since(*first) > WINDOW) {
                    failures.pop_front();
                }
                if failures.len() < MOST_FAILURES {
                    return;
                }
            }
            State::Trying => {}
            // Asked before it was opened: it is open.
            State::Open(_) => return,
        }
        *state = State::Open(now.plus(REST));
        drop(state);
        gauge(self.line, true);
        metrics::counter!("source_circuit_opened_total", "line" => self.line.as_str()).increment(1);
        tracing::warn!(
            line = self.line.as_str(),
            "the identity source is left alone for a while"
        );
    }

    fn answered(&self) {
        count(self.line, "answered");
        let mut state = self.state();
        // An answer to a question from before does not close what the failures since have opened.
        if matches!(*state, State::Trying) {
            *state = State::Closed(VecDeque::new());
            drop(state);
            gauge(self.line, false);
            tracing::info!(line = self.line.as_str(), "the identity source answers again");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// The source gave an answer that can be believed.
    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if self.answered {
            self.circuit.answered();
        } else {
            self.circuit.failed();
        }
    }
}

fn count(line: Line, outcome: &'static str) {
    metrics::counter!("source_questions_total", "line" => line.as_str(), "outcome" => outcome).increment(1);
}

fn gauge(line: Line, open: bool) {
    metrics::gauge!("source_circuit_open", "line" => line.as_str()).set(if open { 1.0 } else { 0.0 });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use cyberid_domain::clock::ManualClock;

    use super::*;

    fn circuit() -> (Circuit, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(UnixTime(1_000)));
        (Circuit::new(Line::Checks, Arc::clone(&clock) as _), clock)
    }

    fn fail(circuit: &Circuit, times: usize) {
        for _ in 0..times {
            drop(circuit.pass().ok().unwrap());
        }
    }

    fn rests(circuit: &Circuit) -> Option<u64> {
        circuit.pass().err().map(|resting| resting.retry_after)
    }

    #[test]
    fn it_opens_after_failures_that_come_together_and_says_for_how_long() {
        let (circuit, clock) = circuit();
        fail(&circuit, MOST_FAILURES - 1);
        circuit.pass().ok().unwrap().answered();
        fail(&circuit, 1);
        assert_eq!(rests(&circuit), Some(REST));
        clock.advance(REST - 1);
        assert_eq!(rests(&circuit), Some(1));
    }

    #[test]
    fn failures_that_lie_apart_do_not_open_it() {
        let (circuit, clock) = circuit();
        for _ in 0..3 {
            fail(&circuit, MOST_FAILURES - 1);
            clock.advance(WINDOW + 1);
        }
        circuit.pass().ok().unwrap().answered();
    }

    #[test]
    fn one_question_tries_and_decides() {
        let (circuit, clock) = circuit();
        fail(&circuit, MOST_FAILURES);
        clock.advance(REST);
        let trial = circuit.pass().ok().unwrap();
        assert_eq!(rests(&circuit), Some(1), "one at a time");
        drop(trial);
        assert_eq!(rests(&circuit), Some(REST), "a trial that failed opens it again");
        clock.advance(REST);
        circuit.pass().ok().unwrap().answered();
        fail(&circuit, MOST_FAILURES - 1);
        circuit.pass().ok().unwrap().answered();
    }

    #[test]
    fn a_late_answer_does_not_close_what_failures_have_opened() {
        let (circuit, _) = circuit();
        let early = circuit.pass().ok().unwrap();
        fail(&circuit, MOST_FAILURES);
        early.answered();
        assert_eq!(rests(&circuit), Some(REST));
    }

    struct Hands(AtomicU64);

    impl Clock for Hands {
        fn now(&self) -> UnixTime {
            UnixTime(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_it_open_for_no_longer() {
        let clock = Arc::new(Hands(AtomicU64::new(100_000)));
        let circuit = Circuit::new(Line::Checks, Arc::clone(&clock) as _);
        fail(&circuit, MOST_FAILURES);
        clock.0.store(99_999, Ordering::SeqCst);
        assert!(rests(&circuit).is_none(), "one question tries");
        clock.0.store(10_000, Ordering::SeqCst);
        circuit.pass().ok().unwrap().answered();
    }
}
