//! What an auditor keeps between two audits: the anchors it began with, and the last checkpoint it accepted.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::anchors::AuditAnchors;

/// What is kept, in one JSON file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The anchors.
    pub anchors: AuditAnchors,
    /// The size of the log.
    pub size: u64,
    /// The root of the log, base64.
    pub root: String,
}

/// The file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the auditor's state {path}: {cause}")]
pub struct KeptError {
    /// The file.
    pub path: String,
    /// What went wrong.
    pub cause: String,
}

impl Kept {
    /// What was kept in this file; nothing before the first audit.
    pub fn load(path: &Path) -> Result<Option<Self>, KeptError> {
        let fault = |cause: String| KeptError {
            path: path.display().to_string(),
            cause,
        };
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| fault(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(error.to_string())),
        }
    }

    /// Keeps this in the file, durably and whole.
    pub fn save(&self, path: &Path) -> Result<(), KeptError> {
        self.write(path).map_err(|error| KeptError {
            path: path.display().to_string(),
            cause: error.to_string(),
        })
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let temporary = path.with_extension("new");
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.json");
        let kept = Kept {
            anchors: AuditAnchors {
                vkey: "v".into(),
                policy: "p".into(),
            },
            size: 3,
            root: "r".into(),
        };
        assert_eq!(Kept::load(&path), Ok(None));
        kept.save(&path).unwrap();
        assert_eq!(Kept::load(&path), Ok(Some(kept)));
        std::fs::write(&path, b"{").unwrap();
        assert!(Kept::load(&path).is_err());
    }
}
