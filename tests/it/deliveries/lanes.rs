//! The order of arrival: within a task as committed, between tasks nobody waits.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::load::versions;
use crate::harness::{Receiver, Reply, Server, quiet::QUIET};

fn id(task: &Value) -> &str {
    task["id"].as_str().expect("an id")
}

fn path(task: &Value) -> String {
    format!("/api/tasks/{}", id(task))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_event_of_a_task_waits_for_the_earlier_and_others_do_not() {
    let receiver = Receiver::start(|hit| match (hit.task("title").starts_with("stuck"), hit.nth) {
        (true, 1 | 2) if hit.header("x-btk-task-version") == "1" => Reply::status(500),
        _ => Reply::ok(),
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let stuck = server.create(&json!({"title": "stuck"})).await;
    server.wait_for_log("[WEBHOOK] Attempt 1/3 failed: ").await;
    for n in 2..=5 {
        server.put(&path(&stuck), &json!({"title": format!("stuck {n}")})).await.expect(200);
    }
    let free = server.create(&json!({"title": "free"})).await;
    for n in 2..=5 {
        server.put(&path(&free), &json!({"title": format!("free {n}")})).await.expect(200);
    }
    server.settled(id(&free)).await;
    assert_eq!(versions(&receiver.of_task(id(&free))), [1, 2, 3, 4, 5]);
    assert_eq!(versions(&receiver.of_task(id(&stuck))), [1], "still waiting");
    let waiting = server.deliveries(&format!("taskId={}", id(&stuck))).await;
    let blocked = waiting.iter().filter(|delivery| delivery["blockedBy"].is_string()).count();
    assert_eq!(blocked, 4, "each says that it waits: {waiting:?}");

    server.settled(id(&stuck)).await;
    assert_eq!(versions(&receiver.of_task(id(&stuck))), [1, 1, 1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_event_of_a_task_goes_out_when_one_has_failed_for_good() {
    let receiver = Receiver::start(|hit| match hit.header("x-btk-task-version") {
        "2" => Reply::status(400),
        _ => Reply::ok(),
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "1"})).await;
    for n in 2..=4 {
        server.put(&path(&task), &json!({"title": n.to_string()})).await.expect(200);
    }
    let deliveries = server.settled(id(&task)).await;
    let states: Vec<_> = deliveries.iter().rev().map(|delivery| &delivery["status"]).collect();
    assert_eq!(states, ["delivered", "failed", "delivered", "delivered"]);
    assert_eq!(versions(&receiver.hits()), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_task_does_not_hold_up_a_hundred_others() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "slow" => Reply::ok().after(Duration::from_secs(8)),
        _ => Reply::ok(),
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let slow = server.create(&json!({"title": "slow"})).await;
    receiver.wait_for(1).await;
    for n in 0..100 {
        server.create(&json!({"title": format!("quick {n}")})).await;
    }
    receiver.wait_for(101).await;
    let pending = server.deliveries(&format!("taskId={}", id(&slow))).await.remove(0);
    assert_eq!(pending["status"], "sending", "a hundred passed it");
    let sending = server.deliveries("status=sending").await;
    assert!(sending.iter().any(|delivery| delivery["taskId"] == slow["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_at_a_time_for_a_task_and_many_tasks_at_once() {
    let pause = Duration::from_millis(200);
    let receiver = Receiver::start(move |_| Reply::ok().after(pause)).await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let mut calls = JoinSet::new();
    for n in 0..8 {
        let client = server.client();
        calls.spawn(async move {
            let body = json!({"title": format!("task {n}")});
            let task =
                client.call("POST", "/api/tasks").json(&body).send().await.expect(201).json();
            for change in 0..4 {
                let body = json!({"description": format!("change {change}")});
                client.call("PUT", &path(&task)).json(&body).send().await.expect(200);
            }
            id(&task).to_owned()
        });
    }
    let tasks = calls.join_all().await;
    let hits = receiver.wait_for(40).await;
    for task in tasks {
        let of_task = receiver.of_task(&task);
        assert_eq!(versions(&of_task), [1, 2, 3, 4, 5]);
        assert!(of_task.windows(2).all(|pair| pair[1].at - pair[0].at >= pause), "one at a time");
    }
    // Each is answered after the pause, so those within one pause are under way together.
    let together = hits.windows(3).filter(|three| three[2].at - three[0].at < pause).count();
    assert!(together > 0, "many at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_turned_round_by_a_receiver_that_fails_now_and_then() {
    // Three in ten first tries fail, each in its own way; what fails is decided by the id.
    let receiver = Receiver::start(|hit| {
        let dice =
            hit.header("webhook-id").bytes().fold(7_u32, |h, b| h.wrapping_mul(31) ^ u32::from(b));
        match (hit.nth, dice % 10) {
            (1, 0) => Reply::status(500),
            (1, 1) => Reply::status(429),
            (1, 2) => Reply::hang_up(),
            _ => Reply::ok(),
        }
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let loud = QUIET.write().await;
    let mut calls = JoinSet::new();
    for n in 0..40 {
        let client = server.client();
        calls.spawn(async move {
            let body = json!({"title": format!("task {n}")});
            let task =
                client.call("POST", "/api/tasks").json(&body).send().await.expect(201).json();
            for status in ["IN_PROGRESS", "DONE", "OPEN", "CANCELLED"] {
                let body = json!({"status": status});
                client.call("PUT", &path(&task)).json(&body).send().await.expect(200);
            }
            client.call("DELETE", &path(&task)).send().await.expect(200);
            id(&task).to_owned()
        });
    }
    let tasks = calls.join_all().await;
    drop(loud);
    for task in &tasks {
        server.settled(task).await;
    }
    let mut bodies = HashMap::new();
    for hit in receiver.hits() {
        let first = bodies.entry(hit.header("webhook-id").to_owned()).or_insert(hit.body.clone());
        assert_eq!(*first, hit.body, "a repeat carries the same bytes");
    }
    assert_eq!(bodies.len(), 240);
    for task in &tasks {
        let mut seen = versions(&receiver.of_task(task));
        assert!(seen.is_sorted(), "{seen:?}");
        seen.dedup();
        assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_between_attempts_outlives_a_restart() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::status(500),
        _ => Reply::ok(),
    })
    .await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] Retrying in 1000ms...").await;
    assert!(server.stop().await.success());
    server.restart().await;
    let hits = receiver.wait_for(2).await;
    assert_eq!(hits[1].header("x-btk-attempt"), "2");
    assert_eq!(hits[0].header("webhook-id"), hits[1].header("webhook-id"));
    assert_eq!(hits[0].body, hits[1].body);
    assert_eq!(server.settled(id(&task)).await[0]["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_of_one_task_each_event_is_later_than_the_one_before() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "shared"})).await;
    let mut calls = JoinSet::new();
    for writer in 0..16 {
        let (client, path) = (server.client(), path(&task));
        calls.spawn(async move {
            for n in 0..10 {
                let body = json!({"title": format!("writer {writer} change {n}")});
                client.call("PUT", &path).json(&body).send().await.expect(200);
            }
        });
    }
    calls.join_all().await;
    let hits = receiver.wait_for(161).await;
    assert_eq!(versions(&hits), (1..=161).collect::<Vec<_>>());
    // A receiver tells a late echo by this time, and so do we.
    let times: Vec<_> = hits.iter().map(|hit| hit.task("updatedAt")).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_to_another_url_of_the_next_start() {
    let (old, new) = tokio::join!(Receiver::start(|_| Reply::status(500)), Receiver::ok());
    let mut server = Server::start(&[("WEBHOOK_URL", &old.url())]).await;
    let task = server.create(&json!({"title": "1"})).await;
    server.put(&path(&task), &json!({"title": "2"})).await.expect(200);
    server.wait_for_log("[WEBHOOK] Retrying in 1000ms...").await;
    server.kill9();
    server.set("WEBHOOK_URL", &new.url());
    server.restart().await;
    server.settled(id(&task)).await;
    assert_eq!(versions(&new.hits()), [1, 2]);
    assert_eq!(new.hits()[0].header("webhook-id"), old.hits()[0].header("webhook-id"));
}
