//! Whether the files of the database are still those that were opened, with what SQLite put in them.
//!
//! Who takes one away, puts another in its place or writes into it leaves the server writing what
//! nobody will read again. Looks by name, and into files that stay open: opening and closing one would
//! drop SQLite's locks on it. Must not know what follows from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::contents::{Contents, Foreign};
use super::database_file::{DatabaseFile, LOCK, beside};
use super::made::id;

/// Well within the second in which it is to be noticed.
const EVERY: Duration = Duration::from_millis(200);
/// A body has at most so many bytes.
const ROOM: u64 = 1024 * 1024;
/// What a log is called that no longer belongs to the database beside it.
const ASIDE: &str = "-wal.aside";

/// The files that belong together. Every thread that has a connection holds them until it is closed.
#[derive(Debug)]
pub(crate) struct Files {
    contents: Contents,
    names: Names,
    database: DatabaseFile,
}

/// What has become of them, in words that begin with the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileChange {
    /// One is gone, or another one stands there. Those that are open are still whole.
    Taken(String),
    /// The database is another one, which the log does not belong to.
    Database(String),
    /// The log is not what it was, and so not to be copied into the database.
    Log(String),
}

impl Files {
    /// Those of a database that SQLite has open.
    pub(crate) fn of(database: DatabaseFile) -> io::Result<Files> {
        let names = Names::of(&database.path, database.link.clone())?;
        Ok(Files { contents: Contents::of(&database.path)?, names, database })
    }

    /// The first change that is found. Costs a microsecond a file.
    pub(crate) fn changed(&self) -> Option<FileChange> {
        if let Some(taken) = self.names.changed() {
            return Some(FileChange::Taken(taken));
        }
        let path = &self.database.path;
        Some(match self.contents.foreign(&self.database.file)? {
            Foreign::Database => {
                FileChange::Database(format!("{} was overwritten", path.display()))
            }
            Foreign::Log => FileChange::Log(format!(
                "{} was emptied or overwritten",
                beside(path, "-wal").display()
            )),
            Foreign::Index => {
                FileChange::Log(format!("{} was emptied", beside(path, "-shm").display()))
            }
        })
    }

    /// Whether what a start has made of them stays when they are closed.
    pub(crate) fn stay(&self, stays: bool) {
        self.database.made.stays(stays);
    }

    /// Whether the disk has room for the largest task. Where that cannot be told, yes: a write will show it.
    pub(crate) fn have_room(&self) -> bool {
        let disk = rustix::fs::fstatvfs(&self.database.file);
        disk.map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM)
    }

    /// Puts the log where nobody takes it for that of the database which stands there now.
    pub(crate) fn put_log_aside(&self) -> io::Result<PathBuf> {
        put_log_aside(&self.database.path)
    }
}

/// The same beside any database. What was put aside before stays.
pub(crate) fn put_log_aside(database: &Path) -> io::Result<PathBuf> {
    let mut aside = beside(database, ASIDE);
    for n in 2.. {
        if fs::symlink_metadata(&aside).is_err() {
            break;
        }
        aside = beside(database, &format!("{ASIDE}-{n}"));
    }
    fs::rename(beside(database, "-wal"), &aside).map(|()| aside)
}

/// Their names, with device and number of each.
#[derive(Debug)]
struct Names {
    /// The database, its log, the log's index and the lock file.
    known: Vec<(PathBuf, (u64, u64))>,
    /// Another name, by which the database was asked for. A look at it costs one more call, so there
    /// is none where it is the same.
    link: Option<PathBuf>,
}

impl Names {
    fn of(database: &Path, link: Option<PathBuf>) -> io::Result<Names> {
        let names = ["", "-wal", "-shm", LOCK].map(|ending| beside(database, ending));
        let known = names.map(|path| fs::symlink_metadata(&path).map(|found| (path, id(&found))));
        Ok(Names { known: known.into_iter().collect::<io::Result<_>>()?, link })
    }

    /// The first that is gone or is another one, in words.
    fn changed(&self) -> Option<String> {
        let found = self.known.iter().find_map(|(path, known)| match fs::symlink_metadata(path) {
            Ok(found) if id(&found) == *known => None,
            Ok(_) => Some(format!("{} was replaced by another file", path.display())),
            Err(error) if is_gone(error.kind()) => {
                Some(format!("{} was taken away", path.display()))
            }
            // A folder that may not be entered for now says nothing of what is in it.
            Err(_) => None,
        });
        found.or_else(|| self.turned())
    }

    /// Whether the link leads elsewhere, or nowhere, in words: the next start would follow it there.
    fn turned(&self) -> Option<String> {
        let (link, (database, known)) = (self.link.as_deref()?, self.known.first()?);
        let is_turned = match fs::metadata(link) {
            Ok(found) => id(&found) != *known,
            Err(error) => is_gone(error.kind()),
        };
        let words = || format!("{} was turned away from {}", link.display(), database.display());
        is_turned.then(words)
    }
}

/// Looks until somebody closes the database, or a file has changed.
pub(crate) fn until(closing: &AtomicBool, files: &Files, then: impl FnOnce(FileChange)) {
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

fn is_gone(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_that_is_gone_or_another_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let names = ["", "-wal", "-shm", ".lock"].map(|ending| beside(&database, ending));
        for name in &names {
            fs::write(name, "x").unwrap();
        }
        let files = Names::of(&database, None).unwrap();
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

    #[test]
    fn a_link_is_turned_when_it_leads_to_another_file_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["one", "two", "three"] {
            fs::create_dir(at(name)).unwrap();
        }
        for ending in ["", "-wal", "-shm", ".lock"] {
            fs::write(at(&format!("one/a.db{ending}")), "x").unwrap();
        }
        fs::write(at("two/a.db"), "x").unwrap();
        let turn = |to: &str| {
            symlink(to, at("next")).unwrap();
            fs::rename(at("next"), at("current")).unwrap();
        };
        turn("one");
        let files = Names::of(&at("one/a.db"), Some(at("current/a.db"))).unwrap();
        assert_eq!(files.changed(), None);
        for elsewhere in ["two", "three", "nowhere"] {
            turn(elsewhere);
            let said = files.changed().unwrap();
            assert!(said.contains("current/a.db was turned away from"), "{elsewhere}: {said}");
            assert!(said.ends_with("one/a.db"), "{elsewhere}: {said}");
            // By another way to the same file.
            symlink("one", at("same")).unwrap();
            turn("same");
            assert_eq!(files.changed(), None);
            fs::remove_file(at("same")).unwrap();
        }
    }
}
