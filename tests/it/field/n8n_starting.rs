//! n8n answers 200 to everything while it migrates its database, and 404 until its workflows are
//! there (`integrations/n8n/README.md`); before that nothing answers, or a gateway does. None of it is
//! an end: what met it is sent again.
//!
//! Seen with: <https://github.com/n8n-io/n8n/issues/1122>.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::harness::hooks::id;
use crate::harness::{Receiver, Reply, Server};

/// What a real n8n says, word for word.
const STARTING: &str = "n8n is starting up. Please wait";

/// Starts for so many requests, then works.
async fn n8n(starting: usize) -> Receiver {
    Receiver::start(move |hit| match hit.nth {
        n if n <= starting => Reply::ok().body(STARTING),
        _ => Reply::ok().body(r#"{"message":"Workflow was started"}"#),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_n8n_that_starts_has_answered_is_sent_again() {
    let receiver = n8n(1).await;
    let server = Server::open(&[]).await;
    let mut hooks = Vec::new();
    for profile in ["auto", "n8n", "make", "plain"] {
        let url = format!("{}/{profile}", receiver.url());
        let wish = json!({"url": url, "profile": profile, "filter": {"tag": [profile]}});
        let hook = id(&server.hook(&wish).await).to_owned();
        let shown = server.webhook(&hook).await;
        assert_eq!(shown["profile"], profile);
        hooks.push((profile, hook));
    }
    for (profile, hook) in hooks {
        let task = server.create(&json!({"title": profile, "tags": [profile]})).await;
        let query = format!("webhookId={hook}&status=delivered");
        server.total_is(&query, 1).await;
        let delivery = server.deliveries(&query).await.remove(0);
        let attempts = if profile == "plain" { 1 } else { 2 };
        assert_eq!(receiver.of_task(id(&task)).len(), attempts, "{profile}");
        assert_eq!(delivery["attemptCount"], attempts, "{profile}");
        if attempts > 1 {
            let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.json();
            let error = whole["attempts"][0]["error"].as_str().expect("words");
            assert!(error.contains("200 OK") && error.contains("n8n is still starting"), "{error}");
            assert_eq!(whole["attempts"][0]["outcome"], "retry");
        }
    }
}

/// A gateway before it packs the words, marks them, or wraps them in JSON.
#[tokio::test(flavor = "multi_thread")]
async fn its_words_are_known_in_other_forms_too() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(STARTING.as_bytes()).expect("a few bytes");
    let gzip = gzip.finish().expect("a few bytes");
    let receiver = Receiver::start(move |hit| match (hit.nth, &*hit.task("title")) {
        (1, "gzip") => Reply::ok().header("content-encoding", "gzip").body(gzip.clone()),
        (1, "marked") => Reply::ok().body(format!("\u{feff}{STARTING}!")),
        (1, "json") => Reply::ok().body(json!({"message": STARTING}).to_string()),
        (1, "latin") => Reply::status(500)
            .header("content-type", "text/plain; charset=iso-8859-1")
            .body(&b"gr\xfc\xdfe"[..]),
        _ => Reply::ok(),
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for (title, excerpt) in
        [("gzip", STARTING), ("marked", STARTING), ("json", STARTING), ("latin", "grüße")]
    {
        let task = server.create(&json!({"title": title})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        assert_eq!(delivery["attemptCount"], 2, "{title}: {delivery}");
        let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.json();
        let kept = whole["attempts"][0]["excerpt"].as_str().expect("words");
        assert!(kept.contains(excerpt), "{title}: {kept}");
    }
}

/// A migration that lasts longer than three attempts: the webhook is down, as with any that says
/// "later", and everything arrives, in order, when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_start_holds_and_loses_nothing() {
    let receiver = Receiver::start(|_| Reply::ok().body(format!("{STARTING}\n"))).await;
    let settings = [("WEBHOOK_PROBE_FIRST", "200ms"), ("WEBHOOK_PROBE_MAX", "500ms")];
    let server = Server::open(&settings).await;
    let hook = server.hook_to(&receiver, &json!({"maxAttempts": 2})).await;
    let task = server.create(&json!({"title": "a"})).await;
    let down = server.webhook_is(&hook, "down").await;
    assert!(down["reasonText"].as_str().is_some_and(|why| why.contains("n8n")), "{down}");
    server.change(&task, &json!({"title": "b"})).await;
    let before = receiver.hits().len();
    receiver.answer(|_| Reply::ok());
    server.total_is(&format!("webhookId={hook}&status=delivered"), 2).await;
    let titles: Vec<String> =
        receiver.hits().iter().skip(before).map(|hit| hit.task("title")).collect();
    assert!(titles.ends_with(&["a".to_owned(), "b".to_owned()]), "{titles:?}");
}

/// After attempts without an answer a 404 means that the receiver is not back yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_404_right_after_no_answer_is_not_the_end() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::hang_up(),
        2 | 3 => Reply::status(404).body("The requested webhook \"POST a\" is not registered."),
        _ => Reply::ok(),
    })
    .await;
    let settings = [("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_ATTEMPTS", "4")];
    let server =
        Server::start(&[&settings[..], &[("WEBHOOK_URL", &receiver.url())]].concat()).await;
    let task = server.create(&json!({"title": "a"})).await;
    let delivery = server.settled(id(&task)).await.remove(0);
    assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("delivered"), &json!(4)));
    let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.json();
    let error = whole["attempts"][1]["error"].as_str().expect("words");
    assert!(error.contains("404") && error.contains("not back yet"), "{error}");
}

