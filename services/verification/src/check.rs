//! The answer to each check, from flags and dates alone.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::check::{Check, Outcome};
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::subject::Holder;

/// What is known of who answers.
pub(crate) struct Standing<'a> {
    /// The holder, or a decoy.
    pub(crate) holder: &'a Holder,
    /// Whether every factor that was asked for is there.
    pub(crate) factors: bool,
    /// Whether the subject's pseudonym is the one that the relying party sent.
    pub(crate) same_person: bool,
    /// Whether a guardian of the subject has agreed to this very request.
    pub(crate) guardian_agreed: bool,
    /// The present moment.
    pub(crate) now: UnixTime,
}

impl Standing<'_> {
    /// The answer to each check. Nothing holds for who is not active, or lacks a factor, or is under 14 and has no guardian
    /// who agreed to this very request.
    pub(crate) fn evaluate(&self, checks: &[Check]) -> BTreeMap<Check, Outcome> {
        let active = self.holder.status == SubjectStatus::Active;
        let stands = self.factors & active & self.answers_for_oneself();
        checks
            .iter()
            .map(|check| (*check, Outcome::from(self.holds(*check) && stands)))
            .collect()
    }

    fn answers_for_oneself(&self) -> bool {
        self.holder.age_flags.has(Threshold::Fourteen) | self.guardian_agreed
    }

    fn holds(&self, check: Check) -> bool {
        match check {
            Check::RealPerson => true,
            Check::DocumentValid => self.now < self.holder.document_expires_at,
            Check::SamePerson => self.same_person,
            Check::GuardianConsent => self.answers_for_oneself(),
            Check::AgeOver14 | Check::AgeOver16 | Check::AgeOver18 | Check::AgeOver21 => check
                .threshold()
                .is_some_and(|threshold| self.holder.age_flags.has(threshold)),
        }
    }
}
