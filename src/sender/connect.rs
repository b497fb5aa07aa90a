//! Connections and their pool: names are resolved, answers are vetted, and only what was vetted is connected to.
//!
//! The address that is judged is the address that is dialled: nothing looks the name up a second
//! time, so a name that changes its answer gains nothing. Must not know of messages and answers.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::kept::Kept;
use crate::targets::{Targets, port_of};

/// Shorter than the 5 s after which common receivers (Node.js) close an idle connection, so that
/// a request does not meet a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(4);
/// What a connection may take that nobody waits for any more; who waits has a deadline of their own.
const ABANDONED: Duration = Duration::from_secs(30);
/// Shared by the addresses of a host, so that a dead one leaves time for the next.
const TCP: Duration = Duration::from_secs(10);
/// Connections to a receiver that are kept while nothing goes over them.
pub(super) const IDLE_MOST: usize = 64;
/// What is buffered of a connection, and with it the longest head of an answer, in bytes. The
/// number of its headers is limited by hyper itself, to 100.
pub(super) const HEAD_MOST: usize = 16 * 1024;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;
pub(super) type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// From a host, without brackets, and a port to addresses.
pub(super) type Lookup =
    Arc<dyn Fn(String, u16) -> Later<io::Result<Vec<SocketAddr>>> + Send + Sync>;
/// From addresses to a connection with one of them.
pub(super) type Dial =
    Arc<dyn Fn(Vec<SocketAddr>) -> Later<Result<TokioIo<TcpStream>, BoxError>> + Send + Sync>;
/// A pool of connections and the way to make new ones.
pub(super) type Client =
    hyper_util::client::legacy::Client<Bounded<HttpsConnector<Connector>>, Full<Bytes>>;

/// Why there is no connection, where that is not an error of the system.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The address is not allowed; the sentence says which and why.
    #[error("{0}")]
    Blocked(String),
    /// The name has no address.
    #[error("dns error")]
    Unknown(#[source] Option<io::Error>),
    /// Nobody waits any more.
    #[error("the connection took too long")]
    Slow,
}

/// Makes TCP connections to the hosts of URLs.
#[derive(Clone)]
pub(super) struct Connector {
    /// `None`: every address is meant.
    guard: Option<Arc<Targets>>,
    lookup: Lookup,
    dial: Dial,
}

impl Connector {
    /// For URLs that the owner wrote: connects to any address.
    pub(super) fn open() -> Connector {
        Connector { guard: None, lookup: Arc::new(resolve), dial: Arc::new(dial) }
    }

    /// For all others: connects to public addresses and to what the owner named.
    pub(super) fn guarded(targets: Targets) -> Connector {
        Connector { guard: Some(Arc::new(targets)), ..Connector::open() }
    }

    /// The same with another resolver and another way to connect.
    #[cfg(test)]
    pub(super) fn through(self, lookup: Lookup, dial: Dial) -> Connector {
        Connector { lookup, dial, ..self }
    }

    async fn connect(self, url: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let host = url.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = port_of(&url);
        // Resolvers differ on what they take for an address; what we take for one needs no resolver.
        if let Some(words) = self.guard.as_ref().and_then(|own| own.refuse_host(host, port)) {
            return Err(Trouble::Blocked(words).into());
        }
        let found = (self.lookup)(host.to_owned(), port).await;
        let found = found.map_err(|error| Trouble::Unknown(Some(error)))?;
        if found.is_empty() {
            return Err(Trouble::Unknown(None).into());
        }
        if let Some(targets) = &self.guard {
            // One forbidden address refuses the whole name: who mixes them may be rebinding it ("DNS rebinding").
            for address in &found {
                targets.allows(host, port, address.ip()).map_err(Trouble::Blocked)?;
            }
        }
        (self.dial)(found).await
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Later<Result<TokioIo<TcpStream>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        Box::pin(self.clone().connect(url))
    }
}

/// The system's resolver. It knows literals too, in all their spellings.
fn resolve(host: String, port: u16) -> Later<io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
}

/// Connects to the first of these that answers; the other family gets its chance after a moment.
fn dial(addresses: Vec<SocketAddr>) -> Later<Result<TokioIo<TcpStream>, BoxError>> {
    let mut tcp = HttpConnector::new_with_resolver(Fixed(addresses));
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(TCP));
    // It never sees the host's name: all it can connect to are these addresses with their ports.
    let connecting = tcp.call(Uri::from_static("http://vetted"));
    Box::pin(async move { connecting.await.map_err(BoxError::from) })
}

/// A resolver with one answer to everything.
#[derive(Clone)]
struct Fixed(Vec<SocketAddr>);

impl Service<Name> for Fixed {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

/// A connector that gives up in the end, TLS included: the pool goes on connecting when the
/// request that wanted it has left.
#[derive(Clone)]
pub(super) struct Bounded<C>(C);

impl Service<Uri> for Bounded<HttpsConnector<Connector>> {
    type Response = Kept<MaybeHttpsStream<TokioIo<TcpStream>>>;
    type Error = BoxError;
    type Future = Later<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connecting = timeout(ABANDONED, self.0.call(url));
        Box::pin(async move { Ok(Kept::new(connecting.await.map_err(|_| Trouble::Slow)??)) })
    }
}

/// A pool of its own over a connector, which keeps so many idle connections to a receiver.
///
/// Connections are kept by scheme, host and port, so a kept one goes on with the address that was
/// vetted when it was made, and is never another pool's. Redirects are answers like any other, and
/// no setting of the environment makes it use a proxy.
pub(super) fn pool(tls: &rustls::ClientConfig, connector: Connector, idle_most: usize) -> Client {
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle_most)
        .http1_max_buf_size(HEAD_MOST)
        .build(Bounded(https))
}
