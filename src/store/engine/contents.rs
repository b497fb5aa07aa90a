//! Whether what is in the files of the database is what SQLite has put there.
//!
//! Who copies a backup over the database, or empties its log, leaves the files where they are. What
//! SQLite itself does to them stands in the index of the log (`-shm`; "WAL-mode File Format", part 2):
//! how much of the log counts, how it begins, and how far it was copied into the database. Two rules
//! hold with that, whichever program uses SQLite on them:
//!
//! - the log is at least as long as what counts of it, and begins as the index says;
//! - the database is written while the log is copied into it, and at no other time.
//!
//! A look costs a few calls that read what is in memory. Must not know what follows from it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Mutex;

use nix::libc;

use super::database_file::{MAGIC, beside};
use crate::lock::lock;

/// The bytes of the index that are looked at.
const INDEX: usize = 136;
/// Its head, which stands there twice: who writes it leaves the two different until it is whole.
const HEAD: usize = 48;
/// The version of this format.
pub(crate) const HEAD_VERSION: u32 = 3_007_000;
/// What stands before the frames of a log, and before the page in each.
pub(crate) const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;
/// Where the salts stand in a log.
const SALTS_AT: u64 = 16;
/// The largest page of a database is sixteen of these; its first bytes say most.
const FIRST: usize = 4_096;

/// The open files. To be dropped after the last connection: closing a file drops the locks that this
/// process has on it, SQLite's among them.
#[derive(Debug)]
pub(crate) struct Contents {
    log: File,
    index: File,
    known: Mutex<Option<Known>>,
}

/// Which of the files is no longer what SQLite left, in words that follow its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    Database,
    Log,
    Index,
}

/// The database as it was at a look, and how far the log was copied just before.
#[derive(Debug)]
struct Known {
    index: Index,
    stamp: (i64, i64, u64),
    first: Vec<u8>,
}

/// What is taken from the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Index {
    log: Log,
    copied: u32,
    /// How far the copying that was begun last is to go.
    begun: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Log {
    frames: u32,
    page: u16,
    salts: [u8; 8],
}

impl Index {
    /// Whether the database may be written at this moment.
    fn is_copying(&self) -> bool {
        self.copied != self.begun
    }

    /// Changes with all copying.
    fn copying(&self) -> ([u8; 8], u32, u32) {
        (self.log.salts, self.copied, self.begun)
    }
}

impl Log {
    /// How long the file is at least.
    fn length(&self) -> u64 {
        // As SQLite writes it: 65536 is no number of 16 bits.
        let page = if self.page == 1 { 65_536 } else { u64::from(self.page) };
        LOG_HEAD + u64::from(self.frames) * (FRAME_HEAD + page)
    }
}

impl Contents {
    /// Those of a database that SQLite has open.
    pub(crate) fn of(database: &Path) -> io::Result<Contents> {
        let open = |ending| {
            let mut how = OpenOptions::new();
            how.read(true).custom_flags(libc::O_NOFOLLOW).open(beside(database, ending))
        };
        Ok(Contents { log: open("-wal")?, index: open("-shm")?, known: Mutex::new(None) })
    }

    /// The first that somebody else has written into. Nothing where it cannot be told at this moment:
    /// a look that meets a write of another program says nothing.
    pub(crate) fn foreign(&self, database: &File) -> Option<Foreign> {
        // Before anything is read: what one thread has seen must not be older than what it is compared with.
        let mut known = lock(&self.known);
        let index = match self.index() {
            Ok(index) => index?,
            Err(error) => {
                return (error.kind() == ErrorKind::UnexpectedEof).then_some(Foreign::Index);
            }
        };
        if self.is_log_foreign(index.log) {
            return Some(Foreign::Log);
        }
        let is_foreign = self.is_database_foreign(&mut known, index, database);
        is_foreign.unwrap_or_default().then_some(Foreign::Database)
    }

    /// Nothing while it is being written.
    fn index(&self) -> io::Result<Option<Index>> {
        let mut bytes = [0; INDEX];
        self.index.read_exact_at(&mut bytes, 0)?;
        Ok(parse(&bytes))
    }

    fn is_log_foreign(&self, log: Log) -> bool {
        if log.frames == 0 {
            return false;
        }
        let mut salts = [0; 8];
        let as_it_was = match self.log.read_exact_at(&mut salts, SALTS_AT) {
            Ok(()) => {
                salts == log.salts && self.log.metadata().is_ok_and(|f| f.len() >= log.length())
            }
            // A disk that does not answer says nothing of who wrote.
            Err(error) => error.kind() != ErrorKind::UnexpectedEof,
        };
        // Somebody may have begun it anew between the two looks.
        !as_it_was && matches!(self.index(), Ok(Some(again)) if again.log == log)
    }

    fn is_database_foreign(
        &self,
        known: &mut Option<Known>,
        index: Index,
        database: &File,
    ) -> io::Result<bool> {
        let found = stamp(&database.metadata()?);
        // Times are coarse: what was copied since the last look may have left the same one.
        let is_known =
            |known: &Known| known.stamp == found && known.index.copying() == index.copying();
        if known.as_ref().is_some_and(is_known) {
            return Ok(false);
        }
        let first = first(database)?;
        let is_same = stamp(&database.metadata()?) == found;
        let Some(after) = self.index()? else { return Ok(false) };
        let is_foreign = known.as_ref().is_some_and(|known| {
            let was_copied = known.index.is_copying() || known.index.copying() != after.copying();
            // Who only touches a file has not written into it.
            !was_copied && (known.stamp.2 != found.2 || known.first != first)
        });
        if is_foreign || !first.starts_with(MAGIC) {
            return Ok(true);
        }
        if is_same {
            *known = Some(Known { index, stamp: found, first });
        }
        Ok(false)
    }
}

