//! `kill -9` at any moment: what was acknowledged is there, with its events, in order.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Client, Hit, Receiver, Reply, Server, eventually, quiet::QUIET};

const KILLS: usize = 20;
const WRITERS: usize = 12;
/// Acknowledged writes before each kill: as many as make sure that some are under way, whatever the machine.
const ROUND: u64 = 140;
/// A writer's pause after each write; it keeps the number of webhooks within bounds.
const PAUSE: Duration = Duration::from_millis(15);

/// What a writer knows of one task when the server has gone.
#[derive(Debug, Default)]
struct Written {
    id: String,
    /// How many of its writes were acknowledged; the next one may have been done or not.
    acknowledged: u64,
    /// The task as the last acknowledged write left it; null once it was deleted.
    last: Value,
}

/// Creates tasks, changes each a few times, deletes every third; stops when the server is gone.
async fn write_until_killed(client: Client, writer: usize, all: Arc<AtomicU64>) -> Vec<Written> {
    let mut tasks: Vec<Written> = Vec::new();
    for n in 0.. {
        let body = json!({"title": format!("writer {writer} task {n}")});
        let call = client.call("POST", "/api/tasks").json(&body);
        let Ok(answer) = call.attempt().await else { return tasks };
        let task = answer.expect(201).json();
        let id = task["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/tasks/{id}");
        all.fetch_add(1, Ordering::Relaxed);
        tasks.push(Written { id, acknowledged: 1, last: task });
        let written = tasks.last_mut().expect("just pushed");
        for change in 0..4 {
            tokio::time::sleep(PAUSE).await;
            let status = ["IN_PROGRESS", "DONE"][change % 2];
            let body = json!({"description": format!("change {change}"), "status": status});
            let Ok(answer) = client.call("PUT", &path).json(&body).attempt().await else {
                return tasks;
            };
            written.last = answer.expect(200).json();
            written.acknowledged += 1;
            all.fetch_add(1, Ordering::Relaxed);
        }
        if n % 3 == 0 {
            let Ok(answer) = client.call("DELETE", &path).attempt().await else { return tasks };
            answer.expect(200);
            written.acknowledged += 1;
            written.last = Value::Null;
        }
    }
    tasks
}

/// Four in a hundred first tries fail; all take a moment, so that some are under way at a kill.
fn answer(hit: &Hit) -> Reply {
    let id = hit.header("webhook-id").bytes();
    let dice = id.fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte)) % 100;
    let status = if hit.nth == 1 && dice < 4 { 500 } else { 200 };
    Reply::status(status).after(Duration::from_millis(u64::from(dice % 10)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_turn_no_order_round() {
    let _loud = QUIET.write().await;
    let receiver = Receiver::start(answer).await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let mut written = Vec::new();
    for _ in 0..KILLS {
        let all = Arc::new(AtomicU64::new(0));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write_until_killed(server.client(), writer, Arc::clone(&all)));
        }
        eventually("enough is written", async || {
            (all.load(Ordering::Relaxed) >= ROUND).then_some(())
        })
        .await;
        server.kill9();
        written.extend(writers.join_all().await.into_iter().flatten());
        server.restart().await;
    }
    let acknowledged: u64 = written.iter().map(|task| task.acknowledged).sum();
    println!("{acknowledged} writes acknowledged before {KILLS} kills");

    for task in &written {
        stored(&server, task).await;
    }
    drained(&server).await;
    arrived(&receiver.hits(), &written);
}

/// The task is as the last acknowledged write left it, or one write further.
async fn stored(server: &Server, task: &Written) {
    let answer = server.get(&format!("/api/tasks/{}", task.id)).await;
    if answer.status == 404 {
        let may_be_gone = task.acknowledged == 5 || task.last.is_null();
        assert!(may_be_gone, "an acknowledged task is lost: {task:?}");
        return;
    }
    assert!(!task.last.is_null(), "an acknowledged deletion is lost: {task:?}");
    let version = answer.header("etag").trim_matches('"').parse::<u64>().expect("a version");
    let further = version.checked_sub(task.acknowledged);
    assert!(further.is_some_and(|n| n <= 1), "{task:?} is at version {version}");
    if further == Some(0) {
        assert_eq!(answer.json(), task.last);
    }
}

