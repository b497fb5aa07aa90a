//! Who is ill harms nobody else: one event among many, one webhook beside another.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::hooks::{id, text};
use crate::harness::load::{most_within, versions};
use crate::harness::{Receiver, Reply, Server, eventually, quiet::QUIET};

/// A steady flow of new tasks, until it is dropped.
struct Flow {
    server: Arc<Server>,
    made: HashSet<String>,
}

impl Flow {
    fn of(server: &Arc<Server>) -> Self {
        Self { server: Arc::clone(server), made: HashSet::new() }
    }

    /// Makes a task now and then until `check` has an answer.
    async fn until<T>(&mut self, what: &str, check: impl AsyncFn() -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let title = format!("healthy {}", self.made.len());
            let task = self.server.create(&json!({"title": title})).await;
            self.made.insert(id(&task).to_owned());
            if let Some(found) = check().await {
                return found;
            }
            assert!(Instant::now() < end, "not within 30 s: {what}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until all of them have arrived.
    async fn arrived(&self, receiver: &Receiver) {
        receiver
            .wait_until("the healthy ones", |hits| {
                hits.iter().filter(|hit| self.made.contains(&hit.task("id"))).count()
                    >= self.made.len()
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_is_always_refused_holds_up_only_its_own_task() {
    let _quiet = QUIET.read().await;
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "poison" => Reply::status(500).body("cannot take this one"),
        _ => Reply::ok(),
    })
    .await;
    let server =
        Server::open(&[("WEBHOOK_PROBE_FIRST", "500ms"), ("WEBHOOK_PROBE_MAX", "1s")]).await;
    let server = Arc::new(server);
    let hook = server.hook_to(&receiver, &json!({"maxAttempts": 2})).await;
    let mut flow = Flow::of(&server);
    let poison = server.create(&json!({"title": "poison"})).await;
    server.change(&poison, &json!({"title": "later"})).await;
    server.change(&poison, &json!({"status": "DONE"})).await;
    let of_poison = format!("taskId={}", id(&poison));
    let first = async || {
        let found = server.deliveries(&of_poison).await;
        found.into_iter().find(|delivery| delivery["version"] == 1).expect("a first version")
    };
    let held = flow
        .until("held alone", async || {
            assert_eq!(server.webhook(&hook).await["status"], "up");
            let shown = first().await;
            (shown["reason"] == "refused_alone").then_some(shown)
        })
        .await;
    assert_eq!(held["status"], "held", "{held}");
    assert!(held["nextAttemptAt"].is_string(), "it is tried again by itself: {held}");
    assert!(text(&held, "reasonText").contains("500"), "{held}");
    assert_eq!(held["finishedAt"], Value::Null);

    // It is tried again by itself, and is held again; nobody else notices.
    flow.until("tried twice more", async || {
        assert_eq!(server.webhook(&hook).await["status"], "up");
        let shown = first().await;
        assert_ne!(shown["status"], "failed", "{shown}");
        (shown["attemptCount"].as_u64() >= Some(4)).then_some(())
    })
    .await;
    assert_eq!(versions(&receiver.of_task(id(&poison))).iter().max(), Some(&1), "its own wait");
    for later in server.deliveries(&of_poison).await {
        if later["version"] != 1 {
            assert_eq!(later["blockedBy"], held["id"], "{later}");
        }
    }
    flow.arrived(&receiver).await;
    // It has not ended, so no healthy one waited for it. It may be under way once more.
    let shown = first().await;
    assert_eq!(shown["finishedAt"], Value::Null, "{shown}");
    assert_eq!(server.total(&format!("webhookId={hook}&status=failed")).await, 0);

    receiver.answer(|_| Reply::ok());
    server.total_is(&format!("{of_poison}&status=delivered"), 3).await;
    let mut order = versions(&receiver.of_task(id(&poison)));
    order.dedup();
    assert_eq!(order, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poisoned_event_does_not_keep_a_webhook_down() {
    // All fails but nothing else was there to say whose fault it is: the webhook is down. When the
    // receiver is back it still refuses the poisoned one.
    let receiver = Receiver::start(|_| Reply::status(500)).await;
    let server =
        Server::open(&[("WEBHOOK_PROBE_FIRST", "300ms"), ("WEBHOOK_PROBE_MAX", "500ms")]).await;
    let hook = server.hook_to(&receiver, &json!({"maxAttempts": 1})).await;
    let poison = server.create(&json!({"title": "poison"})).await;
    server.webhook_is(&hook, "down").await;
    let mut healthy = Vec::new();
    for n in 0..5 {
        healthy.push(server.create(&json!({"title": n.to_string()})).await);
    }
    receiver.answer(|hit| match &*hit.task("title") {
        "poison" => Reply::status(500),
        _ => Reply::ok(),
    });
    for task in &healthy {
        server.total_is(&format!("taskId={}&status=delivered", id(task)), 1).await;
    }
    // With others going through, it is held alone. While there are none, nothing says that the fault is
    // its own, and the webhook is down again at its next attempt: "up" lasts for a moment only.
    eventually("the poisoned one is held alone", async || {
        server.create(&json!({"title": "another"})).await;
        let shown = server.deliveries(&format!("taskId={}", id(&poison))).await.remove(0);
        (shown["reason"] == "refused_alone").then_some(())
    })
    .await;
    receiver.answer(|_| Reply::ok());
    server.total_is(&format!("taskId={}&status=delivered", id(&poison)), 1).await;
}

/// Takes connections and reads nothing and says nothing, for ever.
async fn black_hole() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    format!("http://{address}/hook")
}

/// Makes tasks one after the other, each when the one before has arrived; returns the 99th
/// percentile of the time from the answer to the arrival.
async fn p99(server: &Server, receiver: &Receiver, n: usize) -> Duration {
    let mut times = Vec::with_capacity(n);
    for _ in 0..n {
        let task = server.create(&json!({"title": "healthy"})).await;
        let accepted = Instant::now();
        let hits = receiver
            .wait_until("its arrival", |hits| {
                hits.last().is_some_and(|hit| hit.task("id") == id(&task))
            })
            .await;
        let hit = hits.last().expect("just seen");
        times.push(hit.at.saturating_duration_since(accepted));
    }
    times.sort_unstable();
    times[(n * 99).div_ceil(100) - 1]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_of_a_receiver_takes_nothing_from_its_neighbour() {
    const EACH: usize = 300;
    /// Below this, twice may be the machine's other work. Who waited for the hole would wait for ten seconds.
    const FLOOR: Duration = Duration::from_secs(1);
    let _loud = QUIET.write().await;
    let receiver = Receiver::ok().await;
    let url = black_hole().await;
    let server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    let alone = p99(&server, &receiver, EACH).await;
    let hook = server.hook(&json!({"url": url, "timeoutSeconds": 10})).await;
    let beside = p99(&server, &receiver, EACH).await;
    println!("p99 alone {alone:?}, beside a black hole {beside:?}");
    let allowed = (alone * 2).max(FLOOR);
    assert!(beside <= allowed, "{beside:?} beside, {alone:?} alone");
    let shown = server.webhook(id(&hook)).await;
    assert_eq!(shown["waiting"], EACH, "it was there all the time: {shown}");
    let sending = server.total(&format!("webhookId={}&status=sending", id(&hook))).await;
    assert!(sending <= 32, "{sending} at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_black_holes_leave_room_for_a_healthy_one() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    for _ in 0..20 {
        server.hook(&json!({"url": black_hole().await, "timeoutSeconds": 30})).await;
    }
    let mut last = Value::Null;
    for n in 0..40 {
        last = server.create(&json!({"title": n.to_string()})).await;
    }
    let query = format!("webhookId=default&taskId={}", id(&last));
    server.total_is(&format!("{query}&status=delivered"), 1).await;
    server.total_is("webhookId=default&status=delivered", 40).await;
    // They hold what they hold for thirty seconds; the healthy one did not wait for that.
    for delivery in server.deliveries("status=sending&limit=100").await {
        assert_eq!(delivery["attemptCount"], 1, "the first request has not ended: {delivery}");
    }
    assert!(server.total("status=sending").await >= 20);
}

/// More are claimed for one that answers quickly than are under way to it: one that grows slow all at once must not feel
/// that.
#[tokio::test(flavor = "multi_thread")]
async fn a_quick_receiver_that_grows_slow_never_has_more_than_32_requests() {
    const SLOW: Duration = Duration::from_millis(500);
    const EACH: usize = 100;
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for turn in 1..=2 {
        let mut writers = tokio::task::JoinSet::new();
        for n in 0..10 {
            let client = server.client();
            writers.spawn(async move {
                for _ in 0..EACH / 10 {
                    let body = json!({"title": n.to_string()});
                    client.call("POST", "/api/tasks").json(&body).send().await.expect(201);
                }
            });
        }
        writers.join_all().await;
        server.total_is("status=delivered", turn * EACH).await;
        receiver.answer(|_| Reply::ok().after(SLOW));
    }
    let slow = receiver.hits().into_iter().skip(EACH).map(|hit| hit.at).collect();
    let most = most_within(SLOW, slow);
    assert!(most <= 32, "{most} at a time");
}
