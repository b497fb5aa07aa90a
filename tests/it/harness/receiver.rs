//! A receiver of webhooks that a test scripts: it keeps what arrives and answers as it is told.
//!
//! It must not know what the program promises, nor judge what it gets.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

/// One request as it arrived, whole.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// When its last byte had arrived.
    pub(crate) at: Instant,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The number of the connection that brought it.
    pub(crate) connection: usize,
    /// 1 for the first request with this `webhook-id`, 2 for the next …
    pub(crate) nth: usize,
}

impl Hit {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// A header, or `""` where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// Which version of its task it tells of.
    pub(crate) fn version(&self) -> u64 {
        self.header("x-btk-task-version").parse().expect("a number")
    }

    /// The event that the body names.
    pub(crate) fn event(&self) -> String {
        self.json()["event"].as_str().expect("an event").to_owned()
    }

    /// A text field of the task in the body.
    pub(crate) fn task(&self, field: &str) -> String {
        self.json()["task"][field].as_str().unwrap_or_default().to_owned()
    }
}

/// An answer as a script gives it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    piece: Bytes,
    pieces: usize,
    every: Option<Duration>,
    broken: bool,
    delay: Duration,
    hang_up: bool,
}

impl Reply {
    /// This status with an empty body.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            piece: Bytes::new(),
            pieces: 0,
            every: None,
            broken: false,
            delay: Duration::ZERO,
            hang_up: false,
        }
    }

    /// 200 with an empty body.
    pub(crate) fn ok() -> Self {
        Self::status(200)
    }

    /// No answer at all: the connection ends.
    pub(crate) fn hang_up() -> Self {
        Self { hang_up: true, ..Self::ok() }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body.
    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        self.pieces(body, 1)
    }

    /// The same piece again and again.
    pub(crate) fn pieces(self, piece: impl Into<Bytes>, pieces: usize) -> Self {
        Self { piece: piece.into(), pieces, ..self }
    }

    /// A piece at a time, with this pause between.
    pub(crate) fn every(self, pause: Duration) -> Self {
        Self { every: Some(pause), ..self }
    }

    /// The connection breaks after the last piece, before the body is whole.
    pub(crate) fn broken(self) -> Self {
        // Without a pause the break would come before the head and the pieces have left.
        let every = self.every.or(Some(Duration::from_millis(20)));
        Self { broken: true, every, ..self }
    }

    /// The head comes after this time.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

type Script = Arc<dyn Fn(&Hit) -> Reply + Send + Sync>;

struct Inner {
    address: SocketAddr,
    script: Mutex<Script>,
    hits: watch::Sender<Vec<Hit>>,
    seen: Mutex<HashMap<String, usize>>,
    connections: AtomicUsize,
    /// Of the present life: cancelled when it goes down.
    life: Mutex<CancellationToken>,
    /// Keeps the port while nobody listens on it.
    reserved: Mutex<Option<TcpSocket>>,
}

/// A receiver on loopback.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Inner>);

impl Receiver {
    /// A receiver that answers each request as `script` says.
    pub(crate) async fn start(script: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let receiver = Self(Arc::new(Inner {
            address: listener.local_addr().expect("an address"),
            script: Mutex::new(Arc::new(script)),
            hits: watch::Sender::new(Vec::new()),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            life: Mutex::new(CancellationToken::new()),
            reserved: Mutex::new(None),
        }));
        receiver.accept(listener);
        receiver
    }

    /// A receiver that answers 200 to everything.
    pub(crate) async fn ok() -> Self {
        Self::start(|_| Reply::ok()).await
    }

