//! Receivers that mean harm or are broken: each attempt ends in time, is said in words, and costs
//! nothing that stays.
//!
//! A raw TCP receiver: no HTTP library would send what this one sends.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Server, eventually, quiet::QUIET};

/// What an attempt may take at most, with what it takes to write it down: in milliseconds.
const ATTEMPT_MOST: u64 = 10_500;
/// What the process may grow by at its worst moment, in KiB.
const GROWTH_MOST: u64 = 24 * 1024;
/// What may be taken from a receiver that never ends: what is read, and what sockets hold. In
/// bytes.
const TAKEN_MOST: u64 = 64 * 1024 * 1024;

/// What a receiver does to a task of that title, the status that is noted, and words of the error.
const CASES: [(&str, Option<u64>, &str); 24] = [
    ("silence", None, "No answer came within 10 seconds"),
    ("drip-head", None, "No answer came within 10 seconds"),
    ("drip-body", Some(200), "not complete within 10 seconds"),
    ("drip-chunks", Some(200), "not complete within 10 seconds"),
    ("flood-1xx", None, "No answer came within 10 seconds"),
    ("endless-body", Some(200), ""),
    ("endless-chunks", Some(200), ""),
    ("endless-status", None, "head is larger than 16 KiB"),
    ("endless-header", None, "head is larger than 16 KiB"),
    ("endless-extension", Some(200), "broke within the answer"),
    ("endless-trailers", Some(200), "broke within the answer"),
    ("gzip-bomb", Some(200), ""),
    ("headers-10000", None, "head is larger than 16 KiB, or has more than 100 headers"),
    ("headers-101", None, "more than 100 headers"),
    ("headers-100", Some(200), ""),
    ("bad-chunks", Some(200), "broke within the answer"),
    ("huge-chunk", Some(200), "broke within the answer"),
    ("two-lengths", None, "not HTTP/1.1"),
    ("early-close", None, "closed the connection"),
    ("close-in-head", None, "closed the connection"),
    ("short-body", Some(200), "broke within the answer"),
    ("not-http", None, "not HTTP/1.1"),
    ("not-utf8", Some(200), ""),
    ("long-body", Some(200), ""),
];

/// Kept open and fed until the other side has enough. The bytes that went out are counted.
async fn endless(stream: &mut TcpStream, piece: &[u8], taken: &AtomicU64) -> io::Result<()> {
    loop {
        let n = stream.write(piece).await?;
        taken.fetch_add(n as u64, Ordering::Relaxed);
    }
}

async fn drip(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(piece).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A gzip file of a few KiB that unpacks to megabytes of zeros: one literal, and then "258 times
/// the byte before" in 13 bits each.
fn gzip_bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    // Last block, fixed codes (1, 01), the literal 0 (00110000), and the pair (11000101, 00000).
    let head = [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    let pair = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    let bits: Vec<u8> =
        head.into_iter().chain(pair.into_iter().cycle().take(13 * 24_000)).collect();
    bytes.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | bit)));
    bytes
}

fn numbered_headers(n: usize) -> String {
    let mut head = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_owned();
    for at in 1..n {
        write!(head, "x-{at}: 1\r\n").unwrap();
    }
    head + "\r\n"
}