/// When it was last written, and how long it is.
fn stamp(found: &Metadata) -> (i64, i64, u64) {
    (found.mtime(), found.mtime_nsec(), found.len())
}

fn first(database: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; FIRST];
    let read = database.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

fn parse(bytes: &[u8; INDEX]) -> Option<Index> {
    let (head, rest) = bytes.split_at(HEAD);
    let number = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let is_whole = rest.starts_with(head) && number(0)? == HEAD_VERSION && head.get(12) == Some(&1);
    if !is_whole {
        return None;
    }
    let log = Log {
        frames: number(16)?,
        page: u16::from_ne_bytes(head.get(14..16)?.try_into().ok()?),
        salts: head.get(32..40)?.try_into().ok()?,
    };
    Some(Index { log, copied: number(96)?, begun: number(128)? })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use rusqlite::Connection;

    use super::*;

    /// A database with something in it and in its log, and a look at it.
    fn begun(folder: &Path) -> (Connection, PathBuf, File, Contents) {
        let path = folder.join("a.db");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        let db = Connection::open(&path).unwrap();
        db.execute_batch(
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(50000)); PRAGMA wal_checkpoint;
             INSERT INTO t VALUES (zeroblob(20000));",
        )
        .unwrap();
        let contents = Contents::of(&path).unwrap();
        assert_eq!(contents.foreign(&file), None);
        (db, path, file, contents)
    }

    #[test]
    fn what_sqlite_does_is_never_foreign() {
        let folder = tempfile::tempdir().unwrap();
        let (db, path, file, contents) = begun(folder.path());
        let other = Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA synchronous = OFF").unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        for round in 0..300 {
            for (by, sql) in [
                (&db, "INSERT INTO t VALUES (zeroblob(9000))"),
                (&other, "PRAGMA wal_checkpoint(PASSIVE)"),
                (&other, "UPDATE t SET x = zeroblob(5000) WHERE rowid = 1; CREATE TABLE u (x)"),
                (&db, "PRAGMA wal_checkpoint(TRUNCATE); DROP TABLE u"),
                (&db, "DELETE FROM t WHERE rowid % 3 = 0; PRAGMA incremental_vacuum"),
                (&other, "PRAGMA wal_checkpoint(RESTART)"),
                (&db, "INSERT INTO t VALUES (1)"),
            ] {
                by.execute_batch(sql).unwrap();
                // Not after each, as nobody looks so often.
                if round % 2 == 0 {
                    assert_eq!(contents.foreign(&file), None, "{round}: {sql}");
                }
                // Touched.
                file.set_modified(now + Duration::from_millis(round)).unwrap();
                assert_eq!(contents.foreign(&file), None, "{round}: {sql}, touched");
            }
        }
    }

    /// What somebody does, and what is told of it.
    type Way<'w> = (&'w dyn Fn(&Path), Foreign);

    #[test]
    fn what_others_write_is_foreign() {
        let at = |path: &Path, ending: &str| beside(path, ending);
        let empty = |path: PathBuf| drop(File::create(path).unwrap());
        let write = |path: PathBuf, from: u64| {
            OpenOptions::new()
                .write(true)
                .open(path)
                .unwrap()
                .write_all_at(&[7; 64], from)
                .unwrap();
        };
        let copy = |from: &Path, to: &Path| assert!(fs::copy(from, to).unwrap() > 0);
        let ways: [Way<'_>; 6] = [
            (&|path| empty(at(path, "")), Foreign::Database),
            (&|path| write(at(path, ""), 0), Foreign::Database),
            (&|path| copy(&path.with_file_name("old.db"), path), Foreign::Database),
            (&|path| empty(at(path, "-wal")), Foreign::Log),
            (&|path| write(at(path, "-wal"), 0), Foreign::Log),
            (
                &|path| {
                    let log = OpenOptions::new().write(true).open(at(path, "-wal")).unwrap();
                    log.set_len(5_000).unwrap();
                },
                Foreign::Log,
            ),
        ];
        for (does, told) in ways {
            let folder = tempfile::tempdir().unwrap();
            let (db, path, file, contents) = begun(folder.path());
            let old = path.with_file_name("old.db");
            db.execute("VACUUM INTO ?1", [old.to_str()]).unwrap();
            does(&path);
            assert_eq!(contents.foreign(&file), Some(told));
            // What SQLite's own closing does with it is not looked at here.
            drop(db.close());
        }
    }

    #[test]
    fn an_index_that_is_cut_short_is_told_and_one_that_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (db, path, file, contents) = begun(folder.path());
        let mut bytes = [0; INDEX];
        contents.index.read_exact_at(&mut bytes, 0).unwrap();
        assert!(parse(&bytes).is_some());
        bytes[16] ^= 1;
        assert_eq!(parse(&bytes), None, "its two heads differ");
        drop(db.close());
        fs::write(beside(&path, "-shm"), "x").unwrap();
        fs::write(beside(&path, "-wal"), "x").unwrap();
        assert_eq!(Contents::of(&path).unwrap().foreign(&file), Some(Foreign::Index));
    }
}
