//! The journal: a file of JSON lines, each synced before it is believed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::Entry;

/// The journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFailed {
    /// The file failed.
    #[error("the journal of the source")]
    File(#[from] std::io::Error),
    /// A line is not what was written there.
    #[error("the journal of the source is not of its form")]
    Form(#[from] serde_json::Error),
}

/// The journal.
pub(super) struct Journal(File);

impl Journal {
    /// Opens the file, and reads what it holds. A last line without its end was never believed, and goes.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Entry>), JournalFailed> {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).read(true).mode(0o600);
        let file = file.open(path)?;
        let text = std::fs::read(path)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let mut entries = Vec::new();
        for line in text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                entries.push(serde_json::from_slice(line)?);
            }
        }
        if whole < text.len() {
            file.set_len(u64::try_from(whole).unwrap_or_default())?;
        }
        Ok((Self(file), entries))
    }

    pub(super) fn append(&self, entry: &Entry) -> Result<(), JournalFailed> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        (&self.0).write_all(&line)?;
        self.0.sync_data()?;
        Ok(())
    }
}
