//! What the pages draw: requests and lags over time, over all webhooks and of each; kept across a
//! restart, and nothing that an idle server would write.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::harness::hooks::text;
use crate::harness::{Receiver, Reply, Server, eventually};

/// The points of a span, checked for their shape.
async fn points(server: &Server, span: &str) -> Vec<Value> {
    let (count, seconds) = match span {
        "day" => (96, 900),
        "week" => (168, 3_600),
        _ => (60, 60),
    };
    let shown = server.get(&format!("/api/figures?span={span}")).await.expect(200).json();
    let points = shown.as_array().expect("a list").clone();
    assert_eq!(points.len(), count, "{span}");
    let starts: Vec<i64> = points
        .iter()
        .map(|point| {
            assert_eq!(point["seconds"], seconds, "{point}");
            let at: jiff::Timestamp = text(point, "at").parse().expect("a time");
            at.as_second()
        })
        .collect();
    assert!(starts.windows(2).all(|two| two[1] - two[0] == seconds), "without gaps: {starts:?}");
    assert!(starts.iter().all(|start| start % seconds == 0), "whole multiples: {starts:?}");
    points
}

/// What a key adds up to over points.
fn sum(points: &[Value], key: &str) -> i64 {
    points.iter().map(|point| point[key].as_i64().expect("a number")).sum()
}

/// Waits until the points of an hour have so many attempts, and returns them.
async fn attempts_are(server: &Server, n: i64) -> Vec<Value> {
    eventually(&format!("{n} attempts in the figures"), async || {
        let points = points(server, "hour").await;
        (sum(&points, "attempts") == n).then_some(points)
    })
    .await
}

