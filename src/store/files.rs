//! Whether the files of the database are still those that were opened.
//!
//! Who takes one away or puts another in its place leaves the server writing into a file that
//! nobody will read again. Looks by name alone: opening and closing a file would drop SQLite's locks
//! on it. Must not know what follows from it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::place::{LOCK, beside};

/// Well within the second in which it is to be noticed.
const EVERY: Duration = Duration::from_millis(200);

/// The files that belong together, with device and number of each.
#[derive(Debug)]
pub(super) struct Files(Vec<(PathBuf, (u64, u64))>);

impl Files {
    /// Those of an open database: itself, its log, the log's index and the lock file.
    pub(super) fn of(database: &Path) -> io::Result<Files> {
        let names = ["", "-wal", "-shm", LOCK].map(|ending| beside(database, ending));
        let known = names.map(|path| fs::symlink_metadata(&path).map(|found| (path, id(&found))));
        Ok(Files(known.into_iter().collect::<io::Result<_>>()?))
    }

    /// The first that is gone or is another one, in words. Costs a microsecond a file.
    pub(super) fn changed(&self) -> Option<String> {
        self.0.iter().find_map(|(path, known)| match fs::symlink_metadata(path) {
            Ok(found) if id(&found) == *known => None,
            Ok(_) => Some(format!("{} was replaced by another file", path.display())),
            Err(error) if is_gone(error.kind()) => {
                Some(format!("{} was taken away", path.display()))
            }
            // A folder that may not be entered for now says nothing of what is in it.
            Err(_) => None,
        })
    }
}

/// Looks until somebody closes the database, or a file has changed.
pub(super) fn until(closing: &AtomicBool, files: &Files, then: impl FnOnce(String)) {
    while !closing.load(Ordering::SeqCst) {
        if let Some(what) = files.changed() {
            // A close that has begun meanwhile takes files away by itself.
            if !closing.load(Ordering::SeqCst) {
                then(what);
            }
            return;
        }
        thread::park_timeout(EVERY);
    }
}

fn id(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_or_another_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let names = ["", "-wal", "-shm", ".lock"].map(|ending| beside(&database, ending));
        for name in &names {
            fs::write(name, "x").unwrap();
        }
        let files = Files::of(&database).unwrap();
        assert_eq!(files.changed(), None);
        fs::write(&names[0], "longer, and still the same file").unwrap();
        assert_eq!(files.changed(), None);
        for name in &names {
            let aside = folder.path().join("aside");
            fs::rename(name, &aside).unwrap();
            let said = files.changed().unwrap();
            assert_eq!(said, format!("{} was taken away", name.display()));
            fs::copy(&aside, name).unwrap();
            assert!(files.changed().unwrap().contains("replaced"));
            fs::rename(&aside, name).unwrap();
            assert_eq!(files.changed(), None);
        }
    }
}
