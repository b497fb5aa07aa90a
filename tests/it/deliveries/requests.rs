//! The request of a delivery, to be looked at: as the receiver saw it, without what is secret.

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Server};

async fn request(server: &Server, delivery: &Value) -> Value {
    let id = delivery["id"].as_str().expect("an id");
    let answer = server.get(&format!("/api/deliveries/{id}/request")).await.expect(200);
    assert!(!answer.text().contains("seeded"), "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_what_the_receiver_saw_but_for_the_secrets() {
    let receiver =
        Receiver::start(|hit| if hit.nth == 1 { Reply::status(500) } else { Reply::ok() }).await;
    let target = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &target)]).await;
    let webhook = json!({
        "url": format!("{}/seeded-path?key=seeded-query", receiver.url()),
        "headers": {"x-team": "seeded-header", "user-agent-2": "seeded-agent"},
    });
    let webhook = server.post("/api/webhooks", &webhook).await.expect(201).json();
    let path = format!("/api/webhooks/{}", webhook["id"].as_str().expect("an id"));
    let task = server.create(&json!({"title": "Größe \"1\" 🦀", "tags": ["a"]})).await;
    let delivery = &server.settled(task["id"].as_str().expect("an id")).await[0];
    let hits = receiver.wait_for(2).await;
    let hit = hits.last().expect("a hit");

    // Another payload is for what has not been sent.
    server.call("PATCH", &path).json(&json!({"payload": "classic"})).send().await.expect(200);
    let told = request(&server, delivery).await;
    assert_eq!(told["method"], "POST");
    assert_eq!(told["url"], format!("http://{target}/…uery"));
    assert_eq!(told["body"], String::from_utf8_lossy(&hit.body).into_owned());
    let headers = told["headers"].as_object().expect("headers");
    let mut names: Vec<&str> = hit.headers.keys().map(hyper::header::HeaderName::as_str).collect();
    names.retain(|name| !["host", "content-length"].contains(name));
    names.sort_unstable();
    assert_eq!(headers.keys().collect::<Vec<_>>(), names);
    for (name, value) in headers {
        let masked = name.ends_with("signature") || ["x-team", "user-agent-2"].contains(&&**name);
        // The request may begin in the second after its attempt.
        if name != "webhook-timestamp" {
            assert_eq!(value, if masked { "…" } else { hit.header(name) }, "{name}");
        }
    }
    assert_eq!(headers["x-btk-attempt"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_as_it_would_go_out_now() {
    let receiver = Receiver::ok().await;
    let target = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &target)]).await;
    let webhook = json!({"url": receiver.url(), "payload": "classic"});
    let webhook = server.post("/api/webhooks", &webhook).await.expect(201).json();
    let path = format!("/api/webhooks/{}", webhook["id"].as_str().expect("an id"));
    server.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    let task = server.create(&json!({"title": "a"})).await;
    let delivery =
        &server.deliveries(&format!("taskId={}", task["id"].as_str().expect("an id"))).await[0];
    let told = request(&server, delivery).await;
    assert_eq!(told["headers"]["x-btk-attempt"], "1");
    let body: Value = serde_json::from_str(told["body"].as_str().expect("a text")).expect("JSON");
    assert_eq!(body, json!({"event": "task_created", "task": task}));

    server.delete(&path).await.expect(204);
    let id = delivery["id"].as_str().expect("an id");
    let answer = server.get(&format!("/api/deliveries/{id}/request")).await;
    let said = answer.expect_error(404);
    assert_eq!(answer.json()["code"], "webhook_deleted");
    let event = delivery["eventId"].as_str().expect("an event");
    assert!(said.contains(event), "{said}");
    for unknown in ["dlv_999_default", "dlv_x", "x", "dlv_1_"] {
        let answer = server.get(&format!("/api/deliveries/{unknown}/request")).await;
        answer.expect_error(404);
        assert_eq!(answer.json()["code"], "not_found");
    }
    server.get(&format!("/api/deliveries/{id}/request?x=1")).await.expect_error(400);
}
