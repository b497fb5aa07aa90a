//! Webhooks made over the API: what they are made of, what is shown of them and what never is, what
//! is refused and in which words, and which events they want.

use serde_json::{Value, json};

use crate::harness::hooks::{LOCAL, id, text};
use crate::harness::{Answer, Receiver, Server};

const FIELDS: [&str; 23] = [
    "id",
    "url",
    "events",
    "source",
    "description",
    "headers",
    "payload",
    "filter",
    "ignoreOrigin",
    "profile",
    "ratePerSecond",
    "timeoutSeconds",
    "maxAttempts",
    "onReject",
    "readOnly",
    "status",
    "reasonText",
    "statusSince",
    "nextProbeAt",
    "waitUntil",
    "waiting",
    "recovery",
    "createdAt",
];

async fn patch(server: &Server, id: &str, body: &Value) -> Answer {
    server.call("PATCH", &format!("/api/webhooks/{id}")).json(body).send().await
}

async fn list(server: &Server, query: &str) -> Vec<Value> {
    let found = server.get(&format!("/api/webhooks{query}")).await.expect(200).json();
    found.as_array().expect("a list").clone()
}

fn encoded(url: &str) -> String {
    form_urlencoded::byte_serialize(url.as_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_shown_changed_and_deleted() {
    let server = Server::open(&[]).await;
    let url = "http://127.0.0.1:9/private-path?key=private-key";
    let made = server.hook(&json!({"url": url})).await;
    for field in FIELDS {
        assert!(made.get(field).is_some(), "no {field} in {made}");
    }
    assert_eq!(made["url"], url, "whole, this once");
    assert!(text(&made, "secret").starts_with("whsec_"), "{made}");
    let all = ["task_created", "task_updated", "task_status_changed", "task_deleted"];
    assert_eq!(made["events"], json!(all));
    for (field, value) in [
        ("payload", json!("full")),
        ("onReject", json!("skip")),
        ("maxAttempts", json!(3)),
        ("timeoutSeconds", json!(10)),
        ("ratePerSecond", Value::Null),
        ("headers", json!({})),
        ("readOnly", json!(false)),
        ("status", json!("up")),
        ("waiting", json!(0)),
        ("recovery", Value::Null),
    ] {
        assert_eq!(made[field], value, "{field}");
    }

    let shown = server.webhook(id(&made)).await;
    assert!(shown.get("secret").is_none_or(Value::is_null), "{shown}");
    assert_eq!(shown["url"], "http://127.0.0.1:9/…");
    for field in FIELDS.iter().filter(|field| **field != "url") {
        assert_eq!(shown[field], made[field], "{field}");
    }
    assert_eq!(list(&server, "").await, [shown]);

    let change = json!({
        "url": "http://127.0.0.1:10/other-private", "events": ["task_deleted"], "source": "make",
        "description": "for the team", "headers": {"X-Team": "very-private"}, "payload": "classic",
        "filter": {"type": ["TECH"], "tag": "urgent"}, "ignoreOrigin": ["incoming", "make"],
        "profile": "make", "ratePerSecond": 7, "timeoutSeconds": 5, "maxAttempts": 9,
        "onReject": "hold",
    });
    let changed = patch(&server, id(&made), &change).await.expect(200).json();
    assert_eq!(changed, server.webhook(id(&made)).await);
    assert_eq!(changed["url"], "http://127.0.0.1:10/…vate");
    let headers = changed["headers"].as_object().expect("an object");
    assert_eq!(headers.len(), 1);
    assert!(headers.iter().all(|(name, value)| name.to_lowercase() == "x-team" && *value == "…"));
    for field in ["events", "source", "description", "payload", "ignoreOrigin", "profile"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    for field in ["ratePerSecond", "timeoutSeconds", "maxAttempts", "onReject"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(changed["filter"]["type"], json!(["TECH"]));
    assert_eq!(changed["filter"]["tag"], json!(["urgent"]), "one is a list of one");
    // What is not named stays; null takes away.
    let body = json!({"description": null, "ratePerSecond": null});
    let changed = patch(&server, id(&made), &body).await.expect(200).json();
    assert_eq!((&changed["description"], &changed["ratePerSecond"]), (&Value::Null, &Value::Null));
    assert_eq!(changed["source"], "make");

    let path = format!("/api/webhooks/{}", id(&made));
    for _ in 0..2 {
        assert!(server.delete(&path).await.expect(204).body.is_empty());
    }
    server.get(&path).await.expect_error(404);
    patch(&server, id(&made), &json!({"source": "x"})).await.expect_error(404);
    server.delete("/api/webhooks/wh_unknown").await.expect(204);
    assert_eq!(list(&server, "").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_url_and_events_again_are_the_same_webhook() {
    let server = Server::open(&[]).await;
    let url = "http://127.0.0.1:9/a";
    let events = ["task_created", "task_deleted"];
    let made = server.hook(&json!({"url": url, "events": events})).await;
    let body = json!({"url": url, "events": ["task_deleted", "task_created", "task_deleted"]});
    let again = server.post("/api/webhooks", &body).await.expect(200).json();
    assert_eq!(again["id"], made["id"]);
    assert_eq!(again["url"], "http://127.0.0.1:9/…", "masked");
    assert!(again.get("secret").is_none_or(Value::is_null), "{again}");
    let other_events = server.hook(&json!({"url": url, "events": ["task_created"]})).await;
    let other_url = server.hook(&json!({"url": "http://127.0.0.1:9/ab", "events": events})).await;
    assert_ne!(other_events["id"], made["id"]);
    assert_ne!(other_url["id"], made["id"]);

    // The whole URL, not its beginning and not what is shown.
    for (asked, ids) in [
        (url, vec![id(&made), id(&other_events)]),
        ("http://127.0.0.1:9/ab", vec![id(&other_url)]),
        ("http://127.0.0.1:9/", vec![]),
        ("http://127.0.0.1:9/…", vec![]),
        ("127.0.0.1:9/a", vec![]),
    ] {
        let found = list(&server, &format!("?url={}", encoded(asked))).await;
        let mut found: Vec<_> = found.iter().map(id).collect();
        let mut ids = ids;
        found.sort_unstable();
        ids.sort_unstable();
        assert_eq!(found, ids, "{asked}");
    }
    server.get("/api/webhooks?colour=1").await.expect_fault(400, "colour");
    // Deleted and made again it is another one, with another secret.
    server.delete(&format!("/api/webhooks/{}", id(&made))).await.expect(204);
    let anew = server.hook(&json!({"url": url, "events": events})).await;
    assert_ne!(anew["id"], made["id"]);
    assert_ne!(anew["secret"], made["secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_url_and_events_with_something_else_are_told_of_what_differs() {
    let server = Server::open(&[]).await;
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let whole = json!({"url": "http://127.0.0.1:9/a", "events": ["task_created"], "secret": key,
        "headers": {"X-Key": "k3y-0f-m1ne", "a": "1"}, "ratePerSecond": 5, "description": "mine",
        "filter": {"tag": ["b", "a"], "priority": "HIGH"}, "ignoreOrigin": ["make", "n8n"]});
    let made = server.hook(&whole).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"url": "HTTP://127.0.0.1:9/a", "events": ["task_created"]});
        body[field] = value;
        body
    };
    for same in [
        whole.clone(),
        with("secret", json!(key)),
        with("secret", json!("")),
        with("headers", json!({"A": "1", "x-key": "k3y-0f-m1ne"})),
        with("filter", json!({"priority": ["HIGH"], "tag": ["a", "b", "a"], "type": null})),
        with("ignoreOrigin", json!(["n8n", "make"])),
        with("source", Value::Null),
        with("payload", json!("full")),
    ] {
        let again = server.post("/api/webhooks", &same).await.expect(200).json();
        assert_eq!(again["id"], made["id"], "{same}");
    }
    let other = "whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for (field, value) in [
        ("secret", json!(other)),
        ("headers", json!({"x-key": "k3y-0f-0thers", "a": "1"})),
        ("headers", json!({"a": "1"})),
        ("headers", Value::Null),
        ("filter", json!({"tag": ["a", "b"]})),
        ("filter", json!({"tag": ["a", "c"], "priority": "HIGH"})),
        ("ignoreOrigin", json!("make")),
        ("ratePerSecond", Value::Null),
        ("description", json!("yours")),
        ("source", json!("make")),
        ("payload", json!("classic")),
        ("profile", json!("make")),
        ("timeoutSeconds", json!(11)),
        ("maxAttempts", json!(4)),
        ("onReject", json!("hold")),
    ] {
        let answer = server.post("/api/webhooks", &with(field, value)).await;
        let said = answer.expect_fault(409, field);
        assert_eq!(answer.json()["code"], "webhook_exists");
        let way = format!("PATCH /api/webhooks/{}", id(&made));
        assert!(said.contains(&format!("differs in {field};")) && said.contains(&way), "{said}");
        assert!(!said.contains("k3y") && !said.contains("whsec_"), "{said}");
    }
    let mut two = with("filter", Value::Null);
    two["secret"] = json!(other);
    let said = server.post("/api/webhooks", &two).await.expect_fault(409, "secret");
    assert!(said.contains("secret, filter"), "{said}");
    let kept = server.webhook(id(&made)).await;
    assert_eq!((&kept["filter"], &kept["ratePerSecond"]), (&made["filter"], &json!(5)));
    assert_eq!(list(&server, "").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_webhook_is_said_of_its_field() {
    let server = Server::open(&[]).await;
    let url = "http://127.0.0.1:9/a";
    let made = server.hook(&json!({"url": url})).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"url": "http://127.0.0.1:9/b"});
        body[field] = value;
        body
    };
    let wrong = [
        ("url", json!("ftp://example.com/a")),
        ("url", json!("nonsense")),
        ("url", json!("")),
        ("url", json!(7)),
        ("url", json!("http://user:pa55w0rd@example.com/")),
        ("url", json!(format!("http://127.0.0.1:9/{}", "a".repeat(20_000)))),
        ("events", json!(["task_exploded"])),
        ("events", json!(["webhook_down"])),
        ("source", json!(["make"])),
        ("source", json!("x".repeat(2_000))),
        ("description", json!("x".repeat(100_000))),
        ("headers", json!({"bad name": "x"})),
        ("headers", json!({"x-ok": "two\nlines"})),
        ("headers", json!({"content-length": "1"})),
        ("headers", json!({"webhook-id": "mine"})),
        ("headers", json!(["x"])),
        ("secret", json!("short")),
        ("secret", json!("whsec_?")),
        ("payload", json!("xml")),
        ("filter", json!({"status": "NEW"})),
        ("filter", json!({"priority": ["HIGHEST"]})),
        ("filter", json!({"colour": "red"})),
        ("ignoreOrigin", json!(["Not An Origin!"])),
        ("profile", json!("zapier")),
        ("ratePerSecond", json!(0)),
        ("ratePerSecond", json!(1_001)),
        ("ratePerSecond", json!("fast")),
        ("timeoutSeconds", json!(0)),
        ("timeoutSeconds", json!(31)),
        ("maxAttempts", json!(0)),
        ("maxAttempts", json!(21)),
        ("onReject", json!("explode")),
        ("colour", json!("red")),
    ];
    for (field, value) in wrong {
        let shown = value.to_string();
        let body = with(field, value);
        let answer = server.post("/api/webhooks", &body).await;
        assert_eq!(answer.status, 400, "{field}: {}", &shown[..shown.len().min(60)]);
        let said = answer.expect_fault(400, field);
        assert!(said.len() > 20, "says what is allowed: {said}");
        assert!(!said.contains("pa55w0rd"), "{said}");
        let mut change = json!({});
        change[field] = body[field].clone();
        patch(&server, id(&made), &change).await.expect_fault(400, field);
    }
    server.post("/api/webhooks", &json!({})).await.expect_fault(400, "url");
    server.post("/api/webhooks", &json!([])).await.expect_error(400);
    assert_eq!(list(&server, "").await.len(), 1, "none of them was made");
    assert_eq!(server.webhook(id(&made)).await["status"], "up");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_our_own_network_is_refused_unless_it_is_allowed() {
    let server = Server::start(&[]).await;
    for url in [
        "http://127.0.0.1:9/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        let said = server.post("/api/webhooks", &json!({"url": url})).await;
        let said = said.expect_fault(400, "url");
        assert!(said.contains("WEBHOOK_ALLOW_TARGETS"), "says how to allow it: {said}");
    }
    assert_eq!(list(&server, "").await, Vec::<Value>::new());
    drop(server);
    let server = Server::start(&[LOCAL]).await;
    server.hook(&json!({"url": "http://127.0.0.1:9/"})).await;
    server
        .post("/api/webhooks", &json!({"url": "http://10.0.0.1/"}))
        .await
        .expect_fault(400, "url");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_at_most_five_hundred() {
    let server = Server::open(&[]).await;
    for n in 0..500 {
        server.hook(&json!({"url": format!("http://127.0.0.1:9/{n}")})).await;
    }
    let body = json!({"url": "http://127.0.0.1:9/one-more"});
    let said = server.post("/api/webhooks", &body).await.expect_error(409);
    assert!(said.contains("500"), "{said}");
    server.post("/api/webhooks", &json!({"url": "http://127.0.0.1:9/0"})).await.expect(200);
    let all = list(&server, "?limit=1000").await;
    assert_eq!(all.len(), 500);
    server.delete(&format!("/api/webhooks/{}", id(&all[0]))).await.expect(204);
    server.hook(&body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_the_settings_can_be_seen_and_paused_but_not_changed() {
    let (receiver, alerts) = tokio::join!(Receiver::ok(), Receiver::ok());
    let (url, alert_url) = (receiver.url(), alerts.url());
    let server = Server::start(&[("WEBHOOK_URL", &url), ("ALERT_URL", &alert_url)]).await;
    for (name, url) in [("default", &url), ("alerts", &alert_url)] {
        let shown = server.webhook(name).await;
        assert_eq!((&shown["readOnly"], &shown["status"]), (&json!(true), &json!("up")), "{shown}");
        assert!(url.starts_with(text(&shown, "url").trim_end_matches('…')), "{shown}");
        assert_ne!(shown["url"], **url, "masked");
        patch(&server, name, &json!({"description": "mine"})).await.expect_error(409);
        server.delete(&format!("/api/webhooks/{name}")).await.expect_error(409);
        server.tell(name, "rotate-secret").await.expect_error(409);
        assert_eq!(server.tell(name, "pause").await.expect(200).json()["status"], "paused");
        assert_eq!(server.tell(name, "resume").await.expect(200).json()["status"], "up");
    }
    assert_eq!(server.webhook("default").await["payload"], "classic");
    let ids: Vec<_> = list(&server, "").await.iter().map(|one| id(one).to_owned()).collect();
    assert!(ids.contains(&"default".to_owned()) && ids.contains(&"alerts".to_owned()), "{ids:?}");
    server.create(&json!({"title": "a"})).await;
    server.total_is("webhookId=default&status=delivered", 1).await;
    assert_eq!(server.total("webhookId=alerts").await, 0, "no tasks there");
}
