//! The receiver of `btk listen`: takes webhooks over HTTP and hands each of them to a callback.
//!
//! It knows HTTP and what a webhook looks like from outside. It must not know the store, the
//! dispatcher or any type of theirs: what it shows is what any receiver on the network would see.

mod print;

use std::convert::Infallible;
use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::model::Time;
use crate::output::Output;
use crate::signals::asked_to_stop;
pub(crate) use print::block;

/// The largest body that is read; a webhook of ours stays far below it.
const MAX_BODY: usize = 1024 * 1024;
/// The time in which a body must have arrived.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a connection may stay idle. Longer than senders keep theirs, so that it is the sender
/// who closes and no request meets a closing connection.
const IDLE_TIME: Duration = Duration::from_mins(2);
/// Connections at a time; further ones wait in the backlog of the system.
const MAX_CONNECTIONS: usize = 256;
/// How long a stop waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// One request that arrived, read as a webhook as far as it can be read.
#[derive(Debug, Clone)]
pub struct Received {
    /// `event` of the body, else the header `x-btk-event`.
    pub event: Option<String>,
    /// `task.id` of the body.
    pub task_id: Option<String>,
    /// `task.title` of the body.
    pub title: Option<String>,
    /// The header `webhook-id`: the same for every repeat of one event.
    pub webhook_id: Option<String>,
    /// The header `x-btk-attempt`, as it was sent.
    pub attempt: Option<String>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// Why the body is no JSON, where it is none; the sender was answered 400 with these words.
    pub fault: Option<String>,
    /// When the last byte of the body was there.
    pub received_at: Time,
}

impl Received {
    fn read(headers: &HeaderMap, body: Bytes, received_at: Time) -> Self {
        let header = |name: &str| {
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (json, fault) = match serde_json::from_slice(&body) {
            Ok(json) => (json, None),
            Err(error) => (Value::Null, Some(format!("the body is not JSON: {error}"))),
        };
        let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            event: text("/event").or_else(|| header("x-btk-event")),
            task_id: text("/task/id"),
            title: text("/task/title"),
            webhook_id: header("webhook-id"),
            attempt: header("x-btk-attempt"),
            body,
            fault,
            received_at,
        }
    }
}

type Callback = dyn Fn(&Received) + Send + Sync;

/// A receiver that has its port and waits to be run.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes the port; port 0 takes any free one.
    ///
    /// # Errors
    /// The port is taken, or not ours to take.
    pub async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; --port names another port"))?;
        let address = socket.local_addr().context("the new socket has no address")?;
        Ok(Self { socket, address })
    }

    /// Where it listens, with the port that was really taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop`, and calls `on_webhook` for each POST before it is answered.
    pub async fn run(
        self,
        stop: CancellationToken,
        on_webhook: impl Fn(&Received) + Send + Sync + 'static,
    ) {
        let on_webhook: Arc<Callback> = Arc::new(on_webhook);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                // Only takes the ended ones out of the set; how they ended is their sender's affair.
                Some(_) = connections.join_next() => {}
                accepted = self.socket.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((stream, _)) => {
                            connections.spawn(serve(stream, stop.clone(), on_webhook.clone()));
                        }
                        // Out of file handles, say: going on at once would spin.
                        Err(_) => sleep(Duration::from_millis(100)).await,
                    }
                }
            }
        }
        // What has not ended by then is aborted when the set is dropped.
        let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    }
}

