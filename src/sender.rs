//! Sender: one attempt, from a message to its outcome.
//!
//! Keep-alive connections, one deadline over everything, a capped read of the answer, no redirects,
//! no proxy from the environment. A failed delivery is an outcome, not an error. Must not know of
//! the database, nor decide what happens next.

mod answer;
mod connect;
mod echoes;
mod kept;
mod location;
mod secrets;
mod text;
mod tls;
mod tls_words;
mod words;

#[cfg(test)]
mod hostile_urls;

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::delivery::request::{FIXED, is_signature};
use crate::delivery::retry;
use crate::model::{Outcome, Profile, masked_url};
use crate::secret::{MASKED_LEAST, Secret, mask};
use crate::targets::Targets;
use crate::trust::Trust;
use crate::twin;

use answer::Deadline;
use connect::{Client, Connector};
use echoes::Echoes;

/// What is kept of an answer's body.
const KEPT_MOST: usize = 4 * 1024;
/// A longer body may not be whole: in letters of two bytes, what was read of it is half as long as text.
const WHOLE_MOST: usize = KEPT_MOST / 2;

/// A request to be made.
#[derive(Clone)]
pub(crate) struct Message<'m> {
    /// Where to: a secret.
    pub(crate) url: &'m str,
    /// Our headers: names and values.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The webhook's own headers; their values are secrets.
    pub(crate) own_headers: &'m [(String, String)],
    /// The webhook's secrets, which are not sent.
    pub(crate) secrets: Vec<&'m Secret>,
    /// The body, JSON.
    pub(crate) body: Bytes,
    /// What is known of the receiver: some say "later" by their words.
    pub(crate) profile: Profile,
    /// Over a connection of its own: the one before may have been what failed.
    pub(crate) on_own_connection: bool,
    /// From connecting to the last byte of the answer.
    pub(crate) timeout: Duration,
    /// The owner of this server wrote the URL into its settings: any address is meant. All other
    /// URLs reach only what [`Targets`] allows.
    pub(crate) is_trusted: bool,
}

/// What makes an attempt of a message.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Makes it. Ends within the message's timeout, whatever the receiver does.
    fn send(&self, message: &Message<'_>) -> impl Future<Output = Outcome> + Send;
}

/// Sends messages over shared connections.
///
/// What is trusted and what is guarded never share a connection: each has a pool of its own.
pub(crate) struct Sender {
    trusted: Clients,
    guarded: Clients,
    /// Ours, masked in what a receiver sends back.
    secrets: Vec<Secret>,
}

impl Sender {
    /// A sender that believes the certificates of `trust`, and lets messages that are not trusted
    /// reach public addresses and `targets`.
    pub(crate) fn new(
        secrets: Vec<Secret>,
        targets: Targets,
        trust: &Trust,
    ) -> anyhow::Result<Sender> {
        let tls = tls::config(trust)?;
        let trusted = Clients::new(&tls, &Connector::open());
        let guarded = Clients::new(&tls, &Connector::guarded(targets));
        Ok(Sender { trusted, guarded, secrets })
    }
}

impl Transport for Sender {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        let began = Instant::now();
        let clients = if message.is_trusted { &self.trusted } else { &self.guarded };
        log_request(message);
        let mut outcome = match request(message) {
            Ok(request) => {
                let hour = Duration::from_hours(1);
                let timeout = if twin::is("no-timeout") { hour } else { message.timeout };
                self.exchange(clients, request, message, Deadline::new(began, timeout)).await
            }
            Err(why) => Outcome::broken(why),
        };
        // Before anything is masked: a word of the URL may be one of these words.
        outcome.later = outcome
            .status
            .and_then(|status| retry::meant(status, &outcome.excerpt, message.profile));
        outcome.ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        // What is shorter holds no secret that is looked for, and is what most receivers say: `ok`.
        if outcome.excerpt.len() >= MASKED_LEAST {
            let text = &outcome.excerpt;
            let places = self.echoes(message).places(text, text.len() > WHOLE_MOST);
            outcome.excerpt = mask(text, places);
            // Cut only now: a secret that lay across the cut would show its beginning.
            let end = outcome.excerpt.floor_char_boundary(KEPT_MOST);
            outcome.excerpt.truncate(end);
        }
        log_answer(&outcome);
        outcome
    }
}