/// Waits until nothing waits, and nothing has failed.
async fn drained(server: &Server) {
    let end = Instant::now() + Duration::from_mins(1);
    for status in ["pending", "sending"] {
        while !server.deliveries(&format!("status={status}&limit=1")).await.is_empty() {
            assert!(Instant::now() < end, "still {status} after 60 s");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(server.deliveries("status=failed").await, Vec::<Value>::new());
}

/// Every acknowledged write has arrived as an event, in order, with repeats that are the same.
fn arrived(hits: &[Hit], written: &[Written]) {
    let mut bodies = HashMap::new();
    let mut versions = HashMap::<String, Vec<(u64, String)>>::new();
    for hit in hits {
        let id = hit.header("webhook-id").to_owned();
        let (body, _) = bodies.entry(id.clone()).or_insert((&hit.body, 0));
        assert_eq!(*body, &hit.body, "a repeat of {id} carries other bytes");
        let version = hit.header("x-btk-task-version").parse().expect("a number");
        versions.entry(hit.task("id")).or_default().push((version, id));
    }
    println!("{} requests for {} events arrived", hits.len(), bodies.len());
    for task in written {
        let mut seen = versions.remove(&task.id).unwrap_or_default();
        let shown = format!("{task:?} arrived as {seen:?}");
        assert!(seen.is_sorted_by_key(|(version, _)| *version), "turned round: {shown}");
        seen.dedup();
        let numbers: Vec<_> = seen.iter().map(|(version, _)| *version).collect();
        let expected: Vec<_> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "one id a version and none left out: {shown}");
        let further = (numbers.len() as u64).checked_sub(task.acknowledged);
        assert!(further.is_some_and(|n| n <= 1), "undelivered: {shown}");
    }
    // What is left was created by a write whose answer was lost in a kill.
    assert!(versions.len() <= KILLS * WRITERS);
    assert!(versions.values().all(|seen| seen.iter().all(|(version, _)| *version == 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_under_way_at_a_kill_is_unknown_and_made_again() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::ok().after(Duration::from_mins(1)),
        _ => Reply::ok(),
    })
    .await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    server.kill9();
    server.restart().await;
    let hits = receiver.wait_for(2).await;
    assert_eq!(hits[0].header("webhook-id"), hits[1].header("webhook-id"));
    assert_eq!(hits[0].body, hits[1].body);
    assert_eq!(hits[1].header("x-btk-attempt"), "2", "it counts in the number");
    let delivery = server.settled(task["id"].as_str().expect("an id")).await.remove(0);
    assert_eq!(delivery["status"], "delivered");
    let path = format!("/api/deliveries/{}", delivery["id"].as_str().expect("an id"));
    let attempts = server.get(&path).await.expect(200).json()["attempts"].clone();
    assert_eq!(attempts.as_array().map(Vec::len), Some(2));
    assert_eq!(attempts[0]["outcome"], "unknown", "{attempts}");
    assert_eq!(attempts[1]["status"], 200, "{attempts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_attempt_does_not_count_among_the_three() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::ok().after(Duration::from_mins(1)),
        _ => Reply::status(500),
    })
    .await;
    let mut server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    server.kill9();
    server.restart().await;
    let delivery = server.settled(task["id"].as_str().expect("an id")).await.remove(0);
    assert_eq!(delivery["status"], "failed");
    assert_eq!(receiver.hits().len(), 4, "one unknown and three that failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_database_is_told_who_holds_it() {
    let mut first = Server::start(&[]).await;
    let task = first.create(&json!({"title": "a"})).await;
    let refused = Server::refused_in(first.shared_home(), &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    let holder = first.pid().to_string();
    assert!(refused.err.contains(&holder), "{holder} is not in:\n{}", refused.err);
    assert_eq!(first.get("/api/tasks").await.expect(200).json(), json!([task]));
    // A holder that was killed holds nothing.
    first.kill9();
    first.restart().await;
    assert_eq!(first.get("/api/tasks").await.expect(200).json(), json!([task]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_database_are_for_their_owner_alone() {
    let server = Server::start(&[]).await;
    server.create(&json!({"title": "a"})).await;
    let mut files = 0;
    for entry in std::fs::read_dir(server.home()).expect("a directory") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?} is {mode:o}", entry.path());
        files += 1;
    }
    assert!(files >= 2, "the database and its log");
}
