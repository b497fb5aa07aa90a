//! The driver of the bench: sends requests over keep-alive connections and notes when each of them
//! was acknowledged.
//!
//! It has to be cheap, since it shares the machine with what is measured: bare HTTP/1 connections,
//! no pool, no JSON beyond a prepared body. It must not know what answers it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::figures::{Note, now, write_notes};
use super::order::{Done, Load, Order, Step};
use super::process::answer_all;

/// How long a request may be under way after the end of its load.
const LATE: Duration = Duration::from_secs(30);
/// The pause of a connection whose request was refused, so that refusing does not become the load.
const REFUSED: Duration = Duration::from_millis(10);
/// How much of a refusal is shown.
const EXCERPT: usize = 300;

/// Performs the orders from stdin until it is closed.
pub(super) async fn run() -> anyhow::Result<()> {
    answer_all(async |order: Order| perform(&order).await).await
}

/// Has a server send each event to these addresses too.
pub(super) async fn make_webhooks(
    server: SocketAddr,
    urls: impl Iterator<Item = String>,
) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    let mut line = Line::connect(server, &mut connections).await?;
    let path = Uri::from_static("/api/webhooks");
    for url in urls {
        let body = serde_json::json!({ "url": url }).to_string().into();
        let (status, answer) = line.send(Method::POST, &path, body).await?;
        ensure!(status.is_success(), "no webhook: {status} {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}

async fn perform(order: &Order) -> anyhow::Result<Done> {
    let Step { load, connections: many, rate, seconds, .. } = order.step;
    // Kept apart from the workers: it ends the connections when it is dropped.
    let mut connections = JoinSet::new();
    let mut lines = Vec::new();
    for _ in 0..many {
        lines.push(Line::connect(order.address, &mut connections).await?);
    }
    let mut done = Done { began: now(), next: order.first, ..Done::default() };
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds.into());
    let mut workers = JoinSet::new();
    for (number, line) in (0..).zip(lines) {
        let worker =
            Worker { line, index: order.first + number, step: many, end, tally: Tally::default() };
        let spacing = f64::from(many) / f64::from(rate);
        let offset = f64::from(number) / f64::from(rate);
        workers.spawn(async move {
            match load {
                Load::Edit => worker.edit().await,
                Load::Create => worker.create().await,
                Load::Steady => worker.steady(start, offset, spacing).await,
                Load::Delete => worker.delete().await,
            }
        });
    }
    let mut notes = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let Worker { tally, index, .. } = worker?;
        notes.extend_from_slice(&tally.notes);
        done.refused += tally.refused;
        done.refusal = done.refusal.or(tally.refusal);
        done.fault = done.fault.or(tally.fault);
        done.next = done.next.max(index + 1);
    }
    done.accepted = u32::try_from(notes.len())?;
    write_notes(&order.notes, &notes)?;
    Ok(done)
}

/// What one connection has seen.
#[derive(Default)]
struct Tally {
    notes: Vec<Note>,
    refused: u32,
    refusal: Option<String>,
    fault: Option<String>,
}

/// One connection with its share of a load.
struct Worker {
    line: Line,
    /// The next index to be used.
    index: u32,
    step: u32,
    end: Instant,
    tally: Tally,
}

impl Worker {
    async fn create(mut self) -> Self {
        let path = Uri::from_static("/api/tasks");
        while Instant::now() < self.end {
            let body = new_task(self.index);
            if self.send(Method::POST, &path, body, None).await.is_none() {
                break;
            }
        }
        self
    }

