//! Who waits for whom in front of the store: neither the server's own writes nor searches keep
//! anybody else out, and nothing is read for who has gone.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use tokio::task::unconstrained;
use tokio::time::timeout;

use crate::store::engine::columns::only;
use crate::store::engine::handle::{LOOKS, SEARCHES};
use crate::store::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A store in a folder of its own.
fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("btk.db")).unwrap();
    (folder, store)
}

/// A job that holds its thread until the other end says something or goes.
fn hold() -> (Sender<()>, impl FnMut(&mut Tx<'_>) -> Result<()> + Send + 'static) {
    let (go, gate): (Sender<()>, Receiver<()>) = channel();
    (go, move |_: &mut Tx<'_>| {
        let _gone = gate.recv();
        Ok(())
    })
}

#[tokio::test]
async fn what_the_server_writes_by_itself_refuses_nobody() {
    let (_folder, store) = open();
    let (go, wait) = hold();
    let mut first = Box::pin(store.write_patiently(wait));
    assert!(poll!(&mut first).is_pending());
    // Far more than there is room for: they wait for it.
    let own = (0..5_000).map(|_| store.write_patiently(|_| Ok(())));
    // Polled as if each were a task of its own.
    let mut own = Box::pin(unconstrained(join_all(own)));
    assert!(poll!(&mut own).is_pending());
    let mut asked: Vec<_> = (0..500).map(|n| Box::pin(store.write(move |_| Ok(n)))).collect();
    for write in &mut asked {
        assert!(poll!(write).is_pending(), "it has its place");
    }
    go.send(()).unwrap();
    // Those that were asked are done although most of the others have not even a place.
    let answers = timeout(PATIENCE, join_all(asked)).await.unwrap();
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    first.await.unwrap();
    assert!(own.await.into_iter().all(|answer| answer.is_ok()));
    store.close();
}

#[tokio::test]
async fn who_looks_through_much_keeps_nobody_else_waiting() {
    let (_folder, store) = open();
    let mut searches = Vec::new();
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..SEARCHES.0 + SEARCHES.1 + 50 {
        let (go, wait) = hold();
        let mut search = Box::pin(store.search(wait));
        if poll!(&mut search).is_pending() {
            searches.push(search);
            held.push(go);
        } else {
            refused += 1;
        }
    }
    assert!(refused >= 48, "{refused}: they do not take every place there is");
    for n in 0..10 {
        assert_eq!(timeout(PATIENCE, store.read(move |_| Ok(n))).await.unwrap().unwrap(), n);
    }
    let patient = store.search_patiently(|_| Ok(()));
    drop(held);
    for search in searches {
        search.await.unwrap();
    }
    patient.await.unwrap();
    store.close();
}

#[tokio::test]
async fn a_read_that_panics_is_a_fault_of_its_own_and_the_next_is_done() {
    let (_folder, store) = open();
    for _ in 0..10 {
        let end = store.read(|_| -> Result<()> { panic!("on purpose") }).await;
        assert!(matches!(end, Err(Error::Database(_))), "{end:?}");
    }
    assert!(store.read(|_| Ok(())).await.is_ok());
}

#[tokio::test]
async fn nothing_is_read_for_who_has_gone() {
    let (_folder, store) = open();
    for _ in 0..SEARCHES.1 {
        // It would never end by itself.
        let endless = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)
                       SELECT MAX(n) FROM c";
        let search = store.search(move |tx| tx.row(endless, &[], only::<i64>));
        assert!(timeout(Duration::from_millis(50), search).await.is_err());
    }
    let (begun, is_begun) = channel();
    let mut late = Box::pin(store.search(move |_| {
        let _heard = begun.send(());
        Ok(())
    }));
    let (go, wait) = hold();
    let (go_too, wait_too) = hold();
    let mut before = [Box::pin(store.search(wait)), Box::pin(store.search(wait_too))];
    for search in &mut before {
        assert!(poll!(search).is_pending());
    }
    // Both readers are held, so this one waits; then nobody waits for it.
    assert!(poll!(&mut late).is_pending());
    drop(late);
    drop((go, go_too));
    for search in before {
        timeout(PATIENCE, search).await.unwrap().unwrap();
    }
    timeout(PATIENCE, store.search(|_| Ok(()))).await.unwrap().unwrap();
    assert!(is_begun.try_recv().is_err(), "it was never begun");
    store.close();
}

#[tokio::test]
async fn readiness_sees_that_nothing_can_be_looked_up() {
    let (_folder, store) = open();
    store.try_reader().await.unwrap();
    let (mut held, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS.1 {
        let (go, wait) = hold();
        let mut read = Box::pin(store.read(wait));
        assert!(poll!(&mut read).is_pending());
        held.push(go);
        reads.push(read);
    }
    let mut pass = Box::pin(store.try_reader());
    assert!(poll!(&mut pass).is_pending());
    for read in &mut reads {
        assert!(poll!(read).is_pending(), "every reader is held");
    }
    assert!(poll!(&mut pass).is_pending(), "nobody is left to let it pass");
    drop(held);
    timeout(PATIENCE, pass).await.unwrap().unwrap();
    store.close();
}
