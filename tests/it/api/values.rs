//! What a task refuses, and that the answer names the field, the value and what is allowed.

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

/// A value that must be refused, and words that the sentence must contain.
struct Case {
    field: &'static str,
    value: Value,
    words: &'static [&'static str],
}

fn case(field: &'static str, value: impl Into<Value>, words: &'static [&'static str]) -> Case {
    Case { field, value: value.into(), words }
}

fn refused() -> Vec<Case> {
    let crab = |n: usize| "🦀".repeat(n);
    let attachment = |field: &str, value: Value| {
        let mut attachment = json!({"name": "n", "url": "http://a.example"});
        attachment[field] = value;
        json!([attachment])
    };
    let plain = json!({"name": "n", "url": "http://a.example"});
    let statuses: &[_] = &["STARTED", "OPEN", "IN_PROGRESS", "DONE", "CANCELLED"];
    vec![
        case("title", "", &["500"]),
        case("title", " \n\t ", &["500"]),
        case("title", crab(501), &["500"]),
        case("title", Value::Null, &[]),
        case("title", 5, &["5"]),
        case("title", json!(["a"]), &[]),
        case("title", "nul \0 inside", &[]),
        case("description", "d".repeat(64 * 1024 + 1), &["64"]),
        case("description", "\0", &[]),
        case("description", json!({}), &[]),
        case("type", "tech", &["tech", "A-Z"]),
        case("type", "T".repeat(41), &["40"]),
        case("type", "TECH-2", &["TECH-2"]),
        case("type", "ÄRGER", &["ÄRGER"]),
        case("category", "at work", &["at work", "A-Z"]),
        case("category", "C".repeat(41), &["40"]),
        case("status", "STARTED", statuses),
        case("status", "open", &["open", "OPEN"]),
        case("status", "", &["OPEN"]),
        case("status", 1, &["OPEN"]),
        case("priority", "MEDIUM", &["MEDIUM", "LOW", "NORMAL", "HIGH", "URGENT"]),
        case("priority", "", &["NORMAL"]),
        case("dueDate", "tomorrow", &["tomorrow"]),
        case("dueDate", "2026-02-30", &["2026-02-30"]),
        case("dueDate", "2026-01-01T10:00:00", &["2026-01-01T10:00:00"]),
        case("dueDate", "2026-01-01T25:00:00Z", &["2026-01-01T25:00:00Z"]),
        case("dueDate", 1_765_216_530, &["1765216530"]),
        case("tags", "a,b", &[]),
        case("tags", json!([1]), &[]),
        case("tags", json!([""]), &["64"]),
        case("tags", json!([crab(65)]), &["64"]),
        case("tags", json!(["a\0b"]), &[]),
        case("tags", (0..51).map(|n| json!(n.to_string())).collect::<Value>(), &["50"]),
        case("attachments", json!({}), &[]),
        case("attachments", json!(["http://a.example"]), &[]),
        case("attachments", json!([{"name": "n"}]), &["url"]),
        case("attachments", json!([{"url": "http://a.example"}]), &["name"]),
        case(
            "attachments",
            attachment("url", json!("ftp://a.example/x")),
            &["ftp://a.example/x", "http"],
        ),
        case("attachments", attachment("url", json!("javascript:alert(1)")), &["http"]),
        case("attachments", attachment("url", json!("not a url")), &["http"]),
        case("attachments", attachment("name", json!("a\0b")), &[]),
        case("attachments", attachment("uploadedAt", json!("yesterday")), &["yesterday"]),
        case("attachments", attachment("size", json!("big")), &[]),
        case("attachments", attachment("colour", json!("red")), &["colour"]),
        case("attachments", vec![plain; 51], &["50"]),
    ]
}

/// The sentence names the field, and each of these words.
#[track_caller]
fn names(answer: &Answer, case: &Case) {
    let shown: String = case.value.to_string().chars().take(60).collect();
    let sentence = answer.expect_fault(400, case.field);
    for word in case.words.iter().chain([&case.field]) {
        assert!(sentence.contains(word), "{}: {shown}: no {word:?} in {sentence:?}", case.field);
    }
    assert!(answer.body.len() < 4096, "a long value is not repeated whole: {}", answer.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_is_a_400_that_names_field_value_and_what_is_allowed() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "stays"})).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
    for case in refused() {
        let mut body = json!({"title": "a"});
        body[case.field] = case.value.clone();
        names(&server.post("/api/tasks", &body).await, &case);
        names(&server.put(&path, &json!({case.field: case.value.clone()})).await, &case);
    }
    let all = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(all, json!([task]), "nothing was made and nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_is_required() {
    let server = Server::start(&[]).await;
    let sentence = server.post("/api/tasks", &json!({})).await.expect_fault(400, "title");
    assert!(sentence.contains("title"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_clears_only_what_may_be_empty() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "a", "status": "DONE", "priority": "LOW"})).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
    for field in ["title", "status", "priority"] {
        server.put(&path, &json!({field: null})).await.expect_fault(400, field);
    }
    assert_eq!(server.get(&path).await.expect(200).json(), task);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_named() {
    let server = Server::start(&[]).await;
    let answer = server.post("/api/tasks", &json!({"title": "a", "prioritty": "LOW"})).await;
    let sentence = answer.expect_fault(400, "prioritty");
    assert!(sentence.contains("prioritty"), "{sentence}");
    let task = server.create(&json!({"title": "a"})).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
    server.put(&path, &json!({"due_date": null})).await.expect_fault(400, "due_date");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_json_is_a_400_with_line_and_column() {
    let server = Server::start(&[]).await;
    let broken = "{\n  \"title\": ,\n}";
    for (method, path) in [("POST", "/api/tasks"), ("PUT", "/api/tasks/any")] {
        let answer = server.call(method, path).text("application/json", broken).send().await;
        let sentence = answer.expect_error(400).to_lowercase();
        assert!(sentence.contains("line 2"), "{sentence}");
        assert!(sentence.contains("column 12"), "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_task_are_a_400_and_never_a_500() {
    let server = Server::start(&[]).await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"   ".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"title\"".to_vec(),
        b"{\"title\":\"a\"} trailing".to_vec(),
        b"{\"title\":\"a\",}".to_vec(),
        b"{\"title\":\"a\"".to_vec(),
        b"{'title':'a'}".to_vec(),
        b"{\"title\":\"a\",\"title\":\"b\"}".to_vec(),
        b"{\"title\":\"a\",\"status\":\"OPEN\",\"status\":\"DONE\"}".to_vec(),
        b"{\"title\":\"\xff\xfe\"}".to_vec(),
        b"{\"title\":\"\\ud800\"}".to_vec(),
        b"{\"title\":\"\\u0000\"}".to_vec(),
        b"{\"title\":\"a\",\"attachments\":[{\"name\":\"n\",\"url\":\"http://a\",\"size\":1e400}]}"
            .to_vec(),
        deep.clone().into_bytes(),
        format!("{{\"title\":{deep}}}").into_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = server.call("POST", "/api/tasks").text("application/json", body).send().await;
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
        answer.expect_error(400);
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_key_is_named() {
    let server = Server::start(&[]).await;
    let twice = r#"{"title":"a","status":"OPEN","status":"DONE"}"#;
    let answer = server.call("POST", "/api/tasks").text("application/json", twice).send().await;
    let sentence = answer.expect_error(400);
    assert!(sentence.contains("status"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_at_the_end_of_time_are_taken_or_refused_but_never_a_500() {
    let server = Server::start(&[]).await;
    for date in [
        "9999-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00+23:59",
        "0000-01-01",
        "-0001-01-01",
        "+010000-01-01",
        "2016-12-31T23:59:60Z",
    ] {
        let answer = server.post("/api/tasks", &json!({"title": "a", "dueDate": date})).await;
        assert!([201, 400].contains(&answer.status), "{date}: {}", answer.text());
    }
}
