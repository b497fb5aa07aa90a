//! `kill -9` at any moment: what was acknowledged is there, with its events, in order.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::json;

use crate::harness::witness::{Ledger, Load, busy_receiver};
use crate::harness::{Receiver, Reply, Server, quiet::QUIET};

const KILLS: usize = 20;
const WRITERS: usize = 12;
/// Acknowledged writes before each kill: as many as make sure that some are under way, whatever the machine.
const ROUND: u64 = 140;
/// A writer's pause after each write; it keeps the number of webhooks within bounds.
const PAUSE: Duration = Duration::from_millis(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_turn_no_order_round() {
    let _loud = QUIET.write().await;
    let receiver = Receiver::start(busy_receiver).await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let mut ledger = Ledger::default();
    for _ in 0..KILLS {
        let load = Load::begin(&server, WRITERS, PAUSE);
        load.reaches(ROUND).await;
        server.kill9();
        ledger.add(load.end().await);
        server.restart().await;
    }
    let repeats = ledger.check(&server, &receiver).await;
    println!("{} writes acknowledged before {KILLS} kills, {repeats} repeats", ledger.acknowledged);
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
