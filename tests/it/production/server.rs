//! The server in the open: slow and oversized requests, and the routes that watch it.
//! How it stops is in `stop`.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Receiver, Server};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.expect("a connection")
}

/// Sends `first`, then a byte of `drip` each second; returns the answer and when the end came.
async fn slow(server: &Server, first: &str, drip: &'static [u8]) -> (String, Duration) {
    let began = Instant::now();
    let (mut reader, mut writer) = connect(server).await.into_split();
    writer.write_all(first.as_bytes()).await.expect("sent");
    let dripping = tokio::spawn(async move {
        for byte in drip {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        // Held open: the other side is the one to end it.
        std::future::pending::<()>().await;
        drop(writer);
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answer)).await;
    dripping.abort();
    assert!(read.is_ok(), "not cut within 20 s");
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_requests_are_cut_after_ten_seconds_and_harm_nobody() {
    let server = Server::start(&[]).await;
    let head = "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\n";
    let with_body =
        format!("{head}content-type: application/json\r\ncontent-length: 200\r\n\r\n{{");
    let chunked = format!(
        "{head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"
    );
    let (silent, half_head, dripped_head, half_body, half_chunks) = tokio::join!(
        slow(&server, "", b""),
        slow(&server, head, b""),
        slow(&server, head, b"x-slow: aaaaaaaaaaaaaaaaaaaaaaaa"),
        slow(&server, &with_body, b""),
        slow(&server, &chunked, b""),
    );
    for (name, (answer, took)) in [
        ("silent", silent),
        ("half a head", half_head),
        ("a dripped head", dripped_head),
        ("half a body", half_body),
        ("half the chunks", half_chunks),
    ] {
        assert!((9.0..13.0).contains(&took.as_secs_f64()), "{name}: {took:?}");
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["", "400", "408"].contains(&status), "{name}: {answer}");
    }
    server.create(&json!({"title": "still well"})).await;
    let tasks = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(tasks.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_slowly_but_steadily_is_taken() {
    let server = Server::start(&[]).await;
    let body = r#"{"title":"slow"}"#;
    let mut stream = connect(&server).await;
    let head = format!(
        "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    for piece in body.as_bytes().chunks(4) {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stream.write_all(piece).await.expect("sent");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_one_mebibyte_is_a_413() {
    let server = Server::start(&[("WEBHOOK_SECRET", "s")]).await;
    let body = json!({"title": "a", "description": "d".repeat(1024 * 1024)}).to_string();
    for path in ["/api/tasks", "/api/incoming-webhook?secret=s"] {
        let call = server.call("POST", path).text("application/json", body.clone());
        // The server may close before it has taken all, so the answer may not be seen.
        if let Ok(answer) = call.attempt().await {
            answer.expect_error(413);
        }
    }
    // Announced but not sent: the answer is always seen.
    let mut stream = connect(&server).await;
    let head = "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 1048577\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
    // In chunks, so nothing is announced.
    let (mut reader, mut writer) = connect(&server).await.into_split();
    let head = "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    tokio::spawn(async move {
        writer.write_all(head.as_bytes()).await.ok();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
        // Sixteen make the mebibyte; the seventeenth is too many. Not all need be taken.
        for _ in 0..17 {
            writer.write_all(chunk.as_bytes()).await.ok();
        }
        std::future::pending::<()>().await;
        drop(writer);
    });
    let mut answer = [0; 12];
    reader.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
    let largest = json!({"title": "a", "description": "d".repeat(64 * 1024)}).to_string();
    let padded = format!("{largest}{}", " ".repeat(1024 * 1024 - largest.len()));
    let call = server.call("POST", "/api/tasks").text("application/json", padded);
    call.send().await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_on_the_wire_is_refused_and_harms_nobody() {
    let server = Server::start(&[]).await;
    let large = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "h".repeat(1024 * 1024));
    let many = "x-h: v\r\n".repeat(5_000);
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n");
    let both = "POST /api/tasks HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 5\r\ncontent-length: 6\r\n\r\n{}";
    for nonsense in ["\r\n\r\n\0\u{1}\u{2} nonsense\r\n\r\n", "GET\r\n\r\n", &large, &many, both] {
        let mut stream = connect(&server).await;
        // The other side may end it before it has taken all.
        stream.write_all(nonsense.as_bytes()).await.ok();
        let mut answer = [0; 16];
        let read = tokio::time::timeout(Duration::from_secs(15), stream.read(&mut answer)).await;
        let n = read.expect("an end within 15 s").unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    server.get("/healthz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_the_pages_are_there() {
    let server = Server::start(&[]).await;
    server.get("/healthz").await.expect(200);
    server.get("/readyz").await.expect(200);
    let document = server.get("/api/openapi.json").await.expect(200);
    assert!(document.header("content-type").starts_with("application/json"));
    let document = document.json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let page = server.get("/docs").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let page = page.text();
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(page.contains(path), "{path} is on the page");
    }
    assert!(page.contains("curl"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_what_happened() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for _ in 0..3 {
        let task = server.create(&json!({"title": "a"})).await;
        server.settled(task["id"].as_str().expect("an id")).await;
    }
    let answer = server.get("/metrics").await.expect(200);
    let kind = answer.header("content-type");
    assert!(kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"));
    let text = answer.text();
    let typed = |kind: &str, word: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("# TYPE "));
        lines.any(|line| line.ends_with(kind) && line.contains(word))
    };
    assert!(typed("counter", "deliver"), "deliveries by result: {text}");
    assert!(typed("histogram", "lag"), "delivery lag: {text}");
    assert!(typed("histogram", "attempt"), "attempt duration: {text}");
    assert!(typed("gauge", "oldest"), "oldest pending age: {text}");
    assert!(typed("gauge", "queue") || typed("gauge", "pending"), "queue depth: {text}");
    assert!(typed("counter", "http") || typed("histogram", "http"), "HTTP requests: {text}");
    let counted = text.lines().any(|line| line.contains("delivered") && line.ends_with(" 3"));
    assert!(counted, "three were delivered: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_cannot_pose_as_this_server() {
    let server = Server::start(&[("PUBLIC_URL", "https://tasks.example.org:8443/")]).await;
    let asked = async |host: &str| {
        server.call("GET", "/api/tasks").header("host", host).send().await.status
    };
    for host in
        ["localhost", "127.0.0.1:5000", "[::1]:5000", "192.168.1.7", "tasks.example.org:8443"]
    {
        assert_eq!(asked(host).await, 200, "{host}");
    }
    for host in
        ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example"]
    {
        let status = asked(host).await;
        assert!((400..500).contains(&status), "{host}: {status}");
    }
}
