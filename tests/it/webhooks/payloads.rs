//! What a webhook made over the API gets: the events it wants and no others, a complete sample when
//! it is tested, every key each time, and nothing secret on the way.

use serde_json::{Value, json};

use crate::api::tasks::FIELDS;
use crate::harness::hooks::{id, text};
use crate::harness::{Hit, Receiver, Reply, Server};

#[tokio::test(flavor = "multi_thread")]
async fn each_webhook_gets_what_it_asked_for() {
    let server = Server::open(&[("WEBHOOK_SECRET", "incoming-secret")]).await;
    let receiver = Receiver::ok().await;
    let wants = [
        ("all", json!({"ignoreOrigin": []})),
        ("deleted", json!({"events": ["task_deleted"]})),
        ("tech", json!({"filter": {"type": "TECH"}})),
        ("work", json!({"filter": {"category": ["WORK", "STUDY"]}})),
        ("done", json!({"filter": {"status": "DONE"}})),
        ("high", json!({"filter": {"priority": ["HIGH", "URGENT"]}})),
        ("red", json!({"filter": {"tag": ["red", "blue"]}})),
        ("both", json!({"filter": {"type": "TECH", "tag": "red"}})),
        ("others", json!({"ignoreOrigin": ["incoming", "make"]})),
    ];
    for (name, want) in &wants {
        let mut body = want.clone();
        body["url"] = json!(format!("{}/{name}", receiver.url()));
        server.hook(&body).await;
    }
    let tasks = [
        (json!({"title": "plain"}), "all others"),
        (json!({"title": "tech", "type": "TECH"}), "all others tech"),
        (json!({"title": "study", "category": "STUDY", "status": "DONE"}), "all others work done"),
        (json!({"title": "urgent", "priority": "URGENT"}), "all others high"),
        (json!({"title": "blue", "tags": ["x", "blue"]}), "all others red"),
        (json!({"title": "red", "type": "TECH", "tags": ["red"]}), "all others tech red both"),
        (json!({"title": "nearly", "type": "TECHNICAL", "tags": ["redder"]}), "all others"),
    ];
    let mut expected = 0;
    for (body, names) in &tasks {
        server.create(body).await;
        expected += names.split(' ').count();
    }
    let made = json!({"title": "made"});
    let call = server.call("POST", "/api/tasks").header("x-btk-origin", "make").json(&made);
    let made = call.send().await.expect(201).json();
    let body = json!({"event": "task_created", "task": {"title": "came"}});
    server.post("/api/incoming-webhook?secret=incoming-secret", &body).await.expect(200);
    server.delete(&format!("/api/tasks/{}", id(&made))).await.expect(200);
    expected += 2 + 3;
    let hits = receiver.wait_for(expected).await;
    server.total_is("status=delivered", expected).await;
    assert_eq!(receiver.hits().len(), expected);
    let went = |title: &str, event: &str| {
        let mut names: Vec<_> = hits
            .iter()
            .filter(|hit| hit.task("title") == title && hit.header("x-btk-event") == event)
            .map(|hit| hit.path.trim_start_matches("/hook/").to_owned())
            .collect();
        names.sort();
        names
    };
    for (body, names) in &tasks {
        let mut names: Vec<_> = names.split(' ').collect();
        names.sort_unstable();
        assert_eq!(went(text(body, "title"), "task_created"), names, "{body}");
    }
    assert_eq!(went("made", "task_created"), ["all"]);
    assert_eq!(went("came", "task_created"), ["all"]);
    assert_eq!(went("made", "task_deleted"), ["all", "deleted", "others"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_sends_a_complete_sample_and_says_what_came_of_it() {
    let receiver = Receiver::start(|_| Reply::ok().body("Accepted")).await;
    let server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    let hook = server.hook_to(&receiver, &json!({"headers": {"x-make-apikey": "k-1"}})).await;
    for (n, (name, event)) in [
        (&*hook, "task_created"),
        (&hook, "task_updated"),
        (&hook, "task_status_changed"),
        (&hook, "task_deleted"),
        ("default", "task_created"),
    ]
    .iter()
    .enumerate()
    {
        let path = format!("/api/webhooks/{name}/test");
        let answer = server.post(&path, &json!({"event": event})).await.expect(200).json();
        assert_eq!((&answer["status"], &answer["error"]), (&json!(200), &Value::Null), "{answer}");
        assert_eq!((&answer["excerpt"], &answer["webhookId"]), (&json!("Accepted"), &json!(name)));
        assert!(answer["ms"].is_u64() && text(&answer, "reasonText").len() > 5, "{answer}");
        let hits = receiver.hits();
        assert_eq!(hits.len(), n + 1, "when it answers, it has been sent");
        let body = hits[n].json();
        assert_eq!(body["event"], *event);
        let task = body["task"].as_object().expect("a task");
        assert_eq!(task.len(), FIELDS.len());
        assert!(task.values().all(|value| !value.is_null() && *value != json!([])), "{body}");
        let attachment = body["task"]["attachments"][0].as_object().expect("an attachment");
        assert!(attachment.len() == 6 && attachment.values().all(|v| !v.is_null()), "{body}");
        if *name != "default" {
            assert!(!hits[n].header("webhook-signature").is_empty());
            assert_eq!(hits[n].header("x-make-apikey"), "k-1");
            let keys: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(keys.len(), 9, "{keys:?}");
        }
    }
    assert_eq!(server.total("").await, 0, "a test leaves no delivery");
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]), "and no task");

    receiver.answer(|_| Reply::status(410).body("Webhook not found."));
    let path = format!("/api/webhooks/{hook}/test");
    let answer = server.post(&path, &json!({"event": "task_created"})).await.expect(200).json();
    assert_eq!(answer["status"], 410);
    assert!(text(&answer, "reasonText").contains("410"), "{answer}");
    receiver.down();
    let answer = server.post(&path, &json!({"event": "task_created"})).await.expect(200).json();
    assert_eq!(answer["status"], Value::Null);
    assert!(text(&answer, "error").to_lowercase().contains("refused"), "{answer}");
    assert_eq!(server.webhook(&hook).await["status"], "up", "a test is no verdict");
    server.post(&path, &json!({"event": "task_exploded"})).await.expect_fault(400, "event");
    let body = json!({"event": "task_created"});
    server.post("/api/webhooks/wh_unknown/test", &body).await.expect_error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_payload_has_every_key_each_time() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    server.hook_to(&receiver, &json!({})).await;
    let task = server.create(&json!({"title": "a"})).await;
    let changed = server.change(&task, &json!({"title": "b", "priority": "HIGH"})).await;
    server.delete(&format!("/api/tasks/{}", id(&task))).await.expect(200);
    let hits = receiver.wait_for(3).await;
    let keys = ["id", "event", "type", "timestamp", "version", "origin", "changed"];
    for (n, hit) in hits.iter().enumerate() {
        let body = hit.json();
        let object = body.as_object().expect("an object");
        for key in keys.iter().chain(&["previous", "task"]) {
            assert!(object.contains_key(*key), "no {key} in {body}");
        }
        assert_eq!(object.len(), 9, "{body}");
        assert_eq!(body["id"], hit.header("webhook-id"));
        assert_eq!(body["version"], n + 1);
        assert_eq!(body["origin"], "api");
        assert!(text(&body, "timestamp").ends_with('Z'), "{body}");
        let bytes = std::str::from_utf8(&hit.body).expect("UTF-8");
        assert!(bytes.starts_with(&format!(r#"{{"id":"{}","event":""#, hit.header("webhook-id"))));
    }
    let [created, updated, deleted] = [&hits[0], &hits[1], &hits[2]].map(Hit::json);
    assert_eq!((&created["previous"], &created["task"]), (&Value::Null, &task));
    assert_eq!(updated["task"], changed);
    assert_eq!(updated["previous"], task);
    let mut names: Vec<_> = updated["changed"].as_array().expect("names").clone();
    names.retain(|name| name != "updatedAt");
    names.sort_by_key(Value::to_string);
    assert_eq!(names, [json!("priority"), json!("title")]);
    assert_eq!(deleted["task"], changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_ever_shown_or_logged() {
    let receiver = Receiver::start(|_| Reply::status(400).body("no")).await;
    let server = Server::open(&[("RUST_LOG", "debug")]).await;
    let made = server
        .hook(&json!({
            "url": format!("{}/private-path?key=private-key", receiver.url()),
            "headers": {"x-make-apikey": "private-header"},
        }))
        .await;
    let secret = text(&made, "secret").to_owned();
    let rotated = server.tell(id(&made), "rotate-secret").await.expect(200).json();
    let second = text(&rotated, "secret").to_owned();
    assert!(second.starts_with("whsec_") && second != secret, "{rotated}");
    assert!(!rotated.to_string().contains("private"), "{rotated}");
    let task = server.create(&json!({"title": "a"})).await;
    server.settled(id(&task)).await;
    let hit = receiver.wait_for(1).await.remove(0);
    assert_eq!(hit.path, "/hook/private-path?key=private-key");
    assert_eq!(hit.header("x-make-apikey"), "private-header");
    let event = hit.header("webhook-id");
    let delivery = hit.header("x-btk-delivery");
    let mut shown = vec![server.output()];
    for path in [
        "/api/webhooks".to_owned(),
        format!("/api/webhooks/{}", id(&made)),
        "/api/deliveries".to_owned(),
        format!("/api/deliveries/{delivery}"),
        format!("/api/events/{event}"),
        "/metrics".to_owned(),
        "/readyz".to_owned(),
    ] {
        shown.push(server.get(&path).await.text());
    }
    for text in shown {
        for private in ["private-path", "private-key", "private-header", &secret[6..], &second[6..]]
        {
            assert!(!text.contains(private), "{private} in {text}");
        }
    }
}
