//! `ALERT_URL`: somebody is told when a webhook goes down, comes up again, or a delivery fails; never
//! in the way of the deliveries themselves, and never about the alerts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::hooks::{LOCAL, id, text};
use crate::harness::{Hit, Receiver, Reply, Server};

const PROBES: [(&str, &str); 2] =
    [("WEBHOOK_PROBE_FIRST", "200ms"), ("WEBHOOK_PROBE_MAX", "300ms")];

/// A server with both receivers, one attempt each.
async fn start(receiver: &Receiver, alerts: &Receiver) -> Server {
    let (url, alert_url) = (format!("{}/private", receiver.url()), alerts.url());
    let settings =
        [("WEBHOOK_URL", &*url), ("ALERT_URL", &alert_url), ("WEBHOOK_ATTEMPTS", "1"), LOCAL];
    Server::start(&[&settings[..], &PROBES].concat()).await
}

/// Waits for this alert about this webhook, and checks its shape.
async fn told(alerts: &Receiver, alert: &str, webhook: &str) -> Value {
    let is_it = |hit: &Hit| hit.json()["alert"] == alert && hit.json()["webhookId"] == webhook;
    let hits =
        alerts.wait_until(&format!("{alert} of {webhook}"), |hits| hits.iter().any(is_it)).await;
    let hit = hits.iter().find(|hit| is_it(hit)).expect("just seen");
    let body = hit.json();
    let keys: BTreeSet<_> = body.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["text", "alert", "webhookId", "at"].map(str::to_owned).into());
    assert!(text(&body, "text").len() > 20, "in words: {body}");
    assert!(text(&body, "at").parse::<jiff::Timestamp>().is_ok(), "{body}");
    assert!(!body.to_string().contains("private"), "the URL is masked: {body}");
    assert_eq!(hit.header("content-type"), "application/json");
    assert!(hit.header("webhook-id").starts_with("evt_"), "{:?}", hit.headers);
    body
}

fn names(alerts: &Receiver) -> Vec<String> {
    let name = |hit: &Hit| text(&hit.json(), "alert").to_owned();
    alerts.hits().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn down_and_up_again_are_told_once_each() {
    let (receiver, alerts) = tokio::join!(Receiver::ok(), Receiver::ok());
    receiver.down();
    let server = start(&receiver, &alerts).await;
    for n in 0..5 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    told(&alerts, "webhook_down", "default").await;
    receiver.up();
    told(&alerts, "webhook_up", "default").await;
    server.total_is("webhookId=default&status=delivered", 5).await;
    server.total_is("webhookId=alerts&status=delivered", 2).await;
    assert_eq!(names(&alerts), ["webhook_down", "webhook_up"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_gone_and_a_delivery_that_failed_are_told() {
    let receiver = Receiver::start(|_| Reply::status(400).body("no such project")).await;
    let gone = Receiver::start(|_| Reply::status(410)).await;
    let alerts = Receiver::ok().await;
    let server = start(&receiver, &alerts).await;
    server.create(&json!({"title": "a"})).await;
    let failed = told(&alerts, "delivery_failed", "default").await;
    assert!(text(&failed, "text").contains("400"), "{failed}");
    let hook = server.hook_to(&gone, &json!({})).await;
    server.create(&json!({"title": "b"})).await;
    told(&alerts, "webhook_down", &hook).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_failures_do_not_become_as_many_alerts() {
    let receiver = Receiver::start(|_| Reply::status(400)).await;
    let alerts = Receiver::ok().await;
    let server = start(&receiver, &alerts).await;
    for n in 0..100 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    server.total_is("webhookId=default&status=failed", 100).await;
    told(&alerts, "delivery_failed", "default").await;
    let told = server.total("webhookId=alerts").await;
    assert!(told < 20, "{told} alerts for a hundred failures of one webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_cannot_be_sent_are_in_nobodys_way_and_arrive_later() {
    let receiver = Receiver::ok().await;
    let alerts = Receiver::ok().await;
    alerts.down();
    let server = start(&receiver, &alerts).await;
    receiver.down();
    server.create(&json!({"title": "a"})).await;
    server.webhook_is("default", "down").await;
    receiver.up();
    server.total_is("webhookId=default&status=delivered", 1).await;
    server.webhook_is("alerts", "down").await;
    for n in 0..10 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        server
            .total_is(&format!("webhookId=default&taskId={}&status=delivered", id(&task)), 1)
            .await;
    }
    alerts.up();
    told(&alerts, "webhook_up", "default").await;
    server.webhook_is("alerts", "up").await;
    server.total_is("webhookId=alerts&status=delivered", 2).await;
    let about = alerts.hits().into_iter().map(|hit| text(&hit.json(), "webhookId").to_owned());
    assert!(about.clone().all(|webhook| webhook == "default"), "{:?}", about.collect::<Vec<_>>());
    assert_eq!(names(&alerts), ["webhook_down", "webhook_up"]);
    assert_eq!(
        server.get("/api/tasks").await.expect(200).json().as_array().map(Vec::len),
        Some(11)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_are_refused_are_not_told_of_in_more_alerts() {
    let receiver = Receiver::start(|_| Reply::status(400)).await;
    let alerts = Receiver::start(|_| Reply::status(400)).await;
    let server = start(&receiver, &alerts).await;
    server.create(&json!({"title": "a"})).await;
    alerts.wait_for(1).await;
    server.total_is("webhookId=alerts&status=failed", 1).await;
    // Anything about the alert that failed would be in line by the time these have failed.
    for n in 0..10 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        server.settled(id(&task)).await;
    }
    let about = alerts.hits().into_iter().map(|hit| text(&hit.json(), "webhookId").to_owned());
    assert!(about.clone().all(|webhook| webhook == "default"), "{:?}", about.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_webhook_gets_alerts_and_the_alerts_get_no_tasks() {
    let (receiver, alerts) = tokio::join!(Receiver::start(|_| Reply::status(400)), Receiver::ok());
    let all = Receiver::ok().await;
    let server = start(&receiver, &alerts).await;
    let hook = server.hook_to(&all, &json!({})).await;
    let task = server.create(&json!({"title": "a"})).await;
    told(&alerts, "delivery_failed", "default").await;
    server.change(&task, &json!({"title": "b"})).await;
    server.total_is(&format!("webhookId={hook}&status=delivered"), 2).await;
    assert!(all.hits().iter().all(|hit| hit.event().starts_with("task_")));
    assert!(alerts.hits().iter().all(|hit| hit.json().get("task").is_none()));
    // It cannot be had for another webhook either.
    let body = json!({"url": "http://127.0.0.1:9/", "events": ["delivery_failed"]});
    server.post("/api/webhooks", &body).await.expect_fault(400, "events");
}
