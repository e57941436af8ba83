//! Files that are there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::SaveError;

/// Writes a file under a temporary name in the same folder and renames it:
/// whoever opens `path` sees the old content or the new, never a part. After
/// an error nothing is left behind.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), SaveError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let failed = |reason: String| SaveError::Write { path: path.display().to_string(), reason };
    let Some(name) = path.file_name() else {
        return Err(failed("the path names no file".to_owned()));
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    temporary.push(format!(".{}-{count}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let outcome = fill(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    outcome.map_err(|error| {
        // Not there if it could not be made; nothing else to be done if not.
        let _ = std::fs::remove_file(&temporary);
        failed(error.to_string())
    })
}

fn fill(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn replaces_whole_or_leaves_alone() {
        let folder = std::env::temp_dir().join(format!("tokenseam-save-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        // A folder cannot be replaced by a file.
        let blocked = folder.join("blocked");
        std::fs::create_dir_all(blocked.join("inside")).unwrap();
        let error = write(&blocked, b"three").unwrap_err().to_string();
        assert!(error.starts_with("cannot write ") && error.contains("blocked"), "{error}");
        let left: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(write(&folder.join("none/a.json"), b"four").is_err());
        assert!(write(Path::new("/"), b"five").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
