//! The threads that read: each call sees one picture of the database, for as long as it is wanted.
//!
//! There are three pools, each with threads of its own: what looks single things up never waits behind
//! a list, nor a list behind what looks through many rows. Must not know any table or what a call does.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::calls::ReadCall;
use super::error::{Error, Result};
use super::locked;
use super::state::Shared;
use super::tx::{Tx, run};
use crate::lock::lock;

/// Steps of SQLite's between two looks whether the answer is still wanted: about a millisecond, or the
/// texts of some hundred tasks.
const STEPS: i32 = 1_000;

/// Works until its queue closes; gives the connection back.
pub(crate) fn read_loop(
    mut connection: Connection,
    queue: &Mutex<mpsc::Receiver<ReadCall>>,
    shared: &Shared,
) -> Connection {
    loop {
        // The lock is held while waiting: the readers take turns at the queue, not at the work.
        let next = lock(queue).blocking_recv();
        let Some(call) = next else { return connection };
        one(&mut connection, call, shared);
    }
}

fn one(connection: &mut Connection, call: ReadCall, shared: &Shared) {
    let mut met = None;
    let open = loop {
        // Nobody reads for who has gone.
        if !call.is_wanted() {
            return;
        }
        match open(connection) {
            Err(Error::Locked) => {
                shared.locked.store(true, Ordering::Relaxed);
                let now = Instant::now();
                if locked::is_over(call.since, now) {
                    break Err(Error::Locked);
                }
                locked::pause(*met.get_or_insert(now));
            }
            end => break end,
        }
    };
    let asker = call.asker.clone();
    // A handler that cannot be set only means that the read goes on for nobody.
    let _unheard = connection.progress_handler(STEPS, Some(move || asker.strong_count() == 0));
    let connection_now = &*connection;
    match open {
        Ok(()) => call.run(Ok(&mut Tx::new(connection_now))),
        Err(error) => call.run(Err(error)),
    }
    let _unset = connection.progress_handler(0, None::<fn() -> bool>);
    close(connection);
}

/// One transaction, so that a call of several statements sees one picture. The picture is that of the
/// first look, which is made here, so that a lock is met before the call begins.
fn open(connection: &Connection) -> Result<()> {
    run(connection, "BEGIN")?;
    let looked = connection
        .prepare_cached("PRAGMA schema_version")
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
    if looked.is_err() {
        close(connection);
    }
    Ok(looked?)
}

fn close(connection: &Connection) {
    if !connection.is_autocommit() {
        // If even this fails, the next BEGIN says so.
        let _read_only = run(connection, "ROLLBACK");
    }
}
