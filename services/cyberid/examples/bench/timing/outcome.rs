//! Who asks in a measurement of times, and what becomes of it.

use std::path::Path;

use cyberid_domain::pin::Pin;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::subject::{NewSubject, Subjects as _};

use crate::people;
use crate::traffic::Visitor;

/// What becomes of a visit, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every check passes.
    Pass,
    /// The same, for what chance alone does.
    PassAgain,
    /// The person is not of age.
    TooYoung,
    /// Nobody has this device.
    Unknown,
    /// The identifier is suspended.
    Suspended,
    /// The identifier is cancelled.
    Cancelled,
    /// Another key signed in the name of a known device.
    Forged,
    /// The PIN is another.
    WrongPin,
    /// What came is no message: the answer is a problem, for the difference that has to be seen.
    Malformed,
}

impl Outcome {
    /// What is compared for the factor `device`.
    pub(crate) const OF_DEVICES: [Self; 8] = [
        Self::Pass,
        Self::PassAgain,
        Self::TooYoung,
        Self::Unknown,
        Self::Suspended,
        Self::Cancelled,
        Self::Forged,
        Self::Malformed,
    ];
    /// What is compared for the factor `pin`.
    pub(crate) const OF_PINS: [Self; 9] = [
        Self::Pass,
        Self::PassAgain,
        Self::TooYoung,
        Self::WrongPin,
        Self::Unknown,
        Self::Suspended,
        Self::Cancelled,
        Self::Forged,
        Self::Malformed,
    ];

    /// Whether nobody may tell it from [`Self::Pass`].
    pub(crate) fn is_secret(self) -> bool {
        self != Self::Malformed
    }

    /// The number of the `nth` person to whom this happens; no two outcomes share one.
    fn person(self, nth: u32) -> u32 {
        nth * 16 + self as u32
    }

    /// The `nth` visitor to whom this happens.
    pub(crate) fn visitor(self, nth: u32, with_pin: bool) -> Visitor {
        let forger = (self == Self::Forged).then(|| people::device(u32::MAX - nth));
        let pin = if self == Self::WrongPin {
            "60281943"
        } else {
            people::PIN
        };
        Visitor {
            device: people::device(self.person(nth)),
            forger,
            pin: with_pin.then(|| Pin::entered(pin.into()).unwrap()),
        }
    }
}

/// Fills a data directory with so many people for each outcome, all with one PIN.
pub(crate) async fn enrol(data: &Path, outcomes: &[Outcome], count: u32) {
    let registry = people::fresh(data).await;
    let pin = people::hashed_pin(data).await;
    for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Unknown) {
        let person = |nth: u32| NewSubject {
            age_flags: if *outcome == Outcome::TooYoung {
                people::minor_flags()
            } else {
                people::adult(0).age_flags
            },
            pin: pin.clone(),
            ..people::adult(outcome.person(nth))
        };
        let people: Vec<_> = (0..count).map(person).collect();
        registry.import_subjects(&people).await.unwrap();
        let status = match outcome {
            Outcome::Suspended => SubjectStatus::Suspended,
            Outcome::Cancelled => SubjectStatus::Cancelled,
            _ => continue,
        };
        for person in people {
            assert!(registry.set_status(&person.subject, status).await.unwrap());
        }
    }
    registry.close().await;
}
