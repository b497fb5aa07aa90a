//! A batch: the calls that share one commit.
//!
//! Hardly a call fails after its first write, so none has a savepoint, which would cost every write a tenth more. Where
//! one does fail so, all is undone, and the others run again, from then on with savepoints. Must not know what a call
//! does, or who is told of the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::calls::{For, WriteCall};
use super::error::{Error, Result};
use super::line::Line;
use super::locked;
use super::state::Shared;
use super::tx::{AfterCommit, Beside, Memory, Tx, run};
use crate::lock::lock;
use crate::twin;

/// Calls that share one commit, at most.
const BATCH_MOST: usize = 256;
/// No call joins a batch that has been open for this long.
const BATCH_TIME: Duration = Duration::from_millis(20);
/// For so long a batch that nobody waits for stays open for company, whose commit it then shares. A crash meanwhile
/// leaves as `unknown` what had ended, so it is short; at 200 events a second the next is 5 ms away.
const COMPANY: Duration = Duration::from_millis(10);

/// How a batch has ended.
pub(super) struct Finished {
    /// The calls that it held. Those that failed alone have had their answer.
    pub(super) calls: Vec<DoneCall>,
    /// Whether it is on disk.
    pub(super) end: Result<()>,
    /// Whether it leaves something to send.
    pub(super) wakes: bool,
}

/// Runs as many calls as are there, in one transaction. `None`: another program had locked the database, and nobody is
/// left who waits.
pub(super) fn run_batch(
    connection: &Connection,
    memory: &Memory,
    line: &Line,
    shared: &Shared,
) -> Option<Finished> {
    let mut batch = Batch {
        connection,
        memory,
        shared,
        beside: lock(&shared.beside).clone(),
        calls: Vec::new(),
        wakes: false,
        undoes: UndoScope::All,
    };
    let end = match begin(connection, shared, |now| line.refuse_late(now)) {
        Ok(false) => return None,
        Ok(true) => batch.run(line).and_then(|()| batch.commit()),
        Err(error) => {
            batch.calls.extend(line.next().map(|(call, _)| DoneCall::nothing(call)));
            Err(error)
        }
    };
    if end.is_err() {
        batch.roll_back();
    }
    Some(Finished { calls: batch.calls, end, wakes: batch.wakes })
}

/// Begins a transaction, as soon as no other program has locked the database. False where nobody waits for that any
/// more.
fn begin(
    connection: &Connection,
    shared: &Shared,
    mut is_awaited: impl FnMut(Instant) -> bool,
) -> Result<bool> {
    let mut met = None;
    loop {
        match run(connection, "BEGIN IMMEDIATE") {
            Err(Error::Locked) => {}
            end => {
                shared.locked.store(false, Ordering::Relaxed);
                return end.map(|()| true);
            }
        }
        shared.locked.store(true, Ordering::Relaxed);
        let now = Instant::now();
        if !is_awaited(now) {
            return Ok(false);
        }
        locked::pause(*met.get_or_insert(now));
    }
}

struct Batch<'b> {
    connection: &'b Connection,
    memory: &'b Memory,
    shared: &'b Shared,
    beside: Option<Beside>,
    calls: Vec<DoneCall>,
    wakes: bool,
    undoes: UndoScope,
}

