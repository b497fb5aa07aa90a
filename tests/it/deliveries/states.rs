//! The states of a webhook, as they can be seen and as a person ends them: gone, misconfigured,
//! paused, without a URL, and health switched off.
//!
//! Down and up are in `recovery`, the ends of a single delivery in `ends`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::hooks::{id, text};
use crate::harness::load::versions;
use crate::harness::{Receiver, Reply, Server, eventually};

/// How long is watched that nothing comes; far above the time between two probes here.
const WATCH: Duration = Duration::from_millis(1_200);
const PROBES: [(&str, &str); 2] =
    [("WEBHOOK_PROBE_FIRST", "200ms"), ("WEBHOOK_PROBE_MAX", "300ms")];

/// From now on all is taken, the first after a while so that a second request would show.
fn slow_then_ok(receiver: &Receiver, slow: Duration) {
    let is_first = AtomicBool::new(true);
    receiver.answer(move |_| {
        Reply::ok().after(if is_first.swap(false, Ordering::Relaxed) {
            slow
        } else {
            Duration::ZERO
        })
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_gone_is_left_alone_until_somebody_resumes_it() {
    let slow = Duration::from_millis(300);
    let receiver = Receiver::start(|_| Reply::status(410).body("Webhook not found.")).await;
    let server = Server::open(&PROBES).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    let task = server.create(&json!({"title": "1"})).await;
    let gone = server.webhook_is(&hook, "gone").await;
    assert_eq!(gone["nextProbeAt"], Value::Null, "{gone}");
    for n in 2..=5 {
        server.change(&task, &json!({"title": n.to_string()})).await;
        server.create(&json!({"title": format!("other {n}")})).await;
    }
    let query = format!("webhookId={hook}");
    server.total_is(&format!("{query}&status=held"), 9).await;
    for delivery in server.deliveries(&query).await {
        assert_eq!(
            (&delivery["status"], &delivery["reason"]),
            (&json!("held"), &json!("webhook_gone"))
        );
        assert_eq!(delivery["nextAttemptAt"], Value::Null, "{delivery}");
        assert!(text(&delivery, "reasonText").len() > 10, "{delivery}");
    }
    tokio::time::sleep(WATCH).await;
    assert_eq!(receiver.hits().len(), 1, "no more requests");

    slow_then_ok(&receiver, slow);
    server.tell(&hook, "resume").await.expect(200);
    server.total_is(&format!("{query}&status=delivered"), 9).await;
    assert_eq!(server.webhook(&hook).await["status"], "up");
    let hits = receiver.hits();
    assert_eq!(hits.len(), 10);
    assert!(hits[2].at - hits[1].at >= slow, "one probe first");
    assert_eq!(versions(&receiver.of_task(id(&task))), [1, 1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_finds_it_gone_still_is_one_request() {
    let receiver = Receiver::start(|_| Reply::status(410)).await;
    let server = Server::open(&PROBES).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    for n in 0..5 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    server.webhook_is(&hook, "gone").await;
    server.total_is(&format!("webhookId={hook}&status=held"), 5).await;
    let before = receiver.hits().len();
    server.tell(&hook, "resume").await.expect(200);
    receiver.wait_for(before + 1).await;
    server.webhook_is(&hook, "gone").await;
    tokio::time::sleep(WATCH).await;
    assert_eq!(receiver.hits().len(), before + 1);
    server.total_is(&format!("webhookId={hook}&status=held"), 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_of_the_settings_is_tried_once_at_the_next_start() {
    let receiver = Receiver::start(|_| Reply::status(410)).await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "1"})).await;
    server.change(&task, &json!({"title": "2"})).await;
    server.webhook_is("default", "gone").await;
    assert!(server.stop().await.success());
    receiver.answer(|_| Reply::ok());
    server.restart().await;
    server.webhook_is("default", "up").await;
    server.total_is("webhookId=default&status=delivered", 2).await;
    assert_eq!(versions(&receiver.hits()), [1, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_events_in_a_row_that_are_not_let_in_speak_of_the_webhook() {
    for status in [401, 403, 404] {
        let receiver = Receiver::start(move |_| Reply::status(status)).await;
        let server = Server::open(&PROBES).await;
        let hook = server.hook_to(&receiver, &json!({})).await;
        let task = server.create(&json!({"title": "1"})).await;
        for n in 2..=5 {
            server.change(&task, &json!({"title": n.to_string()})).await;
        }
        let shown = server.webhook_is(&hook, "misconfigured").await;
        assert!(text(&shown, "reasonText").contains(&status.to_string()), "{shown}");
        assert_eq!(shown["nextProbeAt"], Value::Null, "{shown}");
        // The refused ones wait with the others again.
        server.total_is(&format!("webhookId={hook}&status=held"), 5).await;
        let held = server.deliveries(&format!("webhookId={hook}")).await;
        assert!(held.iter().all(|one| one["reason"] == "webhook_misconfigured"), "{held:?}");
        tokio::time::sleep(WATCH).await;
        assert_eq!(receiver.hits().len(), 3, "no more requests");

        receiver.answer(|_| Reply::ok());
        server.tell(&hook, "resume").await.expect(200);
        server.total_is(&format!("webhookId={hook}&status=delivered"), 5).await;
        assert_eq!(versions(&receiver.hits()[3..]), [1, 2, 3, 4, 5], "from the first refused on");
        server.webhook_is(&hook, "up").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_url_ends_what_the_old_one_was_wrong_with() {
    let (old, new) = tokio::join!(Receiver::start(|_| Reply::status(404)), Receiver::ok());
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&old, &json!({})).await;
    let task = server.create(&json!({"title": "1"})).await;
    for n in 2..=4 {
        server.change(&task, &json!({"title": n.to_string()})).await;
    }
    server.webhook_is(&hook, "misconfigured").await;
    let body = json!({"url": new.url()});
    server.call("PATCH", &format!("/api/webhooks/{hook}")).json(&body).send().await.expect(200);
    server.total_is(&format!("webhookId={hook}&status=delivered"), 4).await;
    server.webhook_is(&hook, "up").await;
    assert_eq!((versions(&old.hits()), versions(&new.hits())), (vec![1, 2, 3], vec![1, 2, 3, 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_is_not_let_in_is_its_own_fault() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "bad" => Reply::status(403),
        _ => Reply::ok(),
    })
    .await;
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    for _ in 0..4 {
        for title in ["bad", "good"] {
            let task = server.create(&json!({"title": title})).await;
            server.settled(id(&task)).await;
        }
    }
    assert_eq!(server.webhook(&hook).await["status"], "up");
    let failed = server.deliveries(&format!("webhookId={hook}&status=failed")).await;
    assert_eq!(failed.len(), 4);
    assert!(failed.iter().all(|delivery| delivery["reason"] == "rejected"), "{failed:?}");
    // The same event three times is one event.
    for attempts in 2..=4 {
        server.with_delivery(&failed[0], "redeliver").await.expect(202);
        let path = format!("/api/deliveries/{}", id(&failed[0]));
        eventually("it failed again", async || {
            let shown = server.get(&path).await.expect(200).json();
            (shown["status"] == "failed" && shown["attemptCount"] == attempts).then_some(())
        })
        .await;
    }
    assert_eq!(server.webhook(&hook).await["status"], "up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_everything_over_a_restart_until_it_is_ended() {
    let receiver = Receiver::ok().await;
    let beside = Receiver::ok().await;
    let mut server = Server::open(&[("WEBHOOK_URL", &beside.url())]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    let paused = server.tell(&hook, "pause").await.expect(200).json();
    assert_eq!((&paused["id"], &paused["status"]), (&json!(hook), &json!("paused")));
    assert_eq!(server.tell(&hook, "pause").await.expect(200).json()["status"], "paused");
    let task = server.create(&json!({"title": "1"})).await;
    for n in 2..=4 {
        server.change(&task, &json!({"title": n.to_string()})).await;
    }
    let query = format!("webhookId={hook}");
    server.total_is(&format!("{query}&status=held"), 4).await;
    assert_eq!(server.total(&format!("{query}&status=pending")).await, 0, "shown as held");
    let shown = server.deliveries(&query).await;
    assert!(shown.iter().all(|delivery| delivery["reason"] == "webhook_paused"), "{shown:?}");
    server.kill9();
    server.restart().await;
    let shown = server.webhook_is(&hook, "paused").await;
    assert_eq!(shown["waiting"], 4);
    // The other one is not asked to wait, and is the clock here.
    beside.wait_for(4).await;
    server.change(&task, &json!({"title": "5"})).await;
    server.total_is("webhookId=default&status=delivered", 5).await;
    assert!(receiver.hits().is_empty(), "{:?}", receiver.hits());

    let shown = server.tell(&hook, "resume").await.expect(200).json();
    assert_eq!(shown["status"], "up");
    server.total_is(&format!("{query}&status=delivered"), 5).await;
    assert_eq!(versions(&receiver.hits()), [1, 2, 3, 4, 5]);
    server.tell("wh_unknown", "pause").await.expect_error(404);
    server.tell("wh_unknown", "resume").await.expect_error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_url_what_waits_is_held_until_there_is_one_again() {
    let receiver = Receiver::ok().await;
    receiver.down();
    let url = receiver.url();
    let mut server = Server::start(&[PROBES[0], PROBES[1], ("WEBHOOK_URL", &url)]).await;
    let task = server.create(&json!({"title": "1"})).await;
    server.wait_for_log("[WEBHOOK] Attempt 1/3 failed: ").await;
    server.stop().await;
    receiver.up();
    server.set("WEBHOOK_URL", "");
    server.restart().await;
    server.delivery_is(&format!("taskId={}", id(&task)), "held", "no_url").await;
    server.change(&task, &json!({"title": "2"})).await;
    assert_eq!(server.total(&format!("taskId={}", id(&task))).await, 1, "no delivery without one");
    server.stop().await;
    assert!(receiver.hits().is_empty());
    server.set("WEBHOOK_URL", &url);
    server.restart().await;
    server.total_is(&format!("taskId={}&status=delivered", id(&task)), 1).await;
    assert_eq!(versions(&receiver.hits()), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_recovery_off_three_attempts_or_one_refusal_are_the_end() {
    let receiver =
        Receiver::start(|hit| Reply::status(hit.task("title").parse().expect("a status"))).await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_RECOVERY", "off")]).await;
    let lost = server.create(&json!({"title": "500"})).await;
    server.change(&lost, &json!({"title": "200"})).await;
    let mut refused = Vec::new();
    for status in [410, 401, 403, 404, 410, 400] {
        refused.push(server.create(&json!({"title": status.to_string()})).await);
    }
    for task in &refused {
        let found = server.settled(id(task)).await.remove(0);
        assert_eq!((&found["status"], &found["reason"]), (&json!("failed"), &json!("rejected")));
        assert_eq!(found["attemptCount"], 1);
    }
    let found = server.settled(id(&lost)).await;
    assert_eq!(found[0]["status"], "delivered", "the next of its task goes out: {found:?}");
    assert_eq!(
        (&found[1]["status"], &found[1]["reason"]),
        (&json!("failed"), &json!("attempts_used"))
    );
    assert_eq!(found[1]["attemptCount"], 3);
    assert_eq!(server.webhook("default").await["status"], "up");
    // Only a pause holds.
    server.tell("default", "pause").await.expect(200);
    let task = server.create(&json!({"title": "200"})).await;
    let query = format!("taskId={}", id(&task));
    server.delivery_is(&query, "held", "webhook_paused").await;
    server.tell("default", "resume").await.expect(200);
    server.total_is(&format!("{query}&status=delivered"), 1).await;
}
