//! What a webhook carries and what the log says of it.
//!
//! Retries are in `retries`, the receiver's answers in `answers`, order in `lanes`.

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Server, home};

fn id(task: &Value) -> &str {
    task["id"].as_str().expect("an id")
}

fn path(task: &Value) -> String {
    format!("/api/tasks/{}", id(task))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_write_sends_one_event_named_after_what_changed() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a", "tags": ["x"]})).await;
    let mut states = vec![task.clone()];
    for change in [
        json!({"title": "b"}),
        json!({"status": "IN_PROGRESS"}),
        json!({"status": "DONE", "title": "c"}),
        json!({"status": "DONE", "priority": "HIGH"}),
    ] {
        states.push(server.put(&path(&task), &change).await.expect(200).json());
    }
    server.delete(&path(&task)).await.expect(200);
    states.push(states[4].clone());

    let hits = receiver.wait_for(6).await;
    let kinds = [
        "task_created",
        "task_updated",
        "task_status_changed",
        "task_status_changed",
        "task_updated",
        "task_deleted",
    ];
    for (n, (hit, (kind, state))) in hits.iter().zip(kinds.iter().zip(&states)).enumerate() {
        assert_eq!(hit.json(), json!({"event": kind, "task": state}), "event {n}");
        assert_eq!(hit.header("x-btk-event"), *kind);
        assert_eq!(hit.header("x-btk-task-version"), (n + 1).to_string());
    }
    server.settled(id(&task)).await;
    assert_eq!(receiver.hits().len(), 6, "one write, one event");
}

