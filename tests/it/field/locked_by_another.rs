//! Somebody has locked the database: a shell with a transaction open, a backup. Who waits for it waits five seconds and no
//! longer, all at once and not one after the other; who only reads waits for nothing; and it heals by itself.
//!
//! Seen with: <https://github.com/David-Crty/databasement/pull/233> (a scheduled backup, and `database is locked`).

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::hooks::id;
use crate::harness::{Answer, Receiver, Server, eventually};

/// Who asks whether the server is ready often waits a second and no longer, as Kubernetes does; the answer leaves after half
/// of that. The rest is for a machine on which all tests run at once.
const TOLD: Duration = Duration::from_secs(3);

/// Another program's connection, that holds the lock for writing.
fn lock(server: &Server, with: &str) -> Connection {
    let other = Connection::open(server.home().join("btk.db")).expect("the database");
    other.busy_timeout(Duration::from_secs(5)).expect("an option");
    other.execute_batch(with).expect("the lock");
    other
}

/// Some writes at once, each with the time that its answer took.
fn writes(server: &Server, n: usize) -> JoinSet<(Answer, Duration)> {
    let mut writes = JoinSet::new();
    for n in 0..n {
        let client = server.client();
        writes.spawn(async move {
            let began = Instant::now();
            let task = json!({"title": format!("waits {n}")});
            let answer = client.call("POST", "/api/tasks").json(&task).send().await;
            (answer, began.elapsed())
        });
    }
    writes
}

async fn titles(server: &Server) -> Vec<String> {
    let tasks = server.get("/api/tasks").await.expect(200).json();
    let tasks = tasks.as_array().expect("a list").clone();
    tasks.iter().map(|task| task["title"].as_str().expect("a title").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_wait_for_a_lock_are_refused_together() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "there"})).await;
    for with in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        let other = lock(&server, with);
        let mut waiting = writes(&server, 6);
        let asked = Instant::now();
        let sentence = server.get("/readyz").await.expect_error(503);
        assert!(asked.elapsed() < TOLD, "readiness took {:?} to say it", asked.elapsed());
        assert!(sentence.contains("locked"), "{sentence}");
        // Reads wait for nothing.
        server.get(&format!("/api/tasks/{}", id(&task))).await.expect(200);
        assert_eq!(titles(&server).await, ["there"]);
        let mut took = Vec::new();
        while let Some(done) = waiting.join_next().await {
            let (answer, spent) = done.expect("it ends well");
            let sentence = answer.expect_error(503);
            assert_eq!(answer.json()["code"], "locked", "{sentence}");
            took.push(spent);
        }
        let (first, last) = (took.iter().min().expect("some"), took.iter().max().expect("some"));
        let spread = last.saturating_sub(*first);
        assert!(spread < Duration::from_secs(10), "not one after the other: {took:?}");
        assert!(
            *last < Duration::from_secs(15),
            "five seconds, and some for the machine: {took:?}"
        );
        drop(other);
        server.get("/readyz").await.expect(200);
    }
    server.create(&json!({"title": "after"})).await;
    assert_eq!(titles(&server).await, ["there", "after"], "what was refused was not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_short_lock_is_done() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let other = lock(&server, "BEGIN IMMEDIATE");
    let mut waiting = writes(&server, 4);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(waiting.try_join_next().is_none(), "they wait");
    other.execute_batch("COMMIT").expect("let go");
    while let Some(done) = waiting.join_next().await {
        done.expect("it ends well").0.expect(201);
    }
    receiver.wait_for(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_outlive_a_lock() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    // The other program takes the lock while requests are under way, again and again.
    for n in 0..20 {
        server.create(&json!({"title": n.to_string()})).await;
        let other = lock(&server, "BEGIN IMMEDIATE");
        tokio::time::sleep(Duration::from_millis(if n == 10 { 6_000 } else { 20 })).await;
        other.execute_batch("ROLLBACK").expect("let go");
    }
    eventually("all are delivered", async || {
        let found = server.deliveries("status=delivered").await;
        (found.len() == 20).then_some(())
    })
    .await;
    assert_eq!(receiver.hits().len(), 20, "each once");
    assert_eq!(server.get("/readyz").await.expect(200).json()["status"], Value::from("ready"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_lock_for_ever() {
    let mut server = Server::start(&[]).await;
    server.create(&json!({"title": "there"})).await;
    let other = lock(&server, "BEGIN IMMEDIATE");
    let _waiting = writes(&server, 3);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let status = server.stop().await;
    assert!(status.success(), "{status}");
    drop(other);
}

/// A shell or a backup that reads: what is written meanwhile stays in the log, and goes into the database once it has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_keeps_the_log_as_it_is_only_while_it_reads() {
    const LOG: u64 = 4 * 1024 * 1024;
    let server = Server::start(&[]).await;
    let write =
        async || server.create(&json!({"title": "long", "description": "d".repeat(60_000)})).await;
    write().await;
    let size = || fs::metadata(server.home().join("btk.db")).expect("a file").len();
    let other = lock(&server, "BEGIN; SELECT COUNT(*) FROM tasks");
    for _ in 0..80 {
        write().await;
    }
    assert!(size() < LOG, "somebody reads what was there before");
    other.execute_batch("COMMIT").expect("ended");
    eventually("the log is copied", async || {
        write().await;
        (size() > LOG).then_some(())
    })
    .await;
}
