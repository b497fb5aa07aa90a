//! Receivers that cut a kept connection at its second request instead of saying that they close it
//! (proxies with a keep-alive of their own, functions that are frozen between two calls). A new
//! connection takes it at once, and nothing waits.
//!
//! Seen with: <https://github.com/nodejs/node/issues/35526>.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::hooks::id;
use crate::harness::{Server, eventually};

/// Reads one request, whole; answers whether there was one.
async fn request(stream: &mut TcpStream) -> bool {
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => text.extend_from_slice(&piece[..n]),
            _ => return false,
        }
        let whole = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length: usize = length.lines().next().expect("a number").parse().expect("a number");
        if body.len() >= length {
            return true;
        }
    }
}

/// Answers the first request of each connection as if it would keep it, then does `then` with it.
async fn receiver<F>(
    then: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, then) = (Arc::clone(&connections), Arc::new(then));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let then = Arc::clone(&then);
            tokio::spawn(async move {
                if request(&mut stream).await {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.ok();
                    then(stream).await;
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_the_second_request_costs_one_attempt_and_no_wait() {
    // It reads the second request, so nobody can know what it did with it.
    let (url, connections) = receiver(async |mut stream| {
        request(&mut stream).await;
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &url)]).await;
    let mut cut = 0;
    for n in 0..10 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        assert_eq!(delivery["status"], "delivered");
        let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.json();
        match whole["attempts"].as_array().expect("attempts").as_slice() {
            [_] => {}
            [first, second] => {
                cut += 1;
                let error = first["error"].as_str().expect("words");
                assert!(error.contains("kept from an earlier request"), "{error}");
                assert_eq!(second["outcome"], "delivered");
            }
            more => panic!("a retry uses a new connection: {more:?}"),
        }
    }
    assert!(cut >= 3, "every second request was cut: {cut}");
    assert!(connections.load(Ordering::Relaxed) >= 10, "a connection for each that was answered");
    let retries = eventually("each is told", async || {
        let mut log = server.log();
        log.retain(|line| line.contains("Retrying in"));
        (log.len() >= cut).then_some(log)
    })
    .await;
    assert!(retries.iter().all(|line| line.contains("Retrying in 0ms...")), "{retries:?}");
    assert_eq!(retries.len(), cut);
}

/// "Request timeout", and the end: the receiver waited too long for a next request on the connection that
/// it kept, and has not read this one. On a new connection the same answer is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_408_that_closes_a_kept_connection_costs_nothing() {
    let late = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (url, connections) = receiver(async |mut stream| {
        if request(&mut stream).await {
            stream.write_all(late).await.ok();
        }
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &url)]).await;
    for n in 0..6 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        assert_eq!(delivery["status"], "delivered", "{delivery}");
        assert_eq!(delivery["attemptCount"], 1, "{delivery}");
    }
    assert!(connections.load(Ordering::Relaxed) >= 4, "every second request needed a new one");

    let always = crate::harness::Receiver::start(|_| {
        crate::harness::Reply::status(408).header("connection", "close")
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &always.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let delivery = server.settled(id(&task)).await.remove(0);
    assert_eq!((&delivery["reason"], always.hits().len()), (&json!("rejected"), 1));
}

/// Closed before the request was written, it cannot have been read: that is no attempt at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_closed_while_idle_costs_nothing() {
    let closed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&closed);
    let (url, _) = receiver(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            stream.shutdown().await.ok();
            // The other side has seen it: it closes too.
            while stream.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {}
            count.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &url)]).await;
    for n in 1..=5 {
        let task = server.create(&json!({"title": n.to_string()})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        assert_eq!(delivery["attemptCount"], 1, "{delivery}");
        eventually("the connection is closed on both sides", async || {
            (closed.load(Ordering::Relaxed) >= n).then_some(())
        })
        .await;
    }
}

/// On a connection of its own a cut is the receiver's fault: the usual waits hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_the_first_request_waits_as_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            request(&mut stream).await;
        }
    });
    let server = Server::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_RECOVERY", "off")]).await;
    let task = server.create(&json!({"title": "a"})).await;
    server.wait_for_log("[WEBHOOK] Retrying in 1000ms...").await;
    server.wait_for_log("[WEBHOOK] Retrying in 2000ms...").await;
    let delivery = server.settled(id(&task)).await.remove(0);
    assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("failed"), &json!(3)));
}
