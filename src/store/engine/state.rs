//! What is known of the database as a whole, shared by its threads and those who ask: whether it takes
//! writes, and if not, why.
//!
//! Must not know how anything is read or written.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock, Weak};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::error::{Error, Result};
use super::files::{FileChange, Files};
use super::opening::RESCUE;
use super::tx::Beside;

/// What the threads and the handle share.
pub(crate) struct Shared {
    /// Bumped after a commit that left something to send. Carries no data.
    pub(crate) wake_ups: watch::Sender<u64>,
    /// Counts the commits that wrote anything.
    pub(crate) commits: watch::Sender<u64>,
    /// Cancelled when the disk has failed or the files are gone: stop acknowledging, end the process.
    pub(crate) broken: CancellationToken,
    /// Whether that has been said.
    told: Once,
    /// The files, while they are open.
    pub(crate) files: OnceLock<Weak<Files>>,
    /// What has become of them, if they are no longer what they were.
    pub(crate) changed: OnceLock<FileChange>,
    /// The name of the database file.
    pub(crate) name: String,
    /// That the database is damaged, and what to do, once it is known.
    pub(crate) damage: OnceLock<String>,
    /// Whether the threads are to end.
    pub(crate) closing: AtomicBool,
    /// What calls find beside the database.
    pub(crate) beside: Mutex<Option<Beside>>,
    /// Held while a connection closes.
    pub(crate) last: Mutex<()>,
    /// Whether another program had locked the database at the last look.
    pub(crate) locked: AtomicBool,
    /// Whether a write failed for want of room, and none since has left room for more. Readiness tells of it; each write is
    /// tried all the same.
    pub(crate) full: AtomicBool,
}

impl Shared {
    /// That of a database that has just been opened.
    pub(crate) fn of(path: &Path) -> Shared {
        Shared {
            wake_ups: watch::Sender::new(0),
            commits: watch::Sender::new(0),
            broken: CancellationToken::new(),
            told: Once::new(),
            files: OnceLock::new(),
            changed: OnceLock::new(),
            name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            damage: OnceLock::new(),
            closing: AtomicBool::new(false),
            beside: Mutex::new(None),
            last: Mutex::new(()),
            locked: AtomicBool::new(false),
            full: AtomicBool::new(false),
        }
    }

    /// The disk has failed: nothing is acknowledged any more, and the process ends.
    pub(crate) fn break_off(&self, why: &str) {
        self.told.call_once(|| {
            tracing::error!("The database failed, the server stops: {why}");
            self.broken.cancel();
        });
    }

    /// Damage was met: what is written from now on might be lost in it, so nothing is. What can still
    /// be read is. Answers the error for those who ask.
    pub(crate) fn damaged(&self, what: &str) -> Error {
        let said = self.damage.get_or_init(|| {
            let said = format!(
                "The database {} is damaged, so nothing more is written to it: {}",
                self.name, RESCUE
            );
            tracing::error!("{said}. What was met: {what}");
            said
        });
        Error::Damaged(said.clone())
    }

    /// What an error means for the store as a whole.
    pub(crate) fn note(&self, error: Error) -> Error {
        match error {
            Error::Damaged(what) => self.changed().unwrap_or_else(|| self.damaged(&what)),
            Error::Broken(why) => self.changed().unwrap_or_else(|| {
                self.break_off(&why);
                Error::Broken(why)
            }),
            other => other,
        }
    }

    /// Who reads or writes may meet that files are no longer what they were before it is looked for: then
    /// it is they that are named, and not a disk that failed. A close takes files away by itself.
    fn changed(&self) -> Option<Error> {
        let is_open = !self.closing.load(Ordering::SeqCst);
        let files = self.files.get().filter(|_| is_open)?.upgrade()?;
        files.changed().map(|change| self.taken_away(change))
    }

    /// Refuses a write into a damaged database.
    pub(crate) fn is_whole(&self) -> Result<()> {
        self.damage.get().map_or(Ok(()), |said| Err(Error::Damaged(said.clone())))
    }

    /// The files of the database are no longer what they were: as bad as a disk that failed.
    pub(crate) fn taken_away(&self, change: FileChange) -> Error {
        let (what, then) = match self.changed.get_or_init(|| change) {
            FileChange::Taken(what) => (what, ""),
            FileChange::Database(what) => (
                what,
                "The next start goes on with what stands there then; it has nothing of what came after it. ",
            ),
            FileChange::Log(what) => (
                what,
                "What stood there alone is lost; the next start goes on with the database, or put a backup in \
                 its place first. ",
            ),
        };
        let what = format!("{what} while it was in use");
        self.break_off(&format!(
            "{what}. Nothing is acknowledged from now on. {then}Stop btk before its files are moved, \
             replaced, overwritten or deleted"
        ));
        Error::Broken(what)
    }

    /// Whether the log may be copied into the database.
    pub(crate) fn belong_together(&self) -> bool {
        !matches!(self.changed.get(), Some(FileChange::Database(_) | FileChange::Log(_)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::engine::{database_file, open};

    #[test]
    fn a_failure_whose_files_are_gone_is_told_from_one_of_the_disk() {
        for (is_gone, met) in [
            (false, Error::Broken as fn(String) -> Error),
            (true, Error::Broken),
            (true, Error::Damaged),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("a.db");
            let database_file = database_file::take(&database).unwrap();
            let _connection = open::open_writer(&database).unwrap();
            let files = Arc::new(Files::of(database_file).unwrap());
            let shared = Shared::of(&database);
            shared.files.set(Arc::downgrade(&files)).unwrap();
            if is_gone {
                std::fs::remove_file(&database).unwrap();
            }
            drop(shared.note(met("disk I/O error".to_owned())));
            assert!(shared.broken.is_cancelled());
            assert_eq!(shared.changed.get().is_some(), is_gone);
            assert!(shared.damage.get().is_none());
        }
    }
}
