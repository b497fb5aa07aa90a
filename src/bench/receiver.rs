//! The receiver of the bench: answers every webhook at once and notes when it arrived.
//!
//! It has to be cheap, since it shares the machine with what is measured: no JSON is parsed, the
//! index is found by a search for bytes, and a connection has no limits (with those of the server, the relay passed on a
//! seventh less). It must not know who sends or why.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::figures::{Note, now, write_notes};
use super::process::{answer_all, say_listening};
use crate::listener;
use crate::lock::lock;

/// More than any webhook of the bench has.
const MAX_BODY: usize = 64 * 1024;
/// More than any bench sends; a greater index is not one of ours.
const MAX_INDEX: u32 = 100_000_000;

/// What the receiver can be asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// How much has arrived.
    Count,
    /// The same, after all notes were written to this file in the order of arrival.
    Save(PathBuf),
}

/// The answer to both.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Count {
    /// How many indices have arrived; a repeat does not count.
    pub(super) distinct: u32,
}

/// All arrivals so far.
#[derive(Default)]
struct Arrivals {
    /// Of how many webhooks each event comes; which one of them is the path.
    webhooks: u32,
    notes: Vec<Note>,
    seen: Vec<bool>,
    distinct: u32,
}

impl Arrivals {
    /// The event of an index arrives at one of the webhooks. In the notes each pair has an index of its own.
    fn note(&mut self, index: u32, webhook: u32) {
        let index = index * self.webhooks + webhook;
        self.notes.push(Note { index, at: now(), took: 0 });
        let place = index as usize;
        if place >= self.seen.len() {
            self.seen.resize(place + 1, false);
        }
        if !std::mem::replace(&mut self.seen[place], true) {
            self.distinct += 1;
        }
    }
}

/// Runs until stdin is closed.
pub(super) async fn run(webhooks: u32) -> anyhow::Result<()> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    say_listening(socket.local_addr()?)?;
    let arrivals = Arc::new(Mutex::new(Arrivals { webhooks, ..Arrivals::default() }));
    let (connections, notes) = (TaskTracker::new(), arrivals.clone());
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let serve = |stream, _| drop(connections.spawn(serve(stream, notes.clone())));
        listener::accept(socket, &CancellationToken::new(), || (), serve).await;
    });
    answer_all(async |ask: Ask| {
        let arrivals = lock(&arrivals);
        if let Ask::Save(path) = ask {
            write_notes(&path, &arrivals.notes)?;
        }
        Ok(Count { distinct: arrivals.distinct })
    })
    .await
}

async fn serve(stream: TcpStream, arrivals: Arc<Mutex<Arrivals>>) {
    let service = service_fn(|request| answer(request, &arrivals));
    // A connection that breaks shows in the figures, as what did not arrive.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    arrivals: &Mutex<Arrivals>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let webhook = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
    if let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await
        && let Some(index) = index_in(&body.to_bytes())
    {
        lock(arrivals).note(index, webhook);
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"Accepted")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

/// The index in the title of a webhook of the bench: `"title":"b<index>"`. With a slash, the second one is that of the
/// deletion.
pub(super) fn index_in(body: &[u8]) -> Option<u32> {
    const BEFORE: &[u8] = b"\"title\":\"b";
    const DELETED: &[u8] = b"\"task_deleted\"";
    let start = body.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let length = body[start..].iter().position(|byte| *byte == b'"')?;
    let mut indices = body[start..start + length].split(|byte| *byte == b'/');
    let (first, second) = (indices.next()?, indices.next());
    let is_deletion = || body[..start].windows(DELETED.len()).any(|window| window == DELETED);
    let digits = second.filter(|_| is_deletion()).unwrap_or(first);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|index| *index <= MAX_INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_found_in_titles_of_the_bench_only() {
        let webhook = br#"{"event":"task_created","task":{"id":"t","title":"b1234","x":1}}"#;
        assert_eq!(index_in(webhook), Some(1234));
        assert_eq!(index_in(br#"{"title":"b0"}"#), Some(0));
        assert_eq!(index_in(br#"{"event":"task_created","title":"b1/2"}"#), Some(1));
        assert_eq!(index_in(br#"{"event":"task_deleted","title":"b1/2"}"#), Some(2));
        for other in [
            &br#"{"title":"buy milk"}"#[..],
            br#"{"title":"b"}"#,
            br#"{"title":"b+1"}"#,
            br#"{"title":"b12"#,
            br#"{"title":"b99999999999"}"#,
            br#"{"title":"b100000001"}"#,
            b"",
        ] {
            assert_eq!(index_in(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn a_repeat_is_noted_but_not_counted() {
        let mut arrivals = Arrivals { webhooks: 10, ..Arrivals::default() };
        for (index, webhook) in [(3, 9), (0, 0), (3, 9), (3, 8)] {
            arrivals.note(index, webhook);
        }
        assert_eq!(arrivals.distinct, 3);
        let order: Vec<u32> = arrivals.notes.iter().map(|note| note.index).collect();
        assert_eq!(order, [39, 0, 39, 38]);
    }
}
