//! The ends of a single delivery, and what it may wait for: expired, rejected, cancelled, under way,
//! or a receiver that asked for quiet.
//!
//! One event that is refused alone is in `bulkheads`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::hooks::{id, text};
use crate::harness::load::versions;
use crate::harness::{Receiver, Reply, Server, eventually};

const PROBES: [(&str, &str); 2] =
    [("WEBHOOK_PROBE_FIRST", "200ms"), ("WEBHOOK_PROBE_MAX", "300ms")];

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_too_long_expires_while_the_webhook_is_down_but_never_in_a_pause() {
    let (down, paused) = tokio::join!(Receiver::ok(), Receiver::ok());
    down.down();
    let server = Server::open(&[PROBES[0], PROBES[1], ("WEBHOOK_MAX_AGE", "2s")]).await;
    let hook = server.hook_to(&down, &json!({"maxAttempts": 1})).await;
    let other = server.hook_to(&paused, &json!({})).await;
    server.tell(&other, "pause").await.expect(200);
    let task = server.create(&json!({"title": "1"})).await;
    server.change(&task, &json!({"title": "2"})).await;
    server.webhook_is(&hook, "down").await;
    let query = format!("webhookId={hook}");
    server.total_is(&format!("{query}&status=failed"), 2).await;
    for delivery in server.deliveries(&query).await {
        assert_eq!(delivery["reason"], "expired", "{delivery}");
        assert!(text(&delivery, "reasonText").len() > 10 && delivery["finishedAt"].is_string());
    }
    // The same events of the same age, in a pause.
    server.total_is(&format!("webhookId={other}&status=held"), 2).await;
    server.tell(&other, "resume").await.expect(200);
    server.total_is(&format!("webhookId={other}&status=delivered"), 2).await;

    // Up again: a redelivered one goes out, as old as it is.
    down.up();
    let probe = server.create(&json!({"title": "3"})).await;
    server.total_is(&format!("{query}&taskId={}&status=delivered", id(&probe)), 1).await;
    server.webhook_is(&hook, "up").await;
    for delivery in server.deliveries(&format!("{query}&status=failed")).await {
        server.with_delivery(&delivery, "redeliver").await.expect(202);
    }
    server.total_is(&format!("{query}&status=delivered"), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_event_holds_its_task_where_that_is_asked_for() {
    for end in ["redeliver", "cancel"] {
        let receiver = Receiver::start(|hit| match &*hit.task("title") {
            "bad" => Reply::status(422).body("no such project"),
            _ => Reply::ok(),
        })
        .await;
        let url = receiver.url();
        let server = Server::open(&[("WEBHOOK_URL", &url), ("WEBHOOK_ON_REJECT", "hold")]).await;
        let skipping = Receiver::start(|_| Reply::status(422)).await;
        let skip = server.hook_to(&skipping, &json!({"onReject": "skip"})).await;
        let bad = server.create(&json!({"title": "bad"})).await;
        server.change(&bad, &json!({"title": "2"})).await;
        let good = server.create(&json!({"title": "good"})).await;
        let query = format!("webhookId=default&taskId={}", id(&bad));
        server
            .total_is(&format!("webhookId=default&taskId={}&status=delivered", id(&good)), 1)
            .await;
        server.total_is(&format!("webhookId={skip}&status=failed"), 3).await;
        let found = eventually("the rejected one is held", async || {
            let found = server.deliveries(&query).await;
            (found[1]["reason"] == "rejected").then_some(found)
        })
        .await;
        assert_eq!(found[1]["status"], "held", "{found:?}");
        assert!(text(&found[1], "reasonText").contains("422"), "{found:?}");
        assert_eq!(found[1]["nextAttemptAt"], Value::Null, "not by itself: {found:?}");
        assert_eq!(found[0]["blockedBy"], found[1]["id"], "its task waits: {found:?}");
        assert_eq!(server.webhook("default").await["status"], "up");

        receiver.answer(|_| Reply::ok());
        let answer = server.with_delivery(&found[1], end).await;
        let (status, expected) =
            if end == "cancel" { (200, vec![1, 2]) } else { (202, vec![1, 1, 2]) };
        let answer = answer.expect(status).json();
        receiver
            .wait_until("the next of the task", |hits| {
                hits.iter().any(|hit| hit.task("title") == "2")
            })
            .await;
        assert_eq!(versions(&receiver.of_task(id(&bad))), expected, "{end}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_delivery_is_never_sent_and_lets_the_next_pass() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.tell("default", "pause").await.expect(200);
    let task = server.create(&json!({"title": "1"})).await;
    for n in 2..=4 {
        server.change(&task, &json!({"title": n.to_string()})).await;
    }
    let query = format!("taskId={}", id(&task));
    let found = server.deliveries(&query).await;
    // The one whose turn it is, and one that waits behind another.
    for n in [3, 1] {
        let cancelled = server.with_delivery(&found[n], "cancel").await.expect(200).json();
        assert_eq!(cancelled["id"], found[n]["id"]);
        assert_eq!(
            (&cancelled["status"], &cancelled["reason"]),
            (&json!("cancelled"), &json!("by_person"))
        );
        assert!(cancelled["finishedAt"].is_string() && cancelled["reasonText"].is_string());
        server.with_delivery(&found[n], "cancel").await.expect_error(409);
    }
    server.tell("default", "resume").await.expect(200);
    server.total_is(&format!("{query}&status=delivered"), 2).await;
    assert_eq!(versions(&receiver.hits()), [2, 4]);
    assert_eq!(server.total(&format!("{query}&status=cancelled")).await, 2);
    let delivered = server.deliveries(&format!("{query}&status=delivered&limit=1")).await.remove(0);
    server.with_delivery(&delivered, "cancel").await.expect_error(409);
    server.with_delivery(&json!({"id": "dlv_999_default"}), "cancel").await.expect_error(404);

    // A person may think again.
    server.with_delivery(&found[3], "redeliver").await.expect(202);
    assert_eq!(versions(&receiver.wait_for(3).await), [2, 4, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_neither_cancelled_nor_sent_twice() {
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_secs(2))).await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "1"})).await;
    receiver.wait_for(1).await;
    let query = format!("taskId={}", id(&task));
    let sending = server.deliveries(&query).await.remove(0);
    assert_eq!(sending["status"], "sending");
    server.with_delivery(&sending, "cancel").await.expect_error(409);
    server.with_delivery(&sending, "redeliver").await.expect_error(409);
    server.total_is(&format!("{query}&status=delivered"), 1).await;
    assert_eq!(receiver.hits().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_receiver_asked_for_is_shown_and_outlives_a_kill() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 if hit.task("title") == "first" => Reply::status(429).header("retry-after", "3"),
        _ => Reply::ok(),
    })
    .await;
    let mut server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    server.create(&json!({"title": "first"})).await;
    let shown = eventually("it says until when it waits", async || {
        let shown = server.webhook(&hook).await;
        shown["waitUntil"].is_string().then_some(shown)
    })
    .await;
    assert_eq!(shown["status"], "up", "busy is not broken: {shown}");
    server.kill9();
    server.restart().await;
    for n in 0..3 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    let hits = receiver.wait_for(5).await;
    let quiet = hits[1].at - hits[0].at;
    assert!(quiet >= Duration::from_millis(2_800), "{quiet:?}");
    eventually("the wait is over", async || {
        server.webhook(&hook).await["waitUntil"].is_null().then_some(())
    })
    .await;
}
