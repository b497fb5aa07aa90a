//! What tools that build forms ask: which server this is, what a field may hold, what an event looks like.

use serde_json::{Value, json};

use crate::harness::{Receiver, Server};

const TOKEN: &str = "tok-0123456789-abcdefghij";

async fn list(server: &Server, path: &str) -> Vec<Value> {
    server.get(path).await.expect(200).json().as_array().expect("a list").clone()
}

fn values(choices: &[Value]) -> Vec<&str> {
    choices.iter().map(|choice| choice["value"].as_str().expect("a value")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn me_says_which_server_answers_and_that_the_token_is_right() {
    let settings =
        [("API_TOKEN", TOKEN), ("HOST", "127.0.0.1"), ("PUBLIC_URL", "https://tasks.example.org/")];
    let server = Server::start(&settings).await;
    let version = env!("CARGO_PKG_VERSION");
    let ask = |token: &str| {
        server.call("GET", "/api/me").header("authorization", &format!("Bearer {token}")).send()
    };
    let me = ask(TOKEN).await.expect(200).json();
    let address = "https://tasks.example.org";
    let name = "tasks.example.org";
    let shown = json!({"name": name, "version": version, "address": address, "tokenNeeded": true});
    assert_eq!(me, shown);
    let refused = ask("wrong").await.expect(401).json();
    assert_eq!(refused["code"], "unauthorized", "{refused}");

    let open = Server::start(&[]).await;
    let me = open.get("/api/me").await.expect(200).json();
    let shown =
        json!({"name": "BTK-System", "version": version, "address": null, "tokenNeeded": false});
    assert_eq!(me, shown);
    let odd = open.get("/api/me?x=1").await.expect(400).json();
    assert_eq!(odd["field"], "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_says_what_it_may_hold() {
    let server = Server::start(&[]).await;
    let statuses = list(&server, "/api/meta/statuses").await;
    assert_eq!(statuses[1], json!({"value": "IN_PROGRESS", "label": "In progress"}));
    assert_eq!(values(&statuses), ["OPEN", "IN_PROGRESS", "DONE", "CANCELLED"]);
    let priorities = list(&server, "/api/meta/priorities").await;
    assert_eq!(values(&priorities), ["LOW", "NORMAL", "HIGH", "URGENT"]);
    let events = list(&server, "/api/meta/events/").await;
    let kinds = ["task_created", "task_updated", "task_status_changed", "task_deleted"];
    assert_eq!(values(&events), kinds);
    assert_eq!(events[2]["label"], "Task status changed");
    let wrong = server.get("/api/meta/tags").await.expect(404).json();
    assert!(wrong["error"].as_str().unwrap().contains("categories"), "{wrong}");
    server.get("/api/meta/statuses?limit=1").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_in_use_follow_the_usual_ones() {
    let server = Server::start(&[]).await;
    let types = ["TECH", "WRITING", "TRANSLATION", "LEARNING"];
    let categories = ["WORK", "PERSONAL", "STUDY", "PROJECT", "MEETING", "OTHER"];
    assert_eq!(values(&list(&server, "/api/meta/types").await), types);
    assert_eq!(values(&list(&server, "/api/meta/categories").await), categories);
    for label in ["ZOO", "TECH", "Q1_2026", "ZOO"] {
        server.create(&json!({"title": "a", "type": label, "category": "HOME"})).await;
    }
    let found = list(&server, "/api/meta/types").await;
    assert_eq!(values(&found), [&types[..], &["Q1_2026", "ZOO"]].concat());
    assert_eq!(found[4]["label"], "Q1 2026");
    let found = list(&server, "/api/meta/categories").await;
    assert_eq!(values(&found), [&categories[..], &["HOME"]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_labels_stays_short() {
    let server = Server::start(&[]).await;
    for n in 0..510 {
        server.create(&json!({"title": "a", "type": format!("LABEL_{n:03}")})).await;
    }
    let found = list(&server, "/api/meta/types").await;
    assert_eq!(found.len(), 500);
    assert_eq!((&found[0]["value"], &found[4]["value"]), (&json!("TECH"), &json!("LABEL_000")));
}

/// The names of all fields, at every depth.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).take(1).collect(),
        _ => json!("value"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_have_the_shape_of_what_is_delivered() {
    let receiver = Receiver::ok().await;
    let target = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &target)]).await;
    for payload in ["full", "classic"] {
        let hook = json!({"url": format!("{}{payload}", receiver.url()), "payload": payload});
        let hook = server.post("/api/webhooks", &hook).await.expect(201).json();
        let samples = list(&server, &format!("/api/events/samples?payload={payload}")).await;
        assert_eq!(samples.len(), 4);
        for sample in samples {
            let kind = sample["event"].as_str().expect("a kind");
            let one = format!("/api/events/samples?payload={payload}&event={kind}");
            let alone = list(&server, &one).await;
            assert_eq!(alone.len(), 1);
            assert_eq!(shape(&alone[0]), shape(&sample));
            let path = format!("/api/webhooks/{}/test", hook["id"].as_str().expect("an id"));
            server.post(&path, &json!({"event": kind})).await.expect(200);
            let sent = receiver.hits().last().expect("a request").body.clone();
            let sent: Value = serde_json::from_slice(&sent).expect("JSON");
            assert_eq!(sent["event"], kind);
            assert_eq!(shape(&sent), shape(&sample), "{payload}, {kind}");
            let empty = |v: &Value| v.is_null() || v.as_array().is_some_and(Vec::is_empty);
            assert!(!sample["task"].as_object().expect("a task").values().any(empty), "{sample}");
        }
    }
    let default = server.get("/api/events/samples?event=task_deleted").await.expect(200);
    assert_eq!(default.header("content-type"), "application/json");
    assert!(default.text().starts_with("[{\"id\":\"evt_"), "{default:?}");
    let wrong = server.get("/api/events/samples?event=webhook_down").await.expect(400).json();
    assert_eq!(wrong["field"], "event", "{wrong}");
    assert_eq!(list(&server, "/api/events").await.len(), 0, "nothing is kept");
}

/// What forms send: nothing for what is not named, and an empty text for what was left empty.
#[tokio::test(flavor = "multi_thread")]
async fn empty_fields_of_forms_clear_what_may_be_empty_and_absent_ones_stay() {
    let server = Server::start(&[]).await;
    let whole = json!({"title": "a", "description": "b", "type": "TECH", "category": "WORK",
        "dueDate": "2026-12-01", "tags": ["x"], "status": "DONE", "priority": "HIGH",
        "attachments": [{"name": "f", "url": "https://e.org/f"}]});
    for empty in [json!(""), json!(null)] {
        let task = server.create(&whole).await;
        let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
        let touched = server.call("PATCH", &path).json(&json!({"title": "c"})).send().await;
        let touched = touched.expect(200).json();
        for field in ["description", "type", "category", "dueDate", "tags", "attachments"] {
            assert_eq!(touched[field], task[field], "absent is unchanged");
            let cleared = server.put(&path, &json!({field: empty})).await.expect(200).json();
            let is_list = task[field].is_array();
            assert_eq!(cleared[field], if is_list { json!([]) } else { json!(null) });
        }
        for field in ["title", "status", "priority"] {
            let refused = server.put(&path, &json!({field: empty})).await.expect(400).json();
            assert_eq!(refused["field"], field);
        }
        let made = server.create(&json!({"title": "d", "description": empty, "tags": empty})).await;
        assert_eq!((&made["description"], &made["tags"]), (&json!(null), &json!([])));
    }
}
