//! A batch: the calls that share one commit.
//!
//! Hardly a call fails after its first write, so none has a savepoint, which would cost every write a tenth more. Where
//! one does fail so, all is undone, and the others run again, from then on with savepoints. Must not know how the
//! transaction was begun, what a call does, or who is told of the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::calls::WriteCall;
use super::error::{Error, Result};
use super::line::Line;
use super::state::Shared;
use super::tx::{AfterCommit, Beside, Memory, Tx, run};
use crate::lock::lock;

/// Calls that share one commit, at most.
const BATCH_MOST: usize = 256;
/// No call joins a batch that has been open for this long.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// As many calls as are there, in the transaction that is open, and its end. Answers the calls that
/// succeeded and how the transaction ended; calls that failed alone have had their answer.
pub(super) fn run_batch(
    connection: &Connection,
    memory: &Memory,
    line: &Line,
    shared: &Shared,
) -> (Vec<Ran>, Result<()>, bool) {
    let mut done: Vec<Ran> = Vec::new();
    let beside = lock(&shared.beside).clone();
    let (mut wakes, mut undoes) = (false, Undoes::All);
    let opened = Instant::now();
    while done.len() < BATCH_MOST {
        let Some(mut call) = line.next() else { break };
        let mut tx = Tx::with_memory(connection, memory).beside(beside.clone());
        match one(&mut tx, call.as_mut(), undoes) {
            Ok(()) => {
                wakes |= tx.wakes();
                done.push(Ran { call, after: tx.take_after() });
            }
            Err(Fault::Call(error)) => fail(call, error, shared),
            Err(Fault::Others(error)) => {
                // With it goes what was to follow, so that the others run as if this one had not been there.
                drop(tx);
                fail(call, error, shared);
                roll_back(connection, memory);
                undoes = Undoes::One;
                match again(connection, memory, beside.as_ref(), shared, &mut done) {
                    Ok(wake) => wakes = wake,
                    Err(error) => return (done, Err(error), false),
                }
            }
            Err(Fault::Batch(error)) => {
                done.push(Ran::nothing(call));
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

/// Answers a call that failed alone.
fn fail(call: Box<dyn WriteCall>, error: Error, shared: &Shared) {
    if matches!(error, Error::Full) {
        shared.full.store(true, Ordering::Relaxed);
    }
    call.finish(Err(error));
}

/// Runs calls that were undone once more, in a transaction of its own. Answers whether they leave something to send. One
/// that fails now, as when the disk has filled meanwhile, is undone alone; an error has undone them all.
fn again(
    connection: &Connection,
    memory: &Memory,
    beside: Option<&Beside>,
    shared: &Shared,
    done: &mut Vec<Ran>,
) -> Result<bool> {
    for done in done.iter_mut() {
        done.after.clear();
    }
    run(connection, "BEGIN IMMEDIATE")?;
    let mut wakes = false;
    let mut undone = std::mem::take(done).into_iter();
    while let Some(Ran { mut call, .. }) = undone.next() {
        let mut tx = Tx::with_memory(connection, memory).beside(beside.cloned());
        match one(&mut tx, call.as_mut(), Undoes::One) {
            Ok(()) => {
                wakes |= tx.wakes();
                done.push(Ran { call, after: tx.take_after() });
            }
            Err(Fault::Call(error)) => fail(call, error, shared),
            Err(Fault::Others(error) | Fault::Batch(error)) => {
                done.push(Ran::nothing(call));
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

/// A call that has run, and what is done once it is on disk.
pub(super) struct Ran {
    pub(super) call: Box<dyn WriteCall>,
    pub(super) after: Vec<AfterCommit>,
}

impl Ran {
    /// One that nothing follows from.
    pub(super) fn nothing(call: Box<dyn WriteCall>) -> Ran {
        Ran { call, after: Vec::new() }
    }
}

/// What is undone with a call that fails after its first write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undoes {
    /// The call alone, at the cost of a savepoint.
    One,
    /// All that was done in the transaction.
    All,
}

/// What a fault within a call undoes.
enum Fault {
    /// The call alone, and that is done.
    Call(Error),
    /// The others too, which may run again.
    Others(Error),
    /// The whole transaction: SQLite has rolled it back, the disk has failed, or the call could not
    /// be undone alone.
    Batch(Error),
}

fn one(tx: &mut Tx<'_>, call: &mut dyn WriteCall, undoes: Undoes) -> Result<(), Fault> {
    let has_savepoint = undoes == Undoes::One;
    let sums = has_savepoint.then(|| tx.sums());
    if has_savepoint {
        tx.run("SAVEPOINT call").map_err(Fault::Batch)?;
    }
    let end = catch_unwind(AssertUnwindSafe(|| call.run(tx)))
        .unwrap_or_else(|_| Err(Error::Database("a write panicked".to_owned())));
    match end {
        Ok(()) if has_savepoint => tx.run("RELEASE call").map_err(Fault::Batch),
        Ok(()) => Ok(()),
        Err(error @ (Error::Broken(_) | Error::Damaged(_))) => Err(Fault::Batch(error)),
        Err(error) if tx.is_over() => Err(Fault::Batch(error)),
        Err(error) if has_savepoint => {
            tx.forget();
            tx.put_back(sums.unwrap_or_default());
            tx.run("ROLLBACK TO call").map_err(Fault::Batch)?;
            tx.run("RELEASE call").map_err(Fault::Batch)?;
            Err(Fault::Call(error))
        }
        Err(error) if tx.has_written() => {
            tx.forget();
            Err(Fault::Others(error))
        }
        Err(error) => Err(Fault::Call(error)),
    }
}
