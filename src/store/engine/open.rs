//! Opening the database: the settings of each connection.
//!
//! Must not know what is done with the connections, nor who else may want the file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::ffi::{Error, SQLITE_CORRUPT};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::FromSqlError;

use super::database_file::APPLICATION_ID;
use super::migrate;
use super::opening::Why;
use crate::model::{alphabetical, composed};
use crate::store::deliveries::search::SearchWords;
use crate::twin;

/// Below this version the log could be reset under a reader and lose committed writes
/// (SQLite release history, "WAL-reset bug", fixed in 3.51.3).
const SAFE_SQLITE: i32 = 3_051_003;

/// The version of the SQLite in this program.
pub(crate) fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Whether the SQLite in this program is safe to use.
pub(crate) fn check_version() -> Result<(), Why> {
    if rusqlite::version_number() < SAFE_SQLITE {
        return Err(Why::OldSqlite(rusqlite::version()));
    }
    Ok(())
}

/// What PostgreSQL has and SQLite lacks, so that the same SQL runs on both: `strpos` and `normalize`. And what each database has of us: `alphabetical`, a text as it is put in order, and
/// `has_words`, whether each word of a search is in one of two texts.
pub(crate) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("strpos", 2, pure, |args| {
        let text = text_of(args, 0)?.unwrap_or_default();
        let part = text_of(args, 1)?.unwrap_or_default();
        Ok(text.find(part).map_or(0, |at| i64::try_from(at + 1).unwrap_or(i64::MAX)))
    })?;
    connection.create_scalar_function("normalize", 1, pure, |args| {
        Ok(text_of(args, 0)?.map(|text| composed(text).into_owned()))
    })?;
    connection.create_scalar_function("alphabetical", 1, pure, |args| {
        Ok(text_of(args, 0)?.map(alphabetical))
    })?;
    connection.create_scalar_function("has_words", 3, pure, |args| {
        // Kept from row to row, as the words stay the same.
        let needle = args.get_or_create_aux(0, |words| -> Result<SearchWords, FromSqlError> {
            Ok(SearchWords::new(words.as_str_or_null()?.unwrap_or_default()))
        })?;
        let text = |at| Ok::<_, rusqlite::Error>(text_of(args, at)?.unwrap_or_default());
        Ok(needle.is_in(&[text(1)?, text(2)?]))
    })
}

/// An argument that is text or nothing. Only text is written, so bytes that are none are damage, and said as SQLite says it:
/// of what a function answers with, only the code arrives.
fn text_of<'a>(args: &'a Context<'_>, at: usize) -> rusqlite::Result<Option<&'a str>> {
    let corrupt = Error::new(SQLITE_CORRUPT);
    args.get_raw(at).as_str_or_null().map_err(|_| rusqlite::Error::SqliteFailure(corrupt, None))
}

/// Each statement is prepared once and kept. Plans do not depend on bound values: else SQLite prepares
/// a statement again whenever a new value might suit another index, which cost a fifth of the writer's
/// time.
pub(crate) fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Bytes of a page of a new database. A page is what a commit writes of each tree that it touches, however little changed
/// in it: of an event that comes alone, 4 KiB made 60 KB, 2 KiB 37 KB and 1 KiB 26 KB. In smaller ones the row of a delivery
/// would have no room: in a tree without row ids, 230 bytes of a page of 1 KiB.
const PAGE: i64 = 1_024;

/// What the writer's connection keeps of the database, in KiB. After each commit in which a tree has grown by a page in
/// its middle, SQLite walks through all of it (`pcache1TruncateUnsafe`): with 16 MiB that was a tenth of the writer's time.
const CACHE_KIB: i64 = 4_096;

/// What SQLite tells of its log after a commit.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Bytes of the pages in it.
    pub(crate) bytes: AtomicI64,
    /// Whether anything has been written since this was last set to false.
    pub(crate) written: AtomicBool,
}

pub(crate) fn open_writer(path: &Path) -> Result<(Connection, Arc<Log>), Why> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection
        .execute_batch(&format!("PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL"))?;
    // Before there is a log, so that it stands in the file itself from the first moment.
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Why::NoLog(mode));
    }
    let synchronous = if twin::is("synchronous-normal") { "NORMAL" } else { "FULL" };
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous};
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;",
    ))?;
    prepare_once(&connection)?;
    add_functions(&connection)?;
    migrate::run(&mut connection)?;
    // What a crash left in the log, so that from here on it can be told who wrote into the database. A
    // disk that does not take it now is met again.
    let _later = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let log = Arc::new(Log::default());
    let seen = Arc::clone(&log);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        seen.bytes.store(i64::from(pages) * page, Ordering::Relaxed);
        seen.written.store(true, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok((connection, log))
}

pub(crate) fn open_reader(path: &Path) -> Result<Connection, Why> {
    let connection = Connection::open(path)?;
    // A list of a million tasks by title is sorted in a file, two megabytes at a time; its place is
    // beside the database, since what is in it is no business of the rest of the machine. Where that
    // cannot be, SQLite has a place of its own choice.
    let folder = path.parent().and_then(Path::to_str);
    let _elsewhere = connection.pragma_update(None, "temp_store_directory", folder);
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = FILE;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;
         PRAGMA query_only = ON;",
    )?;
    prepare_once(&connection)?;
    add_functions(&connection)?;
    // From now on it holds the log, and not only from its first call on: by then somebody may have taken the log away,
    // and a new one made in its place would hide from the writer what is in the old one.
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}
