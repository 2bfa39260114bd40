//! The holder's decision: agreed to, refused, or left alone.

use std::process::ExitCode;

use clap::Args;

use super::NOT_ANSWERED;
use crate::command::outside::{NoTerminal, confirm, terminal};
use crate::terminal::note;

/// How a request is answered without a terminal.
#[derive(Debug, Args)]
pub(super) struct Answer {
    /// Agree without being asked.
    #[arg(long)]
    yes: bool,
    /// Refuse, and let the service know; of a direct question it hears nothing from here.
    #[arg(long, conflicts_with = "yes")]
    decline: bool,
}

/// What the holder wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// To agree.
    Agree,
    /// To refuse.
    Decline,
    /// Neither: nothing is sent.
    Leave,
}

impl Answer {
    /// Whether the holder agreed beforehand.
    pub(super) fn yes(&self) -> bool {
        self.yes
    }

    /// Whether the holder refused beforehand.
    pub(super) fn decline(&self) -> bool {
        self.decline
    }

    /// What the holder wants: as the command line says, or as they say now.
    pub(super) fn decide(&self, question: &str) -> Result<Decision, NoTerminal> {
        Ok(match (self.yes, self.decline) {
            (true, _) => Decision::Agree,
            (_, true) => Decision::Decline,
            _ if confirm(question, &mut terminal()?) => Decision::Agree,
            _ => Decision::Leave,
        })
    }
}

/// Ends a command that made no proof, where there is nothing that the service could be told.
pub(super) fn kept_back() -> ExitCode {
    note("No proof was made. Nothing was sent, and the service's question ends by itself.");
    ExitCode::from(NOT_ANSWERED)
}

/// Ends a command whose request was left alone.
pub(super) fn left_alone() -> ExitCode {
    note("Nothing was sent. To let the service know that you refuse, say `--decline`.");
    ExitCode::from(NOT_ANSWERED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_says_is_not_asked_again() {
        let agreed = Answer {
            yes: true,
            decline: false,
        };
        let refused = Answer {
            yes: false,
            decline: true,
        };
        assert_eq!(agreed.decide("?"), Ok(Decision::Agree));
        assert_eq!(refused.decide("?"), Ok(Decision::Decline));
    }
}
