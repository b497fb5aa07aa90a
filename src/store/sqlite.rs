//! The threads over SQLite: one writer with group commit, a few readers, a lock for life.
//!
//! The writer takes what is queued, a savepoint for each job, one commit with an fsync for all,
//! and answers only then. Must not know any table or what a job does.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use tokio::sync::mpsc;

use super::{Error, Read, Result, Shared, Tx, Write, lock, migrate};

/// Jobs that share one commit, at most.
const BATCH_MOST: usize = 256;
/// No job joins a batch that has been open for this long.
const BATCH_TIME: Duration = Duration::from_millis(20);
/// Pages of log after which it is copied into the database: 16 MiB.
const CHECKPOINT_PAGES: i32 = 4_000;
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
    /// A file could not be made or read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite says no.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
}

/// The version of the SQLite in this program.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Opens the database and starts its threads; they end when their queues close.
pub(super) fn start(
    path: &Path,
    writes: mpsc::Receiver<Box<dyn Write>>,
    reads: mpsc::Receiver<Read>,
    readers: usize,
    shared: &Arc<Shared>,
) -> Result<Vec<JoinHandle<()>>, Opening> {
    if rusqlite::version_number() < SAFE_SQLITE {
        return Err(Opening::OldSqlite(rusqlite::version()));
    }
    let held = hold(path)?;
    make_private(path)?;
    let (connection, log_pages) = open_writer(path)?;
    let mut threads = Vec::new();
    let reads = Arc::new(Mutex::new(reads));
    for _ in 0..readers {
        let connection = open_reader(path)?;
        let queue = Arc::clone(&reads);
        threads.push(spawn("btk-reader", path, move || read_loop(&connection, &queue))?);
    }
    let shared = Arc::clone(shared);
    threads.push(spawn("btk-writer", path, move || {
        write_loop(&connection, writes, &shared, &log_pages);
        drop(connection);
        drop(held);
    })?);
    Ok(threads)
}

fn spawn(
    name: &str,
    path: &Path,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Opening> {
    let failed = |source| Opening::File { path: path.display().to_string(), source };
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(failed)
}

/// Takes the lock file beside the database. The database file itself is never opened by us: closing
/// it would drop SQLite's own locks ("How To Corrupt An SQLite Database File", 2.2).
fn hold(path: &Path) -> Result<File, Opening> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |source| Opening::File { path: lock_path.display().to_string(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path)
        .map_err(failed)?;
    if file.try_lock().is_err() {
        let mut who = String::new();
        // Who holds it is a help, not a need.
        let _unread = file.read_to_string(&mut who);
        let who = who.trim();
        let holder = if who.is_empty() { String::new() } else { format!(" (process {who})") };
        return Err(Opening::Held { path: path.display().to_string(), holder });
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Makes the file, readable by its owner alone; SQLite gives its side files the same mode.
fn make_private(path: &Path) -> Result<(), Opening> {
    let failed = |source| Opening::File { path: path.display().to_string(), source };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_made) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            // By its name, not by opening it; see `hold`.
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)
        }
        Err(source) => Err(failed(source)),
    }
}

/// What PostgreSQL has and SQLite lacks, so that the same SQL runs on both: `lower` beyond ASCII,
/// and `strpos`.
fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
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
    })
}

/// Plans do not depend on bound values: else SQLite prepares a statement again whenever a new value
/// might suit another index, which cost a fifth of the writer's time.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn open_writer(path: &Path) -> Result<(Connection, Arc<AtomicI32>), Opening> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;",
    )?;
    prepare_once(&connection)?;
    add_functions(&connection)?;
    migrate::run(&mut connection)?;
    let pages = Arc::new(AtomicI32::new(0));
    let seen = Arc::clone(&pages);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, log_pages| {
        seen.store(log_pages, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok((connection, pages))
}

fn open_reader(path: &Path) -> Result<Connection, Opening> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;
         PRAGMA query_only = ON;",
    )?;
    prepare_once(&connection)?;
    add_functions(&connection)?;
    Ok(connection)
}

