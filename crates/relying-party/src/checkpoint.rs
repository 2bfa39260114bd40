//! What was seen of the ledger, kept between runs: a log that is forked or rolled back while nobody looks is found out
//! as well.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cyberid_client::ledger::Tree;
use cyberid_crypto::json;

/// Where the last tree of the ledger is kept.
///
/// Whoever can set it back can show a shortened log; whoever can change it makes the library refuse the true one.
pub trait Checkpoints: Send + Sync {
    /// What was kept last; nothing before the first time. What cannot be read is an error: to forget is to believe
    /// anything.
    fn load(&self) -> io::Result<Option<Tree>>;

    /// Keeps a tree in the place of the one before, durable when this returns.
    fn keep(&self, tree: &Tree) -> io::Result<()>;
}

/// A file that holds the last tree.
#[derive(Debug, Clone)]
pub struct CheckpointFile(PathBuf);

impl CheckpointFile {
    /// The file of this name; it need not exist yet, its directory does.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn directory(&self) -> &Path {
        match self.0.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

impl Checkpoints for CheckpointFile {
    fn load(&self) -> io::Result<Option<Tree>> {
        match fs::read(&self.0) {
            Ok(bytes) => json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| io::ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep(&self, tree: &Tree) -> io::Result<()> {
        let mut name = self.0.clone().into_os_string();
        name.push(".new");
        let mut file = File::create(&name)?;
        file.write_all(&serde_json::to_vec(tree)?)?;
        file.sync_all()?;
        fs::rename(&name, &self.0)?;
        File::open(self.directory())?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cyberid_client::Client;
    use cyberid_client::ledger::LedgerRefused;

    use super::*;
    use crate::platform_double::PlatformDouble;
    use crate::testing::{met, party_of};
    use crate::{RelyingParty, RelyingPartyError};

    /// A party of a later run, in front of the platform that now stands at that address.
    async fn later(double: &PlatformDouble, file: &CheckpointFile) -> RelyingParty {
        let party = party_of(double, Client::new(&double.issuer).unwrap()).await;
        party.remembering(Arc::new(file.clone())).unwrap()
    }

    fn grow(double: &PlatformDouble, leaves: &[&str]) {
        let mut log = double.log.lock().unwrap();
        log.leaves
            .extend(leaves.iter().map(|leaf| leaf.as_bytes().to_vec()));
    }

    #[tokio::test]
    async fn what_was_seen_is_demanded_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::new(folder.path().join("ledger.json"));
        let (double, party) = met().await;
        let party = party.remembering(Arc::new(file.clone())).unwrap();
        grow(&double, &["a", "b", "c"]);
        let seen = party.watch_ledger().await.unwrap();
        assert_eq!((file.load().unwrap(), seen.size), (Some(seen), 3));
        grow(&double, &["d"]);
        let grown = later(&double, &file).await.watch_ledger().await.unwrap();
        assert_eq!((file.load().unwrap(), grown.size), (Some(grown), 4));
        double.log.lock().unwrap().leaves.truncate(3);
        let rolled_back = later(&double, &file).await.watch_ledger().await;
        let (seen, shown) = (4, 3);
        assert_eq!(rolled_back, Err(LedgerRefused::RolledBack { seen, shown }.into()));
        grow(&double, &["another", "e"]);
        let forked = later(&double, &file).await.watch_ledger().await;
        assert!(
            matches!(
                forked,
                Err(RelyingPartyError::Ledger(LedgerRefused::Forked { .. }))
            ),
            "{forked:?}"
        );
        assert_eq!(file.load().unwrap(), Some(grown), "what was seen stays");
    }

    #[tokio::test]
    async fn what_cannot_be_kept_or_read_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let (double, party) = met().await;
        grow(&double, &["a"]);
        let lost = CheckpointFile::new(folder.path().join("nowhere").join("ledger.json"));
        let party = party.remembering(Arc::new(lost)).unwrap();
        let watched = party.watch_ledger().await;
        assert_eq!(
            watched,
            Err(RelyingPartyError::Checkpoint(io::ErrorKind::NotFound))
        );
        let path = folder.path().join("ledger.json");
        for text in ["", "{}", "{\"size\":1,\"size\":2,\"root\":\"\"}"] {
            fs::write(&path, text).unwrap();
            let party = party_of(&double, Client::new(&double.issuer).unwrap()).await;
            let remembering = party.remembering(Arc::new(CheckpointFile::new(&path)));
            assert_eq!(
                remembering.err(),
                Some(RelyingPartyError::Checkpoint(io::ErrorKind::InvalidData))
            );
        }
    }
}
