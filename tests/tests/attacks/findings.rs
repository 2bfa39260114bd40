//! What came of the attacks.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::wire::Verdict;

/// What came of the attacks on a place, or on all.
#[derive(Default)]
pub(crate) struct Findings {
    place: String,
    took: Duration,
    refused: BTreeMap<String, usize>,
    by_design: Vec<String>,
    wrong: Vec<String>,
    counts: Vec<(String, usize)>,
}

impl Findings {
    pub(crate) fn of(place: &str) -> Self {
        Self {
            place: place.into(),
            ..Self::default()
        }
    }

    /// Notes how long it took.
    pub(crate) fn after(self, took: Duration) -> Self {
        Self { took, ..self }
    }

    /// Notes what came of one attack.
    pub(crate) fn note(&mut self, attack: &str, hostile: &str, verdict: Verdict, by_design: bool) {
        match verdict {
            Verdict::Refused(code) => *self.refused.entry(code).or_default() += 1,
            Verdict::Accepted if by_design => self.by_design.push(attack.into()),
            Verdict::Accepted => self.wrong(attack, hostile, "ACCEPTED"),
            Verdict::Broken(why) => self.wrong(attack, hostile, &why),
        }
    }

    fn wrong(&mut self, attack: &str, hostile: &str, why: &str) {
        let hostile: String = hostile.chars().take(300).collect();
        self.wrong
            .push(format!("{}: {attack}: {why}\n    {hostile:?}", self.place));
    }

    /// Adds those of a place.
    pub(crate) fn join(&mut self, other: Self) {
        let tried = other.refused.values().sum::<usize>() + other.by_design.len() + other.wrong.len();
        eprintln!(
            "{:>5} at {} ({:?}): {:?}",
            tried, other.place, other.took, other.refused
        );
        if !other.by_design.is_empty() {
            eprintln!(
                "      taken as the standard wants it: {}",
                other.by_design.join("; ")
            );
        }
        self.counts.push((other.place, tried));
        self.wrong.extend(other.wrong);
    }

    /// Ends the test if anything was wrong, or no more than this was tried at a place.
    pub(crate) fn report(&self, least: usize) {
        let tried: usize = self.counts.iter().map(|(_, tried)| tried).sum();
        eprintln!("{tried} attacks in all");
        assert!(
            self.wrong.is_empty(),
            "{} of {tried}:\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
        for (place, tried) in &self.counts {
            assert!(*tried > least, "{place}: only {tried}");
        }
    }
}
