//! Signatures, checked by the official verifier of Standard Webhooks, and the two bodies.
//!
//! What a signature is made of byte for byte is tested beside the code; here: what a receiver sees.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::harness::{Hit, Receiver, Reply, Server};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Lets webhooks that are made over the API reach the receivers of the tests.
const ALLOW: (&str, &str) = ("WEBHOOK_ALLOW_TARGETS", "127.0.0.1/32");
const FULL_KEYS: [&str; 9] =
    ["id", "event", "type", "timestamp", "version", "origin", "changed", "previous", "task"];

fn path(task: &Value) -> String {
    format!("/api/tasks/{}", task["id"].as_str().expect("an id"))
}

/// Whether a receiver that knows this secret takes the request for genuine.
fn accepts(secret: &str, hit: &Hit) -> bool {
    Webhook::new(secret).expect("a secret").verify(&hit.body, &hit.headers).is_ok()
}

/// `x-btk-signature` as any tool computes it: the secret as it is written, the body as it came.
fn plain(secret: &str, hit: &Hit) -> String {
    let mac = hmac_sha256::HMAC::mac(&hit.body, secret);
    mac.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[track_caller]
fn signed_by(secret: &str, hit: &Hit) {
    assert!(accepts(secret, hit), "not signed with this secret: {:?}", hit.headers);
    assert_eq!(hit.header("x-btk-signature"), plain(secret, hit));
}

/// Makes a webhook over the API; its 201.
async fn webhook(server: &Server, receiver: &Receiver, more: Value) -> Value {
    let mut body = json!({
        "url": receiver.url(),
        "events": ["task_created", "task_updated", "task_status_changed", "task_deleted"],
    });
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    server.post("/api/webhooks", &body).await.expect(201).json()
}

fn secret(answer: &Value) -> String {
    let secret = answer["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"), "the secret has the usual form");
    secret
}

