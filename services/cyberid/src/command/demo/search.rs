//! Looking for a text in everything that lies on the disk.

use std::path::Path;

/// In which files below `folder`, the write-ahead logs included, any of these texts stands.
pub(crate) fn files_with(folder: &Path, texts: &[&str]) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_with(&path, texts)?);
        } else if holds_any(&std::fs::read(&path)?, texts) {
            found.push(path.display().to_string());
        }
    }
    Ok(found)
}

/// How many files there are, and how many bytes.
pub(crate) fn volume(folder: &Path) -> std::io::Result<(u64, u64)> {
    let mut volume = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            let below = self::volume(&entry.path())?;
            volume = (volume.0 + below.0, volume.1 + below.1);
        } else {
            volume = (volume.0 + 1, volume.1 + metadata.len());
        }
    }
    Ok(volume)
}

fn holds_any(bytes: &[u8], texts: &[&str]) -> bool {
    texts
        .iter()
        .any(|text| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_there_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/file"), "….王小明…").unwrap();
        assert_eq!(files_with(folder.path(), &["王小明"]).unwrap().len(), 1);
        assert!(files_with(folder.path(), &["李"]).unwrap().is_empty());
        assert_eq!(volume(folder.path()).unwrap().0, 1);
    }
}