impl Batch<'_> {
    fn run(&mut self, line: &Line) -> Result<()> {
        let opened = Instant::now();
        let mut has_time = false;
        while self.calls.len() < BATCH_MOST && opened.elapsed() < BATCH_TIME {
            let next = if has_time { line.next_by(opened + COMPANY) } else { line.next() };
            let Some((call, whom)) = next else { break };
            has_time = whom == For::Nobody && (has_time || self.calls.is_empty());
            if !self.take(call)? {
                self.run_again()?;
            }
        }
        Ok(())
    }

    /// Runs a call and keeps it; one that fails before it has written is answered at once. False: it failed later, so all
    /// are to be undone with it. An error is that of the whole transaction.
    fn take(&mut self, mut call: Box<dyn WriteCall>) -> Result<bool> {
        let mut tx = Tx::with_memory(self.connection, self.memory).beside(self.beside.clone());
        match one(&mut tx, call.as_mut(), self.undoes) {
            Ok(()) => {
                self.wakes |= tx.wakes();
                self.calls.push(DoneCall { call, after: tx.take_after() });
                Ok(true)
            }
            Err(Fault::Call(error)) => {
                self.fail(call, error);
                Ok(true)
            }
            Err(Fault::Others(error)) => {
                // With it goes what was to follow, so that the others run as if this one had not been there.
                drop(tx);
                self.fail(call, error);
                Ok(false)
            }
            Err(Fault::Batch(error)) => {
                self.calls.push(DoneCall::nothing(call));
                Err(error)
            }
        }
    }

    /// Answers a call that failed alone.
    fn fail(&self, call: Box<dyn WriteCall>, error: Error) {
        if matches!(error, Error::Full) {
            self.shared.full.store(true, Ordering::Relaxed);
        }
        call.finish(Err(error));
    }

    /// Undoes all and runs the calls once more. One that fails now, as when the disk has filled meanwhile, is undone
    /// alone.
    fn run_again(&mut self) -> Result<()> {
        self.roll_back();
        (self.wakes, self.undoes) = (false, UndoScope::One);
        for call in &mut self.calls {
            call.after.clear();
        }
        // Another program may have come in between.
        let met = Instant::now();
        if !begin(self.connection, self.shared, |now| !locked::is_over(met, now))? {
            return Err(Error::Locked);
        }
        let mut undone = std::mem::take(&mut self.calls).into_iter();
        while let Some(DoneCall { call, .. }) = undone.next() {
            if let Err(error) = self.take(call) {
                self.calls.extend(undone);
                return Err(error);
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        Tx::with_memory(self.connection, self.memory).write_sums()?;
        if twin::is("answer-before-commit") {
            return Ok(());
        }
        if twin::is("send-before-commit") {
            self.calls.iter_mut().flat_map(|ran| ran.after.drain(..)).for_each(|does| does());
        }
        run(self.connection, "COMMIT")
    }

    fn roll_back(&self) {
        self.memory.clear();
        if !self.connection.is_autocommit() {
            // If even this fails, the next BEGIN says so.
            let _lost = run(self.connection, "ROLLBACK");
        }
    }
}

/// A call that has run, and what is done once it is on disk.
pub(super) struct DoneCall {
    pub(super) call: Box<dyn WriteCall>,
    pub(super) after: Vec<AfterCommit>,
}

impl DoneCall {
    /// One that nothing follows from.
    pub(super) fn nothing(call: Box<dyn WriteCall>) -> DoneCall {
        DoneCall { call, after: Vec::new() }
    }
}

/// What is undone with a call that fails after its first write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UndoScope {
    /// The call alone, at the cost of a savepoint.
    One,
    /// All that was done in the transaction.
    All,
}

/// What a fault within a call undoes.
enum Fault {
    /// The call alone, and that is done.
    Call(Error),
    /// It took the others' writes with it: all that ran in this transaction are undone, and run again without it.
    Others(Error),
    /// The whole transaction: SQLite has rolled it back, the disk has failed, or the call could not
    /// be undone alone.
    Batch(Error),
}

fn one(tx: &mut Tx<'_>, call: &mut dyn WriteCall, undoes: UndoScope) -> Result<(), Fault> {
    let has_savepoint = undoes == UndoScope::One;
    let sums = has_savepoint.then(|| tx.sums());
    if has_savepoint {
        tx.run("SAVEPOINT call").map_err(Fault::Batch)?;
    }
    let end = catch_unwind(AssertUnwindSafe(|| call.run(tx)))
        .unwrap_or_else(|_| Err(Error::Database("a write panicked".to_owned())));
    match end {
        // It has passed over the error that said so.
        Ok(()) if tx.is_over() => Err(Fault::Batch(Error::Database(
            "the transaction was ended by the database".to_owned(),
        ))),
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
        Err(error) if tx.has_written() && !twin::is("nothing-undone") => {
            tx.forget();
            Err(Fault::Others(error))
        }
        Err(error) => Err(Fault::Call(error)),
    }
}
