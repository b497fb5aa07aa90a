//! When a webhook is tried again, after how long, and when it is not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Hit, Receiver, Reply, Server, quiet::QUIET};

fn id(task: &Value) -> &str {
    task["id"].as_str().expect("an id")
}

/// The seconds between one request and the next.
fn gaps(hits: &[Hit]) -> Vec<f64> {
    hits.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect()
}

/// How much later than promised a request may arrive where other programs want the processors too, in seconds. How
/// long the program means to wait is read from its log; the clock of a test shows that it does not come early, nor
/// much too late.
const LATE: f64 = 3.0;

/// Whether a wait came as promised: not before its time, and after it as soon as the machine let it.
fn near(gap: f64, promised: f64) -> bool {
    (promised * 0.95..promised + LATE).contains(&gap)
}

/// Each of these waits came as promised.
#[track_caller]
fn waited(hits: &[Hit], promised: &[f64]) {
    let gaps = gaps(hits);
    assert_eq!(gaps.len(), promised.len(), "{gaps:?}");
    let all = gaps.iter().zip(promised).all(|(gap, promised)| near(*gap, *promised));
    assert!(all, "{gaps:?} s are not {promised:?} s");
}

/// The waits that the program announced, in milliseconds.
fn announced(server: &Server) -> Vec<u64> {
    let ms = |line: &String| {
        let (_, rest) = line.split_once("[WEBHOOK] Retrying in ")?;
        rest.split_once("ms...")?.0.parse().ok()
    };
    server.log().iter().filter_map(ms).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_attempt_is_after_one_second_and_the_third_after_two() {
    let _quiet = QUIET.read().await;
    let receiver = Receiver::start(|_| Reply::status(500)).await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let delivery = server.settled(id(&task)).await.remove(0);
    let hits = receiver.hits();
    assert_eq!(announced(&server), [1_000, 2_000]);
    waited(&hits, &[1.0, 2.0]);
    for (n, hit) in hits.iter().enumerate() {
        assert_eq!(hit.header("x-btk-attempt"), (n + 1).to_string());
        assert_eq!(hit.header("webhook-id"), hits[0].header("webhook-id"), "the same id");
        assert_eq!(hit.body, hits[0].body, "the same bytes");
    }
    assert_eq!(delivery["status"], "failed");
    assert_eq!(delivery["attemptCount"], 3);
    let reason = delivery["reasonText"].as_str().expect("a reason in words");
    assert!(reason.contains("500"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_begins_when_the_attempt_has_failed() {
    let _quiet = QUIET.read().await;
    let slow = Duration::from_secs(1);
    let receiver = Receiver::start(move |_| Reply::status(503).after(slow)).await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "a"})).await;
    waited(&receiver.wait_for(3).await, &[2.0, 3.0]);
    assert_eq!(announced(&server)[..2], [1_000, 2_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_attempt_comes_after_four_seconds() {
    let _quiet = QUIET.read().await;
    let receiver = Receiver::start(|_| Reply::status(502)).await;
    let url = receiver.url();
    let server = Server::start(&[
        ("WEBHOOK_RECOVERY", "off"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_ATTEMPTS", "4"),
    ])
    .await;
    let task = server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] All 4 attempts failed for task_created").await;
    assert_eq!(announced(&server), [1_000, 2_000, 4_000]);
    waited(&receiver.wait_for(4).await, &[1.0, 2.0, 4.0]);
    assert_eq!(server.settled(id(&task)).await[0]["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_2xx_succeeds_and_only_5xx_and_429_are_retried() {
    let receiver = Receiver::start(|hit| {
        let reply = Reply::status(hit.task("title").parse().expect("a status"));
        reply.header("location", &format!("http://{}/elsewhere", hit.header("host")))
    })
    .await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let once = [200, 201, 202, 204, 226, 299];
    let refused = [300, 301, 302, 303, 307, 308, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410];
    let refused = refused.iter().chain(&[411, 413, 415, 418, 422, 425, 451, 499]);
    let retried = [500, 501, 502, 503, 504, 507, 511, 599, 429];
    let mut tasks = Vec::new();
    for (statuses, end, attempts) in [
        (once.to_vec(), "delivered", 1),
        (refused.copied().collect(), "failed", 1),
        (retried.to_vec(), "failed", 3),
    ] {
        for status in statuses {
            let task = server.create(&json!({"title": status.to_string()})).await;
            tasks.push((status, task, end, attempts));
        }
    }
    for (status, task, end, attempts) in tasks {
        let delivery = server.settled(id(&task)).await.remove(0);
        assert_eq!(delivery["status"], end, "{status}");
        assert_eq!(delivery["attemptCount"], attempts, "{status}");
        let hits = receiver.of_task(id(&task));
        assert_eq!(hits.len(), attempts, "{status}");
        assert!(hits.iter().all(|hit| hit.path == "/hook"), "{status}: no redirect is followed");
        if end == "failed" {
            assert!(delivery["reason"].is_string(), "{delivery}");
            let text = delivery["reasonText"].as_str().expect("a reason in words");
            assert!(text.contains(&status.to_string()), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_refused_or_breaks_is_retried() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::hang_up(),
        _ => Reply::ok(),
    })
    .await;
    receiver.down();
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let why = server.wait_for_log("[WEBHOOK] Attempt 1/3 failed: ").await;
    assert!(why.to_lowercase().contains("refused"), "says why in words: {why}");
    receiver.up();
    let hits = receiver.wait_for(2).await;
    assert_eq!(hits[0].header("x-btk-attempt"), "2", "the first found nobody");
    assert_eq!(hits[1].header("x-btk-attempt"), "3", "the second was cut off");
    assert_eq!(server.settled(id(&task)).await[0]["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_stays_away_ends_in_failed_with_a_reason() {
    let receiver = Receiver::ok().await;
    receiver.down();
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] All 3 attempts failed for task_created").await;
    let delivery = server.settled(id(&task)).await.remove(0);
    assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("failed"), &json!(3)));
    assert!(delivery["reasonText"].as_str().is_some_and(|text| text.len() > 10), "{delivery}");
}

/// One request is answered so; returns the wait that the program announces, in milliseconds.
async fn wait_after(status: u16, retry_after: &str) -> u64 {
    let retry_after = retry_after.to_owned();
    let receiver =
        Receiver::start(move |_| Reply::status(status).header("retry-after", &retry_after)).await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] Retrying in ").await;
    announced(&server)[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_is_the_larger_of_the_series_and_retry_after() {
    let (told_429, told_503, shorter, not_for_500, nonsense, negative) = tokio::join!(
        wait_after(429, "3"),
        wait_after(503, "3"),
        wait_after(429, "0"),
        wait_after(500, "30"),
        wait_after(429, "soon"),
        wait_after(503, "-5"),
    );
    assert_eq!((told_429, told_503), (3_000, 3_000));
    assert_eq!((shorter, not_for_500, nonsense, negative), (1_000, 1_000, 1_000, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_was_asked_for_is_kept() {
    let _quiet = QUIET.read().await;
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::status(503).header("retry-after", "3"),
        _ => Reply::ok(),
    })
    .await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "a"})).await;
    waited(&receiver.wait_for(2).await, &[3.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_may_be_a_date() {
    let date = std::time::SystemTime::now() + Duration::from_mins(10);
    let wait = wait_after(503, &httpdate::fmt_http_date(date)).await;
    // A date has whole seconds, and some pass until it is read.
    assert!((550_000..=600_000).contains(&wait), "{wait}");
    assert_eq!(wait_after(503, "Thu, 01 Jan 1970 00:00:00 GMT").await, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_goes_to_a_webhook_that_asked_for_a_pause() {
    let receiver = Receiver::start(|hit| match (&*hit.task("title"), hit.nth) {
        ("first", 1) => Reply::status(429).header("retry-after", "3"),
        _ => Reply::ok(),
    })
    .await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "first"})).await;
    server.wait_for_log("[WEBHOOK] Attempt 1/3 failed: ").await;
    let paused = Instant::now();
    for n in 0..5 {
        server.create(&json!({"title": format!("other {n}")})).await;
    }
    let hits = receiver.wait_for(7).await;
    let early = hits
        .iter()
        .filter(|hit| hit.at > paused && hit.at < hits[0].at + Duration::from_millis(2900));
    assert_eq!(early.count(), 0, "{:?}", gaps(&hits));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_holds_though_the_attempt_that_was_told_of_it_was_the_last() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "first" => Reply::status(503).header("retry-after", "3"),
        _ => Reply::ok(),
    })
    .await;
    let url = receiver.url();
    let server = Server::start(&[
        ("WEBHOOK_RECOVERY", "off"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_ATTEMPTS", "1"),
    ])
    .await;
    let first = server.create(&json!({"title": "first"})).await;
    assert_eq!(server.settled(id(&first)).await[0]["status"], "failed");
    server.create(&json!({"title": "second"})).await;
    let gap = gaps(&receiver.wait_for(2).await)[0];
    assert!(near(gap, 3.0), "{gap}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_of_years_is_cut_to_an_hour() {
    let receiver = Receiver::start(|_| Reply::status(503).header("retry-after", "999999999")).await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] Attempt 1/3 failed: ").await;
    server.wait_for_log("[WEBHOOK] Retrying in 3600000ms...").await;
    let delivery = server.deliveries(&format!("taskId={}", id(&task))).await.remove(0);
    assert_eq!(delivery["status"], "pending");
    let next = delivery["nextAttemptAt"].as_str().expect("a time").parse::<jiff::Timestamp>();
    let next = next.expect("RFC 3339").as_second();
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs();
    let wait = next - i64::try_from(now).expect("a clock of this age");
    assert!((3500..=3601).contains(&wait), "{wait} s");
}
