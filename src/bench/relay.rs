//! The floors of the bench: a program that takes a request, answers it and passes its body on.
//!
//! It has the product's accept loop, axum, a queue in memory and the product's kind of HTTP client,
//! and does nothing else: no checks, no order, no second attempt. Told to, it has what it takes on disk before it
//! answers, many at a time, as little as that can cost; else it stores nothing. What the product takes
//! beyond this is the price of what it promises. It must not know what it relays.

use std::fs::File;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::process::{say_listening, until_stdin_closes};
use crate::listener;

/// Requests that are under way to the receiver at a time.
const SENDERS: usize = 64;
/// Bodies that wait for one sender; then accepting waits too, so memory stays bounded and the
/// relay is never faster in than out for long.
const WAITING: usize = 1_024;

/// The queues of the senders, each used in turn: senders that share one would wait for its lock.
struct Queue {
    senders: Vec<mpsc::Sender<Bytes>>,
    next: AtomicUsize,
    journal: Option<std::sync::mpsc::Sender<Entry>>,
}

/// What is to be on disk, and who is told when it is.
type Entry = (Bytes, oneshot::Sender<()>);

/// Appends whatever is there, syncs it, and says so. Ends with the process, or where the disk does not take it; then
/// nobody is told.
fn append(mut file: File, entries: &std::sync::mpsc::Receiver<Entry>) {
    while let Ok(first) = entries.recv() {
        let batch: Vec<Entry> = std::iter::once(first).chain(entries.try_iter()).collect();
        let bytes: Vec<u8> = batch.iter().flat_map(|(body, _)| body.iter().copied()).collect();
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, done) in batch {
            let _gone = done.send(());
        }
    }
}

impl Queue {
    /// False if it cannot be kept.
    async fn keep(&self, body: &Bytes) -> bool {
        let Some(journal) = &self.journal else { return true };
        let (done, is_kept) = oneshot::channel();
        journal.send((body.clone(), done)).is_ok() && is_kept.await.is_ok()
    }
}

/// Relays to `target` until stdin is closed; `append_to` is where it keeps what it takes.
pub(super) async fn run(target: &str, append_to: Option<&Path>) -> anyhow::Result<()> {
    let target: Uri = target.parse().context("the target of the relay is not a URL")?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(SENDERS)
        .build(connector);

    let mut tasks = JoinSet::new();
    let mut senders = Vec::with_capacity(SENDERS);
    for _ in 0..SENDERS {
        let (sender, bodies) = mpsc::channel(WAITING);
        tasks.spawn(send(client.clone(), target.clone(), bodies));
        senders.push(sender);
    }
    let mut journal = None;
    if let Some(path) = append_to {
        let file = File::create(path)?;
        let (sender, entries) = std::sync::mpsc::channel();
        std::thread::spawn(move || append(file, &entries));
        journal = Some(sender);
    }
    let queue = Arc::new(Queue { senders, next: AtomicUsize::new(0), journal });
    let router = Router::new().fallback(take).with_state(queue);
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    say_listening(socket.local_addr()?)?;
    // Never cancelled: what it serves may end in the middle, with the process.
    let stop = CancellationToken::new();
    let most = listener::Files::share().connections;
    let bare = Arc::new(|_| "content-length: 0\r\n\r\n".to_owned());
    tasks.spawn(listener::serve(socket, router, bare, most, stop));
    until_stdin_closes().await;
    Ok(())
}

/// Answers as the product does, as far as the driver looks at it.
async fn take(State(queue): State<Arc<Queue>>, body: Bytes) -> impl IntoResponse {
    const FAILED: (StatusCode, [(HeaderName, &str); 1], &str) =
        (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, "application/json")], "{}");
    if !queue.keep(&body).await {
        return FAILED;
    }
    let turn = queue.next.fetch_add(1, Ordering::Relaxed) % queue.senders.len();
    match queue.senders[turn].send(body).await {
        Ok(()) => (StatusCode::CREATED, [(CONTENT_TYPE, "application/json")], r#"{"id":"task_0"}"#),
        Err(_) => FAILED,
    }
}

async fn send(
    client: Client<HttpConnector, Full<Bytes>>,
    target: Uri,
    mut bodies: mpsc::Receiver<Bytes>,
) {
    while let Some(body) = bodies.recv().await {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // What fails is gone, and shows in the figures as lost.
        if let Ok(response) = client.request(request).await {
            let _ = response.into_body().collect().await;
        }
    }
}
