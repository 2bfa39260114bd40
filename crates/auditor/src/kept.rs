//! What an auditor keeps between two audits: the anchors it began with, and where it stands.

use std::io::Write as _;
use std::path::Path;

use crate::anchors::AuditAnchors;
use crate::encoding::{self, NotAState};
use crate::state::State;

/// What is kept, in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The anchors.
    pub anchors: AuditAnchors,
    /// Where the audit stands.
    pub state: State,
}

/// The file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// It cannot be read or written.
    #[error("cannot use the auditor's state {path}: {cause}")]
    Unusable {
        /// The file.
        path: String,
        /// What went wrong.
        cause: String,
    },
    /// It is not what an auditor writes.
    #[error(
        "the auditor's state {path} is not usable: {cause}. Put a copy of it in its place. Without one, move it away and \
         audit again with `--vkey` and `--policy-file`: nothing then says what this log had shown before"
    )]
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: NotAState,
    },
}

impl Kept {
    /// What was kept in this file; nothing before the first audit.
    pub fn load(path: &Path) -> Result<Option<Self>, KeptError> {
        match std::fs::read(path) {
            Ok(bytes) => encoding::decode(&bytes)
                .map(Some)
                .map_err(|cause| KeptError::Corrupt {
                    path: path.display().to_string(),
                    cause,
                }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// Keeps these in the file, durably and whole: a crash leaves the old file or the new one.
    pub fn save(path: &Path, anchors: &AuditAnchors, state: &State) -> Result<(), KeptError> {
        let bytes = encoding::encode(anchors, state);
        write(path, &bytes).map_err(|error| unusable(path, &error))
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> KeptError {
    KeptError::Unusable {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_and_a_damaged_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state");
        let kept = encoding::tests::kept();
        assert_eq!(Kept::load(&path), Ok(None));
        for _ in 0..2 {
            Kept::save(&path, &kept.anchors, &kept.state).unwrap();
            assert_eq!(Kept::load(&path), Ok(Some(kept.clone())));
        }
        std::fs::write(&path, b"{").unwrap();
        let refused = Kept::load(&path).unwrap_err().to_string();
        assert!(refused.contains("move it away"), "{refused}");
        assert!(Kept::save(&path.join("below"), &kept.anchors, &kept.state).is_err());
    }
}