async fn answer(title: &str, stream: &mut TcpStream, taken: &AtomicU64) -> io::Result<()> {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    let a_piece = vec![b'a'; 16 * 1024];
    let (head, tail): (&[u8], Vec<u8>) = match title {
        "silence" => return drip(stream, b"").await,
        "drip-head" => {
            stream.write_all(OK).await?;
            return drip(stream, b"x").await;
        }
        "drip-body" => {
            stream.write_all(LENGTH).await?;
            return drip(stream, b"x").await;
        }
        "drip-chunks" => {
            stream.write_all(CHUNKED).await?;
            return drip(stream, b"1\r\nx\r\n").await;
        }
        "flood-1xx" => {
            let many = b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n".repeat(100);
            // Fast enough to be a flood, slow enough to leave this machine's cores to other tests.
            loop {
                stream.write_all(&many).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        "endless-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n").await?;
            return endless(stream, &a_piece, taken).await;
        }
        "endless-chunks" => {
            stream.write_all(CHUNKED).await?;
            let chunk = [b"4000\r\n", &a_piece[..], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).await?;
                taken.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
        }
        "endless-status" => {
            stream.write_all(b"HTTP/1.1 200 ").await?;
            return endless(stream, &a_piece, taken).await;
        }
        "endless-header" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
            return endless(stream, &a_piece, taken).await;
        }
        "endless-extension" => {
            stream.write_all(&[CHUNKED, b"5;"].concat()).await?;
            return endless(stream, &a_piece, taken).await;
        }
        "endless-trailers" => {
            stream.write_all(&[CHUNKED, b"0\r\n"].concat()).await?;
            return endless(stream, b"x: y\r\n", taken).await;
        }
        "gzip-bomb" => {
            (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n", gzip_bomb())
        }
        "headers-10000" => (b"", numbered_headers(10_000).into()),
        "headers-101" => (b"", numbered_headers(101).into()),
        "headers-100" => (b"", numbered_headers(100).into()),
        "bad-chunks" => (CHUNKED, b"zz\r\nhello\r\n".to_vec()),
        "huge-chunk" => (CHUNKED, b"fffffffffffffffff\r\nhello\r\n".to_vec()),
        "two-lengths" => (OK, b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd".to_vec()),
        "early-close" => (b"", Vec::new()),
        "close-in-head" => (OK, b"content-le".to_vec()),
        "short-body" => (LENGTH, b"hello".to_vec()),
        "not-http" => (b"SSH-2.0-OpenSSH_9.9\r\n", Vec::new()),
        "not-utf8" => (
            OK,
            b"x: \xff\xfe\r\nretry-after: \xff\r\ncontent-length: 4\r\n\r\n\xff\xc0\0\x1b".to_vec(),
        ),
        "long-body" => {
            (OK, [&b"content-length: 100000\r\n\r\n"[..], &vec![b'a'; 100_000]].concat())
        }
        _ => (OK, b"content-length: 2\r\n\r\nok".to_vec()),
    };
    stream.write_all(&[head, &tail].concat()).await?;
    stream.shutdown().await?;
    // What is not read would turn the end into a reset, which could overtake the answer.
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

/// Reads one request and does to it what its task's title says.
async fn meet(mut stream: TcpStream, taken: Arc<AtomicU64>) {
    let mut request = Vec::new();
    let title = loop {
        let text = String::from_utf8_lossy(&request);
        let title = text.split_once("\"title\":\"").and_then(|(_, rest)| rest.split_once('"'));
        if let Some((title, _)) = title.filter(|_| text.ends_with("}}")) {
            assert!(text.to_lowercase().contains("\r\naccept-encoding: identity\r\n"), "{text}");
            break title.to_owned();
        }
        match stream.read_buf(&mut request).await {
            Ok(1..) => {}
            _ => return,
        }
    };
    let _cut = answer(&title, &mut stream, &taken).await;
}

/// The first attempt of a task's only delivery, once its end is known.
async fn first_attempt(server: &Server, task: &Value) -> Option<(Value, Value)> {
    let id = task["id"].as_str().expect("an id");
    let found = server.deliveries(&format!("taskId={id}")).await;
    let path = format!("/api/deliveries/{}", found.first()?["id"].as_str()?);
    let delivery = server.get(&path).await.expect(200).json();
    let attempt = delivery["attempts"].get(0)?.clone();
    attempt["ms"].is_number().then_some((delivery, attempt))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_holds_a_slot_or_memory_for_long() {
    // Measures time and memory.
    let _quiet = QUIET.read().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(meet(stream, Arc::clone(&counted)));
        }
    });
    let settings =
        [("WEBHOOK_URL", url.as_str()), ("WEBHOOK_ATTEMPTS", "1"), ("WEBHOOK_RECOVERY", "off")];
    let server = Server::start(&settings).await;
    let warm = server.create(&json!({"title": "healthy"})).await;
    server.settled(warm["id"].as_str().expect("an id")).await;
    let before = server.memory("VmRSS");

    let began = Instant::now();
    let mut tasks = Vec::new();
    for (title, _, _) in CASES {
        tasks.push(server.create(&json!({"title": title})).await);
    }
    // In the midst of all that, another task's event arrives.
    let healthy = server.create(&json!({"title": "healthy"})).await;
    let healthy = server.settled(healthy["id"].as_str().expect("an id")).await;
    assert_eq!(healthy[0]["status"], "delivered");
    for ((title, status, words), task) in CASES.into_iter().zip(&tasks) {
        let what = format!("the attempt of {title} ended");
        let (delivery, attempt) =
            eventually(&what, async || first_attempt(&server, task).await).await;
        let ms = attempt["ms"].as_u64().expect("milliseconds");
        assert!(ms <= ATTEMPT_MOST, "{title} held its slot for {ms} ms");
        assert_eq!(attempt["status"].as_u64(), status, "{title}: {attempt}");
        let error = attempt["error"].as_str().unwrap_or_default();
        assert_eq!(error.is_empty(), words.is_empty(), "{title}: {attempt}");
        assert!(error.contains(words), "{title}: {error}");
        let excerpt = attempt["excerpt"].as_str().unwrap_or_default();
        assert!(excerpt.len() <= 4 * 1024, "{title} left {} bytes", excerpt.len());
        let is_success = status.is_some() && words.is_empty();
        assert_eq!(delivery["status"] == "delivered", is_success, "{title}: {delivery}");
    }
    let last = server.create(&json!({"title": "healthy"})).await;
    let last = server.settled(last["id"].as_str().expect("an id")).await;
    assert_eq!(last[0]["status"], "delivered");

    let grown = server.memory("VmHWM").saturating_sub(before);
    let taken = taken.load(Ordering::Relaxed);
    println!(
        "{} hostile answers in {:?}: {grown} KiB, {taken} bytes",
        CASES.len(),
        began.elapsed()
    );
    assert!(grown < GROWTH_MOST, "grown by {grown} KiB");
    assert!(taken < TAKEN_MOST, "{taken} bytes were taken from answers without an end");
}
