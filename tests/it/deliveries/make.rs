//! Make as the receiver, with all that it does to a sender: too many requests, a full queue, an
//! outage, a webhook that is gone. All events arrive, in order, and never too many at a time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::hooks::{id, within};
use crate::harness::load::{all_in_order, flood, most_within};
use crate::harness::make::{Limits, Make, Mood};
use crate::harness::{Server, quiet::QUIET};

const TASKS: usize = 500;
const CHANGES: usize = 9;
const EVENTS: usize = TASKS * (CHANGES + 1);

/// Waits until the webhook is so. At the pace of Make a second attempt stands behind all that was
/// due before it, so an outage is noticed only after a while.
async fn is(server: &Server, hook: &str, status: &str) -> Value {
    within(Duration::from_mins(2), status, async || {
        let shown = server.webhook(hook).await;
        (shown["status"] == status).then_some(shown)
    })
    .await
}

/// Sends 5,000 events through all moods of Make, and judges what arrived.
async fn five_thousand(limits: Limits, settings: &[(&str, &str)], webhook: Value, all: Duration) {
    let make = Make::start(limits).await;
    let server = Server::open(settings).await;
    let mut webhook = webhook;
    webhook["url"] = json!(make.receiver.url());
    webhook["profile"] = json!("make");
    let webhook = server.hook(&webhook).await;
    let hook = id(&webhook);
    // While they are written, so that Make's moods change in the midst of it.
    let moods = async {
        make.has_accepted(EVENTS / 10, all).await;
        make.be(Mood::ScenarioOff);
        make.has_been_full(20).await;
        let query = format!("webhookId={hook}&status=failed");
        assert_eq!(server.total(&query).await, 0, "a full queue is no reason to give up");
        make.be(Mood::Open);

        // Nobody listens, as in an outage of the network before it.
        make.has_accepted(EVENTS * 2 / 5, all).await;
        make.receiver.down();
        is(&server, hook, "down").await;
        make.receiver.up();

        make.has_accepted(EVENTS * 3 / 5, all).await;
        make.be(Mood::Unavailable);
        is(&server, hook, "down").await;
        make.be(Mood::Open);

        make.has_accepted(EVENTS * 4 / 5, all).await;
        make.be(Mood::Gone);
        let gone = is(&server, hook, "gone").await;
        assert_eq!(
            gone["nextProbeAt"],
            Value::Null,
            "it is left alone until somebody acts: {gone}"
        );
        make.be(Mood::Open);
        server.tell(hook, "resume").await.expect(200);
    };
    let (tasks, ()) = tokio::join!(flood(&server, TASKS, CHANGES), moods);

    make.has_accepted(EVENTS, all).await;
    server.total_is(&format!("webhookId={hook}&status=delivered"), EVENTS).await;
    assert_eq!(server.total(&format!("webhookId={hook}")).await, EVENTS, "and nothing else");
    assert_eq!(server.webhook_is(hook, "up").await["waiting"], 0);

    let hits = make.receiver.hits();
    let times = hits.iter().map(|hit| hit.at).collect();
    let most = most_within(limits.span, times);
    println!("{} requests, {most} at most in {:?}", hits.len(), limits.span);
    assert_eq!(make.too_many(), 0, "at most {most} in {:?}", limits.span);
    assert!(most <= limits.requests);
    // Repeats are those whose answer was lost when the network went, 32 at a time.
    let repeats = all_in_order(&make.accepted(), &tasks, CHANGES as u64 + 1);
    assert!(repeats <= 32, "{repeats} events were accepted twice");
}

/// Twenty times as fast, so that it ends in a quarter of a minute. Make takes 12 seconds' worth of the pace in
/// any 10; a pause lets one second's worth gather, so in any second it is two at most, and the
/// limit stands a fifth above that.
#[tokio::test(flavor = "multi_thread")]
async fn make_gets_five_thousand_events_in_order_and_never_too_many_at_a_time() {
    let _quiet = QUIET.read().await;
    let limits = Limits { span: Duration::from_secs(1), requests: 1_200, queue: 667, drain: 2_000 };
    let settings = [("WEBHOOK_PROBE_FIRST", "300ms"), ("WEBHOOK_PROBE_MAX", "1s")];
    let webhook = json!({"ratePerSecond": 500, "maxAttempts": 2});
    five_thousand(limits, &settings, webhook, Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes five minutes; cargo test --test it -- --ignored make_at_true_scale"]
async fn make_at_true_scale() {
    let limits = Limits { span: Duration::from_secs(10), requests: 300, queue: 667, drain: 100 };
    let settings = [("WEBHOOK_PROBE_FIRST", "5s")];
    five_thousand(limits, &settings, json!({"maxAttempts": 2}), Duration::from_mins(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_of_make_is_waited_for_and_said_in_words() {
    let limits = Limits { span: Duration::from_secs(1), requests: 600, queue: 3, drain: 100 };
    let make = Make::start(limits).await;
    make.be(Mood::ScenarioOff);
    let server = Server::open(&[("WEBHOOK_PROBE_FIRST", "300ms")]).await;
    let url = make.receiver.url();
    let hook = server.hook(&json!({"url": url, "profile": "make", "maxAttempts": 1})).await;
    let plain = server.hook(&json!({"url": format!("{url}/plain"), "profile": "plain"})).await;
    server.tell(id(&plain), "pause").await.expect(200);
    // A task after the other, so that the queue is full for the fourth.
    for n in 0..4 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        if n < 3 {
            let query = format!("webhookId={}&taskId={}&status=delivered", id(&hook), id(&task));
            server.total_is(&query, 1).await;
        }
    }
    let down = server.webhook_is(id(&hook), "down").await;
    let why = down["reasonText"].as_str().expect("words");
    assert!(why.contains("queue is full"), "{why}");
    let query = format!("webhookId={}", id(&hook));
    assert_eq!(server.total(&format!("{query}&status=failed")).await, 0);

    // To a receiver that is not Make the same answer is a refusal like any other.
    server.tell(id(&plain), "resume").await.expect(200);
    server.total_is(&format!("webhookId={}&status=failed", id(&plain)), 4).await;

    make.be(Mood::Open);
    server.total_is(&format!("{query}&status=delivered"), 4).await;
    server.webhook_is(id(&hook), "up").await;
}
