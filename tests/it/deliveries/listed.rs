//! What can be seen of deliveries, and sending one again.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Server};

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// A server with one delivered and one failed delivery (status 403), in this order.
async fn two() -> (Receiver, Server, Value, Value) {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "bad" => Reply::status(403).body("the scenario is off"),
        _ => Reply::ok().body("Accepted"),
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let good = server.create(&json!({"title": "good"})).await;
    let bad = server.create(&json!({"title": "bad"})).await;
    let good = server.settled(id(&good)).await.remove(0);
    let bad = server.settled(id(&bad)).await.remove(0);
    (receiver, server, good, bad)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_has_these_fields() {
    let (receiver, server, good, bad) = two().await;
    let fields: BTreeSet<_> = [
        "id",
        "eventId",
        "webhookId",
        "taskId",
        "event",
        "version",
        "status",
        "reason",
        "reasonText",
        "blockedBy",
        "attemptCount",
        "nextAttemptAt",
        "createdAt",
        "finishedAt",
    ]
    .into();
    for delivery in [&good, &bad] {
        let keys: BTreeSet<_> =
            delivery.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, fields);
        assert_eq!(delivery["webhookId"], "default");
        assert_eq!(delivery["event"], "task_created");
        assert_eq!(delivery["version"], 1);
        assert_eq!(delivery["attemptCount"], 1);
        assert_eq!(delivery["blockedBy"], Value::Null);
        assert_eq!(delivery["nextAttemptAt"], Value::Null);
        for time in ["createdAt", "finishedAt"] {
            assert!(delivery[time].as_str().is_some_and(|t| t.ends_with('Z') && t.len() == 24));
        }
        let hit = receiver.of_task(delivery["taskId"].as_str().expect("an id")).remove(0);
        assert_eq!(delivery["eventId"], hit.header("webhook-id"));
        assert_eq!(delivery["id"], hit.header("x-btk-delivery"));
    }
    assert_eq!(good["status"], "delivered");
    assert_eq!((&good["reason"], &good["reasonText"]), (&Value::Null, &Value::Null));
    assert_eq!(bad["status"], "failed");
    assert!(bad["reason"].is_string() && bad["reasonText"].is_string(), "{bad}");

    let missing = server.get("/api/deliveries/dlv_999_default").await.expect_error(404);
    assert!(!missing.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_delivery_shows_its_attempts() {
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::status(503).body("try later"),
        2 => Reply::hang_up(),
        _ => Reply::ok().body("Accepted"),
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let listed = server.settled(id(&task)).await.remove(0);
    let one = server.get(&format!("/api/deliveries/{}", id(&listed))).await.expect(200).json();
    for (field, value) in listed.as_object().expect("an object") {
        assert_eq!(&one[field], value, "{field}");
    }
    let attempts = one["attempts"].as_array().expect("an array");
    assert_eq!(attempts.len(), 3);
    for (n, attempt) in attempts.iter().enumerate() {
        for field in ["number", "startedAt", "ms", "status", "error", "excerpt", "outcome"] {
            assert!(attempt.get(field).is_some(), "no {field} in {attempt}");
        }
        assert_eq!(attempt["number"], n + 1);
        assert!(attempt["ms"].as_u64().is_some_and(|ms| ms < 5_000), "{attempt}");
        assert!(attempt["startedAt"].as_str().is_some_and(|time| time.ends_with('Z')));
        assert!(attempt["outcome"].is_string(), "{attempt}");
    }
    assert_eq!(
        (&attempts[0]["status"], &attempts[0]["excerpt"]),
        (&json!(503), &json!("try later"))
    );
    assert_eq!(attempts[1]["status"], Value::Null);
    assert!(attempts[1]["error"].is_string(), "in words: {}", attempts[1]);
    assert_eq!(
        (&attempts[2]["status"], &attempts[2]["excerpt"]),
        (&json!(200), &json!("Accepted"))
    );
    assert_eq!(attempts[2]["error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_newest_first_and_paged() {
    let (_receiver, server, good, bad) = two().await;
    assert_eq!(server.deliveries("").await, [bad.clone(), good.clone()], "newest first");
    for (query, expected) in [
        ("status=delivered", vec![&good]),
        ("status=failed", vec![&bad]),
        ("status=pending", vec![]),
        ("event=task_created", vec![&bad, &good]),
        ("event=task_deleted", vec![]),
        (&format!("taskId={}", good["taskId"].as_str().expect("an id")), vec![&good]),
        ("taskId=unknown", vec![]),
        ("limit=1", vec![&bad]),
    ] {
        assert_eq!(server.deliveries(query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for n in 0..103 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    let first = server.get("/api/deliveries").await.expect(200);
    assert_eq!(first.json().as_array().map(Vec::len), Some(100), "100 unless asked otherwise");
    assert_eq!(first.header("x-total-count"), "105");
    let cursor = first.header("x-next-cursor");
    assert!(first.header("link").contains("rel=\"next\""), "{:?}", first.headers);
    let rest = server.get(&format!("/api/deliveries?cursor={cursor}")).await.expect(200);
    assert_eq!(rest.header("x-next-cursor"), "");
    let rest = rest.json();
    let ids: Vec<_> = rest.as_array().expect("an array").iter().map(id).collect();
    assert_eq!(ids.len(), 5);
    assert_eq!(ids[3..], [id(&bad), id(&good)]);
    assert_eq!(server.deliveries("limit=1000").await.len(), 105);

    for (query, parameter) in [
        ("status=done", "status"),
        ("event=created", "event"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=nonsense", "cursor"),
    ] {
        server.get(&format!("/api/deliveries?{query}")).await.expect_fault(400, parameter);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_sent_again_on_demand() {
    let (receiver, server, _good, bad) = two().await;
    receiver.answer(|_| Reply::ok());
    let path = format!("/api/deliveries/{}", id(&bad));
    let answer = server.post(&format!("{path}/redeliver"), &json!({})).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text());
    server.settled(bad["taskId"].as_str().expect("an id")).await;
    let delivery = server.get(&path).await.expect(200).json();
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(2), "its history is kept");
    let hits = receiver.of_task(bad["taskId"].as_str().expect("an id"));
    assert_eq!(hits.len(), 2);
    assert_eq!(hits[0].header("webhook-id"), hits[1].header("webhook-id"), "the same id");
    assert_eq!(hits[0].body, hits[1].body, "the same bytes");
    assert_eq!(hits[1].header("x-btk-attempt"), "2", "redeliveries count on");
    server.post("/api/deliveries/dlv_999_default/redeliver", &json!({})).await.expect_error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_after_three_attempts_is_the_fourth_in_the_log() {
    let receiver = Receiver::start(|hit| Reply::status(if hit.nth < 4 { 500 } else { 200 })).await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let failed = server.settled(id(&task)).await.remove(0);
    assert_eq!(failed["status"], "failed");
    let path = format!("/api/deliveries/{}/redeliver", id(&failed));
    let bodiless = server.call("POST", &path).send().await;
    assert!((200..300).contains(&bodiless.status), "{}", bodiless.text());
    let words = format!("[WEBHOOK] Sending task_created for task {} (attempt 4", id(&task));
    server.wait_for_log(&words).await;
    assert_eq!(receiver.wait_for(4).await[3].header("x-btk-attempt"), "4");
    assert_eq!(server.settled(id(&task)).await[0]["status"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivered_event_keeps_to_one_request_at_a_time_for_its_task() {
    let (receiver, server, _good, bad) = two().await;
    let task = bad["taskId"].as_str().expect("an id");
    receiver.answer(|_| Reply::ok().after(std::time::Duration::from_millis(300)));
    server.put(&format!("/api/tasks/{task}"), &json!({"title": "two"})).await.expect(200);
    let path = format!("/api/deliveries/{}/redeliver", id(&bad));
    server.post(&path, &json!({})).await;
    server.put(&format!("/api/tasks/{task}"), &json!({"title": "three"})).await.expect(200);
    server.settled(task).await;
    let hits = receiver.of_task(task);
    assert_eq!(hits.len(), 4);
    let gap = |pair: &[crate::harness::Hit]| (pair[1].at - pair[0].at).as_millis();
    assert!(hits[1..].windows(2).all(|pair| gap(pair) >= 300), "one at a time");
    let last = hits.last().expect("four").header("x-btk-task-version");
    assert_eq!(last, "3", "an old event does not overtake the newest");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_found_by_time_and_by_words() {
    let (_receiver, server, good, bad) = two().await;
    let times = [&good, &bad].map(|delivery| delivery["createdAt"].as_str().expect("a time"));
    for (query, expected) in [
        (format!("since={}", times[0]), vec![&bad, &good]),
        (format!("until={}", times[1]), vec![&bad, &good]),
        (format!("since={}&until={}&status=failed", times[1], times[1]), vec![&bad]),
        ("since=2100-01-01".to_owned(), vec![]),
        ("until=2020-01-01".to_owned(), vec![]),
        ("q=GOOD".to_owned(), vec![&good]),
        ("q=Scenario%20is".to_owned(), vec![&bad]),
        ("q=accepted".to_owned(), vec![&good]),
        ("q=title".to_owned(), vec![]),
    ] {
        let found = server.deliveries(&query).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let counted = server.get("/api/deliveries?since=2020-01-01&limit=1").await.expect(200);
    assert_eq!(counted.header("x-total-count"), "2");
    let searched = server.get("/api/deliveries?q=good").await.expect(200);
    assert_eq!((searched.header("x-total-count"), searched.header("x-next-cursor")), ("", ""));
    for (query, field) in [("since=soon", "since"), ("until=0", "until")] {
        server.get(&format!("/api/deliveries?{query}")).await.expect_fault(400, field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_deliveries_of_tasks_come_in_the_order_asked() {
    let (_receiver, server, good, bad) = two().await;
    let [good_task, bad_task] = [&good, &bad].map(|d| d["taskId"].as_str().expect("an id"));
    let latest =
        async |ids: &str| server.get(&format!("/api/deliveries/latest?taskId={ids}")).await;
    let found = latest(&format!("{bad_task},unknown,{good_task}")).await.expect(200).json();
    let counted = |delivery: &Value, delivered: i64, failed: i64| {
        let mut all = delivery.clone();
        all["counts"] = json!({"pending": 0, "sending": 0, "delivered": delivered, "held": 0,
            "failed": failed, "cancelled": 0});
        all
    };
    assert_eq!(found, json!([counted(&bad, 0, 1), counted(&good, 1, 0)]));
    server.put(&format!("/api/tasks/{bad_task}"), &json!({"title": "good"})).await.expect(200);
    let settled = server.settled(bad_task).await;
    assert_eq!(settled.len(), 2);
    assert_eq!(
        latest(bad_task).await.expect(200).json(),
        json!([counted(&settled[0], 1, 0)]),
        "of its newest event"
    );
    let each = latest(&format!("{bad_task}&taskId={good_task}")).await.expect(200).json();
    assert_eq!(each.as_array().map(Vec::len), Some(2), "each as a parameter of its own");
    let many = vec!["t"; 101].join(",");
    for ids in ["", ",", &many] {
        latest(ids).await.expect_fault(400, "taskId");
    }
}

#[tokio::test]
async fn the_titles_of_tasks_come_where_they_are_asked_for() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let title = "\"Quoted\" \\ and a line\nbreak, Ünïcode 🎉".to_owned() + &"x".repeat(400);
    let task = server.create(&json!({"title": title})).await;
    server.settled(id(&task)).await;
    let found = server.deliveries("include=taskTitle").await;
    assert_eq!(found[0]["taskTitle"], task["title"]);
    assert_eq!(server.deliveries("").await[0].get("taskTitle"), None);
    server.get("/api/deliveries?include=all").await.expect_fault(400, "include");
}

#[tokio::test]
async fn a_long_list_is_packed_for_who_unpacks_it() {
    let server = Server::start(&[]).await;
    for n in 0..20 {
        server.create(&json!({"title": format!("Task {n}")})).await;
    }
    let plain = server.get("/api/tasks?limit=100").await.expect(200);
    assert_eq!(plain.header("content-encoding"), "");
    let call = server.call("GET", "/api/tasks?limit=100").header("accept-encoding", "gzip");
    let packed = call.send().await.expect(200);
    assert_eq!(
        (packed.header("content-encoding"), packed.header("vary")),
        ("gzip", "accept-encoding")
    );
    assert_eq!(packed.header("content-length"), packed.body.len().to_string());
    let mut text = String::new();
    let mut unpacker = flate2::read::GzDecoder::new(&packed.body[..]);
    std::io::Read::read_to_string(&mut unpacker, &mut text).expect("gzip");
    assert_eq!(text, plain.text());
    // A task has an ETag, which names its very bytes.
    let one = server.get("/api/tasks?limit=1").await.json();
    let path = format!("/api/tasks/{}", id(&one[0]));
    server.put(&path, &json!({"description": "long ".repeat(1_000)})).await.expect(200);
    let call = server.call("GET", &path).header("accept-encoding", "gzip");
    assert_eq!(call.send().await.header("content-encoding"), "");
}
