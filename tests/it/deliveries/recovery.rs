//! After an outage, and by hand: what waited or was never sent arrives, once the receiver is there,
//! in order and at pace, whatever happened to the server meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::hooks::{LONG_AGO, id, text};
use crate::harness::load::{all_in_order, flood, most_within, versions};
use crate::harness::{Hit, Receiver, Reply, Server, eventually, quiet::QUIET};

/// Probes often enough for a test.
const PROBES: [(&str, &str); 2] =
    [("WEBHOOK_PROBE_FIRST", "300ms"), ("WEBHOOK_PROBE_MAX", "600ms")];

fn titles(hits: &[Hit]) -> Vec<String> {
    hits.iter().map(|hit| hit.task("title")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_and_a_kill_all_arrives_in_order_after_one_probe_and_at_pace() {
    const RATE: usize = 400;
    let _loud = QUIET.write().await;
    let slow = Duration::from_millis(400);
    let is_first = AtomicBool::new(true);
    // The first answer takes its time, so that a second request would show.
    let receiver = Receiver::start(move |_| {
        Reply::ok().after(if is_first.swap(false, Ordering::Relaxed) {
            slow
        } else {
            Duration::ZERO
        })
    })
    .await;
    receiver.down();
    let mut server = Server::open(&PROBES).await;
    let more = json!({"ratePerSecond": RATE, "maxAttempts": 1});
    let hook = server.hook_to(&receiver, &more).await;
    let mut tasks = flood(&server, 100, 9).await;
    server.webhook_is(&hook, "down").await;
    server.kill9();
    server.restart().await;
    assert_eq!(server.webhook(&hook).await["status"], "down", "known after a restart too");
    tasks.extend(flood(&server, 100, 9).await);
    let waiting = server.webhook_is(&hook, "down").await;
    assert_eq!(waiting["waiting"], 2_000, "{waiting}");
    assert!(waiting["nextProbeAt"].is_string(), "{waiting}");
    let held = server.deliveries(&format!("webhookId={hook}&status=held&limit=1000")).await;
    assert_eq!(held.len(), 1_000);
    assert!(held.iter().all(|delivery| delivery["reason"] == "webhook_down"), "{:?}", held[0]);
    assert_eq!(server.total(&format!("webhookId={hook}&status=held")).await, 2_000);
    assert_eq!(server.total(&format!("webhookId={hook}&status=failed")).await, 0);

    receiver.up();
    server.total_is(&format!("webhookId={hook}&status=delivered"), 2_000).await;
    server.webhook_is(&hook, "up").await;
    server.wait_for_log(", probe)").await;
    let hits = receiver.hits();
    assert_eq!(hits.len(), 2_000, "each once");
    assert_eq!(all_in_order(&hits, &tasks, 10), 0);
    let alone = hits[1].at - hits[0].at;
    assert!(alone >= slow, "the second came {alone:?} after the probe, before its answer");
    let times: Vec<_> = hits[1..].iter().map(|hit| hit.at).collect();
    let most = most_within(Duration::from_secs(1), times.clone());
    // A second's worth may have gathered before; a tenth is for the clock of the test.
    assert!(most <= RATE * 22 / 10, "{most} in a second");
    let all = times[times.len() - 1] - times[0];
    println!("2,000 events in {all:?}, at most {most} a second");
    assert!(all >= Duration::from_millis(3_500), "faster than the pace: {all:?}");
    assert!(all <= Duration::from_secs(15), "far slower than the pace: {all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_come_alone_one_after_the_other_and_further_and_further_apart() {
    let _quiet = QUIET.read().await;
    let receiver = Receiver::start(|_| Reply::status(500)).await;
    let server = Server::open(&[("WEBHOOK_PROBE_FIRST", "1s"), ("WEBHOOK_PROBE_MAX", "2s")]).await;
    let hook = server.hook_to(&receiver, &json!({"maxAttempts": 1})).await;
    let first = server.create(&json!({"title": "first"})).await;
    server.webhook_is(&hook, "down").await;
    for n in 0..3 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    let hits = receiver.wait_for(5).await;
    let gaps: Vec<_> =
        hits.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    for (gap, promised) in gaps.iter().zip([1.0, 2.0, 2.0, 2.0]) {
        // A tenth of jitter, and time for a machine with other work.
        assert!((promised * 0.88..promised * 1.12 + 3.0).contains(gap), "{gaps:?}");
    }
    // The one with the fewest attempts, the oldest among equals: no event keeps a webhook down.
    let mut order = titles(&hits);
    order.truncate(4);
    assert_eq!(order, ["first", "0", "1", "2"]);
    let query = format!("taskId={}", id(&first));
    let held = server.delivery_is(&query, "held", "webhook_down").await;
    assert_eq!(held["attemptCount"], 2, "the fifth request was its second: {held}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_webhook_gets_the_events_from_before_it_when_it_asks() {
    let server = Server::open(&[]).await;
    let task = server.create(&json!({"title": "1"})).await;
    server.change(&task, &json!({"title": "2"})).await;
    server.change(&task, &json!({"title": "3"})).await;
    let receiver = Receiver::ok().await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    assert_eq!(server.total(&format!("webhookId={hook}")).await, 0, "not by itself");

    let dry = json!({"since": LONG_AGO, "dryRun": true});
    let answer = server.recover(&hook, &dry).await.expect(200).json();
    assert_eq!(answer["wouldSend"], 3, "{answer}");
    let only = json!({"since": LONG_AGO, "dryRun": true, "states": ["failed"]});
    assert_eq!(server.recover(&hook, &only).await.expect(200).json()["wouldSend"], 0);
    assert_eq!(server.webhook(&hook).await["recovery"], Value::Null, "a dry run leaves nothing");
    assert_eq!(server.total(&format!("webhookId={hook}")).await, 0);

    server.recover(&hook, &json!({"since": LONG_AGO})).await.expect(202);
    server.total_is(&format!("webhookId={hook}&status=delivered"), 3).await;
    server.change(&task, &json!({"title": "4"})).await;
    let hits = receiver.wait_for(4).await;
    assert_eq!(titles(&hits), ["1", "2", "3", "4"]);
    assert_eq!(versions(&hits), [1, 2, 3, 4]);
    eventually("the recovery has ended", async || {
        server.webhook(&hook).await["recovery"].is_null().then_some(())
    })
    .await;
    // It has them now: there is nothing more to recover.
    let again = server.recover(&hook, &dry).await.expect(200).json();
    assert_eq!(again["wouldSend"], 0, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_keeps_away_is_not_recovered_either() {
    let server = Server::open(&[]).await;
    server.create(&json!({"title": "tech", "type": "TECH"})).await;
    server.create(&json!({"title": "writing", "type": "WRITING"})).await;
    let receiver = Receiver::ok().await;
    let hook = server.hook_to(&receiver, &json!({"filter": {"type": "TECH"}})).await;
    server.recover(&hook, &json!({"since": LONG_AGO})).await.expect(202);
    server.total_is(&format!("webhookId={hook}&status=delivered"), 1).await;
    server.create(&json!({"title": "last", "type": "TECH"})).await;
    assert_eq!(titles(&receiver.wait_for(2).await), ["tech", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_takes_the_states_that_it_is_told() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "bad" => Reply::status(400),
        _ => Reply::ok(),
    })
    .await;
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    let query = |status: &str| format!("webhookId={hook}&status={status}");
    server.create(&json!({"title": "good"})).await;
    server.create(&json!({"title": "bad"})).await;
    server.total_is(&query("delivered"), 1).await;
    server.total_is(&query("failed"), 1).await;
    server.tell(&hook, "pause").await.expect(200);
    server.create(&json!({"title": "dropped"})).await;
    let held = server.deliveries(&query("held")).await.remove(0);
    server.with_delivery(&held, "cancel").await.expect(200);
    server.tell(&hook, "resume").await.expect(200);
    let first: Vec<Hit> = receiver.wait_for(2).await;

    receiver.answer(|_| Reply::ok());
    for (states, title, total) in
        [("failed", "bad", 3), ("cancelled", "dropped", 4), ("delivered", "", 7)]
    {
        let body = json!({"since": LONG_AGO, "states": [states]});
        eventually("the recovery before this has ended", async || {
            let answer = server.recover(&hook, &body).await;
            (answer.status == 202).then_some(())
        })
        .await;
        let hits = receiver.wait_for(total).await;
        if title.is_empty() {
            let mut again = titles(&hits[4..]);
            again.sort();
            assert_eq!(again, ["bad", "dropped", "good"], "those that had been delivered");
        } else {
            assert_eq!(hits[total - 1].task("title"), title, "{states}");
            // What is still under way would be left alone by the next.
            server.total_is(&query("delivered"), total - 1).await;
        }
    }
    server.total_is(&query("delivered"), 3).await;
    // The same id and bytes, and the number of the attempt goes on.
    for old in &first {
        let hits = receiver.of_task(&old.task("id"));
        let new = hits.last().expect("three requests");
        assert_eq!(new.header("webhook-id"), old.header("webhook-id"));
        assert_eq!(new.body, old.body);
        assert_eq!(new.header("x-btk-attempt"), hits.len().to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_takes_only_what_was_committed_within_its_span() {
    let server = Server::open(&[]).await;
    let mut times = Vec::new();
    for n in 0..3 {
        // So far apart that a time between two can be written in milliseconds.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let task = server.create(&json!({"title": n.to_string()})).await;
        times.push(text(&task, "createdAt").parse::<jiff::Timestamp>().expect("RFC 3339"));
    }
    let receiver = Receiver::ok().await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    let middle = times[1].as_millisecond();
    let near = |ms: i64| {
        jiff::Timestamp::from_millisecond(middle + ms).expect("a time of today").to_string()
    };
    let span = json!({"since": near(-10), "until": near(10)});
    server.recover(&hook, &span).await.expect(202);
    server.total_is(&format!("webhookId={hook}&status=delivered"), 1).await;
    assert_eq!(titles(&receiver.wait_for(1).await), ["1"]);

    for (body, field) in [
        (json!({}), "since"),
        (json!({"since": "yesterday"}), "since"),
        (json!({"since": LONG_AGO, "until": "soon"}), "until"),
        (json!({"since": LONG_AGO, "states": ["pending"]}), "states"),
        (json!({"since": LONG_AGO, "states": []}), "states"),
        (json!({"since": LONG_AGO, "colour": 1}), "colour"),
    ] {
        server.recover(&hook, &body).await.expect_fault(400, field);
    }
    let backwards = json!({"since": near(0), "until": near(-1_000)});
    server.recover(&hook, &backwards).await.expect_fault(409, "until");
    server.recover("wh_unknown", &span).await.expect_error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_goes_on_after_a_kill_and_keeps_each_task_in_order() {
    let loud = QUIET.write().await;
    let mut server = Server::open(&[]).await;
    let tasks = flood(&server, 100, 29).await;
    drop(loud);
    let receiver = Receiver::ok().await;
    let hook = server.hook_to(&receiver, &json!({"ratePerSecond": 1_000})).await;
    let began = server.recover(&hook, &json!({"since": LONG_AGO})).await.expect(202).json();
    assert!(began["queued"].is_u64(), "{began}");
    receiver.wait_for(500).await;
    server.kill9();
    server.restart().await;
    server.total_is(&format!("webhookId={hook}&status=delivered"), 3_000).await;
    // What was under way at the kill is sent again.
    let repeats = all_in_order(&receiver.hits(), &tasks, 30);
    assert!(repeats <= 64, "{repeats} repeats");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_recovery_at_a_time_and_it_can_be_ended() {
    let loud = QUIET.write().await;
    let server = Server::open(&[]).await;
    flood(&server, 100, 29).await;
    drop(loud);
    let receiver = Receiver::ok().await;
    let hook = server.hook_to(&receiver, &json!({"ratePerSecond": 1_000})).await;
    let body = json!({"since": LONG_AGO});
    // A pause of the webhook is a pause of its recovery.
    server.tell(&hook, "pause").await.expect(200);
    server.recover(&hook, &body).await.expect(202);
    server.recover(&hook, &body).await.expect_error(409);
    let recovery = server.webhook(&hook).await["recovery"].clone();
    for field in ["since", "until", "states", "queued", "createdAt"] {
        assert!(!recovery[field].is_null(), "no {field} in {recovery}");
    }
    let progress = recovery["progress"].as_f64().expect("a share");
    assert!((0.0..1.0).contains(&progress), "{recovery}");

    let path = format!("/api/webhooks/{hook}/recover");
    server.delete(&path).await.expect(204);
    assert_eq!(server.webhook(&hook).await["recovery"], Value::Null);
    server.delete(&path).await.expect(204);
    // It has ended: nothing of it goes out, and a new event does.
    server.tell(&hook, "resume").await.expect(200);
    let fresh = server.create(&json!({"title": "after it"})).await;
    let hits = receiver.wait_for(1).await;
    assert_eq!(hits[0].task("id"), fresh["id"].as_str().expect("an id"));
    assert_eq!(server.total(&format!("webhookId={hook}")).await, 1);
    // One that may go on puts all of them in line, the new one left alone.
    server.recover(&hook, &body).await.expect(202);
    server.total_is(&format!("webhookId={hook}&status=delivered"), 3_001).await;
}