/// A start as it is: silence, or what the gateway before it says; then "starting"; then 404s. So for one
/// delivery, and for several side by side.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_from_silence_over_starting_and_404_to_200_loses_nothing() {
    for first in [0, 502, 503, 504] {
        let receiver = Receiver::start(move |hit| match hit.nth {
            1 if first == 0 => Reply::hang_up(),
            1 => Reply::status(first),
            2 => Reply::ok().body(STARTING),
            3..=5 => Reply::status(404).body("The requested webhook \"POST a\" is not registered."),
            _ => Reply::ok(),
        })
        .await;
        let settings = [
            ("WEBHOOK_URL", &*receiver.url()),
            ("WEBHOOK_PROBE_FIRST", "200ms"),
            ("WEBHOOK_PROBE_MAX", "200ms"),
        ];
        let server = Server::start(&settings).await;
        for n in 0..3 {
            server.create(&json!({"title": n.to_string()})).await;
        }
        server.total_is("status=delivered", 3).await;
        server.webhook_is("default", "up").await;
        for delivery in server.deliveries("").await {
            assert_eq!(delivery["attemptCount"], 6, "{first}: {delivery}");
        }
    }
}

/// The same without recovery, and with whatever says "later" before the 404.
#[tokio::test(flavor = "multi_thread")]
async fn a_404_right_after_a_receiver_was_not_ready_is_asked_again() {
    let receiver = Receiver::start(|hit| match (hit.nth, &*hit.task("title")) {
        (1, "starting") => Reply::ok().body(STARTING),
        (1, "full") => Reply::status(400).body("Queue is full."),
        (1, "half") => Reply::ok().body("half of it").broken(),
        (1, status) => Reply::status(status.parse().expect("a status")),
        (2, _) => Reply::status(404),
        _ => Reply::ok(),
    })
    .await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let before = ["starting", "full", "half", "502", "503", "504", "522"];
    for title in before {
        server.create(&json!({"title": title})).await;
    }
    server.total_is("status=delivered", before.len()).await;
}

/// An answer of the receiver itself shows that it was there, and so does none before.
#[tokio::test(flavor = "multi_thread")]
async fn any_other_404_is_a_refusal() {
    let receiver = Receiver::start(|hit| match (&*hit.task("title"), hit.nth) {
        ("broken", 1) => Reply::status(500),
        _ => Reply::status(404),
    })
    .await;
    let settings = [("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())];
    let server = Server::start(&settings).await;
    for (title, attempts) in [("first", 1), ("broken", 2)] {
        let task = server.create(&json!({"title": title})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        assert_eq!(delivery["reason"], "rejected", "{title}");
        assert_eq!(delivery["attemptCount"], attempts, "{title}");
    }
}

/// While the webhook is down, such a 404 to a probe leaves it down: it is not one of the three that
/// make it `misconfigured`, after which nobody would look any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_meets_a_404_looks_again() {
    let receiver = Receiver::ok().await;
    receiver.down();
    let settings = [
        ("WEBHOOK_PROBE_FIRST", "200ms"),
        ("WEBHOOK_PROBE_MAX", "300ms"),
        ("WEBHOOK_ATTEMPTS", "1"),
        ("WEBHOOK_URL", &receiver.url()),
    ];
    let server = Server::start(&settings).await;
    for n in 0..4 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    server.webhook_is("default", "down").await;
    // Each of the four has met silence once before the 404s begin.
    server.total_is("status=held", 4).await;
    crate::harness::eventually("all four were tried", async || {
        let tried = server.deliveries("status=held").await;
        tried.iter().all(|delivery| delivery["attemptCount"].as_u64() >= Some(1)).then_some(())
    })
    .await;
    receiver.answer(|hit| if hit.nth == 1 { Reply::status(404) } else { Reply::ok() });
    receiver.up();
    server.total_is("status=delivered", 4).await;
    assert_eq!(server.total("status=failed").await, 0);
}

/// What is made within the minute of 404s has met nothing else: it does not show a webhook that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn new_tasks_within_the_404s_of_a_start_do_not_make_it_misconfigured() {
    let receiver = Receiver::start(|_| Reply::hang_up()).await;
    // So many that none has used them up before the 404s end, however busy the machine is.
    let settings = [("WEBHOOK_URL", &*receiver.url()), ("WEBHOOK_ATTEMPTS", "8")];
    let server = Server::start(&settings).await;
    let tried = async |task: &Value| {
        crate::harness::eventually("it was tried", async || {
            let path = format!("taskId={}", id(task));
            let delivery = server.deliveries(&path).await.pop()?;
            (delivery["attemptCount"].as_u64() >= Some(1) && delivery["status"] != "sending")
                .then_some(delivery)
        })
        .await
    };
    tried(&server.create(&json!({"title": "before"})).await).await;
    receiver.answer(|_| Reply::status(404).body("not registered"));
    for n in 0..4 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        let delivery = tried(&task).await;
        assert_eq!(delivery["status"], "pending", "{delivery}");
    }
    receiver.answer(|_| Reply::ok());
    server.total_is("status=delivered", 5).await;
    server.webhook_is("default", "up").await;
    // Whoever has answered is there, and its next 404 is a refusal again.
    receiver.answer(|_| Reply::status(404));
    let task = server.create(&json!({"title": "after"})).await;
    assert_eq!(server.settled(id(&task)).await.remove(0)["reason"], "rejected");
}
