//! Webhooks that come in: who may, what is done with them, and what is answered.
//!
//! Form bodies, rates and origins are in `form`.

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const SECRET: &str = "a secret of more than sixteen characters";
const HERE: &str =
    "/api/incoming-webhook?secret=a%20secret%20of%20more%20than%20sixteen%20characters";

async fn server() -> Server {
    Server::start(&[("WEBHOOK_SECRET", SECRET)]).await
}

async fn send(server: &Server, event: &str, task: Value) -> Answer {
    server.post(HERE, &json!({"event": event, "task": task})).await
}

/// What was done, with which task.
#[track_caller]
fn result(answer: Answer) -> (String, String) {
    let answer = answer.expect(200).json();
    assert_eq!(answer["success"], true);
    let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    (text("result"), text("taskId"))
}

/// The same as one line.
#[track_caller]
fn done(answer: Answer) -> String {
    let (result, task) = result(answer);
    format!("{result} {task}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_webhook_is_the_promised_one() {
    let server = server().await;
    let answer = send(&server, "task_created", json!({"id": "test123", "title": "a"})).await;
    let answer = answer.expect(200).json();
    assert_eq!(answer["success"], true);
    assert_eq!(answer["message"], "Webhook received successfully");
    let time = answer["timestamp"].as_str().expect("a time");
    assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    assert_eq!(answer["result"], "created");
    assert_eq!(answer["taskId"], "test123");
    let task = server.get("/api/tasks/test123").await.expect(200).json();
    assert_eq!((&task["id"], &task["title"]), (&json!("test123"), &json!("a")));
    let words = "[INCOMING WEBHOOK] Authenticated webhook received: \
                 { event: 'task_created', taskId: 'test123'";
    assert!(server.wait_for_log(words).await.contains("INFO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_secret_may() {
    let server = server().await;
    let body = json!({"event": "task_created", "task": {"title": "a"}});
    let missing = server.post("/api/incoming-webhook", &body).await.expect(401);
    assert_eq!(missing.json()["error"], "Unauthorized: Missing secret parameter");
    let longer = format!("{HERE}x");
    for wrong in ["/api/incoming-webhook?secret=wrong", &longer, "/api/incoming-webhook?secret=a"] {
        let answer = server.post(wrong, &body).await.expect(401);
        assert_eq!(answer.json()["error"], "Unauthorized: Invalid secret", "{wrong}");
    }
    let header = async |secret: &str| {
        let call = server.call("POST", "/api/incoming-webhook");
        call.header("x-webhook-secret", secret).json(&body).send().await
    };
    assert_eq!(header("wrong").await.expect(401).json()["error"], "Unauthorized: Invalid secret");
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
    assert_eq!(result(header(SECRET).await).0, "created");
    assert_eq!(result(server.post(HERE, &body).await).0, "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_secret_says_so() {
    let server = Server::start(&[]).await;
    let body = json!({"event": "task_created", "task": {"title": "a"}});
    for path in ["/api/incoming-webhook", "/api/incoming-webhook?secret=any"] {
        let answer = server.post(path, &body).await.expect(500).json();
        assert_eq!(answer["error"], "Webhook secret not configured on server");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_told_without_a_secret() {
    for settings in [&[][..], &[("WEBHOOK_SECRET", SECRET)]] {
        let server = Server::start(settings).await;
        let answer = server.get("/api/incoming-webhook").await.expect(200).json();
        assert_eq!(answer["status"], "ready");
        assert!(answer["message"].is_string());
        assert!(answer["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_id_is_changed_by_the_rules_of_put_or_deleted() {
    let server = server().await;
    let task = server.create(&json!({"title": "a", "description": "d", "tags": ["x"]})).await;
    let id = task["id"].as_str().expect("an id");
    let path = format!("/api/tasks/{id}");
    let updated = format!("updated {id}");
    assert_eq!(done(send(&server, "task_updated", json!({"id": id, "title": "b"})).await), updated);
    // Whatever change is claimed, the fields that are present decide.
    let status = json!({"id": id, "status": "DONE", "description": null});
    assert_eq!(done(send(&server, "task_created", status).await), updated);
    let stored = server.get(&path).await.expect(200).json();
    assert_eq!(stored["title"], "b");
    assert_eq!(stored["status"], "DONE");
    assert_eq!(stored["description"], Value::Null);
    assert_eq!(stored["tags"], json!(["x"]));
    assert_eq!(stored["createdAt"], task["createdAt"]);

    let unchanged = format!("unchanged {id}");
    let same = json!({"id": id, "status": "DONE"});
    assert_eq!(done(send(&server, "task_status_changed", same).await), unchanged);
    assert_eq!(done(send(&server, "task_updated", stored.clone()).await), unchanged);
    assert_eq!(server.get(&path).await.expect(200).json(), stored);

    let gone = send(&server, "task_deleted", json!({"id": id})).await;
    assert_eq!(done(gone), format!("deleted {id}"));
    server.get(&path).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_inserted_whichever_change_is_named() {
    let server = server().await;
    for (n, event) in ["task_created", "task_updated", "task_status_changed"].iter().enumerate() {
        let id = format!("Ext-1.{n}:_");
        let task = json!({"id": id, "title": "a", "status": "IN_PROGRESS", "tags": ["x", "x"]});
        assert_eq!(done(send(&server, event, task).await), format!("created {id}"));
        let stored = server.get(&format!("/api/tasks/{id}")).await.expect(200).json();
        assert_eq!((&stored["id"], &stored["tags"]), (&json!(id), &json!(["x"])));
        let untitled = send(&server, event, json!({"id": format!("no-title-{n}")})).await;
        assert!(untitled.expect_fault(422, "task.title").contains("title"));
    }
    let (result, _) = result(send(&server, "task_deleted", json!({"id": "never-seen"})).await);
    assert_eq!(result, "ignored");
    let listed = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
    let longest = "i".repeat(128);
    let task = json!({"id": longest, "title": "a"});
    assert_eq!(done(send(&server, "task_created", task).await), format!("created {longest}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_comes_again_after_its_deletion_goes_on_counting() {
    let server = server().await;
    let task = json!({"id": "phoenix", "title": "a"});
    assert_eq!(done(send(&server, "task_created", task.clone()).await), "created phoenix");
    assert_eq!(done(send(&server, "task_deleted", task.clone()).await), "deleted phoenix");
    assert_eq!(done(send(&server, "task_updated", task).await), "created phoenix");
    assert_eq!(server.get("/api/tasks/phoenix").await.expect(200).header("etag"), "\"3\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_id_only_a_creation_makes_sense() {
    let server = server().await;
    let (result, id) = result(send(&server, "task_created", json!({"title": "a"})).await);
    assert_eq!(result, "created");
    assert!(id.starts_with("task_"), "{id}");
    server.get(&format!("/api/tasks/{id}")).await.expect(200);
    for event in ["task_updated", "task_status_changed", "task_deleted"] {
        let sentence = send(&server, event, json!({"title": "a"})).await.expect_error(422);
        assert!(sentence.contains("id"), "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_are_ignored_here() {
    let server = server().await;
    let body = json!({"event": "task_created", "sentBy": "make", "scenario": {"id": 7},
        "task": {"id": "k", "title": "a", "colour": "red", "nested": [1]}});
    assert_eq!(done(server.post(HERE, &body).await), "created k");
    let task = server.get("/api/tasks/k").await.expect(200).json();
    assert!(task.get("colour").is_none(), "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_echo_is_ignored() {
    let server = server().await;
    let task = server.create(&json!({"title": "a"})).await;
    let id = task["id"].as_str().expect("an id");
    let change = |title: &str, time: &str| json!({"id": id, "title": title, "updatedAt": time});
    let stale = send(&server, "task_updated", change("late", "2020-01-01T00:00:00.000Z")).await;
    assert_eq!(result(stale).0, "ignored");
    let stored = server.get(&format!("/api/tasks/{id}")).await.expect(200).json();
    assert_eq!(stored, task);
    let own = task["updatedAt"].as_str().expect("a time");
    assert_eq!(result(send(&server, "task_updated", change("now", own)).await).0, "updated");
    let fresh = send(&server, "task_updated", change("later", "2099-01-01T01:00:00+01:00")).await;
    assert_eq!(result(fresh).0, "updated");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_webhook_id_or_key_is_a_duplicate() {
    let mut server = server().await;
    for header in ["webhook-id", "idempotency-key"] {
        let body = json!({"event": "task_created", "task": {"title": header}});
        let key = format!("msg_1.{header}");
        let call = async |server: &Server| {
            server.call("POST", HERE).header(header, &key).json(&body).send().await
        };
        // What was refused was not done, so its id is free.
        let bad = json!({"event": "task_created", "task": {"title": ""}});
        let refused = server.call("POST", HERE).header(header, &key).json(&bad).send().await;
        assert!([400, 422].contains(&refused.status), "{}", refused.text());
        let (first, id) = result(call(&server).await);
        assert_eq!(first, "created", "{header}");
        assert_eq!(done(call(&server).await), format!("duplicate {id}"), "{header}");
        server.kill9();
        server.restart().await;
        assert_eq!(done(call(&server).await), format!("duplicate {id}"), "{header}: for 48 h");
        server.delete(&format!("/api/tasks/{id}")).await.expect(200);
        assert_eq!(result(call(&server).await).0, "duplicate", "{header}: gone since");
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_copies_at_once_are_applied_once() {
    let server = Server::start(&[("WEBHOOK_SECRET", SECRET), ("INCOMING_RATE", "1000/s")]).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let call = server.call("POST", HERE).header("webhook-id", "msg_storm");
        calls.spawn(call.json(&json!({"event": "task_created", "task": {"title": "a"}})).send());
    }
    let results: Vec<_> = calls.join_all().await.into_iter().map(result).collect();
    assert_eq!(results.iter().filter(|(result, _)| result == "created").count(), 1);
    assert_eq!(results.iter().filter(|(result, _)| result == "duplicate").count(), 99);
    assert!(results.iter().all(|(_, id)| *id == results[0].1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_is_told_what_is_wrong_with_it() {
    let server = server().await;
    for (body, word) in [
        (json!({"event": "task_exploded", "task": {"title": "a"}}), "task_exploded"),
        (json!({"event": "task_exploded", "task": {"title": "a"}}), "task_created"),
        (json!({"task": {"title": "a"}}), "event"),
        (json!({"event": null, "task": {"title": "a"}}), "event"),
        (json!({"event": "task_created"}), "task"),
        (json!({"event": "task_created", "task": null}), "task"),
        (json!({"event": "task_created", "task": "a"}), "task"),
        (json!([1]), ""),
        (json!({"event": "task_created", "task": {"title": "a", "status": "open"}}), "status"),
        (json!({"event": "task_created", "task": {"title": "a", "dueDate": "soon"}}), "soon"),
        (json!({"event": "task_created", "task": {"title": "\0"}}), "title"),
        (json!({"event": "task_created", "task": {"title": "a", "id": "has space"}}), "has space"),
        (json!({"event": "task_created", "task": {"title": "a", "id": "i".repeat(129)}}), "128"),
        (json!({"event": "task_created", "task": {"title": "a", "id": "../x"}}), "id"),
    ] {
        let answer = server.post(HERE, &body).await;
        let sentence = answer.expect_error_of(&[400, 422]);
        assert!(sentence.contains(word), "{body}: no {word:?} in {sentence:?}");
    }
    let broken =
        server.call("POST", HERE).text("application/json", "{\n \"event\": }").send().await;
    assert!(broken.expect_error_of(&[400]).to_lowercase().contains("line 2"));
    server.call("POST", HERE).text("text/plain", "{}").send().await.expect_error(415);
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
}

/// Alerts are news of webhooks that only this server has.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_happens_to_tasks_can_come_in() {
    let server = server().await;
    for alert in
        ["webhook_down", "webhook_refusing", "webhook_up", "delivery_failed", "backlog_high"]
    {
        let answer = send(&server, alert, json!({"id": "a", "title": "a"})).await;
        let sentence = answer.expect_fault(400, "event");
        let all = "use one of task_created, task_updated, task_status_changed, task_deleted";
        assert!(sentence.ends_with(all), "{sentence}");
    }
    server.get("/api/tasks/a").await.expect(404);
    let missing = server.post(HERE, &json!({"task": {}})).await.expect_fault(400, "event");
    assert!(!missing.contains("webhook_"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cannot_forge_a_log_line() {
    let server = server().await;
    let forged = "x\n2026-01-01T00:00:00Z  INFO [WEBHOOK] Successfully sent everything\r\n";
    let body = json!({"event": forged, "task": {"id": forged, "title": forged}});
    server.post(HERE, &body).await.expect_error_of(&[400, 422]);
    send(&server, "task_created", json!({"id": "honest", "title": forged})).await.expect(200);
    server.wait_for_log("taskId: 'honest'").await;
    let log = server.log();
    let forgery = |line: &&String| line.contains("Successfully sent everything");
    let lines: Vec<_> = log.iter().filter(forgery).collect();
    assert!(lines.iter().all(|line| !line.starts_with("2026-01-01")), "{lines:?}");
}
