//! What a log does not contradict itself by, and what somebody should ask about all the same.

use cyberid_protocol::leaf::LeafKind;
use serde::{Deserialize, Serialize};

/// How many warnings are kept; the others are counted.
const KEPT: usize = 100;

/// Something that a log promises and does not do, or that its operator has to explain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// What has to follow has not, by the clock of the log itself.
    #[error("leaf {index}: nothing has followed {} for {seconds} s", kind.as_str())]
    Overdue {
        /// The leaf that something has to follow.
        index: u64,
        /// Its kind.
        kind: LeafKind,
        /// How long ago it was made, when the newest leaf was made.
        seconds: u64,
    },
    /// It came later than it may.
    #[error("leaf {index}: {} came {seconds} s after the leaf before it", kind.as_str())]
    Late {
        /// The leaf.
        index: u64,
        /// Its kind.
        kind: LeafKind,
        /// How long after the leaf of its release before it.
        seconds: u64,
    },
    /// It was made long before leaves that stand in front of it.
    #[error("leaf {index}: it was made {seconds} s before a leaf in front of it")]
    Behind {
        /// The leaf.
        index: u64,
        /// By how much.
        seconds: u64,
    },
    /// The log's clock is ahead of the clocks of its witnesses.
    #[error("a leaf was made {seconds} s after the last witness cosigned")]
    Ahead {
        /// By how much.
        seconds: u64,
    },
    /// The service was cut off, and says so.
    #[error("leaf {index}: the service was cut off before it resumed")]
    CutOff {
        /// The leaf.
        index: u64,
    },
    /// The service resumed without having halted, and does not say why.
    #[error("leaf {index}: the service resumed without having halted")]
    NotHalted {
        /// The leaf.
        index: u64,
    },
    /// Something was recorded while the service said that it had halted.
    #[error("leaf {index}: it was made while the service had halted")]
    AfterHalt {
        /// The leaf.
        index: u64,
    },
}

/// The warnings about a log: the first of them, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warnings {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Warning>,
}

impl Warnings {
    pub(crate) fn add(&mut self, warning: Warning) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_warnings_are_kept_and_all_are_counted() {
        let mut warnings = Warnings::default();
        (0..1000).for_each(|index| warnings.add(Warning::CutOff { index }));
        assert_eq!((warnings.count, warnings.first.len()), (1000, KEPT));
        assert_eq!(warnings.first[1], Warning::CutOff { index: 1 });
    }
}
