//! Clients that are slow on purpose, and how long the calls of others take.
//!
//! It must not know what the server does about them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Answer, Client, Server};

pub(crate) const TOKEN: &str = "a-token-of-some-length";
/// Calls that [`times`] makes, each of which makes a task.
pub(crate) const CALLS: usize = 320;
/// The beginning of a request.
pub(crate) const HEAD: &str = "GET /api/me HTTP/1.1\r\nhost: localhost\r\n";

/// The head of a request with a body, and the first byte of that.
pub(crate) fn body_begun(path: &str, token: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 13\r\n\r\n{{"
    )
}

/// A call on a connection of its own, as another client's would be.
pub(crate) async fn call(
    server: &Server,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let client = Client::new(&format!("http://{}", server.address()));
    let call = client.call(method, path).header("authorization", &format!("Bearer {TOKEN}"));
    match body {
        Some(body) => call.json(body).send().await,
        None => call.send().await,
    }
}

/// A thousand slow heads, 500 slow bodies and 500 connections that say nothing, for as long as this is kept.
pub(crate) fn two_thousand(server: &Server) -> JoinSet<()> {
    let mut slow = JoinSet::new();
    let address = server.address().to_owned();
    slow.spawn(keep_slow(address.clone(), 1_000, HEAD.to_owned(), "x"));
    slow.spawn(keep_slow(address.clone(), 500, body_begun("/api/tasks", TOKEN), " "));
    slow.spawn(keep_slow(address, 500, String::new(), ""));
    slow
}

/// Sends a byte to each every second, and begins anew where it was cut, until it is dropped.
async fn keep_slow(address: String, n: usize, sent: String, drip: &'static str) {
    let mut streams: Vec<Option<TcpStream>> = (0..n).map(|_| None).collect();
    loop {
        for stream in &mut streams {
            let is_gone = match stream {
                Some(stream) if drip.is_empty() => stream.try_read(&mut [0; 64]).is_ok(),
                Some(stream) => stream.write_all(drip.as_bytes()).await.is_err(),
                None => true,
            };
            if is_gone && let Ok(mut new) = TcpStream::connect(&address).await {
                let _cut = new.write_all(sent.as_bytes()).await;
                *stream = Some(new);
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// How long calls of others take, on a connection each: the median, what one of a hundred is above, and the longest.
pub(crate) async fn times(server: &Server) -> [Duration; 3] {
    let took = async |n: usize| {
        let began = Instant::now();
        call(server, "POST", "/api/tasks", Some(&json!({"title": n.to_string()})))
            .await
            .expect(201);
        began.elapsed()
    };
    let mut times = Vec::new();
    for _ in 0..CALLS / 8 {
        let some =
            tokio::join!(took(1), took(2), took(3), took(4), took(5), took(6), took(7), took(8));
        times.extend(<[Duration; 8]>::from(some));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    times.sort();
    [times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]]
}
