//! Writes that are sent twice: `Idempotency-Key`, and `ETag` with `If-Match`.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Answer, Client, Hit, Receiver, Server, quiet::QUIET};

async fn keyed(server: &Server, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    server.call(method, path).header("idempotency-key", key).json(body).send().await
}

fn path(task: &Value) -> String {
    format!("/api/tasks/{}", task["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_answered_from_the_first_time_and_writes_nothing() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let body = json!({"title": "once"});
    let first = keyed(&server, "POST", "/api/tasks", "k1", &body).await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let task = first.json();
    let change = json!({"title": "changed"});
    let changed = keyed(&server, "PUT", &path(&task), "k2", &change).await.expect(200).json();
    let gone = keyed(&server, "DELETE", &path(&task), "k3", &json!({})).await.expect(200).json();

    for (method, path, key, body, status, expected) in [
        ("POST", "/api/tasks".to_owned(), "k1", &body, 201, &task),
        ("PUT", path(&task), "k2", &change, 200, &changed),
        ("DELETE", path(&task), "k3", &json!({}), 200, &gone),
    ] {
        let again = keyed(&server, method, &path, key, body).await.expect(status);
        assert_eq!(&again.json(), expected, "{method}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{method}");
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
    let marker = server.create(&json!({"title": "marker"})).await;
    receiver
        .wait_until("the marker", |hits| hits.iter().any(|hit| hit.task("id") == marker["id"]))
        .await;
    server.settled(task["id"].as_str().expect("an id")).await;
    let events: Vec<_> = receiver.of_task(task["id"].as_str().expect("an id"));
    let events: Vec<_> = events.iter().map(Hit::event).collect();
    assert_eq!(events, ["task_created", "task_updated", "task_deleted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_under_the_same_key_is_a_422() {
    let server = Server::start(&[]).await;
    let task = keyed(&server, "POST", "/api/tasks", "k", &json!({"title": "a"})).await.expect(201);
    let task = task.json();
    for (method, path, body) in [
        ("POST", "/api/tasks".to_owned(), json!({"title": "b"})),
        ("PUT", path(&task), json!({"title": "a"})),
        ("DELETE", path(&task), json!({"title": "a"})),
    ] {
        keyed(&server, method, &path, "k", &body).await.expect_error(422);
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([task]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_leaves_its_key_free() {
    let server = Server::start(&[]).await;
    keyed(&server, "POST", "/api/tasks", "k", &json!({"title": ""})).await.expect(400);
    keyed(&server, "PUT", "/api/tasks/unknown", "k", &json!({"title": "a"})).await.expect(404);
    let task = keyed(&server, "POST", "/api/tasks", "k", &json!({"title": "a"})).await.expect(201);
    assert_eq!(task.header("idempotent-replayed"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_write_that_changed_nothing_is_answered_alike() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "a"})).await;
    for _ in 0..2 {
        let same = json!({"title": "a"});
        let answer = keyed(&server, "PUT", &path(&task), "k", &same).await.expect(200);
        assert_eq!(answer.json(), task);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_under_one_key_make_one_task() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let call = server.call("POST", "/api/tasks").header("idempotency-key", "storm");
        calls.spawn(call.json(&json!({"title": "one of a hundred"})).send());
    }
    let answers = calls.join_all().await;
    let ids: Vec<_> = answers.iter().map(|answer| answer.json()["id"].clone()).collect();
    for answer in &answers {
        assert_eq!((answer.status, &answer.json()["id"]), (201, &ids[0]), "{}", answer.text());
    }
    let replayed = answers.iter().filter(|a| a.header("idempotent-replayed") == "true").count();
    assert_eq!(replayed, 99);
    let listed = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    server.settled(ids[0].as_str().expect("an id")).await;
    assert_eq!(receiver.hits().len(), 1);
}

/// Posts under each key of one worker until the connection breaks; what was answered is kept.
async fn post_until_killed(client: Client, worker: usize) -> HashMap<String, Value> {
    let mut answered = HashMap::new();
    for n in 0.. {
        let key = format!("key-{worker}-{n}");
        let call = client.call("POST", "/api/tasks").header("idempotency-key", &key);
        let Ok(answer) = call.json(&json!({"title": key})).attempt().await else {
            answered.insert(key, Value::Null);
            break;
        };
        answered.insert(key, answer.expect(201).json());
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_across_a_kill_makes_one_task_a_key() {
    let mut server = Server::start(&[]).await;
    let _loud = QUIET.write().await;
    let mut workers = JoinSet::new();
    for worker in 0..16 {
        workers.spawn(post_until_killed(server.client(), worker));
    }
    server.has_tasks(100).await;
    server.kill9();
    let answered: HashMap<_, _> = workers.join_all().await.into_iter().flatten().collect();
    server.restart().await;
    assert!(answered.len() > 16, "writes were under way at the kill");

    for (key, first) in &answered {
        for _ in 0..2 {
            let again = keyed(&server, "POST", "/api/tasks", key, &json!({"title": key})).await;
            let again = again.expect(201);
            if !first.is_null() {
                assert_eq!(&again.json(), first, "{key}");
                assert_eq!(again.header("idempotent-replayed"), "true", "{key}");
            }
        }
    }
    let mut made = HashMap::<String, usize>::new();
    for task in server.get("/api/tasks").await.expect(200).json().as_array().expect("an array") {
        *made.entry(task["title"].as_str().expect("a title").to_owned()).or_default() += 1;
    }
    assert_eq!(made.len(), answered.len());
    assert!(made.values().all(|&n| n == 1), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_etag_is_the_version_and_if_match_guards_it() {
    let server = Server::start(&[]).await;
    let made = server.post("/api/tasks", &json!({"title": "a"})).await.expect(201);
    assert_eq!(made.header("etag"), "\"1\"");
    let path = path(&made.json());
    assert_eq!(server.get(&path).await.header("etag"), "\"1\"");

    let guarded = async |method: &str, tag: &str, body: Value| {
        server.call(method, &path).header("if-match", tag).json(&body).send().await
    };
    let changed = guarded("PUT", "\"1\"", json!({"title": "b"})).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    for method in ["PUT", "PATCH", "DELETE"] {
        guarded(method, "\"1\"", json!({"title": "c"})).await.expect_error(412);
    }
    assert_eq!(server.get(&path).await.json()["title"], "b");
    // What is no version is not taken for an old one.
    for tag in ["\"1\"", "\"abc\"", "2026-03-01", "\"2"] {
        let said = guarded("PUT", tag, json!({"title": "c"})).await.expect_error(412);
        assert!(said.contains("\"2\"") && said.contains("or that is no version"), "{said}");
    }
    guarded("PUT", "*", json!({"title": "d"})).await.expect(200);
    guarded("PUT", "\"1\", \"3\"", json!({"title": "e"})).await.expect(200);
    guarded("DELETE", "\"4\"", json!({})).await.expect(200);
    let gone = guarded("PUT", "\"5\"", json!({"title": "f"})).await;
    assert!([404, 412].contains(&gone.status), "{}", gone.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_writers_with_the_same_version_one_wins() {
    let server = Server::start(&[]).await;
    let path = path(&server.create(&json!({"title": "a"})).await);
    let mut calls = JoinSet::new();
    for n in 0..20 {
        let call = server.call("PUT", &path).header("if-match", "\"1\"");
        calls.spawn(call.json(&json!({"title": format!("writer {n}")})).send());
    }
    let mut statuses: Vec<_> = calls.join_all().await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert_eq!(statuses[1..], [412; 19]);
    assert_eq!(server.get(&path).await.header("etag"), "\"2\"");
}

/// Counts up in descriptions, each time from the version that was read.
async fn count_up(client: Client, paths: Vec<String>, first: usize, counts: usize) {
    for path in paths.iter().cycle().skip(first).take(counts) {
        loop {
            let read = client.call("GET", path).send().await.expect(200);
            let count = read.json()["description"]
                .as_str()
                .map_or(0, |text| text.parse().expect("a count"));
            let call = client.call("PUT", path).header("if-match", read.header("etag"));
            let next = json!({"description": format!("{}", count + 1)});
            let answer = call.json(&next).send().await;
            if answer.status == 200 {
                break;
            }
            answer.expect_error(412);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_ten_tasks_lose_no_update() {
    const WRITERS: usize = 64;
    const COUNTS: usize = 10;
    let server = Server::start(&[("RUST_LOG", "warn")]).await;
    let mut paths = Vec::new();
    for n in 0..10 {
        paths.push(path(&server.create(&json!({"title": format!("counter {n}")})).await));
    }
    let mut writers = JoinSet::new();
    for first in 0..WRITERS {
        writers.spawn(count_up(server.client(), paths.clone(), first % paths.len(), COUNTS));
    }
    writers.join_all().await;
    for path in paths {
        let task = server.get(&path).await.expect(200);
        // Each of the ten is counted up once by each writer.
        assert_eq!(task.json()["description"], format!("{WRITERS}"));
        assert_eq!(task.header("etag"), format!("\"{}\"", WRITERS + 1));
    }
}