impl Sender {
    /// What finds our secrets and those of a message in what its receiver says.
    fn echoes(&self, message: &Message<'_>) -> Echoes {
        Echoes::of(secrets::words(message, &self.secrets))
    }

    async fn exchange(
        &self,
        clients: &Clients,
        first: Request<Full<Bytes>>,
        message: &Message<'_>,
        deadline: Deadline,
    ) -> Outcome {
        let client = if message.on_own_connection { &clients.once } else { &clients.kept };
        let mut asked = ask(client, first, deadline).await;
        if let Ok(answer) = &asked
            && kept::has_served(answer.extensions())
            && kept::is_too_long(answer.status(), answer.headers())
            && let Ok(again) = request(message)
        {
            asked = ask(&clients.once, again, deadline).await;
        }
        if let Some(again) = redirected(message, &asked) {
            asked = ask(client, again, deadline).await;
        }
        let answer = match asked {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let status = answer.status();
        let location = answer.headers().get(LOCATION).filter(|_| status.is_redirection());
        // Some send it in UTF-8.
        let location = location.and_then(|value| str::from_utf8(value.as_bytes()).ok());
        let location = location.and_then(|to| {
            let echoes = self.echoes(message);
            // Its parts too: those are what is shown of it.
            let parts = to.split(['/', '?', '#']).chain([to]);
            location::shown(to, message.url, parts.flat_map(|part| echoes.places(part, false)))
        });
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after_ms = retry::retry_after_ms(status.as_u16(), asked, clock::now().0);
        let (head, body) = answer.into_parts();
        let (excerpt, end) = answer::read(&head.headers, body, deadline).await;
        Outcome {
            status: Some(status.as_u16()),
            // What a refusal says is a help; what a success says is part of it.
            broken: end.err().filter(|_| status.is_success()),
            excerpt,
            location,
            retry_after_ms,
            ..Outcome::broken("")
        }
    }
}

/// The request again where a redirect leads: in a twin alone.
fn redirected(
    message: &Message<'_>,
    asked: &Result<Response<Incoming>, Outcome>,
) -> Option<Request<Full<Bytes>>> {
    if !twin::is("redirects-followed") {
        return None;
    }
    let to = asked.as_ref().ok()?.headers().get(LOCATION)?.to_str().ok()?;
    let mut again = request(message).ok()?;
    *again.uri_mut() = to.parse::<Uri>().ok().filter(|to| to.scheme().is_some())?;
    Some(again)
}

/// One request and the head of its answer.
async fn ask(
    client: &Client,
    request: Request<Full<Bytes>>,
    deadline: Deadline,
) -> Result<Response<Incoming>, Outcome> {
    let is_tls = request.uri().scheme_str() == Some("https");
    match timeout_at(deadline.at, client.request(request)).await {
        Err(_) => Err(Outcome::broken(deadline.missed("No answer came"))),
        Ok(Err(error)) => Err(words::outcome_of(&error, is_tls)),
        Ok(Ok(answer)) => Ok(answer),
    }
}

/// The two ways of a pool to its receivers.
struct Clients {
    /// Connections are kept for what follows.
    kept: Client,
    /// A connection for each request.
    once: Client,
}

impl Clients {
    fn new(tls: &rustls::ClientConfig, connector: &Connector) -> Clients {
        Clients {
            kept: connect::pool(tls, connector.clone(), connect::IDLE_MOST),
            once: connect::pool(tls, connector.clone(), 0),
        }
    }
}

fn request(message: &Message<'_>) -> Result<Request<Full<Bytes>>, String> {
    let url: Uri = message.url.parse().map_err(|_| "The webhook's URL is not a URL.".to_owned())?;
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url;
    let headers = request.headers_mut();
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
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

fn log_request(message: &Message<'_>) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let own = message.own_headers.iter().map(|(name, _)| format!("{name}: …"));
    let ours = message
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", if is_signature(name) { "…" } else { value }));
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
    fn a_header_that_cannot_be_sent_is_an_outcome() {
        let own = [("x".to_owned(), "a\nb".to_owned())];
        let message = Message {
            url: "http://127.0.0.1:1/",
            headers: vec![],
            own_headers: &own,
            secrets: vec![],
            body: Bytes::new(),
            profile: Profile::Auto,
            on_own_connection: false,
            timeout: Duration::from_secs(1),
            is_trusted: false,
        };
        assert_eq!(request(&message).unwrap_err(), "The header x of the webhook cannot be sent.");
    }
}
