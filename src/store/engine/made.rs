//! What a start has made of a database, which goes again if the start fails: else at the next one nobody would be told that
//! there had been none.
//!
//! Only where there was no database before, or an empty file; what was there stays. Must not know why a start fails.

use std::fs::{self, Metadata, OpenOptions};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes away, when it is dropped, what was not there before, unless that is to stay. To be dropped by who still holds the
/// database, after the last connection.
#[derive(Debug)]
pub(crate) struct Made {
    /// The database, and which file it is: another one may stand there by then.
    path: PathBuf,
    id: (u64, u64),
    /// The files that were not there.
    files: Vec<PathBuf>,
    /// Whether the database was there, and empty.
    was_empty: bool,
    /// Whether a file is a database of ours, or empty: another program may have put its tables there, which is told by
    /// the header alone.
    is_ours: fn(&Path) -> bool,
    stays: AtomicBool,
}

impl Made {
    /// Of a start that holds the database at `path`, which is this file: `files` were not there before; if it `was_empty`,
    /// the database was there and is to be empty again.
    pub(crate) fn new(
        path: &Path,
        database: &Metadata,
        files: Vec<PathBuf>,
        was_empty: bool,
        is_ours: fn(&Path) -> bool,
    ) -> Made {
        let (path, id) = (path.to_owned(), id(database));
        Made { path, id, files, was_empty, is_ours, stays: AtomicBool::new(false) }
    }

    /// Whether it stays. What is said last counts.
    pub(crate) fn stays(&self, stays: bool) {
        self.stays.store(stays, Ordering::SeqCst);
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let is_the_same = fs::metadata(&self.path).is_ok_and(|found| id(&found) == self.id);
        if *self.stays.get_mut() || !is_the_same || !(self.is_ours)(&self.path) {
            return;
        }
        for name in &self.files {
            // SQLite has taken some of them away by itself.
            let _gone = fs::remove_file(name);
        }
        if self.was_empty {
            let _stays_filled = OpenOptions::new().write(true).truncate(true).open(&self.path);
        }
    }
}

/// Device and inode: which file it is, whatever its name.
pub(crate) fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::database_file::is_ours_or_empty;
    use crate::store::engine::handle::Store;

    fn names(folder: &Path) -> Vec<String> {
        let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = found.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_database_that_was_made_for_nothing_goes_with_all_that_is_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = Store::open(&path).unwrap();
        assert!(names(folder.path()).contains(&"a.db-wal".to_owned()));
        store.take_back();
        store.close();
        assert_eq!(names(folder.path()), Vec::<String>::new());

        fs::write(&path, "").unwrap();
        let store = Store::open(&path).unwrap();
        store.take_back();
        store.close();
        assert_eq!(names(folder.path()), ["a.db"], "it was there before");
        assert_eq!(fs::metadata(&path).unwrap().len(), 0, "and empty");
    }

    #[test]
    fn a_database_that_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Store::open(&path).unwrap().close();
        assert!(fs::metadata(&path).unwrap().len() > 0, "a start that comes to be leaves it");
        let store = Store::open(&path).unwrap();
        store.take_back();
        store.close();
        assert!(fs::metadata(&path).unwrap().len() > 0, "and so does one that does not");
    }

    #[test]
    fn what_another_program_has_put_there_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        for another in ["of another program", ""] {
            let file = fs::File::create(&path).unwrap().metadata().unwrap();
            let made = Made::new(&path, &file, vec![path.clone()], false, is_ours_or_empty);
            if another.is_empty() {
                fs::write(folder.path().join("b.db"), another).unwrap();
                fs::rename(folder.path().join("b.db"), &path).unwrap();
            } else {
                fs::write(&path, another).unwrap();
            }
            drop(made);
            assert_eq!(names(folder.path()), ["a.db"]);
        }
    }
}