    /// Where webhooks go.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.0.address)
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, script: impl Fn(&Hit) -> Reply + Send + Sync + 'static) {
        *self.0.script.lock().expect("no panic") = Arc::new(script);
    }

    /// Goes down: connections break, new ones are refused, the port stays ours.
    pub(crate) fn down(&self) {
        self.0.life.lock().expect("no panic").cancel();
        let end = Instant::now() + super::PATIENCE;
        // The old listener is closed by its task, a moment after the cancellation.
        let socket = loop {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseaddr(true).expect("an option");
            if socket.bind(self.0.address).is_ok() {
                break socket;
            }
            assert!(Instant::now() < end, "the port stays taken");
            std::thread::sleep(Duration::from_millis(1));
        };
        *self.0.reserved.lock().expect("no panic") = Some(socket);
    }

    /// Comes back on the same port.
    pub(crate) fn up(&self) {
        let socket = self.0.reserved.lock().expect("no panic").take().expect("it was down");
        *self.0.life.lock().expect("no panic") = CancellationToken::new();
        self.accept(socket.listen(1024).expect("the port is ours"));
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.0.hits.borrow().clone()
    }

    /// The requests for one task so far.
    pub(crate) fn of_task(&self, id: &str) -> Vec<Hit> {
        self.hits().into_iter().filter(|hit| hit.task("id") == id).collect()
    }

    /// Waits until at least `n` requests have arrived, and returns all.
    pub(crate) async fn wait_for(&self, n: usize) -> Vec<Hit> {
        self.wait_until(&format!("{n} requests"), |hits| hits.len() >= n).await
    }

    /// Waits until the requests so far are as `enough` says, and returns all.
    pub(crate) async fn wait_until(&self, what: &str, enough: impl Fn(&[Hit]) -> bool) -> Vec<Hit> {
        let mut hits = self.0.hits.subscribe();
        let found = tokio::time::timeout(super::PATIENCE * 3, hits.wait_for(|hits| enough(hits)));
        let Ok(found) = found.await else {
            panic!("the receiver waited in vain for {what}; it has {:#?}", self.hits());
        };
        found.expect("the sender lives as long as this").clone()
    }

    fn accept(&self, listener: TcpListener) {
        let inner = Arc::clone(&self.0);
        let life = inner.life.lock().expect("no panic").clone();
        tokio::spawn(async move {
            let accepting = async {
                loop {
                    if let Ok((stream, _)) = listener.accept().await {
                        let connection = inner.connections.fetch_add(1, Ordering::Relaxed);
                        let serving = serve(Arc::clone(&inner), stream, connection);
                        tokio::spawn(life.clone().run_until_cancelled_owned(serving));
                    }
                }
            };
            life.run_until_cancelled(accepting).await;
        });
    }
}

async fn serve(inner: Arc<Inner>, stream: TcpStream, connection: usize) {
    stream.set_nodelay(true).ok();
    let service = hyper::service::service_fn(|request| answer(&inner, request, connection));
    let io = TokioIo::new(stream);
    // A sender that hangs up is what some tests are about.
    hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.ok();
}

async fn answer(
    inner: &Inner,
    request: hyper::Request<Incoming>,
    connection: usize,
) -> Result<hyper::Response<Scripted>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let id = head.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or("none");
    let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let mut hit = Hit {
        at: Instant::now(),
        method: head.method.to_string(),
        path,
        headers: head.headers.clone(),
        body,
        connection,
        nth: 0,
    };
    {
        let mut seen = inner.seen.lock().expect("no panic");
        let nth = seen.entry(id.to_owned()).or_insert(0);
        *nth += 1;
        hit.nth = *nth;
        inner.hits.send_modify(|hits| hits.push(hit.clone()));
    }
    let script = Arc::clone(&inner.script.lock().expect("no panic"));
    let reply = script(&hit);
    tokio::time::sleep(reply.delay).await;
    if reply.hang_up {
        return Err(io::Error::other("the script hangs up"));
    }
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Scripted::of(&reply)).expect("a well-formed script"))
}

/// The body of an answer, as slow, as long and as broken as its script wants it.
struct Scripted {
    piece: Bytes,
    left: usize,
    every: Option<Interval>,
    broken: bool,
}

impl Scripted {
    fn of(reply: &Reply) -> Self {
        Self {
            piece: reply.piece.clone(),
            left: reply.pieces,
            every: reply.every.map(tokio::time::interval),
            broken: reply.broken,
        }
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(every) = &mut self.every {
            ready!(every.poll_tick(context));
        }
        if self.left > 0 {
            self.left -= 1;
            return Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))));
        }
        Poll::Ready(self.broken.then(|| Err(io::Error::other("the script breaks off"))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && !self.broken
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        let whole = self.every.is_none() && !self.broken && self.left <= 1;
        if whole {
            return hyper::body::SizeHint::with_exact((self.left * self.piece.len()) as u64);
        }
        hyper::body::SizeHint::default()
    }
}