/// One connection, until the sender closes it, it breaks, or `stop`.
async fn serve(stream: TcpStream, stop: CancellationToken, on_webhook: Arc<Callback>) {
    // Without it answers only leave later; nothing to report.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, &on_webhook));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    on_webhook: &Arc<Callback>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::POST {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "This receiver takes webhooks: send them with POST and a JSON body.",
        );
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    let too_large = || plain(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB.");
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Ok(too_large());
    }
    let body = match timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Ok(too_large()),
        Ok(Err(error)) => {
            return Ok(plain(StatusCode::BAD_REQUEST, format!("The body broke off: {error}")));
        }
        Err(_) => {
            return Ok(plain(StatusCode::REQUEST_TIMEOUT, "The body did not arrive within 10 s."));
        }
    };
    let received = Received::read(&head.headers, body, Clock.now());
    on_webhook(&received);
    Ok(match received.fault {
        Some(fault) => plain(StatusCode::BAD_REQUEST, fault),
        None => plain(StatusCode::OK, "Accepted"),
    })
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// `btk listen`: prints what arrives until Ctrl-C or SIGTERM.
///
/// # Errors
/// It cannot listen.
pub async fn command(port: u16, host: IpAddr, out: Arc<Output>) -> anyhow::Result<()> {
    let listener = Listener::bind(SocketAddr::new(host, port)).await?;
    let address = listener.address();
    out.put(format!(
        "Listening on http://{address} and printing what arrives; Ctrl-C ends.\n\
         To send webhooks here, start btk with WEBHOOK_URL=http://{address}\n\n"
    ));
    let colour = coloured();
    let stop = CancellationToken::new();
    let on_webhook = {
        let out = Arc::clone(&out);
        move |received: &Received| out.put(block(received, colour))
    };
    let mut run = pin!(listener.run(stop.clone(), on_webhook));
    tokio::select! {
        () = run.as_mut() => return Ok(()),
        asked = asked_to_stop() => asked?,
        // A closed pipe (`btk listen | head`): nobody reads any more, so there is no more to do.
        () = out.unread.cancelled() => {},
    }
    stop.cancel();
    run.await;
    Ok(())
}

/// Whether what is printed may be coloured: a person reads it, and has not said no.
pub(crate) fn coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn read(body: &'static str) -> Received {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", HeaderValue::from_static("evt_1"));
        headers.insert("x-btk-event", HeaderValue::from_static("task_deleted"));
        headers.insert("x-btk-attempt", HeaderValue::from_static("2"));
        Received::read(&headers, Bytes::from_static(body.as_bytes()), Time(0))
    }

    #[test]
    fn a_webhook_is_read_from_body_and_headers() {
        let received = read(r#"{"event":"task_created","task":{"id":"task_1","title":"Milk"}}"#);
        assert_eq!(received.event.as_deref(), Some("task_created"));
        assert_eq!(received.task_id.as_deref(), Some("task_1"));
        assert_eq!(received.title.as_deref(), Some("Milk"));
        assert_eq!(received.webhook_id.as_deref(), Some("evt_1"));
        assert_eq!(received.attempt.as_deref(), Some("2"));
        assert_eq!(received.fault, None);
    }

    #[test]
    fn odd_bodies_are_taken_as_they_are() {
        for body in ["[]", "7", "null", r#"{"event":7,"task":[]}"#, r#"{"task":{"title":{}}}"#] {
            let received = read(body);
            assert_eq!(received.event.as_deref(), Some("task_deleted"), "{body}");
            assert_eq!((received.title, received.fault), (None, None), "{body}");
        }
        for body in ["", "{", "title=Milk"] {
            assert!(read(body).fault.is_some_and(|fault| fault.contains("not JSON")), "{body}");
        }
    }

    /// What a receiver answers to these bytes, and how many callbacks there were.
    async fn answer_to(request: String) -> (String, usize) {
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.address();
        let stop = CancellationToken::new();
        let (send, webhooks) = std::sync::mpsc::channel();
        let mut running = JoinSet::new();
        running.spawn(listener.run(stop.clone(), move |webhook| {
            send.send(webhook.clone()).unwrap();
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        stop.cancel();
        running.join_all().await;
        (answer, webhooks.try_iter().count())
    }

    fn post(body: &str) -> String {
        format!(
            "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    #[tokio::test]
    async fn a_webhook_is_accepted_and_reported_once() {
        let (answer, webhooks) = answer_to(post("{}")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-type: text/plain"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nAccepted"), "{answer}");
        assert_eq!(webhooks, 1);
    }

    #[tokio::test]
    async fn other_requests_are_told_what_is_wrong() {
        let (answer, webhooks) = answer_to(post("a=1")).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("not JSON"), "{answer}");
        assert_eq!(webhooks, 1, "it is shown all the same");

        let get = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".to_owned();
        let (answer, webhooks) = answer_to(get).await;
        assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("allow: POST"), "{answer}");
        assert_eq!(webhooks, 0);

        // The head alone says that it is too large, so the body need not be sent.
        let head = post("").replace("content-length: 0", "content-length: 1048577");
        let (answer, webhooks) = answer_to(head).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert_eq!(webhooks, 0);
    }
}
