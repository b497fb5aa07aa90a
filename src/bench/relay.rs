//! The floor of the bench: a program that takes a request, answers it and passes its body on.
//!
//! It has the product's accept loop, axum, a queue in memory and the product's kind of HTTP client,
//! and does nothing else: no checks, no storage, no order, no second attempt. What the product takes
//! beyond this is the price of what it promises. It must not know what it relays.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
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
}

/// Relays to `target` until stdin is closed.
pub(super) async fn run(target: &str) -> anyhow::Result<()> {
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
    let queue = Arc::new(Queue { senders, next: AtomicUsize::new(0) });
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
    let turn = queue.next.fetch_add(1, Ordering::Relaxed) % queue.senders.len();
    match queue.senders[turn].send(body).await {
        Ok(()) => (StatusCode::CREATED, [(CONTENT_TYPE, "application/json")], r#"{"id":"task_0"}"#),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, "application/json")], "{}"),
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