async fn of_webhook(server: &Server, id: &str) -> Value {
    let shown = server.get("/api/figures/webhooks").await.expect(200).json();
    let mut all = shown.as_array().expect("a list").iter();
    all.find(|shown| shown["webhookId"] == id).expect("each webhook is there").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_shown_over_time_and_a_restart_keeps_it() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "bad" => Reply::status(400),
        _ => Reply::ok(),
    })
    .await;
    let mut server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    let idle = server.hook(&json!({"url": "http://127.0.0.1:9/idle"})).await;
    let idle = text(&idle, "id");
    server.tell(idle, "pause").await.expect(200);
    for title in ["good", "good", "good", "bad"] {
        server.create(&json!({"title": title})).await;
    }
    receiver.wait_for(4).await;
    let check = async |server: &Server| {
        let shown = attempts_are(server, 4).await;
        for span in ["hour", "day", "week"] {
            let total = server.get(&format!("/api/figures/total?span={span}")).await;
            let total = total.expect(200).json();
            let counts = ["attempts", "delivered", "failed"].map(|key| total[key].as_i64());
            assert_eq!(counts, [Some(4), Some(3), Some(1)], "{span}");
            let of_points = points(server, span).await;
            assert_eq!(total["since"], of_points[0]["at"], "{span}");
            // The longest of all its points, and not that of the newest.
            let longest = of_points.iter().filter_map(|point| point["lagP99Ms"].as_i64()).max();
            assert_eq!(total["lagP99Ms"].as_i64(), longest, "{span}");
            assert!(total["lagP50Ms"].as_i64() <= longest, "{total}");
        }
        for span in [shown, points(server, "day").await, points(server, "week").await] {
            let counts = ["attempts", "delivered", "failed"].map(|key| sum(&span, key));
            assert_eq!(counts, [4, 3, 1]);
            let had = span.iter().filter(|point| point["delivered"] != 0);
            for point in had {
                let [p50, p99] =
                    ["lagP50Ms", "lagP99Ms"].map(|key| point[key].as_i64().expect("a lag"));
                assert!((0..=p99).contains(&p50) && p99 < 20_000, "{point}");
            }
            let none = &span[0];
            assert_eq!((&none["delivered"], &none["lagP50Ms"]), (&json!(0), &Value::Null));
        }
        let shown = of_webhook(server, &hook).await;
        let hours = shown["hours"].as_array().expect("hours");
        assert_eq!((hours.len(), sum(hours, "delivered"), sum(hours, "failed")), (24, 3, 1));
        assert!(shown["lagP50Ms"].as_i64() <= shown["lagP99Ms"].as_i64());
        assert!(shown["lagP50Ms"].is_i64() && shown["oldestWaitingAt"].is_null(), "{shown}");
        let last = &shown["lastAnswer"];
        assert!([json!(200), json!(400)].contains(&last["status"]), "{last}");
        assert_eq!(last["status"] == 200, last["error"].is_null(), "{last}");
        assert!(last["ms"].as_i64().is_some() && text(last, "at").ends_with('Z'), "{last}");
        shown
    };
    let shown = check(&server).await;
    let rate = shown["perMinute"].as_f64().expect("a number");
    assert!((0.5..=0.6).contains(&rate), "3 in five minutes: {rate}");

    // A stop writes what had come since the last time.
    server.create(&json!({"title": "good"})).await;
    receiver.wait_for(5).await;
    server.total_is(&format!("webhookId={hook}&status=delivered"), 4).await;
    assert!(server.stop().await.success());
    server.restart().await;
    let shown = points(&server, "hour").await;
    assert_eq!([sum(&shown, "attempts"), sum(&shown, "delivered")], [5, 4]);
    let last = of_webhook(&server, &hook).await["lastAnswer"].clone();
    assert_eq!((&last["status"], &last["error"]), (&json!(200), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_and_who_was_never_asked_has_no_answer() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    server.tell(&hook, "pause").await.expect(200);
    let first = server.create(&json!({"title": "first"})).await;
    for _ in 0..4 {
        server.create(&json!({"title": "more"})).await;
    }
    let waiting = async |server: &Server, n: i64| {
        eventually(&format!("{n} waiting in the figures"), async || {
            points(server, "hour").await.iter().any(|p| p["waiting"] == n).then_some(())
        })
        .await;
    };
    waiting(&server, 5).await;
    let shown = of_webhook(&server, &hook).await;
    assert_eq!((&shown["perMinute"], &shown["lagP50Ms"]), (&json!(0.0), &Value::Null));
    assert!(shown["lastAnswer"].is_null(), "{shown}");
    let oldest = server.deliveries(&format!("taskId={}", text(&first, "id"))).await.remove(0);
    assert_eq!(shown["oldestWaitingAt"], oldest["createdAt"]);

    server.tell(&hook, "resume").await.expect(200);
    let shown = attempts_are(&server, 5).await;
    assert!(shown.iter().any(|point| point["waiting"].as_i64() >= Some(5)), "the most stays");
    assert!(of_webhook(&server, &hook).await["oldestWaitingAt"].is_null());
    // A webhook that is gone is not shown; what it did is part of the whole.
    server.delete(&format!("/api/webhooks/{hook}")).await.expect(204);
    let left = server.get("/api/figures/webhooks").await.expect(200).json();
    assert_eq!(left, json!([]));
    attempts_are(&server, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_answer_is_told_of_in_words() {
    let receiver = Receiver::start(|_| Reply::hang_up()).await;
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({"maxAttempts": 1})).await;
    server.create(&json!({"title": "lost"})).await;
    let last = eventually("an answer in the figures", async || {
        let last = of_webhook(&server, &hook).await["lastAnswer"].take();
        last.is_object().then_some(last)
    })
    .await;
    assert!(last["status"].is_null() && text(&last, "error").len() > 10, "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused() {
    let server = Server::start(&[]).await;
    server.get("/api/figures?span=month").await.expect_error(400);
    server.get("/api/figures?sapn=day").await.expect_error(400);
    server.get("/api/figures/webhooks?span=day").await.expect_error(400);
    server.get("/api/figures/total?span=month").await.expect_error(400);
    let plain = server.get("/api/figures").await.expect(200).json();
    assert_eq!(plain.as_array().expect("a list").len(), 60, "an hour unless it is said");
}

/// Size and last change of the files that a database has.
fn files(home: &Path) -> Vec<(u64, SystemTime)> {
    let file = |name| {
        let about = std::fs::metadata(home.join(name)).expect("a file of the database");
        (about.len(), about.modified().expect("a time"))
    };
    ["btk.db", "btk.db-wal"].map(file).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_writes_nothing() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "one"})).await;
    receiver.wait_for(1).await;
    let shown = attempts_are(&server, 1).await;
    // The look that finds nothing waiting any more may come a moment later, and is the last write.
    let quiet = Duration::from_secs(7);
    let seen = Mutex::new((files(server.home()), Instant::now()));
    eventually("nothing is written for a few ticks", async || {
        let mut seen = seen.lock().expect("no panic");
        let now = files(server.home());
        if now != seen.0 {
            *seen = (now, Instant::now());
        }
        (seen.1.elapsed() >= quiet).then_some(())
    })
    .await;
    // Nothing written is not nothing known. One waited in this minute, if it was looked at just then.
    let later = points(&server, "hour").await;
    let waiting = later.last().expect("sixty")["waiting"].as_i64();
    assert!(waiting.is_some_and(|n| n <= 1), "{waiting:?}");
    assert!(shown.iter().any(|point| point["waiting"].is_i64()));
}
