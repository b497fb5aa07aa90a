//! `btk demo`: the first five minutes in one command.
//!
//! Starts the server on a temporary database together with a receiver, performs the four
//! operations of the user's guide over HTTP and shows the webhook that each of them causes.
//! It uses the server as a user would: settings go in, HTTP goes in, webhooks come out. It must
//! not know the store, the dispatcher or the types of a task.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::counter::Counter;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::listen::{Behaviour, Listener, Received, Show, block, coloured};
use crate::output::Output;
use crate::server;
use crate::signals::asked_to_stop;
use crate::temp_dir::TemporaryFolder;

/// A webhook that is not there by then counts as missing.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The time that one request to our own server may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the server may take to stop.
const STOP: Duration = Duration::from_secs(15);
/// Webhooks that wait to be printed; more than a person can cause by hand.
const WAITING: usize = 1_024;

/// One operation of the user's guide.
struct Operation {
    says: &'static str,
    method: Method,
    /// Whether the path names the task that the first operation made.
    on_task: bool,
    body: Option<&'static str>,
    event: &'static str,
}

const OPERATIONS: [Operation; 4] = [
    Operation {
        says: "Create a task",
        method: Method::POST,
        on_task: false,
        body: Some(r#"{"title":"Write the monthly report","category":"WORK","tags":["demo"]}"#),
        event: "task_created",
    },
    Operation {
        says: "Change one field",
        method: Method::PUT,
        on_task: true,
        body: Some(r#"{"priority":"HIGH"}"#),
        event: "task_updated",
    },
    Operation {
        says: "Change the status",
        method: Method::PUT,
        on_task: true,
        body: Some(r#"{"status":"DONE"}"#),
        event: "task_status_changed",
    },
    Operation {
        says: "Delete it",
        method: Method::DELETE,
        on_task: true,
        body: None,
        event: "task_deleted",
    },
];

/// `btk demo`: runs until Ctrl-C or SIGTERM.
///
/// # Errors
/// The server does not start, refuses an operation or does not stop, or a webhook does not arrive.
pub(crate) async fn command(out: &Output, log_lines_dropped: Counter) -> anyhow::Result<()> {
    let folder = TemporaryFolder::new("btk-demo")?;
    let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let webhook_url = format!("http://{}", listener.address());
    let database_url = format!("sqlite:{}", folder.path().join("btk.db").display());
    // Nothing else is taken over, so that the demonstration is the same everywhere and a real
    // .env in this folder is neither used nor touched.
    let port = port();
    let setting = |name: &str| match name {
        "DATABASE_URL" => Some(database_url.clone()),
        "WEBHOOK_URL" => Some(webhook_url.clone()),
        "PORT" => Some(port.clone()),
        _ => None,
    };
    let config = Config::read(&setting).map_err(|faults| anyhow::anyhow!("{faults}"))?;

    let stop = CancellationToken::new();
    let (send, webhooks) = mpsc::channel(WAITING);
    // Beyond that many a webhook is answered and not shown: printing must not hold up answers.
    let on_webhook = move |received: &Received| drop(send.try_send(received.clone()));
    let mut receiver = JoinSet::new();
    let receiver_stop = CancellationToken::new();
    receiver.spawn(listener.run(Behaviour::default(), receiver_stop.clone(), on_webhook));

    let server = server::start(config, log_lines_dropped, stop.clone()).await?;
    let address = server.address();
    let mut finished = pin!(server.finished());
    let told = tokio::select! {
        told = story(address, &webhook_url, webhooks, out) => told,
        // A closed pipe: nobody reads any more, so there is no more to show.
        () = out.unread.cancelled() => Ok(()),
        ended = finished.as_mut() => {
            return ended.and_then(|()| bail!("the server ended by itself"));
        }
        asked = asked_to_stop() => asked,
    };

    stop.cancel();
    let stopped = timeout(STOP, finished).await;
    // Only now, so that what the server was still sending found its receiver.
    receiver_stop.cancel();
    receiver.join_all().await;
    told?;
    stopped.context("the server did not stop within 15 s")??;
    out.put("\nStopped; the temporary database is gone.\n");
    Ok(())
}

/// The port that was asked for, else any free one.
#[expect(clippy::disallowed_methods, reason = "the one setting that a demonstration takes over")]
fn port() -> String {
    std::env::var("PORT").ok().filter(|port| !port.is_empty()).unwrap_or_else(|| "0".to_owned())
}

/// The four operations, then whatever else arrives, for as long as it is polled.
async fn story(
    address: SocketAddr,
    webhook_url: &str,
    mut webhooks: mpsc::Receiver<Received>,
    out: &Output,
) -> anyhow::Result<()> {
    let say = |text: String| out.put(text);
    let show = Show { colour: coloured(), headers: false };
    say(format!("btk is running on http://{address}, with a temporary database.\n"));
    say(format!("Its webhooks go to a receiver in this same process, {webhook_url}.\n\n"));

    let mut task_id = String::new();
    for (number, operation) in (1..).zip(OPERATIONS) {
        let path = if operation.on_task {
            format!("/api/tasks/{task_id}")
        } else {
            "/api/tasks".to_owned()
        };
        say(format!("{number}. {}\n", operation.says));
        say(format!("$ {}\n\n", curl(address, &operation.method, &path, operation.body)));
        let (status, body) = call(address, &operation.method, &path, operation.body).await?;
        let answer = String::from_utf8_lossy(&body);
        ensure!(status.is_success(), "{} was answered {status}: {answer}", operation.says);
        if !operation.on_task {
            task_id = id_of(&body).with_context(|| format!("no task in the answer: {answer}"))?;
        }
        let arrival = arrival_of(operation.event, &task_id, &mut webhooks);
        let webhook = timeout(ARRIVAL, arrival).await.with_context(|| {
            format!("the webhook {} for {task_id} did not arrive within 10 s", operation.event)
        })??;
        say(block(&webhook, show));
    }

    let body = Some(r#"{"title":"My first task"}"#);
    say(format!("Four operations, four webhooks. The server stays up at http://{address}\n"));
    out.put("until Ctrl-C; what you send now is shown as well. Try it:\n\n");
    say(format!("$ {}\n\n", curl(address, &Method::POST, "/api/tasks", body)));
    while let Some(webhook) = webhooks.recv().await {
        say(block(&webhook, show));
    }
    bail!("the receiver ended by itself")
}

/// Waits for one webhook; others, which somebody else may have caused, are passed over.
async fn arrival_of(
    event: &str,
    task_id: &str,
    webhooks: &mut mpsc::Receiver<Received>,
) -> anyhow::Result<Received> {
    while let Some(webhook) = webhooks.recv().await {
        if webhook.event.as_deref() == Some(event) && webhook.task_id.as_deref() == Some(task_id) {
            return Ok(webhook);
        }
    }
    bail!("the receiver ended by itself")
}

/// The line that does the same by hand.
fn curl(address: SocketAddr, method: &Method, path: &str, body: Option<&str>) -> String {
    let line = format!("curl -X {method} http://{address}{path}");
    match body {
        Some(body) => format!("{line} \\\n    -H 'Content-Type: application/json' -d '{body}'"),
        None => line,
    }
}

async fn call(
    address: SocketAddr,
    method: &Method,
    path: &str,
    body: Option<&'static str>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let mut request = Request::builder().method(method).uri(path).header(HOST, address.to_string());
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request =
        request.body(Full::new(Bytes::from_static(body.unwrap_or_default().as_bytes())))?;
    let exchange = async {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Dropped at the end of this call, and the connection with it.
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let response = client.send_request(request).await?;
        let status = response.status();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    timeout(ANSWER, exchange)
        .await
        .with_context(|| format!("{method} {path} was not answered within 10 s"))?
        .with_context(|| format!("{method} {path} was not answered"))
}

fn id_of(task: &[u8]) -> Option<String> {
    let task: Value = serde_json::from_slice(task).ok()?;
    Some(task.get("id")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_lines_are_what_a_shell_takes() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        assert_eq!(
            curl(address, &Method::PUT, "/api/tasks/task_1", Some(r#"{"priority":"HIGH"}"#)),
            "curl -X PUT http://127.0.0.1:5000/api/tasks/task_1 \\\n    \
             -H 'Content-Type: application/json' -d '{\"priority\":\"HIGH\"}'"
        );
        assert_eq!(
            curl(address, &Method::DELETE, "/api/tasks/task_1", None),
            "curl -X DELETE http://127.0.0.1:5000/api/tasks/task_1"
        );
        for body in OPERATIONS.iter().filter_map(|operation| operation.body) {
            assert!(!body.contains('\''), "{body} would end the quotes of the shell");
            serde_json::from_str::<Value>(body).unwrap();
        }
    }

    #[test]
    fn the_id_is_found_in_a_task_only() {
        assert_eq!(id_of(br#"{"id":"task_1"}"#).as_deref(), Some("task_1"));
        assert_eq!(id_of(b"[]"), None);
        assert_eq!(id_of(b"oops"), None);
    }

    #[tokio::test]
    async fn only_the_webhook_of_the_operation_counts() {
        let (send, mut webhooks) = mpsc::channel(4);
        for (event, task_id) in
            [("task_created", "b"), ("task_updated", "a"), ("task_created", "a")]
        {
            let received = Received {
                event: Some(event.to_owned()),
                task_id: Some(task_id.to_owned()),
                title: None,
                webhook_id: None,
                attempt: None,
                headers: Vec::new(),
                check: None,
                body: Bytes::new(),
                fault: None,
                answered: None,
                at: crate::model::Time(0),
            };
            send.send(received).await.unwrap();
        }
        drop(send);
        let found = arrival_of("task_created", "a", &mut webhooks).await.unwrap();
        assert_eq!(found.task_id.as_deref(), Some("a"));
        assert!(arrival_of("task_created", "a", &mut webhooks).await.is_err());
    }
}
