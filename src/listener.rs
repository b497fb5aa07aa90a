//! Listener: the accept loop, with the limits that let it stand in the open.
//!
//! axum's own loop has no time limits; this one cuts who is slow with a header, who takes nothing of
//! an answer, and keeps a bound on connections. Must not know any route.

mod stream;
mod table;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use http::{HeaderValue, Uri, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use crate::http::{Client, NoRoom, Peer, network};
use stream::{Stream, Watched};
use table::{Seat, Table};

pub(crate) use stream::Unreadable;

/// Bytes of a request's head.
const HEAD_MOST: usize = 64 * 1024;
/// For the head of a request, from the first wait for it on; also for an idle connection.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// What was sent and reached nobody for so long: the other side has gone without a word.
#[cfg(target_os = "linux")]
const GONE: Duration = Duration::from_secs(30);
/// Connections at a time, if the process may have as many files.
const CONNECTIONS: usize = 1024;
/// Connections that the system holds until they are accepted, if its own limit (`somaxconn`) is not lower. Where it holds
/// no more it drops what comes, and who comes knocks again after a second.
const BACKLOG: u32 = 4096;
/// For requests under way when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// How the files that the system allows are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    /// Connections of clients at a time.
    pub(crate) connections: usize,
    /// Requests to receivers at a time, over all webhooks.
    pub(crate) requests: usize,
}

impl Files {
    /// Asks for as many files as the system allows and shares them out. A third is for clients, a
    /// third for requests to receivers; what is left is for the database and for connections to
    /// receivers that are kept open.
    pub(crate) fn share() -> Files {
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

/// Listens, with more room for who comes than the 128 that `TcpListener::bind` has.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As there: a restart takes the address from connections that are fading.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts and serves until `stop`, then lets what is under way end, for at most [`GRACE`].
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    unreadable: Unreadable,
    most: usize,
    stop: CancellationToken,
) {
    let table = Table::new(most);
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let no_room = || table.make_room();
    accept(listener, &stop, no_room, |stream, peer| {
        // All are answered, and those who wait to hear that there is no room are many.
        let Some(guest) = table.seat(network(peer.ip())) else { return };
        notice_gone(&stream);
        let client = Client { end: cut.child_token(), ..Client::default() };
        let (seat, taken) = (Arc::clone(&guest.seat), Arc::clone(&client.taken));
        let stream = Stream::new(stream, Arc::clone(&seat), taken, Arc::clone(&unreadable));
        let end = client.end.clone();
        let connection = connection(stream, peer, client, seat, router.clone());
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            tokio::select! {
                // How a connection ends is the client's affair.
                _ended = connection => {},
                () = end.cancelled() => {},
            }
            drop(guest);
        });
    })
    .await;
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

/// Takes every connection that comes until `stop`, and listens no longer then. `no_room` lets somebody go where files are
/// short.
pub(crate) async fn accept(
    listener: TcpListener,
    stop: &CancellationToken,
    no_room: impl Fn(),
    mut taken: impl FnMut(TcpStream, SocketAddr),
) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                // A connection without it is only slower.
                let _slower = stream.set_nodelay(true);
                taken(stream, peer);
            }
            Err(error) => {
                if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
                    continue;
                }
                // Want of files passes, the sooner if who waits goes, and must not become a busy loop.
                tracing::warn!("A connection cannot be accepted: {error}");
                no_room();
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

fn connection(
    stream: Stream,
    peer: SocketAddr,
    client: Client,
    seat: Arc<Seat>,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service =
        hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let reading = Arc::clone(&seat);
            let unread = move |is_whole: bool| {
                if !is_whole {
                    reading.leave_unread();
                }
            };
            let mut request: Request =
                request.map(|body| axum::body::Body::new(Watched::new(body, unread)));
            let has_no_room = seat.begin();
            if has_no_room {
                request.extensions_mut().insert(NoRoom);
            }
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(client.clone());
            trim_slash(request.uri_mut());
            let answer = router.clone().call(request);
            let seat = Arc::clone(&seat);
            async move {
                let mut answer = answer.await?;
                if has_no_room {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(answer.map(|body| Watched::new(body, move |_| seat.answered())))
            }
        });
    // A client that has gone is noticed where hyper waits for more of it, and the handler goes with the connection. Where the
    // next request has come already, hyper reads no further, so the end behind it is seen when the answer is written: one
    // request of the connection is worked on for nobody, two at most. To see it earlier somebody would have to read ahead of
    // hyper, or take who has only said all that it wanted for gone.
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEAD_MOST)
        .serve_connection(TokioIo::new(stream), service)
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
