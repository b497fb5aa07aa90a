//! Calls that share a commit: one that fails takes nothing of the others with it.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use futures_util::poll;
use rusqlite::Connection;

use crate::store::deliveries::totals::ADD;
use crate::store::engine::columns::only;
use crate::store::*;

/// Adds to a number of the database and to a sum that is written with the commit, then ends as it is told.
fn add(n: i64, end: fn() -> Result<()>) -> impl FnMut(&mut Tx<'_>) -> Result<()> + Send + 'static {
    move |tx| {
        tx.execute("UPDATE write_check SET n = n + ?1", &[n.into()])?;
        tx.add(ADD, ("a", "b"), [n, -n])?;
        end()
    }
}

#[tokio::test]
async fn a_call_that_fails_after_its_writes_takes_nothing_of_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("btk.db")).unwrap();
    let (go, gate) = channel::<()>();
    let mut first = Box::pin(store.write(move |_| {
        let _gone = gate.recv();
        Ok(())
    }));
    assert!(poll!(&mut first).is_pending());
    // They come while the first holds the writer, so all are in its transaction.
    let fails = || Err(Error::Database("it was to fail".to_owned()));
    let mut calls = Vec::new();
    for (n, end) in [
        (1, (|| Ok(())) as fn() -> Result<()>),
        (10, fails),
        (100, || panic!("it was to panic")),
        (1_000, || Ok(())),
        (10_000, fails),
    ] {
        let mut call = Box::pin(store.write(add(n, end)));
        assert!(poll!(&mut call).is_pending());
        calls.push(call);
    }
    drop(go);
    first.await.unwrap();
    let mut ends = Vec::new();
    for call in calls {
        ends.push(call.await.is_ok());
    }
    assert_eq!(ends, [true, false, false, true, false]);
    for sql in
        ["SELECT n FROM write_check", "SELECT n FROM totals", "SELECT -unfinished FROM totals"]
    {
        let sum = store.read(move |tx| tx.row(sql, &[], only::<i64>)).await.unwrap();
        assert_eq!(sum, Some(1_001), "{sql}");
    }
    store.close();
}

/// Another program, which locks the database when this goes, and is handed on.
struct Locks {
    other: Option<Connection>,
    to: Sender<Connection>,
}

impl Drop for Locks {
    fn drop(&mut self) {
        let other = self.other.take().unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.to.send(other).unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_comes_between_two_runs_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("btk.db");
    let store = Store::open(&path).unwrap();
    let (go, gate) = channel::<()>();
    let (to, locked) = channel();
    let mut locks = Some(Locks { other: Some(Connection::open(&path).unwrap()), to });
    let mut first = Box::pin(store.write(move |tx| {
        let _gone = gate.recv();
        // What is to follow the commit goes when the first run has been undone, and before the second begins.
        if let Some(locks) = locks.take() {
            tx.after_commit(move || drop(locks));
        }
        tx.execute("UPDATE write_check SET n = n + 1", &[]).map(drop)
    }));
    assert!(poll!(&mut first).is_pending());
    let mut second = Box::pin(store.write(add(10, || Err(Error::Busy))));
    assert!(poll!(&mut second).is_pending());
    drop(go);
    let other = locked.recv_timeout(Duration::from_secs(20)).unwrap();
    while !store.is_locked() {
        thread::sleep(Duration::from_millis(1));
    }
    other.execute_batch("COMMIT").unwrap();
    assert!(second.await.is_err());
    first.await.unwrap();
    let sum = store.read(|tx| tx.row("SELECT n FROM write_check", &[], only::<i64>)).await.unwrap();
    assert_eq!(sum, Some(1));
    store.close();
}
