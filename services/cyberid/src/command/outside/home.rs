//! A party's state directory: small JSON files that their owner alone can read.

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use cyberid_client::key_file::{KeyFileError, read_private, write_private};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where every party's directory lies, below the user's own.
const USUAL: &str = ".cyberid";

/// A state directory.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    /// Nobody said where it is.
    #[error("where the state is kept is not known: set HOME, or say `--home DIR`")]
    Nowhere,
    /// A file or directory cannot be read or written.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: KeyFileError,
    },
    /// A file is not what this program writes.
    #[error("{} is not of the form that this program writes", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

impl Home {
    /// The directory that was named, or the usual one of `party`; made for its owner alone if it is not there.
    pub(crate) fn open(named: Option<&Path>, party: &str) -> Result<Self, HomeError> {
        let home = Self(place(named, party).ok_or(HomeError::Nowhere)?);
        home.make_folder(&home.0)?;
        Ok(home)
    }

    /// The same directory, if it is there: nothing is made.
    pub(crate) fn find(named: Option<&Path>, party: &str) -> Option<Self> {
        place(named, party).filter(|path| path.is_dir()).map(Self)
    }

    /// The directory.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What the file holds; nothing if there is none.
    pub(crate) fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, HomeError> {
        let path = self.path(name);
        let bytes = match read_private(&path) {
            Ok(bytes) => bytes,
            Err(KeyFileError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(HomeError::Unusable { path, cause }),
        };
        let read = serde_json::from_slice(&bytes);
        read.map(Some)
            .map_err(|cause| HomeError::Malformed { path, cause })
    }

    /// Keeps a value in a file, whole and durable: a crash leaves the old file or the new one.
    pub(crate) fn save<T: Serialize>(&self, name: &str, value: &T) -> Result<(), HomeError> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            self.make_folder(folder)?;
        }
        let text = serde_json::to_vec_pretty(value).map_err(|cause| HomeError::Malformed {
            path: path.clone(),
            cause,
        })?;
        // What a crash left behind may have any mode.
        self.remove(&format!("{name}.new"))?;
        let fresh = self.path(&format!("{name}.new"));
        write_private(&fresh, &text)
            .and_then(|()| Ok(std::fs::rename(&fresh, &path)?))
            .map_err(|cause| HomeError::Unusable { path, cause })
    }

    /// Forgets a file, if there is one.
    pub(crate) fn remove(&self, name: &str) -> Result<(), HomeError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(path, error)),
            _ => Ok(()),
        }
    }

    /// Puts the file `from` in the place of `name`, whole and at once.
    pub(crate) fn replace(&self, name: &str, from: &str) -> Result<(), HomeError> {
        let path = self.path(name);
        std::fs::rename(self.path(from), &path).map_err(|error| unusable(path, error))
    }

    /// The names of the JSON files in a folder, sorted, as [`Home::load`] takes them; none if there is no such folder.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<String>, HomeError> {
        let path = self.path(folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unusable(path.clone(), error))?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if Path::new(&name)
                .extension()
                .is_some_and(|ending| ending == "json")
            {
                names.push(format!("{folder}/{name}"));
            }
        }
        names.sort();
        Ok(names)
    }

    fn make_folder(&self, folder: &Path) -> Result<(), HomeError> {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.map_err(|error| unusable(self.0.clone(), error))
    }
}

fn place(named: Option<&Path>, party: &str) -> Option<PathBuf> {
    let usual = || Some(Path::new(&std::env::var_os("HOME")?).join(USUAL).join(party));
    named.map(Path::to_owned).or_else(usual)
}

fn unusable(path: PathBuf, error: std::io::Error) -> HomeError {
    HomeError::Unusable {
        path,
        cause: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_was_kept_is_found_again_by_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("deep/holder");
        let home = Home::open(Some(&place), "holder").unwrap();
        assert_eq!(home.load::<u32>("a.json").unwrap(), None);
        home.save("a.json", &1).unwrap();
        home.save("a.json", &2).unwrap();
        assert_eq!(home.load::<u32>("a.json").unwrap(), Some(2));
        assert_eq!((mode(&place), mode(&home.path("a.json"))), (0o700, 0o600));
        home.remove("a.json").unwrap();
        home.remove("a.json").unwrap();
        assert_eq!(home.load::<u32>("a.json").unwrap(), None);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_makes_no_sense_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::open(Some(parent.path()), "rp").unwrap();
        home.save("a.json", &"text").unwrap();
        assert!(matches!(
            home.load::<u32>("a.json"),
            Err(HomeError::Malformed { .. })
        ));
        std::fs::set_permissions(home.path("a.json"), std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = home.load::<String>("a.json");
        assert!(matches!(
            refused,
            Err(HomeError::Unusable {
                cause: KeyFileError::Exposed { mode: 0o644 },
                ..
            })
        ));
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_value_and_does_not_hinder_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::open(Some(parent.path()), "rp").unwrap();
        home.save("a.json", &1).unwrap();
        std::fs::write(home.path("a.json.new"), b"half").unwrap();
        assert_eq!(home.load::<u32>("a.json").unwrap(), Some(1));
        home.save("a.json", &2).unwrap();
        assert_eq!(home.load::<u32>("a.json").unwrap(), Some(2));
    }

    #[test]
    fn what_is_only_looked_for_is_not_made() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("holder");
        assert!(Home::find(Some(&place), "holder").is_none());
        assert!(!place.exists());
        Home::open(Some(&place), "holder").unwrap();
        let found = Home::find(Some(&place), "holder").unwrap();
        assert_eq!(found.folder(), place);
    }

    #[test]
    fn a_folder_lists_its_files_by_name() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::open(Some(parent.path()), "rp").unwrap();
        assert!(home.list("releases").unwrap().is_empty());
        home.save("releases/b.json", &2).unwrap();
        home.save("releases/a.json", &1).unwrap();
        std::fs::write(home.path("releases/c.json.new"), b"").unwrap();
        assert_eq!(
            home.list("releases").unwrap(),
            ["releases/a.json", "releases/b.json"]
        );
    }
}
