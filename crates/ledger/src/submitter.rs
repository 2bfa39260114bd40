//! One witness, as the log knows it: which size it holds, and whether it has answered of late.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cyberid_client::{Client, ClientError};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::proof::ConsistencyProof;
use cyberid_tlog::witness::{AddCheckpoint, accept_response, parse_size};
use tokio::time::Instant;

use cyberid_ledger_read::LedgerReader;

/// For how long a witness may take to cosign one checkpoint.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// For how long a witness is left alone after it has failed; twice as long after each further time, up to
/// [`LONGEST_REST`].
const FIRST_REST: Duration = Duration::from_secs(1);

/// The longest that a witness is left alone.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How often one witness is asked in one round: its answer to the first may say which size it holds.
const ATTEMPTS: usize = 2;

const PATH: &str = "/add-checkpoint";
const REQUEST_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// A witness that the log submits its checkpoints to.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Where it is reached: its submission prefix.
    pub client: Client,
    /// What its cosignatures are checked with.
    pub key: VerifierKey,
}

/// Submits to one witness, one checkpoint after the other.
pub(crate) struct Submitter {
    witness: Witness,
    /// The size that the witness is believed to hold; held while it is asked.
    size: tokio::sync::Mutex<u64>,
    health: Mutex<Health>,
}

/// How often in a row a witness has failed, and until when it is left alone.
#[derive(Debug, Clone, Copy, Default)]
struct Health {
    failures: u32,
    resting_until: Option<Instant>,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
enum NoCosignature {
    #[error("it did not answer in time")]
    Late,
    #[error("it is not reached: {0}")]
    Unreached(ClientError),
    #[error("it refused by {0}")]
    Refused(u16),
    #[error("it holds something else than this log: {0} leaves")]
    AnotherHistory(u64),
    #[error("it answered without its cosignature")]
    Silent,
    #[error("its cosignature is wrong")]
    Wrong,
}

impl NoCosignature {
    /// One word, for metrics.
    fn word(&self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Unreached(_) => "unreached",
            Self::Refused(_) => "refused",
            Self::AnotherHistory(_) => "another_history",
            Self::Silent | Self::Wrong => "wrong",
        }
    }
}

impl Submitter {
    /// A witness of which nothing is known yet.
    pub(crate) fn new(witness: Witness) -> Self {
        Self {
            witness,
            size: tokio::sync::Mutex::new(0),
            health: Mutex::default(),
        }
    }

    /// What the witness's cosignatures are checked with.
    pub(crate) fn key(&self) -> &VerifierKey {
        &self.witness.key
    }

    /// Says whether an answer can be hoped for at once: the witness is neither left alone nor busy.
    pub(crate) fn is_ready(&self) -> bool {
        let resting = self.health().resting_until;
        resting.is_none_or(|until| until <= Instant::now()) && self.size.try_lock().is_ok()
    }

    /// Has the checkpoint cosigned; the signature lines of the witness, checked, or nothing.
    pub(crate) async fn submit(
        &self,
        reader: &LedgerReader,
        checkpoint: &VerifiedCheckpoint,
    ) -> Option<String> {
        let mut size = self.size.lock().await;
        let begun = Instant::now();
        let exchanged = tokio::time::timeout(PATIENCE, self.exchange(reader, checkpoint, &mut size)).await;
        let cosigned = exchanged
            .unwrap_or(Err(NoCosignature::Late))
            .and_then(|lines| self.checked(lines, checkpoint));
        self.record(&cosigned, *size, begun.elapsed());
        cosigned.ok()
    }

    async fn exchange(
        &self,
        reader: &LedgerReader,
        checkpoint: &VerifiedCheckpoint,
        size: &mut u64,
    ) -> Result<String, NoCosignature> {
        for _ in 0..ATTEMPTS {
            let held = *size;
            let Ok(hashes) = reader.consistency(held, checkpoint.size()).await else {
                // It may have said so by mistake: next time it is asked again what it holds.
                *size = 0;
                return Err(NoCosignature::AnotherHistory(held));
            };
            let request = AddCheckpoint {
                old_size: held,
                proof: ConsistencyProof { hashes },
                checkpoint: checkpoint.note().clone(),
            };
            let client = &self.witness.client;
            let answer = client.post_text(PATH, REQUEST_CONTENT_TYPE, request.to_string());
            match answer.await.map_err(NoCosignature::Unreached)? {
                (200, lines) => {
                    *size = checkpoint.size();
                    return Ok(lines);
                }
                (409, body) => match parse_size(&body) {
                    Some(other) if other != held => *size = other,
                    _ => break,
                },
                (status, _) => return Err(NoCosignature::Refused(status)),
            }
        }
        Err(NoCosignature::AnotherHistory(*size))
    }

    fn checked(&self, lines: String, checkpoint: &VerifiedCheckpoint) -> Result<String, NoCosignature> {
        match accept_response(&mut checkpoint.clone(), &lines, &self.witness.key) {
            Ok(true) => Ok(lines),
            Ok(false) => Err(NoCosignature::Silent),
            Err(_) => Err(NoCosignature::Wrong),
        }
    }

    fn record(&self, cosigned: &Result<String, NoCosignature>, size: u64, took: Duration) {
        let witness = self.key().name().to_owned();
        let word = cosigned.as_ref().err().map_or("cosigned", NoCosignature::word);
        let up = if cosigned.is_ok() { 1.0 } else { 0.0 };
        metrics::counter!("ledger_witness_answers_total", "witness" => witness.clone(), "answer" => word)
            .increment(1);
        metrics::histogram!("ledger_witness_seconds", "witness" => witness.clone()).record(took);
        metrics::gauge!("ledger_witness_up", "witness" => witness).set(up);
        let mut health = self.health();
        match cosigned {
            Ok(_) => {
                tracing::debug!(witness = self.key().name(), size, "cosigned");
                *health = Health::default();
            }
            Err(cause) => {
                *health = health.failed(Instant::now());
                tracing::warn!(witness = self.key().name(), size, %cause, failures = health.failures,
                    "a witness did not cosign");
            }
        }
    }

    /// Whoever panicked while holding this left it whole.
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    fn failed(self, now: Instant) -> Self {
        let doubled = FIRST_REST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        Self {
            failures: self.failures.saturating_add(1),
            resting_until: Some(now + doubled.min(LONGEST_REST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_fails_is_left_alone_for_longer_each_time() {
        let now = Instant::now();
        let mut health = Health::default();
        let mut rests = Vec::new();
        for _ in 0..40 {
            health = health.failed(now);
            rests.push(health.resting_until.unwrap().duration_since(now).as_secs());
        }
        assert_eq!(rests[..6], [1, 2, 4, 8, 16, 30]);
        assert_eq!(rests[39], 30);
    }
}