    async fn edit(mut self) -> Self {
        let body = new_task(self.index);
        let Some(path) = self.make(body).await else { return self };
        while Instant::now() < self.end {
            let body = format!(r#"{{"title":"b{}"}}"#, self.index).into();
            if self.send(Method::PUT, &path, body, None).await.is_none() {
                break;
            }
        }
        self
    }

    /// The event of a deletion bears the title that the task had, so that both indices stand in it.
    async fn delete(mut self) -> Self {
        while Instant::now() < self.end {
            let title = format!("b{}/{}", self.index, self.index + self.step);
            let Some(path) = self.make(format!(r#"{{"title":"{title}"}}"#).into()).await else {
                break;
            };
            // The body is for the relays, which know nothing else of a task.
            let body = format!(r#"{{"event":"task_deleted","title":"{title}"}}"#).into();
            if self.send(Method::DELETE, &path, body, None).await.is_none() {
                break;
            }
        }
        self
    }

    /// A new task; answers where it is.
    async fn make(&mut self, task: Bytes) -> Option<Uri> {
        let path = Uri::from_static("/api/tasks");
        let answer = self.send(Method::POST, &path, task, None).await?;
        let path = id_in(&answer).and_then(|id| format!("/api/tasks/{id}").parse::<Uri>().ok());
        if path.is_none() {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            self.tally.fault.get_or_insert(format!("no id in the answer {answer}"));
        }
        path
    }

    /// A request each `spacing` seconds, the first after `offset`. One that could not leave in time
    /// because the answer before it was late is measured from when it should have left.
    async fn steady(mut self, start: Instant, offset: f64, spacing: f64) -> Self {
        let path = Uri::from_static("/api/tasks");
        let mut due = offset;
        loop {
            let at = start + Duration::from_secs_f64(due);
            if at >= self.end {
                return self;
            }
            let late = Instant::now().saturating_duration_since(at);
            sleep_until(at).await;
            let since = (!late.is_zero()).then_some(late);
            if self.send(Method::POST, &path, new_task(self.index), since).await.is_none() {
                return self;
            }
            due += spacing;
        }
    }

    /// Sends one request and notes what came of it, `late` added to the time that it took.
    /// Nothing is returned when the connection is of no further use.
    async fn send(
        &mut self,
        method: Method,
        path: &Uri,
        body: Bytes,
        late: Option<Duration>,
    ) -> Option<Bytes> {
        let index = self.index;
        self.index += self.step;
        let before = now();
        let answer = match timeout_at(self.end + LATE, self.line.send(method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(anyhow::anyhow!("a request was not answered within 30 s")),
        };
        let at = now();
        match answer {
            Ok((status, answer)) if status.is_success() => {
                let late =
                    late.map_or(0, |late| u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
                let took = at.saturating_sub(before).saturating_add(late);
                self.tally.notes.push(Note { index, at, took });
                Some(answer)
            }
            Ok((status, answer)) => {
                self.tally.refused += 1;
                if self.tally.refusal.is_none() {
                    let answer: String =
                        String::from_utf8_lossy(&answer).chars().take(EXCERPT).collect();
                    self.tally.refusal = Some(format!("{status} {answer}"));
                }
                sleep(REFUSED).await;
                Some(answer)
            }
            Err(error) => {
                self.tally.fault = Some(format!("{error:#}"));
                None
            }
        }
    }
}

/// One keep-alive connection.
struct Line {
    client: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Line {
    async fn connect(
        address: SocketAddr,
        connections: &mut JoinSet<hyper::Result<()>>,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (client, connection) = handshake(TokioIo::new(stream)).await?;
        connections.spawn(connection);
        Ok(Self { client, host: HeaderValue::from_str(&address.to_string())? })
    }

    async fn send(
        &mut self,
        method: Method,
        path: &Uri,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.client.ready().await.context("the connection was closed")?;
        let response = self.client.send_request(request).await.context("no answer")?;
        let status = response.status();
        ensure!(!status.is_informational(), "an answer with status {status}");
        let body = response.into_body().collect().await.context("the answer broke off")?;
        Ok((status, body.to_bytes()))
    }
}

/// A task as a user might make it: several fields, and a sentence or two of description.
pub(super) fn new_task(index: u32) -> Bytes {
    format!(
        concat!(
            r#"{{"title":"b{}","description":"Collect the figures of the month, compare them "#,
            r#"with the last one and send a summary to everybody concerned.","type":"WRITING","#,
            r#""category":"WORK","priority":"HIGH","tags":["report","monthly"]}}"#,
        ),
        index
    )
    .into()
}

/// The id in a task as it was answered. The first `id` is the task's own.
fn id_in(task: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(task).ok()?;
    let (_, after) = text.split_once(r#""id":""#)?;
    let (id, _) = after.split_once('"')?;
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_are_json_with_the_index_in_the_title() {
        let task: serde_json::Value = serde_json::from_slice(&new_task(17)).unwrap();
        assert_eq!(task["title"], "b17");
        assert_eq!(task["tags"][1], "monthly");
    }

    #[test]
    fn the_id_of_an_answered_task_is_found() {
        assert_eq!(id_in(br#"{"id":"task_1_abc","title":"b0"}"#), Some("task_1_abc"));
        assert_eq!(id_in(br#"{"title":"b0"}"#), None);
        assert_eq!(id_in(b"\xff"), None);
    }
}