fn read_loop(connection: &Connection, queue: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        // The lock is held while waiting: the readers take turns at the door, not at the work.
        let next = lock(queue).blocking_recv();
        let Some(job) = next else { return };
        // One transaction, so that a job of several statements sees one picture. If it cannot be
        // opened, each statement below says so itself.
        let open = connection.execute_batch("BEGIN").is_ok();
        // The job answers by itself; one that panics answers by dropping its reply.
        let _panicked = catch_unwind(AssertUnwindSafe(|| job(&mut Tx::new(connection))));
        if open {
            let _read_only = connection.execute_batch("ROLLBACK");
        }
    }
}

fn write_loop(
    connection: &Connection,
    mut queue: mpsc::Receiver<Box<dyn Write>>,
    shared: &Shared,
    log_pages: &AtomicI32,
) {
    while let Some(first) = queue.blocking_recv() {
        if shared.broken.is_cancelled() {
            first.finish(Err(Error::Broken("an earlier write failed".to_owned())));
            continue;
        }
        let (done, end, wakes) = batch(connection, first, &mut queue);
        if let Err(error) = &end {
            shared.full.store(matches!(error, Error::Full), Ordering::Relaxed);
            if let Error::Broken(why) = error {
                tracing::error!("The database failed, the server stops: {why}");
                shared.broken.cancel();
            }
        } else if !done.is_empty() {
            shared.full.store(false, Ordering::Relaxed);
        }
        for job in done {
            job.finish(end.clone());
        }
        if wakes && end.is_ok() {
            shared.changes.send_modify(|n| *n += 1);
        }
        if end.is_ok() && log_pages.load(Ordering::Relaxed) >= CHECKPOINT_PAGES {
            checkpoint(connection, "PASSIVE", shared);
            log_pages.store(0, Ordering::Relaxed);
        }
    }
    if !shared.broken.is_cancelled() {
        checkpoint(connection, "TRUNCATE", shared);
    }
}

/// Copies the log into the database file. After the answers, so that nobody waits for it but the
/// next batch.
fn checkpoint(connection: &Connection, mode: &str, shared: &Shared) {
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    // A full disk or a reader in the way only means that the log stays longer.
    if let Err(error) = done.map_err(Error::from)
        && let Error::Broken(why) = error
    {
        tracing::error!("The database failed at a checkpoint, the server stops: {why}");
        shared.broken.cancel();
    }
}

/// One transaction with as many jobs as are there. Answers the jobs that succeeded and how the
/// transaction ended; jobs that failed alone have had their answer.
fn batch(
    connection: &Connection,
    first: Box<dyn Write>,
    queue: &mut mpsc::Receiver<Box<dyn Write>>,
) -> (Vec<Box<dyn Write>>, Result<()>, bool) {
    let mut done: Vec<Box<dyn Write>> = Vec::new();
    let mut wakes = false;
    if let Err(error) = run(connection, "BEGIN IMMEDIATE") {
        return (vec![first], Err(error), false);
    }
    let opened = Instant::now();
    let mut next = Some(first);
    while let Some(mut job) = next {
        if job.is_wanted() {
            match one(connection, job.as_mut()) {
                Ok(wake) => {
                    wakes |= wake;
                    done.push(job);
                }
                // SQLite has rolled the whole transaction back: every job of it has failed.
                Err(error) if connection.is_autocommit() => {
                    done.push(job);
                    return (done, Err(error), false);
                }
                Err(error @ Error::Broken(_)) => {
                    done.push(job);
                    let _lost = run(connection, "ROLLBACK");
                    return (done, Err(error), false);
                }
                Err(error) => job.finish(Err(error)),
            }
        }
        let room = done.len() < BATCH_MOST && opened.elapsed() < BATCH_TIME;
        next = if room { queue.try_recv().ok() } else { None };
    }
    let end = run(connection, "COMMIT");
    if end.is_err() && !connection.is_autocommit() {
        let _lost = run(connection, "ROLLBACK");
    }
    (done, end, wakes)
}

fn one(connection: &Connection, job: &mut dyn Write) -> Result<bool> {
    run(connection, "SAVEPOINT job")?;
    let mut tx = Tx::new(connection);
    let end = catch_unwind(AssertUnwindSafe(|| job.run(&mut tx)))
        .unwrap_or_else(|_| Err(Error::Database("a write panicked".to_owned())));
    match end {
        Ok(()) => run(connection, "RELEASE job").map(|()| tx.wakes()),
        Err(error) => {
            if !connection.is_autocommit() {
                run(connection, "ROLLBACK TO job")?;
                run(connection, "RELEASE job")?;
            }
            Err(error)
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
