//! How long, large and broken a receiver's answer may be.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Receiver, Reply, Server};

const KIB: usize = 1024;

fn id(task: &Value) -> &str {
    task["id"].as_str().expect("an id")
}

/// One task a title; each with its delivery, attempts included, when all have settled.
async fn outcomes(server: &Server, titles: &[&str]) -> Vec<Value> {
    let mut tasks = Vec::new();
    for title in titles {
        tasks.push(server.create(&json!({"title": title})).await);
    }
    let mut found = Vec::new();
    for task in tasks {
        let delivery = server.settled(id(&task)).await.remove(0);
        let path = format!("/api/deliveries/{}", id(&delivery));
        found.push(server.get(&path).await.expect(200).json());
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_has_ten_seconds_to_the_last_byte_of_the_answer() {
    let ms = Duration::from_millis;
    let receiver = Receiver::start(move |hit| match &*hit.task("title") {
        "silent" => Reply::ok().after(ms(60_000)),
        "slow head" => Reply::ok().after(ms(8_000)),
        "head after" => Reply::ok().after(ms(11_000)),
        "slow body" => Reply::ok().pieces("x", 16).every(ms(500)),
        "drip" => Reply::ok().pieces("x", 1_000).every(ms(500)),
        "both" => Reply::ok().after(ms(6_000)).pieces("x", 16).every(ms(500)),
        "drip 500" => Reply::status(500).pieces("x", 1_000).every(ms(500)),
        title => panic!("{title}"),
    })
    .await;
    let url = receiver.url();
    let server = Server::start(&[
        ("WEBHOOK_RECOVERY", "off"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_ATTEMPTS", "1"),
    ])
    .await;
    let titles = ["slow head", "slow body", "silent", "head after", "drip", "both", "drip 500"];
    let deliveries = outcomes(&server, &titles).await;
    for (title, delivery) in titles.iter().zip(deliveries) {
        let attempt = &delivery["attempts"][0];
        let took = attempt["ms"].as_u64().expect("milliseconds");
        if title.starts_with("slow") {
            assert_eq!(delivery["status"], "delivered", "{title}: {delivery}");
            assert!((7_400..10_000).contains(&took), "{title}: {took}");
        } else if *title != "drip 500" {
            assert_eq!(delivery["status"], "failed", "{title}: {delivery}");
            assert!((9_500..14_000).contains(&took), "{title}: {took}");
            assert!(delivery["reasonText"].is_string(), "{title}");
        } else {
            // What a refusal says beside its status decides nothing, so it may be cut short.
            assert_eq!(delivery["status"], "failed", "{title}: {delivery}");
            assert!(took < 14_000, "{title}: {took}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_2xx_of_more_than_64_kib_is_delivered_and_its_connection_closed() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "small" => Reply::ok().body("y".repeat(8 * KIB)),
        "full" => Reply::ok().body("y".repeat(64 * KIB)),
        "long" => Reply::ok().body("y".repeat(300 * KIB)),
        "huge" => {
            Reply::ok().header("content-length", "10000000000").pieces("z".repeat(KIB), 10_000_000)
        }
        "endless" => Reply::ok().pieces("z".repeat(KIB), usize::MAX),
        _ => Reply::ok(),
    })
    .await;
    let url = receiver.url();
    let server = Server::start(&[
        ("WEBHOOK_RECOVERY", "off"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_ATTEMPTS", "1"),
    ])
    .await;
    for title in ["small", "full", "long", "huge", "endless"] {
        let delivery = outcomes(&server, &[title]).await.remove(0);
        assert_eq!(delivery["status"], "delivered", "{title}: {delivery}");
        let attempt = &delivery["attempts"][0];
        assert!(attempt["ms"].as_u64().expect("milliseconds") < 5_000, "{title}: {attempt}");
        let kept = attempt["excerpt"].as_str().expect("an excerpt").len();
        assert!((1..=4 * KIB).contains(&kept), "{title}: {kept} bytes kept");
        let before = receiver.hits().last().expect("one").connection;
        outcomes(&server, &["next"]).await;
        let after = receiver.hits().last().expect("one more").connection;
        let closed = ["long", "huge", "endless"].contains(&title);
        assert!(!closed || after != before, "{title}: its connection is closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_2xx_whose_body_breaks_is_a_failure_and_tried_again() {
    let receiver = Receiver::start(|hit| match (&*hit.task("title"), hit.nth) {
        ("short", 1) => Reply::ok().header("content-length", "100").body("ten bytes.").broken(),
        ("chunked", 1) => Reply::ok().pieces("piece", 3).broken(),
        _ => Reply::ok().body("whole"),
    })
    .await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    for delivery in outcomes(&server, &["short", "chunked"]).await {
        assert_eq!(delivery["status"], "delivered", "{delivery}");
        let attempts = delivery["attempts"].as_array().expect("an array");
        assert_eq!(attempts.len(), 2, "{delivery}");
        assert!(attempts[0]["error"].is_string(), "says what went wrong: {delivery}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_harm_nobody() {
    let receiver = Receiver::start(|hit| match &*hit.task("title") {
        "not text" => Reply::ok().body(&b"\xff\xfe\x00\x01 odd"[..]),
        "many headers" => (0..60).fold(Reply::ok(), |r, n| r.header(&format!("x-{n}"), "v")),
        "encoded" => Reply::ok().header("content-encoding", "gzip").body(&b"\x1f\x8b\x08junk"[..]),
        "wide" => Reply::ok().body("é🦀".repeat(2_000)),
        "refusal" => Reply::status(500).body("e".repeat(300 * KIB)),
        _ => Reply::ok(),
    })
    .await;
    let url = receiver.url();
    let server = Server::start(&[
        ("WEBHOOK_RECOVERY", "off"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_ATTEMPTS", "1"),
    ])
    .await;
    let titles = ["not text", "many headers", "encoded", "wide", "plain"];
    for (title, delivery) in titles.iter().zip(outcomes(&server, &titles).await) {
        assert_eq!(delivery["status"], "delivered", "{title}: {delivery}");
    }
    let refused = outcomes(&server, &["refusal"]).await.remove(0);
    assert_eq!(refused["status"], "failed");
    assert_eq!(refused["attempts"][0]["status"], 500);
    assert!(refused["attempts"][0]["excerpt"].as_str().expect("an excerpt").len() <= 4 * KIB);
}

/// What becomes of one delivery whose receiver writes exactly these bytes and closes.
async fn status_after(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8192];
            // One read takes all of a request as small as this.
            if stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                stream.write_all(answer).await.ok();
            }
        }
    });
    let server = Server::start(&[
        ("WEBHOOK_RECOVERY", "off"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_ATTEMPTS", "1"),
    ])
    .await;
    let delivery = outcomes(&server, &["a"]).await.remove(0);
    delivery["status"].as_str().expect("a status").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_old_or_careless_receivers_are_understood() {
    let understood: [&'static [u8]; 5] = [
        b"HTTP/1.0 200 OK\r\n\r\nup to the end",
        b"HTTP/1.1 200 OK\r\n\r\nup to the end",
        b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nOK",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    ];
    for answer in understood {
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(status_after(answer).await, "delivered", "{shown}");
    }
    let nonsense: [&'static [u8]; 4] = [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nbad",
    ];
    for answer in nonsense {
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(status_after(answer).await, "failed", "{shown}");
    }
}
