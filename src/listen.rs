//! The receiver of `btk listen`: takes webhooks over HTTP and hands each of them to a callback.
//!
//! It knows HTTP and what a webhook looks like from outside. It must not know the store, the
//! dispatcher or any type of theirs: what it shows is what any receiver on the network would see.

mod check;
mod command;
mod manner;
mod print;
mod received;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::{Extension, Router};
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::cannot_listen;
use crate::http::Client;
use crate::listener;
use crate::secret::Secret;
pub(crate) use check::check;
pub(crate) use command::coloured;
pub(crate) use command::{Options, command};
use manner::Answer;
pub(crate) use manner::Manner;
pub(crate) use print::{Show, block};
pub(crate) use received::Received;

/// The largest body that is read; a webhook of ours stays far below it.
const MAX_BODY: usize = 1024 * 1024;
/// The time in which a body must have arrived.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Connections at a time.
const MAX_CONNECTIONS: usize = 256;
/// How it answers, and what it checks.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    /// Which answers, and how late.
    pub(crate) manner: Manner,
    /// Signatures are checked with it.
    pub(crate) secret: Option<Secret>,
}

type Callback = dyn Fn(&Received) + Send + Sync;

/// A receiver that has its port and waits to be run.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes the port; port 0 takes any free one.
    ///
    /// # Errors
    /// The port is taken, or not ours to take.
    pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpListener::bind(address).await.map_err(|error| {
            let said = cannot_listen(address, error.kind(), "--host", "--port");
            anyhow::Error::new(error).context(said)
        })?;
        let address = socket.local_addr().context("the new socket has no address")?;
        Ok(Self { socket, address })
    }

    /// Where it listens, with the port that was really taken.
    #[must_use]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop`, and calls `on_webhook` for each POST before it is answered.
    pub(crate) async fn run(
        self,
        ways: Behaviour,
        stop: CancellationToken,
        on_webhook: impl Fn(&Received) + Send + Sync + 'static,
    ) {
        let on_webhook: Arc<Callback> = Arc::new(on_webhook);
        let router = Router::new().fallback(answer).with_state((Arc::new(ways), on_webhook));
        let bare = Arc::new(|_| "content-length: 0\r\n\r\n".to_owned());
        listener::serve(self.socket, router, bare, MAX_CONNECTIONS, stop).await;
    }
}

async fn answer(
    State((ways, on_webhook)): State<(Arc<Behaviour>, Arc<Callback>)>,
    Extension(sender): Extension<Client>,
    request: Request<Body>,
) -> Response<Body> {
    if request.method() != Method::POST {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "This receiver takes webhooks: send them with POST and a JSON body.",
        );
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let too_large = || plain(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB.");
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > MAX_BODY as u64 {
        return too_large();
    }
    let body = match timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return too_large(),
        Ok(Err(error)) => {
            return plain(StatusCode::BAD_REQUEST, format!("The body broke off: {error}"));
        }
        Err(_) => {
            return plain(StatusCode::REQUEST_TIMEOUT, "The body did not arrive within 10 s.");
        }
    };
    let now = clock::now();
    let mut received = Received::read(&head.headers, body, now);
    received.check = (ways.secret.as_ref())
        .map(|secret| check(&head.headers, &received.body, secret, now.0.div_euclid(1_000)));
    let answer = match ways.manner.next() {
        Some(Answer::Cut) => None,
        Some(Answer::Status(status, body)) => Some((*status, body.clone())),
        None => Some(received.usual()),
    };
    received.answered = match &answer {
        None => Some("nothing: the connection is cut".to_owned()),
        Some((status, _)) if *status == StatusCode::OK => None,
        Some((status, _)) => Some(status.to_string()),
    };
    on_webhook(&received);
    sleep(ways.manner.delay).await;
    let Some((status, text)) = answer else {
        sender.end.cancel();
        return std::future::pending().await;
    };
    plain(status, text)
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    use super::*;
    use crate::signature;

    /// What a receiver answers to these bytes, and how many callbacks there were.
    async fn answer_to(request: String) -> (String, usize) {
        answer_in(Behaviour::default(), request).await
    }

    async fn answer_in(ways: Behaviour, request: String) -> (String, usize) {
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.address();
        let stop = CancellationToken::new();
        let (send, webhooks) = std::sync::mpsc::channel();
        let mut running = JoinSet::new();
        running.spawn(listener.run(ways, stop.clone(), move |webhook| {
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
    async fn it_answers_as_it_is_told() {
        let ways = |text| Behaviour {
            manner: Manner::new(manner::answers(text).unwrap().0, Duration::ZERO),
            secret: None,
        };
        let (answer, webhooks) = answer_in(ways("503:not now"), post("{}")).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("not now"), "{answer}");
        assert_eq!(webhooks, 1);
        assert_eq!(answer_in(ways("cut"), post("{}")).await, (String::new(), 1));
    }

    #[tokio::test]
    async fn what_is_not_signed_is_refused_where_a_secret_is_given() {
        let secret = Some(signature::generate([1; 32]));
        let ways = Behaviour { secret, ..Behaviour::default() };
        let (answer, webhooks) = answer_in(ways, post("{}")).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("is missing"), "{answer}");
        assert_eq!(webhooks, 1, "it is shown all the same");
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
