//! What is kept and for how long: the delivered and the failed for their spans, what waits for ever,
//! nothing of a deleted webhook; and the file on disk stays as large as its use.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::hooks::{id, text, within};
use crate::harness::{Receiver, Reply, Server, eventually};

async fn is_known(server: &Server, event: &str) -> bool {
    let answer = server.get(&format!("/api/events/{event}")).await;
    assert!([200, 404].contains(&answer.status), "{}", answer.text());
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delivered_and_the_failed_go_after_their_spans_and_what_waits_stays() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "bad" => Reply::status(400),
        _ => Reply::ok(),
    })
    .await;
    let url = receiver.url();
    let mut server = Server::open(&[
        ("WEBHOOK_URL", &url),
        ("RETENTION_DELIVERED", "1s"),
        ("RETENTION_FAILED", "1h"),
    ])
    .await;
    let kept = Receiver::ok().await;
    let hook = server.hook_to(&kept, &json!({"filter": {"type": "KEPT"}})).await;
    server.tell(&hook, "pause").await.expect(200);
    let good = server.create(&json!({"title": "good"})).await;
    let bad = server.create(&json!({"title": "bad"})).await;
    let held = server.create(&json!({"title": "held", "type": "KEPT"})).await;
    server.change(&held, &json!({"title": "held too"})).await;
    let mut events = Vec::new();
    for task in [&good, &bad, &held] {
        let hits = receiver
            .wait_until("its request", |hits| hits.iter().any(|h| h.task("id") == id(task)))
            .await;
        let hit = hits.iter().find(|hit| hit.task("id") == id(task)).expect("just seen");
        events.push(hit.header("webhook-id").to_owned());
    }
    server.total_is("status=delivered", 0).await;
    eventually("the event of the delivered one is gone", async || {
        (!is_known(&server, &events[0]).await).then_some(())
    })
    .await;
    // Those that stay: the failed one, and what is held, with their events.
    assert_eq!(server.total("status=failed").await, 1);
    assert_eq!(server.total(&format!("webhookId={hook}&status=held")).await, 2);
    assert!(is_known(&server, &events[1]).await && is_known(&server, &events[2]).await);
    let failed = server.deliveries("status=failed").await.remove(0);
    let path = format!("/api/deliveries/{}", id(&failed));
    let attempts = server.get(&path).await.expect(200).json()["attempts"].clone();
    assert_eq!(attempts.as_array().map(Vec::len), Some(1), "with their attempts");
    // The tasks are nobody's leftovers.
    for task in [&good, &bad, &held] {
        server.get(&format!("/api/tasks/{}", id(task))).await.expect(200);
    }

    server.stop().await;
    server.set("RETENTION_FAILED", "1s");
    server.restart().await;
    server.total_is("status=failed", 0).await;
    server.get(&path).await.expect_error(404);
    eventually("the event of the failed one is gone", async || {
        (!is_known(&server, &events[1]).await).then_some(())
    })
    .await;
    assert_eq!(server.total(&format!("webhookId={hook}&status=held")).await, 2, "as old as those");
    assert!(is_known(&server, &events[2]).await);

    server.tell(&hook, "resume").await.expect(200);
    let hits = kept.wait_for(2).await;
    assert_eq!([hits[0].task("title"), hits[1].task("title")], ["held", "held too"]);
    eventually("nothing is left", async || {
        (server.total("").await == 0 && !is_known(&server, &events[2]).await).then_some(())
    })
    .await;
    // The count of a task's versions goes on though its events are gone.
    server.change(&good, &json!({"title": "good again"})).await;
    let hits = receiver
        .wait_until("the change", |hits| hits.iter().any(|h| h.task("title") == "good again"))
        .await;
    assert_eq!(hits.last().expect("just seen").header("x-btk-task-version"), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_webhook_sends_nothing_more_and_its_deliveries_are_cancelled() {
    let receiver = Receiver::ok().await;
    let beside = Receiver::ok().await;
    let server = Server::open(&[("WEBHOOK_URL", &beside.url())]).await;
    let hook = server.hook_to(&receiver, &json!({"ratePerSecond": 10})).await;
    for n in 0..60 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    receiver.wait_for(5).await;
    server.delete(&format!("/api/webhooks/{hook}")).await.expect(204);
    let sent = receiver.hits().len();
    let query = format!("webhookId={hook}");
    within(Duration::from_secs(20), "all ended", async || {
        let ended = server.total(&format!("{query}&status=cancelled")).await
            + server.total(&format!("{query}&status=delivered")).await;
        (ended == 60).then_some(())
    })
    .await;
    let cancelled = server.deliveries(&format!("{query}&status=cancelled")).await;
    assert!(cancelled.len() >= 30, "{} cancelled", cancelled.len());
    for delivery in &cancelled {
        assert_eq!(delivery["reason"], "webhook_deleted", "{delivery}");
        assert!(text(delivery, "reasonText").len() > 10 && delivery["finishedAt"].is_string());
        assert_eq!(
            (&delivery["blockedBy"], &delivery["nextAttemptAt"]),
            (&Value::Null, &Value::Null)
        );
    }
    // Nobody can send them any more, and new events make none.
    let answer = server.with_delivery(&cancelled[0], "redeliver").await;
    answer.expect_error_of(&[404, 409]);
    let task = server.create(&json!({"title": "later"})).await;
    server.total_is(&format!("webhookId=default&taskId={}&status=delivered", id(&task)), 1).await;
    assert_eq!(server.total(&format!("{query}&taskId={}", id(&task))).await, 0);
    server.total_is("webhookId=default&status=delivered", 61).await;
    // What was on its way when the deletion was answered may still arrive: at this pace one or two.
    let after = receiver.hits().len() - sent;
    assert!(after <= 2, "{after} requests after the deletion");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_a_deleted_webhook_end_after_a_kill_too() {
    let receiver = Receiver::ok().await;
    let mut server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    server.tell(&hook, "pause").await.expect(200);
    let task = server.create(&json!({"title": "0"})).await;
    for n in 1..200 {
        server.change(&task, &json!({"title": n.to_string()})).await;
    }
    server.delete(&format!("/api/webhooks/{hook}")).await.expect(204);
    server.kill9();
    server.restart().await;
    server.total_is(&format!("webhookId={hook}&status=cancelled"), 200).await;
    assert!(receiver.hits().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_does_not_grow_past_its_use() {
    const ROUNDS: u64 = 6;
    let receiver = Receiver::ok().await;
    let url = receiver.url();
    let mut server = Server::start(&[
        ("WEBHOOK_URL", &url),
        ("RETENTION_DELIVERED", "500ms"),
        ("RETENTION_FAILED", "500ms"),
    ])
    .await;
    let mut tasks = Vec::new();
    for n in 0..10 {
        tasks.push(server.create(&json!({"title": n.to_string()})).await);
    }
    let size = |server: &Server| {
        std::fs::metadata(server.home().join("btk.db")).expect("the database").len()
    };
    let mut sizes = Vec::new();
    for round in 0..ROUNDS {
        // About 4 MB of events.
        for n in 0..100 {
            let letter = ["a", "b", "c"][n % 3];
            let words = format!("{round} {}", letter.repeat(40_000));
            server.change(&tasks[n % 10], &json!({"description": words})).await;
        }
        within(Duration::from_secs(30), "all delivered and gone", async || {
            (server.total("").await == 0).then_some(())
        })
        .await;
        let last = receiver.hits().last().expect("a hundred").header("webhook-id").to_owned();
        eventually("the events are gone", async || (!is_known(&server, &last).await).then_some(()))
            .await;
        // A stop writes everything into the file, so that it shows its size.
        assert!(server.stop().await.success());
        sizes.push(size(&server));
        server.restart().await;
    }
    println!("sizes: {sizes:?}");
    // A stop may come before all room was given back, so sizes differ by what a round writes. If none were used
    // again, the last would be six rounds, 24 MB.
    assert!(sizes.iter().all(|size| *size < 12 << 20), "it grows: {sizes:?}");
}
