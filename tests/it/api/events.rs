//! The list of events: what receivers are told, newest first, by task, by kind, since one of them.

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Server};

/// The events that a query finds, and where the next page begins.
async fn list(server: &Server, query: &str) -> (Vec<Value>, String) {
    let answer = server.get(&format!("/api/events{query}")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let next = answer.header("x-next-cursor").to_owned();
    (answer.json().as_array().expect("a list").clone(), next)
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["id"].as_str().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_byte_for_byte_as_the_full_payload_tells_them() {
    let receiver = Receiver::ok().await;
    let target = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &target)]).await;
    server.post("/api/webhooks", &json!({"url": receiver.url()})).await.expect(201);
    let odd = json!({"title": "Größe \"1\" \u{2028} 🦀", "tags": ["a"], "dueDate": "2026-03-01"});
    let task = server.create(&odd).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
    server.put(&path, &json!({"title": "b", "tags": []})).await.expect(200);
    server.put(&path, &json!({"status": "DONE"})).await.expect(200);
    server.delete(&path).await.expect(200);
    receiver.wait_for(4).await;
    let mut bodies: Vec<String> =
        receiver.hits().iter().map(|hit| String::from_utf8_lossy(&hit.body).into_owned()).collect();
    bodies.reverse();
    let text = server.get("/api/events").await.expect(200).text();
    assert_eq!(text, format!("[{}]", bodies.join(",")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_filters_and_since_find_what_is_asked_for() {
    let server = Server::start(&[]).await;
    let mut made = Vec::new();
    for title in ["a", "b"] {
        let task = server.create(&json!({"title": title})).await;
        made.push(task["id"].as_str().unwrap().to_owned());
    }
    let [first, second] = &made[..] else { panic!("two") };
    for n in 0..4 {
        let status = ["IN_PROGRESS", "OPEN"][n % 2];
        let body = json!({"status": status});
        server.put(&format!("/api/tasks/{first}"), &body).await.expect(200);
    }
    server.delete(&format!("/api/tasks/{second}")).await.expect(200);

    let (all, next) = list(&server, "").await;
    assert_eq!((all.len(), &*next), (7, ""));
    let kinds: Vec<&str> = all.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "task_deleted");
    assert_eq!(kinds[6], "task_created");
    let all = ids(&all);

    // In pages, with every limit, nothing is left out and nothing comes twice.
    for limit in 1..=8 {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let (page, next) = list(&server, &format!("?limit={limit}&cursor={cursor}")).await;
            assert!(page.len() <= limit);
            found.extend(page);
            if next.is_empty() {
                break;
            }
            cursor = next;
        }
        assert_eq!(ids(&found), all, "limit {limit}");
    }
    let of_first = server.get(&format!("/api/events?taskId={first}&limit=2")).await.expect(200);
    assert_eq!(of_first.header("x-total-count"), "5");
    assert_eq!(of_first.json().as_array().unwrap().len(), 2);
    assert!(of_first.header("link").contains("taskId="), "{of_first:?}");
    assert_eq!(server.get("/api/events").await.header("x-total-count"), "");
    let (changed, _) = list(&server, &format!("?taskId={first}&event=task_status_changed")).await;
    assert_eq!(changed.len(), 4);
    let (deleted, _) = list(&server, "?event=task_deleted").await;
    assert_eq!(ids(&deleted), [all[0]]);
    assert_eq!(list(&server, "?taskId=none").await.0.len(), 0);

    for (n, id) in all.iter().enumerate() {
        let (newer, _) = list(&server, &format!("?since={id}")).await;
        assert_eq!(ids(&newer), all[..n], "since {id}");
        let (newer, _) = list(&server, &format!("?since={id}&taskId={second}")).await;
        assert!(newer.len() <= n.min(2));
    }
    let (between, _) = list(&server, &format!("?since={}&cursor={}", all[4], all[1])).await;
    assert_eq!(ids(&between), all[2..4]);

    let unknown = server.get("/api/events?since=evt_0").await.expect_error(404);
    assert_eq!(unknown, "The event that since names was not found");
    for time in ["2026-11-29", "evt_none"] {
        let told = server.get(&format!("/api/events?since={time}")).await.expect_error(404);
        assert!(told.contains("is no event's id (evt_…)"), "{told}");
    }
    server.get("/api/events?cursor=evt_none").await.expect_fault(400, "cursor");
    let gone = format!("evt_{}", "0".repeat(32));
    for name in ["cursor", "since"] {
        server.get(&format!("/api/events?{name}={gone}")).await.expect_error(404);
    }
    server.get("/api/events?event=webhook_down").await.expect_fault(400, "event");
    server.get("/api/events?limit=0").await.expect_fault(400, "limit");
    server.get("/api/events?status=OPEN").await.expect_fault(400, "status");
    server.post("/api/events", &json!({})).await.expect_error(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_no_events_of_tasks() {
    let receiver = Receiver::start(|_| Reply::status(410)).await;
    let alerts = Receiver::ok().await;
    let settings = [("WEBHOOK_URL", &*receiver.url()), ("ALERT_URL", &*alerts.url())];
    let server = Server::start(&settings).await;
    server.create(&json!({"title": "a"})).await;
    alerts.wait_for(1).await;
    let (events, next) = list(&server, "").await;
    assert_eq!((events.len(), &*next), (1, ""));
    assert_eq!(events[0]["event"], "task_created");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_and_rare_kinds_come_in_bounded_pages() {
    let server = Server::start(&[]).await;
    let first = server.create(&json!({"title": "first"})).await;
    server.delete(&format!("/api/tasks/{}", first["id"].as_str().unwrap())).await.expect(200);
    let task = server.create(&json!({"title": "x", "description": "d".repeat(65_536)})).await;
    let path = format!("/api/tasks/{}", task["id"].as_str().unwrap());
    for n in 0..30 {
        server.put(&path, &json!({"title": n.to_string()})).await.expect(200);
    }
    let answer = server.get("/api/events?limit=1000").await.expect(200);
    let some = answer.json().as_array().unwrap().len();
    assert!((1..32).contains(&some) && answer.body.len() < 4 * 1024 * 1024, "{some} on a page");
    let (mut cursor, mut found) = (answer.header("x-next-cursor").to_owned(), some);
    while !cursor.is_empty() {
        let (page, next) = list(&server, &format!("?limit=1000&cursor={cursor}")).await;
        (cursor, found) = (next, found + page.len());
    }
    assert_eq!(found, 33);

    // More changes than one request looks at, all of another kind.
    let clients: Vec<_> = (0..16)
        .map(|n| {
            let client = server.client();
            tokio::spawn(async move {
                for m in 0..320 {
                    let body = json!({"title": format!("{n} {m}")});
                    client.call("POST", "/api/tasks").json(&body).send().await.expect(201);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("written");
    }
    let (page, next) = list(&server, "?event=task_deleted").await;
    assert!(page.is_empty() && !next.is_empty(), "it says where to go on");
    let (found, next) = list(&server, &format!("?event=task_deleted&cursor={next}")).await;
    assert_eq!((found.len(), &*next), (1, ""));
    assert_eq!(found[0]["task"], first);
}
