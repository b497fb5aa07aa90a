//! The threads over SQLite: one writer with group commit, a few readers.
//!
//! The writer takes what is queued, a savepoint for each job, one commit with an fsync for all,
//! and answers only then. Must not know any table or what a job does.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::open::{Log, Opening, check_version, hold, make_private, open_reader, open_writer};
use super::tx::Memory;
use super::{Error, Read, Result, Shared, Tx, Write, lock};

/// Jobs that share one commit, at most.
const BATCH_MOST: usize = 256;
/// No job joins a batch that has been open for this long.
const BATCH_TIME: Duration = Duration::from_millis(20);
/// Pages of log after which it is copied into the database: 4 MiB.
const CHECKPOINT_PAGES: i32 = 1_000;

/// Opens the database and starts its threads; they end when their queues close.
pub(super) fn start(
    path: &Path,
    writes: mpsc::Receiver<Box<dyn Write>>,
    reads: mpsc::Receiver<Read>,
    readers: usize,
    shared: &Arc<Shared>,
) -> Result<Vec<JoinHandle<()>>, Opening> {
    check_version()?;
    make_private(path)?;
    // Under another name, it is still the same database.
    let path = &fs::canonicalize(path).map_err(|why| Opening::file(path, why))?;
    let held = hold(path)?;
    let (connection, log) = open_writer(path)?;
    let mut threads = Vec::new();
    let reads = Arc::new(Mutex::new(reads));
    for _ in 0..readers {
        let connection = open_reader(path)?;
        let queue = Arc::clone(&reads);
        threads.push(spawn("btk-reader", path, move || read_loop(&connection, &queue))?);
    }
    let shared = Arc::clone(shared);
    threads.push(spawn("btk-writer", path, move || {
        write_loop(&connection, writes, &shared, &log);
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
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|why| Opening::file(path, why))
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
    log: &Log,
) {
    let memory = Memory::default();
    while let Some(first) = queue.blocking_recv() {
        if shared.broken.is_cancelled() {
            first.finish(Err(Error::Broken("an earlier write failed".to_owned())));
            continue;
        }
        log.written.store(false, Ordering::Relaxed);
        let (done, end, wakes) = batch(connection, &memory, first, &mut queue, shared);
        if end.is_err() {
            // What was undone may have been remembered.
            memory.take();
        }
        let has_written = end.is_ok() && log.written.load(Ordering::Relaxed);
        match &end {
            // Only what reached the disk shows that there is room.
            Ok(()) if has_written => shared.full.store(false, Ordering::Relaxed),
            Err(Error::Full) => shared.full.store(true, Ordering::Relaxed),
            Err(Error::Broken(why)) => shared.break_off(why),
            Ok(()) | Err(_) => {}
        }
        for job in done {
            job.finish(end.clone());
        }
        if wakes && end.is_ok() {
            shared.changes.send_modify(|n| *n += 1);
        }
        if has_written {
            shared.commits.send_modify(|n| *n += 1);
        }
        // On a full disk the log itself may be what fills it.
        let is_due = log.pages.load(Ordering::Relaxed) >= CHECKPOINT_PAGES;
        if (end.is_ok() && is_due) || matches!(end, Err(Error::Full)) {
            checkpoint(connection, "PASSIVE", shared);
            log.pages.store(0, Ordering::Relaxed);
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
        shared.break_off(&format!("checkpoint: {why}"));
    }
}

/// One transaction with as many jobs as are there. Answers the jobs that succeeded and how the
/// transaction ended; jobs that failed alone have had their answer.
fn batch(
    connection: &Connection,
    memory: &Memory,
    first: Box<dyn Write>,
    queue: &mut mpsc::Receiver<Box<dyn Write>>,
    shared: &Shared,
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
            match one(connection, memory, job.as_mut()) {
                Ok(wake) => {
                    wakes |= wake;
                    done.push(job);
                }
                Err(Fault::Job(error)) => {
                    if matches!(error, Error::Full) {
                        shared.full.store(true, Ordering::Relaxed);
                    }
                    job.finish(Err(error));
                }
                Err(Fault::Batch(error)) => {
                    done.push(job);
                    roll_back(connection);
                    return (done, Err(error), false);
                }
            }
        }
        let room = done.len() < BATCH_MOST && opened.elapsed() < BATCH_TIME;
        next = if room { queue.try_recv().ok() } else { None };
    }
    let end = run(connection, "COMMIT");
    if end.is_err() {
        roll_back(connection);
    }
    (done, end, wakes)
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // If even this fails, the next BEGIN says so.
        let _lost = run(connection, "ROLLBACK");
    }
}

/// What a fault within a job undoes.
enum Fault {
    /// The job alone.
    Job(Error),
    /// The whole transaction: SQLite has rolled it back, the disk has failed, or the job could not
    /// be undone alone.
    Batch(Error),
}

fn one(connection: &Connection, memory: &Memory, job: &mut dyn Write) -> Result<bool, Fault> {
    run(connection, "SAVEPOINT job").map_err(Fault::Batch)?;
    let mut tx = Tx::with_memory(connection, memory);
    let end = catch_unwind(AssertUnwindSafe(|| job.run(&mut tx)))
        .unwrap_or_else(|_| Err(Error::Database("a write panicked".to_owned())));
    match end {
        Ok(()) => {
            run(connection, "RELEASE job").map_err(Fault::Batch)?;
            Ok(tx.wakes())
        }
        Err(error @ Error::Broken(_)) => Err(Fault::Batch(error)),
        Err(error) if connection.is_autocommit() => Err(Fault::Batch(error)),
        Err(error) => {
            memory.take();
            run(connection, "ROLLBACK TO job").map_err(Fault::Batch)?;
            run(connection, "RELEASE job").map_err(Fault::Batch)?;
            Err(Fault::Job(error))
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