/// JSON without white space between its tokens.
fn is_compact(text: &str) -> bool {
    let (mut inside, mut escaped) = (false, false);
    text.chars().all(|c| {
        match c {
            '"' if !escaped => inside = !inside,
            c if c.is_whitespace() && !inside => return false,
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
        true
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_is_exactly_event_and_task_in_compact_json() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let awkward = "quote \" backslash \\ slash / crab 🦀 é \u{2028} \u{7f} \u{1} end";
    let task = server.create(&json!({"title": awkward, "description": "a\n b : , c"})).await;
    let hits = receiver.wait_for(1).await;
    let text = std::str::from_utf8(&hits[0].body).expect("UTF-8");
    assert!(text.starts_with(r#"{"event":"task_created","task":{""#), "{text}");
    assert!(text.ends_with("}}") && is_compact(text), "{text}");
    assert_eq!(hits[0].json(), json!({"event": "task_created", "task": task}));
    // Every key is there, in the order of the contract.
    let keys = ["id", "title", "description", "type", "category", "status", "priority", "dueDate"];
    let keys = keys.iter().chain(&["tags", "attachments", "createdAt", "updatedAt"]);
    let places: Vec<_> = keys.map(|key| text.find(&format!("\"{key}\":")).expect(key)).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_which_event_it_is() {
    let receiver = Receiver::ok().await;
    let url = format!("{}/some%20path?token=a%2Fb&c", receiver.url());
    let server = Server::start(&[
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_HEADERS", "x-make-apikey: key-123; X-Team: a b"),
    ])
    .await;
    server.create(&json!({"title": "a"})).await;
    let hit = receiver.wait_for(1).await.remove(0);
    assert_eq!(hit.method, "POST");
    assert_eq!(hit.path, "/hook/some%20path?token=a%2Fb&c");
    assert_eq!(hit.header("content-type"), "application/json");
    assert_eq!(hit.header("content-length"), hit.body.len().to_string());
    assert_eq!(hit.header("host"), receiver.address().to_string());
    assert!(hit.header("webhook-id").starts_with("evt_"), "{}", hit.header("webhook-id"));
    let sent: u64 = hit.header("webhook-timestamp").parse().expect("seconds");
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs();
    assert!(sent <= now && sent + 10 >= now, "{sent} is about {now}");
    assert_eq!(hit.header("x-btk-event"), "task_created");
    assert!(hit.header("x-btk-delivery").starts_with("dlv_"));
    assert_eq!(hit.header("x-btk-attempt"), "1");
    assert_eq!(hit.header("x-btk-task-version"), "1");
    let agent = concat!("BTK-System/", env!("CARGO_PKG_VERSION"));
    assert_eq!(hit.header("user-agent"), agent);
    assert_eq!(hit.header("x-make-apikey"), "key-123");
    assert_eq!(hit.header("x-team"), "a b");
    for absent in ["webhook-signature", "accept-encoding", "cookie"] {
        let value = hit.header(absent);
        assert!(value.is_empty() || value == "identity", "{absent}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_to_the_receiver_is_kept() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "0"})).await;
    for n in 1..10 {
        server.put(&path(&task), &json!({"title": n.to_string()})).await.expect(200);
        receiver.wait_for(n + 1).await;
    }
    let last = receiver.hits().last().expect("ten").connection;
    assert!(last <= 2, "ten requests in turn took {} connections", last + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_word_for_word_what_was_sent() {
    let receiver = Receiver::start(|hit| match (&*hit.task("title"), hit.nth) {
        ("refused", _) => Reply::status(403),
        ("moved", _) => Reply::status(302).header("location", "http://127.0.0.1:1/"),
        ("flaky", 1) | ("lost", _) => Reply::status(500),
        _ => Reply::ok(),
    })
    .await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let mut tasks = Vec::new();
    for title in ["fine", "refused", "moved", "flaky", "lost"] {
        tasks.push(server.create(&json!({"title": title})).await);
    }
    for task in &tasks {
        server.settled(id(task)).await;
    }
    server.wait_for_log("[WEBHOOK] All 3 attempts failed for task_created").await;
    let [fine, refused, moved, flaky, lost] = &tasks[..] else { unreachable!("five tasks") };
    for (task, words) in [
        (fine, "[WEBHOOK] Sending task_created for task {id} (attempt 1/3)"),
        (fine, "[WEBHOOK] Successfully sent task_created for task {id}"),
        (refused, "[WEBHOOK] Client error 403, not retrying"),
        (moved, "[WEBHOOK] Redirect 302 not followed, not retrying"),
        (flaky, "[WEBHOOK] Sending task_created for task {id} (attempt 1/3)"),
        (flaky, "[WEBHOOK] Attempt 1/3 failed: "),
        (flaky, "[WEBHOOK] Retrying in 1000ms..."),
        (flaky, "[WEBHOOK] Sending task_created for task {id} (attempt 2/3)"),
        (flaky, "[WEBHOOK] Successfully sent task_created for task {id}"),
        (lost, "[WEBHOOK] Attempt 1/3 failed: "),
        (lost, "[WEBHOOK] Attempt 2/3 failed: "),
        (lost, "[WEBHOOK] Retrying in 2000ms..."),
        (lost, "[WEBHOOK] Sending task_created for task {id} (attempt 3/3)"),
        (lost, "[WEBHOOK] Attempt 3/3 failed: "),
    ] {
        let line = server.wait_for_log(&words.replace("{id}", id(task))).await;
        assert!(line.contains("INFO"), "at info level: {line}");
    }
    let log = server.log().join("\n");
    assert_eq!(log.matches("[WEBHOOK] Successfully sent").count(), 2);
    assert_eq!(log.matches("[WEBHOOK] All 3 attempts failed").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_log_line_carries_its_fields() {
    let receiver = Receiver::start(|hit| Reply::status(if hit.nth == 1 { 500 } else { 200 })).await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url), ("LOG_FORMAT", "json")]).await;
    let task = server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] Successfully sent").await;
    let mut lines = 0;
    for line in server.log() {
        let entry: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        if !line.contains("[WEBHOOK] ") || !line.contains(id(&task)) {
            continue;
        }
        lines += 1;
        let fields = if entry["fields"].is_object() { &entry["fields"] } else { &entry };
        assert_eq!(entry["level"], "INFO", "{line}");
        assert_eq!(fields["event"], "task_created", "{line}");
        assert_eq!(fields["task"], id(&task), "{line}");
        assert!(fields["delivery"].as_str().is_some_and(|d| d.starts_with("dlv_")), "{line}");
        assert!(fields["attempt"].to_string().trim_matches('"').parse::<u32>().is_ok(), "{line}");
    }
    assert!(lines >= 5, "sending, failed, retrying, sending, sent: {lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_debug_level_the_whole_request_and_answer_are_logged() {
    let receiver = Receiver::start(|_| Reply::ok().body("the receiver's own words")).await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url), ("RUST_LOG", "debug")]).await;
    server.create(&json!({"title": "the words of the request"})).await;
    server.wait_for_log("the receiver's own words").await;
    server.wait_for_log("the words of the request").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_url_the_server_works_and_says_that_nothing_is_sent() {
    let home = home();
    let mut server = Server::start_in(home, &[]).await;
    let said = server.output();
    assert!(said.contains("WEBHOOK_URL"), "says what to set: {said}");
    let task = server.create(&json!({"title": "kept"})).await;
    server.put(&path(&task), &json!({"status": "DONE"})).await.expect(200);
    assert_eq!(server.deliveries("").await, Vec::<Value>::new());
    assert!(!server.output().contains("[WEBHOOK] Sending"));

    // With a URL the next change goes out, and its version counts the events that were kept.
    let receiver = Receiver::ok().await;
    server.stop().await;
    server.set("WEBHOOK_URL", &receiver.url());
    server.restart().await;
    server.put(&path(&task), &json!({"title": "sent"})).await.expect(200);
    let hit = receiver.wait_for(1).await.remove(0);
    assert_eq!((hit.task("title"), hit.header("x-btk-task-version")), ("sent".into(), "3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_not_used() {
    let (receiver, proxy) = tokio::join!(Receiver::ok(), Receiver::ok());
    let proxy_url = format!("http://{}", proxy.address());
    let webhook = receiver.url();
    let mut settings = vec![("WEBHOOK_URL", &*webhook)];
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        settings.push((name, &proxy_url));
    }
    let server = Server::start(&settings).await;
    let task = server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    server.settled(id(&task)).await;
    assert!(proxy.hits().is_empty());
}
