//! Listener: the accept loop, with the limits that let it stand in the open.
//!
//! axum's own loop has no time limits; this one cuts who is slow with a header, who takes nothing of
//! an answer, and keeps a bound on connections. Must not know any route.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use http::Uri;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use crate::http::Peer;

/// For the head of a request, from the first wait for it on; also for an idle connection.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// A client that takes nothing of an answer for so long is cut.
const WRITE_IDLE: Duration = Duration::from_secs(10);
/// What was sent and reached nobody for so long: the other side has gone without a word.
#[cfg(target_os = "linux")]
const GONE: Duration = Duration::from_secs(30);
/// Connections at a time, if the process may have as many files.
const CONNECTIONS: usize = 1024;
/// For requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// How the files that the system allows are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// Connections of clients at a time.
    pub connections: usize,
    /// Requests to receivers at a time, over all webhooks.
    pub requests: usize,
}

impl Files {
    /// Asks for as many files as the system allows and shares them out. A third is for clients, a
    /// third for requests to receivers; what is left is for the database and for connections to
    /// receivers that are kept open.
    pub fn share() -> Files {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
        // Where more files are refused, what there is must do.
        let raised = setrlimit(Resource::Nofile, wanted).is_ok();
        let files = if raised { limit.maximum } else { limit.current };
        let files = files.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let third = (files / 3).max(1);
        Files { connections: CONNECTIONS.min(third), requests: third }
    }
}

/// Accepts and serves until `stop`, then lets what is under way end, for at most [`GRACE`].
pub async fn serve(listener: TcpListener, router: Router, most: usize, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        // A connection without it is only slower.
        let _slower = stream.set_nodelay(true);
        notice_gone(&stream);
        let connection = graceful.watch(connection(stream, peer, router.clone()));
        let cut = cut.clone();
        connections.spawn(async move {
            tokio::select! {
                // How a connection ends is the client's affair.
                _ended = connection => {},
                () = cut.cancelled() => {},
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("Some connections did not end in time and are cut");
        cut.cancel();
    }
    connections.wait().await;
}

/// A stream that says little never fills what the system holds back for it, so no write of ours
/// would wait; left to itself, the system tries for a quarter of an hour to reach who is gone.
#[cfg(target_os = "linux")]
fn notice_gone(stream: &TcpStream) {
    let ms = u32::try_from(GONE.as_millis()).unwrap_or(u32::MAX);
    // A connection without it only ends later.
    let _later = rustix::net::sockopt::set_tcp_user_timeout(stream, ms);
}

#[cfg(not(target_os = "linux"))]
fn notice_gone(_stream: &TcpStream) {}

/// After a fault of `accept`: want of files passes, and must not become a busy loop.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tracing::warn!("A connection cannot be accepted: {error}");
        sleep(Duration::from_millis(200)).await;
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service =
        hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let mut request: Request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(Peer(peer));
            trim_slash(request.uri_mut());
            router.clone().call(request)
        });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(WriteTimed::new(stream)), service)
}

/// A slash at the end makes no difference.
fn trim_slash(uri: &mut Uri) {
    let path = uri.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let trimmed = path.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() { "/" } else { trimmed };
    let target = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    // A shorter path of the same characters is still one.
    if let Ok(target) = target.parse() {
        *uri = target;
    }
}

/// A stream whose writes fail when the other side takes nothing for [`WRITE_IDLE`].
struct WriteTimed {
    stream: TcpStream,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl WriteTimed {
    fn new(stream: TcpStream) -> WriteTimed {
        WriteTimed { stream, stalled: None }
    }

    fn timed<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + WRITE_IDLE)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for WriteTimed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for WriteTimed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.timed(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.timed(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.timed(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for (from, to) in [
            ("/api/tasks/", "/api/tasks"),
            ("/api/tasks/?limit=5", "/api/tasks?limit=5"),
            ("/api/tasks", "/api/tasks"),
            ("/", "/"),
            ("//", "/"),
        ] {
            let mut uri: Uri = from.parse().unwrap();
            trim_slash(&mut uri);
            assert_eq!(uri.to_string(), to);
        }
    }
}
