//! Opening the database: the lock for life, the file's mode, the settings of each connection.
//!
//! Must not know what is done with the connections.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::FromSqlError;

use super::needle::Needle;
use super::{Error, Result, migrate};
use crate::model::composed;

/// Below this version the log could be reset under a reader and lose committed writes
/// (SQLite release history, "WAL-reset bug", fixed in 3.51.3).
const SAFE_SQLITE: i32 = 3_051_003;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Opening {
    /// Somebody else has it.
    #[error("{path} is held by another btk{holder}; stop it first, or set another DATABASE_URL")]
    Held {
        /// The database file.
        path: String,
        /// ` (process 123)`, where known.
        holder: String,
    },
    /// A newer program made it.
    #[error(
        "the database was made by a newer btk (its format is {found}, this program knows {known}); \
         run the newer program, or restore a backup"
    )]
    Newer {
        /// Its number of migrations.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// A script that ran is not the one in this program.
    #[error(
        "migration {number} of the database differs from this program's; use the btk that made it"
    )]
    Altered {
        /// Which script.
        number: i64,
    },
    /// The SQLite in this program is too old to be safe.
    #[error(
        "this program was built with SQLite {0}, which can lose writes; build it with 3.51.3 or newer"
    )]
    OldSqlite(&'static str),
    /// The file system cannot carry SQLite's log.
    #[error(
        "the database cannot keep a write-ahead log here (journal mode {mode}); put it on a local \
         disk with DATABASE_URL"
    )]
    NoLog {
        /// What SQLite offers instead.
        mode: String,
    },
    /// A file could not be made or read.
    #[error("{path}: {why}; make sure that its folder is there and writable, or set DATABASE_URL")]
    File {
        /// Which.
        path: String,
        /// Why.
        why: std::io::Error,
    },
    /// There is no room even to open it.
    #[error("the database cannot be opened: the disk is full; free some space and start again")]
    Full,
    /// SQLite says no.
    #[error("the database cannot be opened: {0}")]
    Database(String),
}

impl Opening {
    pub(super) fn file(path: &Path, why: std::io::Error) -> Opening {
        Opening::File { path: path.display().to_string(), why }
    }
}

impl From<rusqlite::Error> for Opening {
    fn from(error: rusqlite::Error) -> Opening {
        let text = error.to_string();
        match Error::from(error) {
            Error::Full => Opening::Full,
            Error::Locked => Opening::Database("another program has locked it".to_owned()),
            _ => Opening::Database(text),
        }
    }
}

/// The version of the SQLite in this program.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Whether the SQLite in this program is safe to use.
pub(super) fn check_version() -> Result<(), Opening> {
    if rusqlite::version_number() < SAFE_SQLITE {
        return Err(Opening::OldSqlite(rusqlite::version()));
    }
    Ok(())
}

/// Takes the lock file beside the database. The database file itself is never opened by us: closing
/// it would drop SQLite's own locks ("How To Corrupt An SQLite Database File", 2.2).
pub(super) fn hold(path: &Path) -> Result<File, Opening> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |why| Opening::file(&lock_path, why);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(why)) => return Err(failed(why)),
        Err(TryLockError::WouldBlock) => return Err(held_by(&mut file, path)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Who holds the lock file is a help, not a need.
fn held_by(file: &mut File, path: &Path) -> Opening {
    let mut who = String::new();
    let _unread = file.read_to_string(&mut who);
    let who = who.trim();
    let holder = if who.is_empty() { String::new() } else { format!(" (process {who})") };
    Opening::Held { path: path.display().to_string(), holder }
}

/// Makes the file, readable by its owner alone; SQLite gives its side files the same mode.
pub(super) fn make_private(path: &Path) -> Result<(), Opening> {
    let failed = |why| Opening::file(path, why);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_made) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            // By its name, not by opening it; see `hold`.
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)
        }
        Err(why) => Err(failed(why)),
    }
}

/// What PostgreSQL has and SQLite lacks, so that the same SQL runs on both: `lower` beyond ASCII,
/// `strpos`, and `normalize`. And what each database has of us: `has_words`, whether each word of a
/// search is in one of two texts.
pub(super) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("lower", 1, pure, |args| {
        Ok(args.get_raw(0).as_str_or_null()?.map(str::to_lowercase))
    })?;
    connection.create_scalar_function("strpos", 2, pure, |args| {
        let text = args.get_raw(0).as_str_or_null()?.unwrap_or_default();
        let part = args.get_raw(1).as_str_or_null()?.unwrap_or_default();
        Ok(text.find(part).map_or(0, |at| i64::try_from(at + 1).unwrap_or(i64::MAX)))
    })?;
    connection.create_scalar_function("normalize", 1, pure, |args| {
        Ok(args.get_raw(0).as_str_or_null()?.map(|text| composed(text).into_owned()))
    })?;
    connection.create_scalar_function("has_words", 3, pure, |args| {
        // Kept from row to row, as the words stay the same.
        let needle = args.get_or_create_aux(0, |words| -> Result<Needle, FromSqlError> {
            Ok(Needle::new(words.as_str_or_null()?.unwrap_or_default()))
        })?;
        let text = |at| args.get_raw(at).as_str_or_null();
        Ok(needle.is_in(&[text(1)?.unwrap_or_default(), text(2)?.unwrap_or_default()]))
    })
}

/// Plans do not depend on bound values: else SQLite prepares a statement again whenever a new value
/// might suit another index, which cost a fifth of the writer's time.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// What SQLite tells of its log after a commit.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Pages in it.
    pub(super) pages: AtomicI32,
    /// Whether anything has been written since this was last set to false.
    pub(super) written: AtomicBool,
}

pub(super) fn open_writer(path: &Path) -> Result<(Connection, Arc<Log>), Opening> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Opening::NoLog { mode });
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;",
    )?;
    prepare_once(&connection)?;
    add_functions(&connection)?;
    migrate::run(&mut connection)?;
    let log = Arc::new(Log::default());
    let seen = Arc::clone(&log);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        seen.pages.store(pages, Ordering::Relaxed);
        seen.written.store(true, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok((connection, log))
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, Opening> {
    let connection = Connection::open(path)?;
    // A list of a million tasks by title is sorted in a file, two megabytes at a time; its place is
    // beside the database, since what is in it is no business of the rest of the machine.
    let folder = path.parent().map(Path::to_string_lossy);
    connection.pragma_update(None, "temp_store_directory", folder.as_deref())?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = FILE;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;
         PRAGMA query_only = ON;",
    )?;
    prepare_once(&connection)?;
    add_functions(&connection)?;
    Ok(connection)
}
