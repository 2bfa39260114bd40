//! How a command ends whose ledger is wrong or cannot be read.

use std::process::ExitCode;

use cyberid_auditor::{AuditFailure, Finding, State};
use serde_json::{Value, json};

use crate::command::outside::Failure;
use crate::terminal::{Show, failure, paint};

/// The code of a ledger in which something is wrong.
pub(super) const FOUND: u8 = 1;
/// The code of a ledger that cannot be read.
pub(super) const UNREADABLE: u8 = 2;

const RED: &str = "31";

/// A finding, with the two checkpoints that prove it where it is a contradiction of the log with itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{finding}")]
pub(super) struct Found {
    finding: Finding,
    evidence: Option<Evidence>,
}

/// Two checkpoints that the log signed and that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Evidence {
    kept: String,
    shown: String,
}

impl Found {
    /// What an audit found, on from `state`; or else why it failed.
    pub(super) fn or_failed(failure: AuditFailure, state: &State) -> Failure {
        match failure {
            AuditFailure::Found(finding) => Self {
                evidence: evidence(&finding, state),
                finding,
            }
            .into(),
            failure => failure.into(),
        }
    }

    /// For machines.
    pub(super) fn to_json(&self) -> Value {
        let mut result = json!({
            "clean": false,
            "finding": self.finding.to_string(),
            "leaf": self.finding.leaf(),
            "path": self.finding.path(),
        });
        if let (Some(evidence), Some(members)) = (&self.evidence, result.as_object_mut()) {
            let both = json!({"kept": evidence.kept, "shown": evidence.shown});
            members.insert("evidence".into(), both);
        }
        result
    }

    fn words(&self) -> String {
        let proof = self.evidence.as_ref().map(|Evidence { kept, shown }| {
            format!("\nIts own signatures are the proof: keep both checkpoints, and show them to others.\n\n{kept}\n{shown}")
        });
        format!(
            "{} {}{}",
            paint(RED, "Found:"),
            self.finding,
            proof.unwrap_or_default()
        )
    }
}

fn evidence(finding: &Finding, state: &State) -> Option<Evidence> {
    // A log that was cut may show a checkpoint that was true once: that proves nothing to others.
    if !matches!(finding, Finding::Forked { .. } | Finding::Rewritten { .. }) {
        return None;
    }
    Some(Evidence {
        kept: state.checkpoint()?.to_owned(),
        shown: state.shown()?.to_owned(),
    })
}

/// Ends the command.
pub(super) fn end(error: &(dyn std::error::Error + Send + Sync + 'static), show: Show) -> ExitCode {
    let plain = match error.downcast_ref::<AuditFailure>() {
        Some(AuditFailure::Found(finding)) => Some(Found {
            finding: finding.clone(),
            evidence: None,
        }),
        _ => None,
    };
    let Some(found) = plain.as_ref().or_else(|| error.downcast_ref::<Found>()) else {
        failure(error);
        return ExitCode::from(UNREADABLE);
    };
    show.result(&found.to_json(), |_| found.words());
    ExitCode::from(FOUND)
}

#[cfg(test)]
mod tests {
    use cyberid_auditor::SourceError;

    use super::*;

    fn found(finding: Finding) -> Value {
        let state = State::default();
        let failure = Found::or_failed(finding.into(), &state);
        failure.downcast_ref::<Found>().unwrap().to_json()
    }

    #[test]
    fn a_finding_names_its_leaf_and_its_file() {
        let altered = found(Finding::LeafAltered { index: 17 });
        assert_eq!((&altered["leaf"], &altered["clean"]), (&json!(17), &json!(false)));
        let missing = found(Finding::Missing {
            path: "tile/0/000".into(),
        });
        assert_eq!(
            (&missing["leaf"], &missing["path"]),
            (&Value::Null, &json!("tile/0/000"))
        );
    }

    #[test]
    fn what_is_wrong_and_what_cannot_be_read_end_differently() {
        let code = |failure: AuditFailure| {
            let plain = format!("{:?}", end(&failure, Show::Words));
            let held = Found::or_failed(failure, &State::default());
            assert_eq!(plain, format!("{:?}", end(&*held, Show::Json)));
            plain
        };
        let found = code(Finding::Rewritten { kept: 4 }.into());
        let unreadable = code(
            SourceError {
                path: "checkpoint".into(),
                cause: "gone".into(),
                absent: true,
            }
            .into(),
        );
        assert_eq!(found, format!("{:?}", ExitCode::from(FOUND)));
        assert_eq!(unreadable, format!("{:?}", ExitCode::from(UNREADABLE)));
    }
}
