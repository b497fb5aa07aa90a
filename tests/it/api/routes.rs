//! The routes of tasks: what each answers, what makes an event, and the errors.

use serde_json::{Value, json};

use crate::harness::{Receiver, Server};

fn path(task: &Value) -> String {
    format!("/api/tasks/{}", task["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn create_read_change_and_delete() {
    let server = Server::start(&[]).await;
    let made = server.post("/api/tasks", &json!({"title": "one"})).await.expect(201);
    let task = made.json();
    assert!(made.header("content-type").starts_with("application/json"));
    assert_eq!(server.get(&path(&task)).await.expect(200).json(), task);

    let second = server.create(&json!({"title": "two"})).await;
    let list = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(list, json!([task, second]), "oldest first");

    let gone = server.delete(&path(&task)).await.expect(200).json();
    assert_eq!(gone, json!({"message": "Task deleted successfully", "task": task}));
    for answer in [server.get(&path(&task)).await, server.delete(&path(&task)).await] {
        assert_eq!(answer.expect_error(404), "Task not found");
    }
    let change = server.put(&path(&task), &json!({"title": "b"})).await;
    assert_eq!(change.expect_error(404), "Task not found");
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([second]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_made_in_the_same_millisecond_are_listed_in_the_order_of_their_making() {
    let server = Server::start(&[]).await;
    let mut made = Vec::new();
    for n in 0..60 {
        made.push(server.create(&json!({"title": n.to_string()})).await["id"].clone());
    }
    let list = server.get("/api/tasks").await.expect(200).json();
    let listed: Vec<_> =
        list.as_array().expect("an array").iter().map(|task| task["id"].clone()).collect();
    assert_eq!(listed, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailing_slash_makes_no_difference() {
    let server = Server::start(&[]).await;
    let task = server.post("/api/tasks/", &json!({"title": "a"})).await.expect(201).json();
    let one = format!("{}/", path(&task));
    assert_eq!(server.get("/api/tasks/").await.expect(200).json(), json!([task]));
    assert_eq!(server.get("/api/tasks/?limit=5").await.expect(200).json(), json!([task]));
    assert_eq!(server.get(&one).await.expect(200).json(), task);
    server.put(&one, &json!({"title": "b"})).await.expect(200);
    server.delete(&one).await.expect(200);
    server.get("/api/deliveries/").await.expect(200);
    server.get("/api/incoming-webhook/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn put_and_patch_change_what_is_present_and_leave_the_rest() {
    let server = Server::start(&[]).await;
    for method in ["PUT", "PATCH"] {
        let task = server
            .create(&json!({"title": "a", "description": "d", "tags": ["x"], "priority": "LOW"}))
            .await;
        let change = json!({"description": null, "priority": "HIGH"});
        let answer = server.call(method, &path(&task)).json(&change).send().await.expect(200);
        let changed = answer.json();
        let mut expected = task.clone();
        expected["description"] = Value::Null;
        expected["priority"] = json!("HIGH");
        expected["updatedAt"] = changed["updatedAt"].clone();
        assert_eq!(changed, expected, "{method}");
        assert!(changed["updatedAt"].as_str() >= task["updatedAt"].as_str(), "{method}");
        assert_eq!(server.get(&path(&task)).await.expect(200).json(), changed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_in_a_change_replace_the_whole_list() {
    let server = Server::start(&[]).await;
    let attachment = json!({"name": "n", "url": "http://a.example"});
    let task = server
        .create(&json!({"title": "a", "tags": ["x", "y"], "attachments": [attachment]}))
        .await;
    let change = json!({"tags": ["z"], "attachments": []});
    let changed = server.put(&path(&task), &change).await.expect(200).json();
    assert_eq!(changed["tags"], json!(["z"]));
    assert_eq!(changed["attachments"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn id_and_times_in_a_body_are_ignored() {
    let server = Server::start(&[]).await;
    let body = json!({"id": "mine", "title": "a", "createdAt": "2000-01-01T00:00:00.000Z",
        "updatedAt": 12});
    let task = server.create(&body).await;
    assert!(task["id"].as_str().expect("an id").starts_with("task_"));
    assert!(task["createdAt"].as_str() > Some("2001"));
    let body = json!({"id": "other", "title": "b", "createdAt": null, "updatedAt": "never"});
    let changed = server.put(&path(&task), &body).await.expect(200).json();
    assert_eq!(changed["id"], task["id"]);
    assert_eq!(changed["createdAt"], task["createdAt"]);
    assert_eq!(changed["title"], "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_changes_nothing_keeps_updated_at_and_makes_no_event() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server
        .create(&json!({"title": "a", "tags": ["x"], "dueDate": "2026-01-01", "description": ""}))
        .await;
    let unchanged = [
        json!({}),
        task.clone(),
        json!({"title": "  a "}),
        json!({"tags": ["x", "x"]}),
        json!({"dueDate": "2026-01-01T01:00:00+01:00"}),
        json!({"description": ""}),
        json!({"id": "other", "updatedAt": "2030-01-01"}),
    ];
    for body in unchanged {
        let answer = server.put(&path(&task), &body).await.expect(200);
        assert_eq!(answer.json(), task, "{body}");
        assert_eq!(answer.header("etag"), "\"1\"", "{body}");
    }
    // The next event of the task shows that there was none between.
    server.put(&path(&task), &json!({"title": "b"})).await.expect(200);
    let hits = receiver.wait_for(2).await;
    let versions: Vec<_> = hits.iter().map(|hit| hit.header("x-btk-task-version")).collect();
    assert_eq!(versions, ["1", "2"]);
    assert_eq!(server.deliveries("").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_sentences_with_a_code_and_a_request_id() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "a"})).await;
    server.get("/api/nothing").await.expect_error(404);
    server.get("/nothing").await.expect_error(404);
    server.get("/api/tasks/unknown").await.expect_error(404);
    server.get("/api/deliveries/unknown").await.expect_error(404);
    server.put("/api/tasks", &json!({})).await.expect_error(405);
    server.delete("/api/tasks").await.expect_error(405);
    server.call("POST", &path(&task)).json(&json!({})).send().await.expect_error(405);
    let refused = server.delete("/api/incoming-webhook").await;
    refused.expect_error(405);
    assert!(refused.header("allow").contains("POST"), "{:?}", refused.headers);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        for (method, path) in [("POST", "/api/tasks"), ("PUT", &*path(&task))] {
            let body = r#"{"title":"b"}"#;
            let answer = server.call(method, path).text(kind, body).send().await;
            let sentence = answer.expect_error(415);
            assert!(sentence.contains("application/json"), "{sentence}");
        }
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([task]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_is_an_error_of_the_same_shape() {
    let server = Server::start(&[]).await;
    for id in ["%00", "a%2Fb", "..%2f..", "%", "%zz", &"i".repeat(5_000), "%ff%fe"] {
        for (method, path) in
            [("GET", "/api/tasks/"), ("GET", "/api/deliveries/"), ("DELETE", "/api/tasks/")]
        {
            let answer = server.call(method, &format!("{path}{id}")).send().await;
            answer.expect_error_of(&[400, 404, 414]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_with_a_charset_is_json() {
    let server = Server::start(&[]).await;
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let call = server.call("POST", "/api/tasks").text(kind, r#"{"title":"a"}"#);
        call.send().await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_are_on_every_answer_and_differ() {
    let server = Server::start(&[]).await;
    let mut ids = Vec::new();
    for path in ["/api/tasks", "/api/tasks/unknown", "/healthz", "/docs", "/nothing"] {
        let answer = server.get(path).await;
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        ids.push(answer.header("x-request-id").to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_query_parameter_is_named() {
    let server = Server::start(&[]).await;
    for path in ["/api/tasks?stauts=OPEN", "/api/deliveries?stauts=failed"] {
        let sentence = server.get(path).await.expect_error(400);
        assert!(sentence.contains("stauts"), "{sentence}");
    }
}
