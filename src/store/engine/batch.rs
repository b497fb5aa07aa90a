//! A batch: the jobs that share one commit.
//!
//! Hardly a job fails after its first write, so none has a savepoint, which would cost every write a tenth more. Where
//! one does fail so, all is undone, and the others run again, from then on with savepoints. Must not know how the
//! transaction was begun, what a job does, or who is told of the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::{Error, Result};
use super::jobs::Write;
use super::line::Line;
use super::state::Shared;
use super::tx::{After, Beside, Memory, Tx, run};
use crate::lock::lock;

/// Jobs that share one commit, at most.
const BATCH_MOST: usize = 256;
/// No job joins a batch that has been open for this long.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// As many jobs as are there, in the transaction that is open, and its end. Answers the jobs that
/// succeeded and how the transaction ended; jobs that failed alone have had their answer.
pub(super) fn run_batch(
    connection: &Connection,
    memory: &Memory,
    line: &Line,
    shared: &Shared,
) -> (Vec<Done>, Result<()>, bool) {
    let mut done: Vec<Done> = Vec::new();
    let beside = lock(&shared.beside).clone();
    let (mut wakes, mut undoes) = (false, Undoes::All);
    let opened = Instant::now();
    while done.len() < BATCH_MOST {
        let Some(mut job) = line.next() else { break };
        let mut tx = Tx::with_memory(connection, memory).beside(beside.clone());
        match one(&mut tx, job.as_mut(), undoes) {
            Ok(()) => {
                wakes |= tx.wakes();
                done.push(Done { job, after: tx.take_after() });
            }
            Err(Fault::Job(error)) => fail(job, error, shared),
            Err(Fault::Others(error)) => {
                // With it goes what was to follow, so that the others run as if this one had not been there.
                drop(tx);
                fail(job, error, shared);
                roll_back(connection, memory);
                undoes = Undoes::One;
                match again(connection, memory, beside.as_ref(), shared, &mut done) {
                    Ok(wake) => wakes = wake,
                    Err(error) => return (done, Err(error), false),
                }
            }
            Err(Fault::Batch(error)) => {
                done.push(Done::nothing(job));
                roll_back(connection, memory);
                return (done, Err(error), false);
            }
        }
        if opened.elapsed() >= BATCH_TIME {
            break;
        }
    }
    let sums = Tx::with_memory(connection, memory).write_sums();
    let end = sums.and_then(|()| run(connection, "COMMIT"));
    if end.is_err() {
        roll_back(connection, memory);
    }
    (done, end, wakes)
}

/// Answers a job that failed alone.
fn fail(job: Box<dyn Write>, error: Error, shared: &Shared) {
    if matches!(error, Error::Full) {
        shared.full.store(true, Ordering::Relaxed);
    }
    job.finish(Err(error));
}

/// Runs jobs that were undone once more, in a transaction of its own. Answers whether they leave something to send. One
/// that fails now, as when the disk has filled meanwhile, is undone alone; an error has undone them all.
fn again(
    connection: &Connection,
    memory: &Memory,
    beside: Option<&Beside>,
    shared: &Shared,
    done: &mut Vec<Done>,
) -> Result<bool> {
    for done in done.iter_mut() {
        done.after.clear();
    }
    run(connection, "BEGIN IMMEDIATE")?;
    let mut wakes = false;
    let mut undone = std::mem::take(done).into_iter();
    while let Some(Done { mut job, .. }) = undone.next() {
        let mut tx = Tx::with_memory(connection, memory).beside(beside.cloned());
        match one(&mut tx, job.as_mut(), Undoes::One) {
            Ok(()) => {
                wakes |= tx.wakes();
                done.push(Done { job, after: tx.take_after() });
            }
            Err(Fault::Job(error)) => fail(job, error, shared),
            Err(Fault::Others(error) | Fault::Batch(error)) => {
                done.push(Done::nothing(job));
                done.extend(undone);
                roll_back(connection, memory);
                return Err(error);
            }
        }
    }
    Ok(wakes)
}

fn roll_back(connection: &Connection, memory: &Memory) {
    memory.clear();
    if !connection.is_autocommit() {
        // If even this fails, the next BEGIN says so.
        let _lost = run(connection, "ROLLBACK");
    }
}

/// A job that has run, and what is done once it is on disk.
pub(super) struct Done {
    pub(super) job: Box<dyn Write>,
    pub(super) after: Vec<After>,
}

impl Done {
    /// One that nothing follows from.
    pub(super) fn nothing(job: Box<dyn Write>) -> Done {
        Done { job, after: Vec::new() }
    }
}

/// What is undone with a job that fails after its first write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undoes {
    /// The job alone, at the cost of a savepoint.
    One,
    /// All that was done in the transaction.
    All,
}

/// What a fault within a job undoes.
enum Fault {
    /// The job alone, and that is done.
    Job(Error),
    /// The others too, which may run again.
    Others(Error),
    /// The whole transaction: SQLite has rolled it back, the disk has failed, or the job could not
    /// be undone alone.
    Batch(Error),
}

fn one(tx: &mut Tx<'_>, job: &mut dyn Write, undoes: Undoes) -> Result<(), Fault> {
    let has_savepoint = undoes == Undoes::One;
    let sums = has_savepoint.then(|| tx.sums());
    if has_savepoint {
        tx.run("SAVEPOINT job").map_err(Fault::Batch)?;
    }
    let end = catch_unwind(AssertUnwindSafe(|| job.run(tx)))
        .unwrap_or_else(|_| Err(Error::Database("a write panicked".to_owned())));
    match end {
        Ok(()) if has_savepoint => tx.run("RELEASE job").map_err(Fault::Batch),
        Ok(()) => Ok(()),
        Err(error @ (Error::Broken(_) | Error::Damaged(_))) => Err(Fault::Batch(error)),
        Err(error) if tx.is_over() => Err(Fault::Batch(error)),
        Err(error) if has_savepoint => {
            tx.forget();
            tx.put_back(sums.unwrap_or_default());
            tx.run("ROLLBACK TO job").map_err(Fault::Batch)?;
            tx.run("RELEASE job").map_err(Fault::Batch)?;
            Err(Fault::Job(error))
        }
        Err(error) if tx.has_written() => {
            tx.forget();
            Err(Fault::Others(error))
        }
        Err(error) => Err(Fault::Job(error)),
    }
}
