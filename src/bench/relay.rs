//! The floor of the bench: a program that takes a request, answers it and passes its body on.
//!
//! It has the product's HTTP server and HTTP client and a queue in memory between them, and does
//! nothing else: no checks, no storage, no order, no second attempt. What the product takes beyond
//! this is the price of what it promises. It must not know what it relays.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::process::{say_listening, until_stdin_closes};

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

/// Relays to `WEBHOOK_URL` until stdin is closed.
pub(super) async fn run() -> anyhow::Result<()> {
    let url = std::env::var("WEBHOOK_URL").context("WEBHOOK_URL names the receiver")?;
    let url: Uri = url.parse().context("WEBHOOK_URL is not a URL")?;
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
        tasks.spawn(send(client.clone(), url.clone(), bodies));
        senders.push(sender);
    }
    let router = Router::new()
        .fallback(take)
        .with_state(Arc::new(Queue { senders, next: AtomicUsize::new(0) }));
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    say_listening(socket.local_addr()?)?;
    tasks.spawn(accept(socket, router));
    until_stdin_closes().await;
    Ok(())
}

async fn accept(socket: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        connections.spawn(connection);
        while connections.try_join_next().is_some() {}
    }
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
    url: Uri,
    mut bodies: mpsc::Receiver<Bytes>,
) {
    while let Some(body) = bodies.recv().await {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = url.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // What fails is gone, and shows in the figures as lost.
        if let Ok(response) = client.request(request).await {
            let _ = response.into_body().collect().await;
        }
    }
}