/// The full body: all its keys in their order, compact.
#[track_caller]
fn full(hit: &Hit) -> Value {
    let text = std::str::from_utf8(&hit.body).expect("UTF-8");
    let body = hit.json();
    let keys: BTreeSet<&str> =
        body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(FULL_KEYS), "{text}");
    let places: Vec<_> =
        FULL_KEYS.iter().map(|key| text.find(&format!("\"{key}\":")).expect(key)).collect();
    assert!(places.is_sorted() && text.starts_with("{\"id\":\"evt_"), "{text}");
    assert_eq!(body["id"], hit.header("webhook-id"));
    assert_eq!(body["event"], hit.header("x-btk-event"));
    assert_eq!(body["version"].to_string(), hit.header("x-btk-task-version"));
    let kind = body["event"].as_str().expect("an event");
    assert_eq!(body["type"], kind.replacen('_', ".", 1));
    let at = body["timestamp"].as_str().expect("a time");
    assert!(at.len() == 24 && at.ends_with('Z'), "{at}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_is_signed_anew_for_the_same_event() {
    let receiver = Receiver::start(|hit| Reply::status(if hit.nth == 1 { 500 } else { 200 })).await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_SIGNING_SECRET", SECRET)]).await;
    server.create(&json!({"title": "Zoë \u{2028} \" \\ 🦀"})).await;
    let hits = receiver.wait_for(2).await;
    let seconds = |hit: &Hit| hit.header("webhook-timestamp").parse::<u64>().expect("seconds");
    for hit in &hits {
        signed_by(SECRET, hit);
        assert_eq!(hit.header("webhook-signature").split(' ').count(), 1);
        let mut tampered = hit.clone();
        tampered.body = [&hit.body[..], b" "].concat().into();
        assert!(!accepts(SECRET, &tampered));
    }
    let [first, second] = &hits[..] else { panic!("two attempts, not {}", hits.len()) };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert!(seconds(first) < seconds(second), "the time is that of the attempt");
    assert_ne!(first.header("webhook-signature"), second.header("webhook-signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_nothing_is_signed() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "a"})).await;
    let hit = receiver.wait_for(1).await.remove(0);
    assert_eq!((hit.header("webhook-signature"), hit.header("x-btk-signature")), ("", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_none_is_refused_and_not_repeated() {
    let weak = "whsec_c2VlZGVk";
    let refused = Server::refused(&[
        ("WEBHOOK_URL", "http://127.0.0.1:1/"),
        ("WEBHOOK_SIGNING_SECRET", weak),
    ])
    .await;
    let said = format!("{}\n{}", refused.out, refused.err);
    assert!(!refused.status.success() && said.contains("WEBHOOK_SIGNING_SECRET"), "{said}");
    assert!(!said.contains("c2VlZGVk") && said.contains("openssl rand -base64 32"), "{said}");

    let server = Server::start(&[ALLOW]).await;
    let body = json!({"url": "http://127.0.0.1:9/a", "events": ["task_created"], "secret": weak});
    let answer = server.post("/api/webhooks", &body).await;
    let said = answer.expect_fault(400, "secret");
    assert!(!answer.text().contains("c2VlZGVk") && said.contains("whsec_"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_made_over_the_api_gets_a_secret_that_is_shown_once() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[ALLOW, ("RUST_LOG", "debug")]).await;
    let made = webhook(&server, &receiver, json!({})).await;
    let secret = secret(&made);
    let task = server.create(&json!({"title": "a"})).await;
    signed_by(&secret, &receiver.wait_for(1).await[0]);
    let delivery = server.settled(task["id"].as_str().expect("an id")).await.remove(0);

    // The same again is the same webhook, and its secret stays where it is.
    let body = json!({"url": receiver.url(), "events": made["events"]});
    let again = server.post("/api/webhooks", &body).await.expect(200);
    assert_eq!(again.json()["id"], made["id"]);
    let one = format!("/api/webhooks/{}", made["id"].as_str().expect("an id"));
    let patched = server.call("PATCH", &one).json(&json!({"description": "x"})).send().await;
    let mut shown = vec![again.text(), patched.expect(200).text()];
    let delivery = format!("/api/deliveries/{}", delivery["id"].as_str().expect("an id"));
    for path in ["/api/webhooks", &one, "/api/deliveries", &delivery, "/metrics"] {
        shown.push(server.get(path).await.expect(200).text());
    }
    shown.push(server.output());
    for text in shown {
        assert!(!text.contains(&secret["whsec_".len()..]), "the secret is in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_ones_own_signs_too() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[ALLOW]).await;
    webhook(&server, &receiver, json!({"secret": SECRET})).await;
    server.create(&json!({"title": "a"})).await;
    signed_by(SECRET, &receiver.wait_for(1).await[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_rotated_the_old_one_and_the_new_one_verify() {
    let receiver = Receiver::ok().await;
    let mut server = Server::start(&[ALLOW]).await;
    let made = webhook(&server, &receiver, json!({})).await;
    let old = secret(&made);
    let one = format!("/api/webhooks/{}", made["id"].as_str().expect("an id"));
    let rotated = server.call("POST", &format!("{one}/rotate-secret")).send().await.expect(200);
    let new = secret(&rotated.json());
    assert_ne!(old, new);
    let both = |hit: &Hit| {
        signed_by(&new, hit);
        assert!(accepts(&old, hit), "the old secret is good for a day");
        assert_eq!(hit.header("webhook-signature").split(' ').count(), 2);
        assert!(!accepts(SECRET, hit), "no other is");
    };
    server.create(&json!({"title": "a"})).await;
    both(&receiver.wait_for(1).await[0]);

    // Both are kept over a restart, and neither is shown.
    server.stop().await;
    server.restart().await;
    server.create(&json!({"title": "b"})).await;
    both(&receiver.wait_for(2).await[1]);
    for path in ["/api/webhooks", &one] {
        let text = server.get(path).await.expect(200).text();
        for secret in [&old, &new] {
            assert!(!text.contains(&secret["whsec_".len()..]), "a secret is in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_body_says_what_changed_and_what_was_before() {
    let receiver = Receiver::ok().await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_PAYLOAD", "full")]).await;
    let mut states = vec![server.create(&json!({"title": "a", "description": "é\u{1}\n"})).await];
    let path = path(&states[0]);
    for change in [
        json!({"title": "b", "tags": ["x"], "description": null}),
        json!({"status": "DONE", "attachments": [{"name": "n", "url": "https://e.org/a"}]}),
    ] {
        let call = server.call("PUT", &path).header("x-btk-origin", "desk").json(&change);
        states.push(call.send().await.expect(200).json());
    }
    server.delete(&path).await.expect(200);
    states.push(states[2].clone());

    let hits = receiver.wait_for(4).await;
    let expected = [
        ("task_created", "api", json!([])),
        ("task_updated", "desk", json!(["title", "description", "tags"])),
        ("task_status_changed", "desk", json!(["status", "attachments"])),
        ("task_deleted", "api", json!([])),
    ];
    for (n, (hit, (event, origin, changed))) in hits.iter().zip(expected).enumerate() {
        let body = full(hit);
        assert_eq!((&body["event"], &body["origin"]), (&json!(event), &json!(origin)));
        assert_eq!((&body["version"], &body["changed"]), (&json!(n + 1), &changed));
        assert_eq!(body["task"], states[n], "event {n}");
        let before = if n == 0 { Value::Null } else { states[n - 1].clone() };
        assert_eq!(body["previous"], before, "event {n}");
    }
    // What was before is written byte for byte as it was when it was news.
    for pair in hits.windows(2) {
        let text = |hit: &Hit| String::from_utf8(hit.body.to_vec()).expect("UTF-8");
        let (first, second) = (text(&pair[0]), text(&pair[1]));
        let task = first.split_once(",\"task\":").expect("a task").1;
        let before = format!("\"previous\":{},\"task\":", &task[..task.len() - 1]);
        assert!(second.contains(&before), "{before} is not in {second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_the_api_get_the_full_body_unless_they_ask_for_the_classic_one() {
    let (rich, lean) = tokio::join!(Receiver::ok(), Receiver::ok());
    let server = Server::start(&[ALLOW]).await;
    let made = webhook(&server, &rich, json!({})).await;
    assert_eq!(made["payload"], "full");
    let made = webhook(&server, &lean, json!({"payload": "classic"})).await;
    assert_eq!(made["payload"], "classic");
    let task = server.create(&json!({"title": "a"})).await;
    assert_eq!(full(&rich.wait_for(1).await[0])["task"], task);
    let hit = lean.wait_for(1).await.remove(0);
    assert_eq!(hit.json(), json!({"event": "task_created", "task": task}));
    assert!(hit.body.starts_with(br#"{"event":"task_created","task":{"id":"#));
    signed_by(&secret(&made), &hit);
}
