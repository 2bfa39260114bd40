//! A ceremony's file: what is done, to which keystore, and until when.

use std::path::Path;

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::calendar::read_date;
use cyberid_keystore::{RoleName, Step};
use serde::{Deserialize, Serialize};

/// Why a ceremony's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::command::keys) enum FileError {
    #[error("{path} cannot be read")]
    Io {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("the ceremony's file is not of the form")]
    Form(#[from] toml::de::Error),
    #[error("a ceremony has at least one step")]
    NoStep,
    #[error("`not_after` is not a date: {0}")]
    NoDate(String),
    #[error("the ceremony was to be held until {0}")]
    TooLate(String),
}

/// A ceremony's file, as text, which is what is signed, and as what it says.
#[derive(Debug, Clone)]
pub(super) struct CeremonyFile {
    text: String,
    plan: Plan,
}

/// What the file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// What the ceremony is for, in words.
    name: String,
    /// Where it is held, in words.
    place: String,
    /// The last day (UTC+8) on which it is held.
    not_after: String,
    /// The id of the keystore's active `ceremony` key; left out at the first ceremony, which makes it.
    keystore: Option<String>,
    #[serde(rename = "step")]
    steps: Vec<PlannedStep>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "lowercase", deny_unknown_fields)]
enum PlannedStep {
    Make { role: RoleName },
    Prepare { role: RoleName },
    Rotate { role: RoleName },
    Revoke { key: String },
}

impl CeremonyFile {
    /// Reads a file.
    pub(super) fn load(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(|cause| FileError::Io {
            path: path.display().to_string(),
            cause,
        })?;
        Self::parse(text)
    }

    /// Reads a text.
    pub(super) fn parse(text: String) -> Result<Self, FileError> {
        let plan: Plan = toml::from_str(&text)?;
        if plan.steps.is_empty() {
            return Err(FileError::NoStep);
        }
        if read_date(&plan.not_after).is_none() {
            return Err(FileError::NoDate(plan.not_after));
        }
        Ok(Self { text, plan })
    }

    /// Accepts a ceremony whose time is not over.
    pub(super) fn require_in_time(&self, now: UnixTime) -> Result<(), FileError> {
        // Dates of this form are in order as texts are.
        if now.date().to_string() > self.plan.not_after {
            return Err(FileError::TooLate(self.plan.not_after.clone()));
        }
        Ok(())
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The digest of the whole text.
    pub(super) fn digest(&self) -> String {
        digest::sha256_base64url(self.text.as_bytes())
    }

    /// The ceremony key of the keystore that it is meant for.
    pub(super) fn keystore(&self) -> Option<&str> {
        self.plan.keystore.as_deref()
    }

    /// What is done.
    pub(super) fn steps(&self) -> Vec<Step> {
        let steps = self.plan.steps.iter().cloned();
        steps
            .map(|step| match step {
                PlannedStep::Make { role } => Step::Make(role),
                PlannedStep::Prepare { role } => Step::Prepare(role),
                PlannedStep::Rotate { role } => Step::Rotate(role),
                PlannedStep::Revoke { key } => Step::Revoke(key),
            })
            .collect()
    }

    /// What it comes to, for whoever reviews it.
    pub(super) fn words(&self) -> String {
        let keystore = self.plan.keystore.as_deref().unwrap_or("new");
        let mut lines = vec![
            format!(
                "{} ({}), until {}",
                self.plan.name, self.plan.place, self.plan.not_after
            ),
            format!("keystore  {keystore}"),
        ];
        lines.extend(self.plan.steps.iter().map(|step| match step {
            PlannedStep::Make { role } => format!("make      {role}"),
            PlannedStep::Prepare { role } => format!("prepare   {role}"),
            PlannedStep::Rotate { role } => format!("rotate    {role}"),
            PlannedStep::Revoke { key } => format!("revoke    {key}"),
        }));
        lines.push(format!("digest    {}", self.digest()));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../../keys/ceremony.example.toml");

    #[test]
    fn the_example_is_a_ceremony() {
        let file = CeremonyFile::parse(EXAMPLE.to_owned()).unwrap();
        assert!(file.steps().contains(&Step::Make(RoleName::Ceremony)));
        assert!(file.require_in_time(UnixTime(1_795_000_000)).is_ok());
        assert!(file.require_in_time(UnixTime(9_000_000_000)).is_err());
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        let good =
            "name = 'n'\nplace = 'p'\nnot_after = '2026-12-31'\n[[step]]\nact = 'make'\nrole = 'event'\n";
        assert!(CeremonyFile::parse(good.to_owned()).is_ok());
        for (from, to) in [
            ("'event'", "'evnt'"),
            ("'make'", "'undo'"),
            ("role =", "key ="),
            ("2026-12-31", "2026-13-31"),
            ("2026-12-31", "31.12.2026"),
            ("place", "plaice"),
            ("[[step]]\nact = 'make'\nrole = 'event'", "step = []"),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(CeremonyFile::parse(good.replace(from, to)).is_err(), "{to}");
        }
    }
}
