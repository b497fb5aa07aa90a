//! A great many that wait, put into the file of a stopped server: the next start is quick, memory
//! stays flat, and whoever is new is served as if they were not there.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::hooks::id;
use crate::harness::load::versions;
use crate::harness::{Receiver, Reply, Server, million, quiet::QUIET};

/// Ready within this time after a start of the program as it is shipped.
const READY: Duration = Duration::from_secs(2);
/// The most memory that it may ever have held, in MiB.
const MEMORY_MIB: u64 = 200;

/// Whose events wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// All of one task: only the first may go out.
    OneTask,
    /// Each of a task of its own: all may go out.
    ManyTasks,
}

/// The columns of a table but these, as a list for SQL.
fn others(database: &Connection, table: &str, but: &[&str]) -> String {
    let mut columns = database.prepare(&format!("PRAGMA table_info({table})")).expect("a table");
    let names = columns.query_map([], |row| row.get::<_, String>("name")).expect("columns");
    let names = names.map(|name| name.expect("a name"));
    names.filter(|name| !but.contains(&&**name)).collect::<Vec<_>>().join(", ")
}

/// Copies the last event and its delivery so many times, as the program itself would have left
/// them: the same task's wait behind it, another's have the turn of the first.
fn fill(home: &Path, n: usize, whose: Whose) {
    let database = Connection::open(home.join("btk.db")).expect("the file of a stopped server");
    let keep = ["seq", "id", "task_id", "version"];
    let event_columns = others(&database, "events", &keep);
    let delivery_columns = others(&database, "deliveries", &keep);
    // Of two events of one task the first has the turn and the second waits behind it.
    let (pattern, task) = match whose {
        Whose::OneTask => ("max", "task_id"),
        Whose::ManyTasks => ("min", "'task_' || n"),
    };
    database
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF;
             BEGIN;
             CREATE TEMP TABLE numbers AS
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {n})
                 SELECT n, (SELECT max(seq) FROM main.events) + n AS new_seq FROM n;
             CREATE TEMP TABLE event AS
                 SELECT * FROM main.events WHERE seq = (SELECT {pattern}(seq) FROM main.events);
             CREATE TEMP TABLE delivery AS
                 SELECT * FROM main.deliveries WHERE seq = (SELECT seq FROM event);
             INSERT INTO main.events (seq, id, task_id, version, {event_columns})
                 SELECT new_seq, 'evt_of_the_test_' || n, {task}, version + n, {event_columns}
                 FROM numbers, event;
             INSERT INTO main.deliveries (seq, task_id, {delivery_columns})
                 SELECT new_seq, {task}, {delivery_columns} FROM numbers, delivery;
             {};
             COMMIT;
             PRAGMA wal_checkpoint(TRUNCATE);",
            million::RECOUNT
        ))
        .expect("the schema is as this knows it");
    drop(database);
    million::sync(home);
}

/// A server that waits with `n` deliveries and the two of a first task; it is paused.
async fn waiting(receiver: &Receiver, n: usize, whose: Whose) -> (Server, Value) {
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.tell("default", "pause").await.expect(200);
    let task = server.create(&json!({"title": "first"})).await;
    server.change(&task, &json!({"title": "behind it"})).await;
    assert!(server.stop().await.success());
    fill(server.home(), n, whose);

    let began = Instant::now();
    server.restart().await;
    server.get("/readyz").await.expect(200);
    let ready = began.elapsed();
    println!("ready after {ready:?} with {n} waiting");
    assert!(cfg!(debug_assertions) || ready < READY, "{ready:?}");
    let shown = server.webhook("default").await;
    assert_eq!((&shown["status"], &shown["waiting"]), (&json!("paused"), &json!(n + 2)), "{shown}");
    (server, task)
}

/// New tasks one after the other, each waited for.
async fn all_arrive(server: &Server, receiver: &Receiver, n: usize) {
    for _ in 0..n {
        let task = server.create(&json!({"title": "new"})).await;
        receiver
            .wait_until("the new one", |hits| {
                hits.iter().rev().any(|hit| hit.task("id") == id(&task))
            })
            .await;
    }
}

/// Creates so many tasks from eight writers; returns how many a second.
async fn creates(server: &Server, n: usize) -> f64 {
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let client = server.client();
        writers.spawn(async move {
            for _ in 0..n / 8 {
                let body = json!({"title": "measured"});
                client.call("POST", "/api/tasks").json(&body).send().await.expect(201);
            }
        });
    }
    writers.join_all().await;
    f64::from(u32::try_from(n).expect("few")) / began.elapsed().as_secs_f64()
}

