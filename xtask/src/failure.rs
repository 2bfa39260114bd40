//! Why a task stopped.

use std::{fmt::Display, path::Path};

use thiserror::Error;

/// Why a task stopped, in words for the person who started it.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Failure {
    /// A program ran and said no.
    #[error("`{command}` failed{}", .code.map_or_else(|| " (killed by a signal)".into(), |code| format!(" with exit code {code}")))]
    Command {
        /// The command line, as one would type it.
        command: String,
        /// Its exit code; none when a signal ended it.
        code: Option<i32>,
    },
    /// A program could not be started at all.
    #[error("cannot start `{program}`: {cause}")]
    NotStarted {
        /// The program's name.
        program: String,
        /// What the operating system said.
        cause: String,
    },
    /// The machine lacks something that this process may not or cannot install.
    #[error("this machine lacks {}.\n{remedy}", .what.join(", "))]
    Missing {
        /// What is missing, in words.
        what: Vec<String>,
        /// What to do about it.
        remedy: String,
    },
    /// A check of our own found something.
    #[error("{check} found {} problem(s):\n  {}", .findings.len(), .findings.join("\n  "))]
    Findings {
        /// The check's name.
        check: &'static str,
        /// One line for each finding.
        findings: Vec<String>,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which one.
        path: String,
        /// What the operating system said.
        cause: String,
    },
    /// A program's output was not what its documentation promises.
    #[error("cannot read the output of `{command}`: {cause}")]
    Output {
        /// The command line.
        command: String,
        /// What the parser said.
        cause: String,
    },
    /// No measurement has the name asked for.
    #[error("there is no measurement named `{name}`.\n{known}")]
    NoSuchBench {
        /// The name asked for.
        name: String,
        /// The listing of those that exist.
        known: String,
    },
    /// No fuzz target has the name asked for.
    #[error("there is no fuzz target named `{name}`. There are:\n  {known}")]
    NoSuchFuzzTarget {
        /// The name asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
}

impl Failure {
    /// A file or folder that could not be read or written.
    pub(crate) fn file(path: &Path, cause: &dyn Display) -> Self {
        Self::File {
            path: path.display().to_string(),
            cause: cause.to_string(),
        }
    }

    /// Turns findings into a failure, and none into success.
    pub(crate) fn unless_empty(check: &'static str, findings: Vec<String>) -> Result<(), Self> {
        if findings.is_empty() {
            Ok(())
        } else {
            Err(Self::Findings { check, findings })
        }
    }

    /// The exit code for this failure: that of the command that failed, otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Command { code: Some(code), .. } => {
                u8::try_from(*code).ok().filter(|&code| code != 0).unwrap_or(1)
            }
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(code: Option<i32>) -> Failure {
        Failure::Command {
            command: "cargo test".into(),
            code,
        }
    }

    #[test]
    fn a_failed_command_passes_its_exit_code_on() {
        assert_eq!(command(Some(101)).exit_code(), 101);
        assert_eq!(command(None).exit_code(), 1);
        assert_eq!(command(Some(256)).exit_code(), 1);
        assert_eq!(command(Some(0)).exit_code(), 1);
    }

    #[test]
    fn messages_name_the_command_and_how_it_ended() {
        assert_eq!(
            command(Some(2)).to_string(),
            "`cargo test` failed with exit code 2"
        );
        assert_eq!(
            command(None).to_string(),
            "`cargo test` failed (killed by a signal)"
        );
    }

    #[test]
    fn no_findings_are_success() {
        assert_eq!(Failure::unless_empty("keys", vec![]), Ok(()));
        assert!(Failure::unless_empty("keys", vec!["a.pem".into()]).is_err());
    }
}
