//! Which anchors an audit begins with: those that were given, else those that were kept, else those of the first contact.

use std::path::{Path, PathBuf};

use clap::Args;
use cyberid_auditor::{AuditAnchors, Kept, KeptError, State};
use cyberid_crypto::digest;
use serde::Serialize;

use crate::command::outside::{Failure, Home};
use crate::terminal::note;

/// Anchors from the command line, and where the state is kept.
#[derive(Debug, Args)]
pub(super) struct Trust {
    /// The log's verifier key (C2SP signed-note), from a source that you trust.
    #[arg(long, value_name = "KEY", requires = "policy_file")]
    vkey: Option<String>,
    /// The witness policy (C2SP tlog-policy), from a source that you trust.
    #[arg(long, value_name = "FILE", requires = "vkey")]
    policy_file: Option<PathBuf>,
    /// Where anchors, the last checkpoint and the place of an audit are kept [default: ~/.cyberid/audit/<hash of the log's name>.state].
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Where anchors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    /// The command line.
    Given,
    /// An audit before this one.
    Kept,
    /// The ledger's own word.
    FirstContact,
}

/// What an audit trusts, and what it holds the log to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trusted {
    pub(super) anchors: AuditAnchors,
    pub(super) origin: Origin,
    pub(super) state: State,
    pub(super) file: PathBuf,
}

/// Why there is nothing to begin with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TrustError {
    /// Nobody says which key signs the log.
    #[error("nothing says which key signs this log: say `--vkey KEY --policy-file FILE`")]
    NoAnchors,
    /// What was kept cannot be used.
    #[error(transparent)]
    Kept(#[from] KeptError),
}

impl Trust {
    /// Decides; what is taken on first contact is said aloud.
    pub(super) fn decide(&self, said: Option<AuditAnchors>) -> Result<Trusted, Failure> {
        let given = self.given()?;
        let (log, _) = given
            .as_ref()
            .or(said.as_ref())
            .ok_or(TrustError::NoAnchors)?
            .parse()?;
        let file = match &self.state {
            Some(path) => path.clone(),
            None => usual_file(log.name())?,
        };
        let trusted = trusted(given, said, &file)?;
        if trusted.origin == Origin::FirstContact {
            note(&format!(
                "First contact: the key and the witness policy of {} are the ledger's own word. Compare them with a \
                 source that you trust:\n  {}",
                log.name(),
                trusted.anchors.vkey
            ));
        }
        Ok(trusted)
    }

    fn given(&self) -> Result<Option<AuditAnchors>, Failure> {
        let (Some(vkey), Some(path)) = (&self.vkey, &self.policy_file) else {
            return Ok(None);
        };
        let policy = std::fs::read_to_string(path);
        let policy = policy.map_err(|error| format!("cannot read the policy {}: {error}", path.display()))?;
        Ok(Some(AuditAnchors {
            vkey: vkey.clone(),
            policy,
        }))
    }
}

fn usual_file(log: &str) -> Result<PathBuf, Failure> {
    let home = Home::open(None, "audit")?;
    Ok(home.path(&format!("{}.state", digest::sha256_base64url(log.as_bytes()))))
}

fn trusted(
    given: Option<AuditAnchors>,
    said: Option<AuditAnchors>,
    file: &Path,
) -> Result<Trusted, TrustError> {
    let (kept, state) = match Kept::load(file)? {
        Some(Kept { anchors, state }) => (Some(anchors), state),
        None => (None, State::default()),
    };
    let (anchors, origin) = match (given, kept, said) {
        (Some(given), _, _) => (given, Origin::Given),
        (None, Some(kept), _) => (kept, Origin::Kept),
        (None, None, Some(said)) => (said, Origin::FirstContact),
        (None, None, None) => return Err(TrustError::NoAnchors),
    };
    Ok(Trusted {
        anchors,
        origin,
        state,
        file: file.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use cyberid_tlog::hash::Hash;

    use super::*;

    fn anchors(vkey: &str) -> AuditAnchors {
        AuditAnchors {
            vkey: vkey.into(),
            policy: "p".into(),
        }
    }

    #[test]
    fn given_comes_before_kept_and_kept_before_the_ledgers_own_word() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.state");
        let first = trusted(None, Some(anchors("said")), &file).unwrap();
        assert_eq!(
            (first.origin, first.state),
            (Origin::FirstContact, State::default())
        );
        let state = State::after(Some((7, Hash([1; 32]))));
        Kept::save(&file, &anchors("kept"), &state).unwrap();
        let second = trusted(None, Some(anchors("said")), &file).unwrap();
        assert_eq!(
            (second.origin, second.anchors.vkey.as_str()),
            (Origin::Kept, "kept")
        );
        let third = trusted(Some(anchors("given")), Some(anchors("said")), &file).unwrap();
        assert_eq!(
            (third.origin, third.anchors.vkey.as_str()),
            (Origin::Given, "given")
        );
        assert_eq!((&second.state, &third.state), (&state, &state));
    }

    #[test]
    fn without_any_anchors_nothing_is_audited() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = trusted(None, None, &folder.path().join("audit.state"));
        assert_eq!(nothing, Err(TrustError::NoAnchors));
    }

    #[test]
    fn a_damaged_state_is_not_a_first_contact() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.state");
        std::fs::write(&file, b"{").unwrap();
        assert!(matches!(
            trusted(None, Some(anchors("said")), &file),
            Err(TrustError::Kept(KeptError::Corrupt { .. }))
        ));
    }
}