/// How long it takes to claim, send and record so many of what waits.
async fn sent(server: &Server, receiver: &Receiver, n: usize) -> Duration {
    // The first ones warm up the connections.
    let first = receiver.hits().len() + n;
    server.tell("default", "resume").await.expect(200);
    let hits = receiver.wait_for(first + n).await;
    server.tell("default", "pause").await.expect(200);
    hits[first + n - 1].at - hits[first].at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_waiting_events_of_one_task_slow_nobody() {
    let _loud = QUIET.write().await;
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "new" => Reply::ok(),
        // The task with the backlog is slow, so that it stays while the others are served.
        _ => Reply::ok().after(Duration::from_millis(50)),
    })
    .await;
    let (server, task) = waiting(&receiver, 100_000, Whose::OneTask).await;
    server.tell("default", "resume").await.expect(200);
    receiver.wait_for(5).await;
    all_arrive(&server, &receiver, 20).await;
    let list = server.get("/api/deliveries?limit=100").await.expect(200).json();
    assert_eq!(list.as_array().map(Vec::len), Some(100));
    let seen = versions(&receiver.of_task(id(&task)));
    println!("{} of the backlog went out meanwhile", seen.len());
    assert!(seen.len() < 10_000, "the new ones waited for {} of the backlog", seen.len());
    let expected: Vec<_> = (1..).take(seen.len()).collect();
    assert_eq!(seen, expected, "in order");
    let peak = server.memory("VmHWM") / 1024;
    println!("{peak} MiB at most");
    assert!(peak < MEMORY_MIB, "{peak} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_that_wait_for_their_turn_cost_neither_time_nor_memory() {
    let _loud = QUIET.write().await;
    let receiver = Receiver::ok().await;
    let (server, _) = waiting(&receiver, 100_000, Whose::ManyTasks).await;
    server.tell("default", "resume").await.expect(200);
    let hits = receiver.wait_for(500).await;
    // The oldest go first.
    let late = hits[..500].iter().filter(|hit| versions(&[(*hit).clone()])[0] > 2_000).count();
    assert_eq!(late, 0);
    server.tell("default", "pause").await.expect(200);
    let peak = server.memory("VmHWM") / 1024;
    println!("{peak} MiB at most");
    assert!(peak < MEMORY_MIB, "{peak} MiB");
}

/// Writes a second and the time of a claim must be within a fifth of those of an empty database, so
/// the program must be built for speed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; cargo test --release --test it -- --ignored --nocapture a_million_waiting"]
async fn a_million_waiting_deliveries_cost_neither_time_nor_memory() {
    const SAMPLES: usize = 5;
    // These are short, so there are more.
    const TURNS: usize = 11;
    let _loud = QUIET.write().await;
    let (receiver, other) = tokio::join!(Receiver::ok(), Receiver::ok());
    let (empty, _) = waiting(&other, 1, Whose::ManyTasks).await;
    let (full, _) = waiting(&receiver, 1_000_000, Whose::ManyTasks).await;
    let mut rates = [Vec::new(), Vec::new()];
    // Turn by turn, so that both see the same machine.
    for _ in 0..SAMPLES {
        for (server, rates) in [&empty, &full].into_iter().zip(&mut rates) {
            rates.push(creates(server, 4_000).await);
        }
    }
    let [alone, beside] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[SAMPLES / 2]
    });
    println!("{alone:.0} creates/s with nothing waiting, {beside:.0}/s with a million");
    assert!(beside >= alone * 0.8, "{beside:.0}/s instead of {alone:.0}/s");

    // Both have more than enough to claim in each turn.
    let mut spans = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for ((server, receiver), spans) in
            [(&empty, &other), (&full, &receiver)].into_iter().zip(&mut spans)
        {
            spans.push(sent(server, receiver, 700).await);
        }
    }
    println!("700 sent in {spans:?}");
    let [alone, beside] = spans.map(|mut spans| {
        spans.sort();
        spans[TURNS / 2]
    });
    println!("of these the median: {alone:?} and {beside:?}");
    assert!(beside <= alone.mul_f64(1.2), "{beside:?} instead of {alone:?}");
    let peak = full.memory("VmHWM") / 1024;
    println!("{peak} MiB at most");
    assert!(peak < MEMORY_MIB, "{peak} MiB");
}
