//! `GET /api/events/:id`: what became of one change, webhook by webhook, and why.

use serde_json::{Value, json};

use crate::harness::hooks::{id, text};
use crate::harness::{Receiver, Reply, Server, eventually};

async fn event(server: &Server, id: &str) -> Value {
    server.get(&format!("/api/events/{id}")).await.expect(200).json()
}

/// What an event's answer says of one webhook.
#[track_caller]
fn of<'a>(event: &'a Value, webhook: &str) -> &'a Value {
    let mut all = event["webhooks"].as_array().expect("a list").iter();
    all.find(|one| one["webhookId"] == webhook).unwrap_or_else(|| panic!("no {webhook} in {event}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_what_changed_and_what_each_webhook_made_of_it() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::status(503).body("try later"),
        _ => Reply::ok().body("Accepted"),
    })
    .await;
    let refusing = Receiver::start(|_| Reply::status(400).body("no such project")).await;
    let server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    let refused = server.hook_to(&refusing, &json!({})).await;
    let paused =
        server.hook_to(&refusing, &json!({"events": ["task_created", "task_updated"]})).await;
    server.tell(&paused, "pause").await.expect(200);
    let filtered = [
        ("filter.type", json!({"filter": {"type": ["WRITING"]}})),
        ("filter.tag", json!({"filter": {"tag": "red"}})),
        ("filter.priority", json!({"filter": {"priority": "URGENT"}})),
        ("events", json!({"events": ["task_deleted"]})),
        ("ignoreOrigin", json!({"ignoreOrigin": ["make"]})),
    ];
    let mut ids = Vec::new();
    for (n, (rule, body)) in filtered.iter().enumerate() {
        let mut body = body.clone();
        body["url"] = json!(format!("{}/{n}", receiver.url()));
        ids.push((*rule, id(&server.hook(&body).await).to_owned()));
    }
    let body = json!({"title": "a", "type": "TECH", "tags": ["blue"]});
    let call = server.call("POST", "/api/tasks").header("x-btk-origin", "make").json(&body);
    let task = call.send().await.expect(201).json();
    let hit = receiver.wait_for(1).await.remove(0);
    server.total_is("webhookId=default&status=delivered", 1).await;
    server.total_is(&format!("webhookId={refused}&status=failed"), 1).await;

    let shown = event(&server, hit.header("webhook-id")).await;
    assert_eq!(shown["id"], hit.header("webhook-id"));
    for (field, value) in [
        ("event", json!("task_created")),
        ("taskId", task["id"].clone()),
        ("version", json!(1)),
        ("origin", json!("make")),
        ("previous", Value::Null),
        ("task", task.clone()),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert!(text(&shown, "timestamp").ends_with('Z') && shown["type"].is_string(), "{shown}");
    assert!(shown["changed"].is_array(), "{shown}");

    let default = of(&shown, "default");
    assert_eq!((&default["matched"], &default["rule"]), (&json!(true), &Value::Null), "{default}");
    let delivery = &default["delivery"];
    assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("delivered"), &json!(2)));
    let attempts = delivery["attempts"].as_array().expect("a list");
    assert_eq!((&attempts[0]["status"], &attempts[1]["status"]), (&json!(503), &json!(200)));
    assert_eq!(attempts[0]["excerpt"], "try later");
    let path = format!("/api/deliveries/{}", id(delivery));
    assert_eq!(server.get(&path).await.expect(200).json(), *delivery, "as it is shown alone");

    let failed = &of(&shown, &refused)["delivery"];
    assert_eq!((&failed["status"], &failed["reason"]), (&json!("failed"), &json!("rejected")));
    let held = of(&shown, &paused);
    assert_eq!(held["matched"], true);
    assert_eq!(held["delivery"]["reason"], "webhook_paused", "{held}");
    assert_eq!(held["delivery"]["attempts"], json!([]));

    for (rule, webhook) in &ids {
        let one = of(&shown, webhook);
        assert_eq!((&one["matched"], &one["delivery"]), (&json!(false), &Value::Null), "{one}");
        assert_eq!(one["rule"], *rule, "{one}");
        assert!(text(one, "text").len() > 15, "in words: {one}");
    }
    assert_eq!(shown["webhooks"].as_array().map(Vec::len), Some(3 + filtered.len()));
    for one in shown["webhooks"].as_array().expect("a list") {
        assert!(text(one, "text").len() > 5, "in words: {one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_what_it_waits_for_and_what_happens_next() {
    let receiver = Receiver::start(|_| Reply::status(500)).await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let changed = server.change(&task, &json!({"title": "b", "dueDate": "2030-01-01"})).await;
    // The log tells of a failure before it is written down.
    let found = eventually("two attempts have failed", async || {
        let found = server.deliveries(&format!("taskId={}", id(&task))).await;
        (found[1]["attemptCount"] == 2 && found[1]["status"] == "pending").then_some(found)
    })
    .await;
    let first = event(&server, text(&found[1], "eventId")).await;
    let next = &of(&first, "default")["delivery"];
    assert!(next["nextAttemptAt"].is_string() && next["reasonText"].is_string(), "{next}");
    let second = event(&server, text(&found[0], "eventId")).await;
    assert_eq!((&second["task"], &second["previous"]), (&changed, &task));
    let mut names: Vec<_> = second["changed"].as_array().expect("names").clone();
    names.retain(|name| name != "updatedAt");
    names.sort_by_key(Value::to_string);
    assert_eq!(names, [json!("dueDate"), json!("title")]);
    let waits = &of(&second, "default")["delivery"];
    assert_eq!(waits["blockedBy"], found[1]["id"], "{waits}");

    // Then the receiver is taken to be down, and each says so.
    server.webhook_is("default", "down").await;
    for delivery in &found {
        let shown = event(&server, text(delivery, "eventId")).await;
        let shown = &of(&shown, "default")["delivery"];
        assert_eq!((&shown["status"], &shown["reason"]), (&json!("held"), &json!("webhook_down")));
        assert!(text(shown, "reasonText").len() > 10, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_made_later_and_one_that_is_gone_are_told_apart() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    let first = server.hook_to(&receiver, &json!({})).await;
    server.create(&json!({"title": "a"})).await;
    let hit = receiver.wait_for(1).await.remove(0);
    server.total_is(&format!("webhookId={first}&status=delivered"), 1).await;
    let body = json!({"url": format!("{}/later", receiver.url())});
    let later = id(&server.hook(&body).await).to_owned();
    let shown = event(&server, hit.header("webhook-id")).await;
    assert_eq!(of(&shown, &first)["delivery"]["status"], "delivered");
    let one = of(&shown, &later);
    assert_eq!(one["delivery"], Value::Null);
    assert!(text(one, "text").len() > 15, "why there is none: {one}");
    // What was sent stays visible when its webhook is deleted.
    server.delete(&format!("/api/webhooks/{first}")).await.expect(204);
    eventually("it still says that it was delivered", async || {
        let shown = event(&server, hit.header("webhook-id")).await;
        (of(&shown, &first)["delivery"]["status"] == "delivered").then_some(())
    })
    .await;

    server.get("/api/events/evt_unknown").await.expect_error(404);
    server.get("/api/events/%FF").await.expect_error(404);
}
