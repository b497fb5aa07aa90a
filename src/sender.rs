//! Sender: one attempt, from a message to its outcome.
//!
//! Keep-alive connections, one deadline over everything, a capped read of the answer, no redirects,
//! no proxy from the environment. A failed delivery is an outcome, not an error. Must not know of
//! the database, nor decide what happens next.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::model::{Outcome, masked_url};
use crate::retry;
use crate::secret::{Secret, mask};

/// From connecting to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// What is read of an answer.
const READ_MOST: usize = 64 * 1024;
/// What is kept of it.
const KEPT_MOST: usize = 4 * 1024;
/// What is read beyond that to find secrets that lie across the cut.
const MARGIN: usize = 1024;
/// Shorter than the 5 s after which common receivers (Node.js) close an idle connection, so that
/// a request does not meet a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(4);
/// Who we are.
const AGENT: &str = concat!("BTK-System/", env!("CARGO_PKG_VERSION"));

/// A request to be made.
#[derive(Clone)]
pub struct Message<'m> {
    /// Where to: a secret.
    pub url: &'m str,
    /// Our headers: names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The webhook's own headers; their values are secrets.
    pub own_headers: &'m [(String, String)],
    /// The body, JSON.
    pub body: Bytes,
}

impl Message<'_> {
    /// What a receiver must not give away by repeating it, the longest first: the URL, its path,
    /// the parts of that, and the webhook's own header values with their words.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let path = self.url.splitn(4, '/').nth(3).unwrap_or_default();
        let parts = path.split(['/', '?', '&', '=']);
        let values = self.own_headers.iter().map(|(_, value)| value.as_str());
        let words = self.own_headers.iter().flat_map(|(_, value)| value.split(' '));
        let bare = path.split('?').next().unwrap_or_default();
        [self.url, path, bare].into_iter().chain(parts).chain(values).chain(words)
    }
}

/// Sends messages over shared connections.
pub struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    clock: Clock,
    /// Ours, masked in what a receiver sends back.
    secrets: Vec<Secret>,
}

impl Sender {
    /// A sender that trusts the system's certificates (also `SSL_CERT_FILE`), or the built-in
    /// Mozilla list where the system has none.
    pub fn new(clock: Clock, secrets: Vec<Secret>) -> Result<Sender, rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // A connection attempt that nobody waits for any more ends as well.
        tcp.set_connect_timeout(Some(DEADLINE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(64)
            .http1_max_buf_size(64 * 1024)
            .build(connector);
        Ok(Sender { client, clock, secrets })
    }

    /// Makes one attempt. Ends within the deadline, whatever the receiver does.
    pub async fn send(&self, message: &Message<'_>) -> Outcome {
        let began = Instant::now();
        log_request(message);
        let mut outcome = match request(message) {
            Ok(request) => self.exchange(request, began + DEADLINE).await,
            Err(why) => Outcome::broken(why),
        };
        outcome.ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        if !outcome.excerpt.is_empty() {
            let ours = self.secrets.iter().map(Secret::expose);
            outcome.excerpt = mask(&outcome.excerpt, ours.chain(message.secrets()));
            // Cut only now: a secret that lay across the cut would show its beginning.
            let end = outcome.excerpt.floor_char_boundary(KEPT_MOST);
            outcome.excerpt.truncate(end);
        }
        log_answer(&outcome);
        outcome
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, deadline: Instant) -> Outcome {
        let answer = match timeout_at(deadline, self.client.request(request)).await {
            Err(_) => return Outcome::broken("No answer came within 10 seconds."),
            Ok(Err(error)) => return Outcome::broken(words_for(&error)),
            Ok(Ok(answer)) => answer,
        };
        let status = answer.status();
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after_ms = retry::retry_after_ms(status.as_u16(), asked, self.clock.now().0);
        let (kept, end) = read(answer.into_body(), deadline).await;
        Outcome {
            ms: 0,
            status: Some(status.as_u16()),
            // What a refusal says is a help; what a success says is part of it.
            broken: end.err().filter(|_| status.is_success()),
            excerpt: printable(&kept),
            retry_after_ms,
        }
    }
}

fn request(message: &Message<'_>) -> Result<Request<Full<Bytes>>, String> {
    let url: Uri = message.url.parse().map_err(|_| "The webhook's URL is not a URL.".to_owned())?;
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let ours = message.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let own = message.own_headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.chain(ours) {
        let bad = |_| format!("The header {name} of the webhook cannot be sent.");
        let value = HeaderValue::from_str(value).map_err(|e| bad(e.to_string()))?;
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|e| bad(e.to_string()))?;
        headers.insert(key, value);
    }
    Ok(request)
}

