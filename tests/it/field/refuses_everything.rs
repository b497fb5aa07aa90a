//! A receiver that answers and refuses: an expired key behind a login page (302), a changed schema
//! (422), a proxy's page (405). Systems of this kind show such a webhook as healthy, since it answers,
//! while nothing has arrived for days. Here it has a condition of its own.
//!
//! Seen with: <https://github.com/kamu-data/kamu-cli/issues/1335> (a 404 to each, shown as a success).

use serde_json::{Value, json};

use crate::harness::hooks::{LOCAL, id, text};
use crate::harness::{Receiver, Reply, Server};

/// So many refusals in a row, and no 2xx since they began.
const MANY: usize = 10;

/// Creates tasks and waits until each has failed.
async fn refused(server: &Server, hook: &str, n: usize) {
    let failed = format!("webhookId={hook}&status=failed");
    let before = server.total(&failed).await;
    for n in 0..n {
        server.create(&json!({"title": format!("refused {n}")})).await;
    }
    server.total_is(&failed, before + n).await;
}

fn names(alerts: &Receiver) -> Vec<String> {
    let bodies = alerts.hits().into_iter().map(|hit| hit.json());
    let names = bodies.map(|body| text(&body, "alert").to_owned());
    names.filter(|name| name != "delivery_failed").collect()
}

async fn metric(server: &Server, status: &str) -> Option<String> {
    let all = server.get("/metrics").await.expect(200).text();
    let start = format!("btk_webhooks{{status=\"{status}\"}} ");
    all.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_told_and_counted_and_ends_with_the_first_2xx() {
    for status in [302, 405, 422] {
        let receiver = Receiver::start(move |_| Reply::status(status)).await;
        let alerts = Receiver::ok().await;
        let server = Server::open(&[("ALERT_URL", &alerts.url())]).await;
        let hook = server.hook_to(&receiver, &json!({})).await;
        refused(&server, &hook, MANY - 1).await;
        assert_eq!(server.webhook(&hook).await["status"], "up");
        refused(&server, &hook, 1).await;
        let shown = server.webhook_is(&hook, "refusing").await;
        let words = text(&shown, "reasonText");
        assert!(words.contains("refuses everything") && words.contains(&status.to_string()));
        assert_eq!(shown["nextProbeAt"], Value::Null, "nothing is held back: {shown}");
        assert!(shown["statusSince"].is_string(), "{shown}");
        assert_eq!(metric(&server, "refusing").await.as_deref(), Some("1"));

        // Each is the receiver's decision: what comes is sent all the same.
        refused(&server, &hook, 3).await;
        assert_eq!(receiver.hits().len(), MANY + 3);
        receiver.answer(|_| Reply::ok());
        server.create(&json!({"title": "taken"})).await;
        let fine = server.webhook_is(&hook, "up").await;
        assert_eq!(fine["reasonText"], Value::Null);
        assert_eq!(metric(&server, "refusing").await.as_deref(), Some("0"));
        alerts.wait_until("the end", |_| names(&alerts).len() >= 2).await;
        assert_eq!(names(&alerts), ["webhook_refusing", "webhook_up"]);
        let mut told = alerts.hits().into_iter().map(|hit| hit.json());
        let told = told.find(|body| body["alert"] == "webhook_refusing").unwrap();
        assert_eq!(told["webhookId"], hook.as_str());
        assert!(text(&told, "text").contains(&status.to_string()), "{told}");
        let found = server.deliveries("webhookId=alerts&event=webhook_refusing").await;
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_something_now_and_then_is_up() {
    let receiver =
        Receiver::start(|hit| Reply::status(if hit.task("title") == "good" { 200 } else { 400 }))
            .await;
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    for _ in 0..2 {
        refused(&server, &hook, MANY - 1).await;
        let task = server.create(&json!({"title": "good"})).await;
        server.settled(id(&task)).await;
        assert_eq!(server.webhook(&hook).await["status"], "up");
    }
    refused(&server, &hook, MANY).await;
    server.webhook_is(&hook, "refusing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_known_over_a_crash_and_forgotten_with_the_url() {
    let receiver = Receiver::start(|_| Reply::status(400)).await;
    let other = Receiver::ok().await;
    let mut server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    refused(&server, &hook, MANY / 2).await;
    server.kill9();
    server.restart().await;
    refused(&server, &hook, MANY - MANY / 2).await;
    let shown = server.webhook_is(&hook, "refusing").await;
    server.kill9();
    server.restart().await;
    assert_eq!(server.webhook_is(&hook, "refusing").await["statusSince"], shown["statusSince"]);

    // A pause is shown as one, and what was wrong is still said.
    let paused = server.tell(&hook, "pause").await.expect(200).json();
    assert_eq!(paused["status"], "paused");
    assert!(text(&paused, "reasonText").contains("400"), "{paused}");
    assert_eq!(server.tell(&hook, "resume").await.expect(200).json()["status"], "refusing");

    let body = json!({"url": other.url()});
    let path = format!("/api/webhooks/{hook}");
    let moved = server.call("PATCH", &path).json(&body).send().await.expect(200).json();
    assert_eq!(moved["status"], "up");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_without_recovery_and_where_refusals_are_held() {
    let receiver = Receiver::start(|_| Reply::status(403)).await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_RECOVERY", "off"), LOCAL]).await;
    refused(&server, "default", MANY).await;
    server.webhook_is("default", "refusing").await;
    assert_eq!(receiver.hits().len(), MANY, "only a pause holds");

    let strict = Receiver::start(|_| Reply::status(422)).await;
    let hook = server.hook_to(&strict, &json!({"onReject": "hold"})).await;
    for n in 0..MANY {
        server.create(&json!({"title": n.to_string()})).await;
    }
    let shown = server.webhook_is(&hook, "refusing").await;
    assert!(text(&shown, "reasonText").contains("held"), "{shown}");
    server.total_is(&format!("webhookId={hook}&status=held"), MANY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_is_sent_again_and_again_is_refused_once() {
    let receiver = Receiver::start(|_| Reply::status(422)).await;
    let server = Server::open(&[]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    refused(&server, &hook, 1).await;
    let delivery = server.deliveries(&format!("webhookId={hook}")).await.remove(0);
    for n in 1..=MANY {
        server.with_delivery(&delivery, "redeliver").await.expect(202);
        receiver.wait_for(n + 1).await;
        server.total_is(&format!("webhookId={hook}&status=failed"), 1).await;
    }
    assert_eq!(server.webhook(&hook).await["status"], "up");
}

/// It takes one of eleven: who hears of it at every turn hears nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_flaps_is_told_of_once() {
    let receiver =
        Receiver::start(|hit| Reply::status(if hit.task("title") == "good" { 200 } else { 400 }))
            .await;
    let alerts = Receiver::ok().await;
    let server = Server::open(&[("ALERT_URL", &alerts.url())]).await;
    let hook = server.hook_to(&receiver, &json!({})).await;
    for _ in 0..3 {
        refused(&server, &hook, MANY).await;
        server.webhook_is(&hook, "refusing").await;
        let task = server.create(&json!({"title": "good"})).await;
        server.settled(id(&task)).await;
        server.webhook_is(&hook, "up").await;
    }
    server.total_is("webhookId=alerts&status=delivered", 3).await;
    assert_eq!(names(&alerts), ["webhook_refusing", "webhook_up"]);
}