/// Reads at most 64 KiB, keeps 4 KiB and the margin. An answer that is longer counts as read; dropping the rest
/// closes its connection.
async fn read(mut body: Incoming, deadline: Instant) -> (Vec<u8>, Result<(), String>) {
    let mut kept = Vec::new();
    let mut total = 0;
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Err(_) => {
                return (kept, Err("The answer was not complete within 10 seconds.".to_owned()));
            }
            Ok(None) => return (kept, Ok(())),
            Ok(Some(Err(_))) => {
                return (kept, Err("The connection broke within the answer.".to_owned()));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        if let Some(data) = frame.data_ref() {
            total += data.len();
            let room = (KEPT_MOST + MARGIN).saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(&data[..room]);
            if total > READ_MOST {
                return (kept, Ok(()));
            }
        }
    }
}

/// Text that can be stored and shown whatever the receiver sent.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// What broke, in words, without the URL.
fn words_for(error: &ClientError) -> String {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(tls) = at.downcast_ref::<rustls::Error>() {
            return format!("The secure connection failed (TLS): {tls}.");
        }
        // An I/O error may wrap another error that `source` skips.
        let mut wrapped = None;
        if let Some(io) = at.downcast_ref::<io::Error>() {
            wrapped = io.get_ref().map(|inner| inner as &(dyn StdError + 'static));
            match io.kind() {
                io::ErrorKind::ConnectionRefused => {
                    return "The connection was refused: nothing listens at that address."
                        .to_owned();
                }
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    return "The receiver cut the connection before it answered.".to_owned();
                }
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    return "The receiver's network cannot be reached.".to_owned();
                }
                _ => {}
            }
        }
        if at.to_string() == "dns error" {
            return "The receiver's host name was not found (DNS).".to_owned();
        }
        if let Some(hyper) = at.downcast_ref::<hyper::Error>() {
            if hyper.is_incomplete_message() || hyper.is_canceled() {
                return "The receiver closed the connection before it answered.".to_owned();
            }
            if hyper.is_parse() {
                return "The receiver's answer is not HTTP/1.1.".to_owned();
            }
        }
        cause = wrapped.or_else(|| at.source());
    }
    if error.is_connect() {
        return "The connection could not be made.".to_owned();
    }
    "The exchange with the receiver broke.".to_owned()
}

fn log_request(message: &Message<'_>) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let own = message.own_headers.iter().map(|(name, _)| format!("{name}: …"));
    let ours = message.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let headers: Vec<String> = ours.chain(own).collect();
    tracing::debug!(
        "[WEBHOOK] Request: POST {} | {} | {}",
        masked_url(message.url),
        headers.join(" | "),
        String::from_utf8_lossy(&message.body)
    );
}

fn log_answer(outcome: &Outcome) {
    tracing::debug!(
        "[WEBHOOK] Answer after {} ms: {} | {}",
        outcome.ms,
        outcome.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
        outcome.broken.as_deref().unwrap_or(&outcome.excerpt)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_receiver_says_can_be_shown() {
        assert_eq!(printable(b"a\x00\x1b[31mb\nc\xff"), "a[31mb\nc\u{fffd}");
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_an_outcome() {
        let own = [("x".to_owned(), "a\nb".to_owned())];
        let message = Message {
            url: "http://127.0.0.1:1/",
            headers: vec![],
            own_headers: &own,
            body: Bytes::new(),
        };
        assert_eq!(request(&message).unwrap_err(), "The header x of the webhook cannot be sent.");
    }
}
