//! A stop that was asked for: nothing that was accepted fails.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::{Client, Receiver, Reply, Server, quiet::QUIET};

/// Posts until the server is gone; returns the titles that were acknowledged.
async fn post_until_gone(client: Client, worker: usize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let title = format!("{worker}-{n}");
        match client.call("POST", "/api/tasks").json(&json!({"title": title})).attempt().await {
            Ok(answer) => {
                answer.expect(201);
                acknowledged.push(title);
            }
            // Not accepted any more. An answer that was begun and broken off is another matter.
            Err(error) => {
                assert!(!error.contains("broken off"), "{error}");
                break;
            }
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_fails_no_accepted_request() {
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_millis(20))).await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let _loud = QUIET.write().await;
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        workers.spawn(post_until_gone(server.client(), worker));
    }
    // One request has its head accepted, and its body comes after the stop was asked for.
    let body = r#"{"title":"half way"}"#;
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    let head = format!(
        "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.expect("100 Continue");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    receiver.wait_for(20).await;

    let asked = Instant::now();
    server.terminate();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stream.write_all(body.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let status = server.ended(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() <= Duration::from_secs(10), "{:?}", asked.elapsed());
    let acknowledged: Vec<_> = workers.join_all().await.into_iter().flatten().collect();

    server.restart().await;
    let tasks = server.get("/api/tasks").await.expect(200).json();
    let stored: std::collections::HashSet<_> =
        tasks.as_array().expect("an array").iter().filter_map(|t| t["title"].as_str()).collect();
    assert!(stored.contains("half way"));
    let lost: Vec<_> = acknowledged.iter().filter(|title| !stored.contains(&***title)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let told: std::collections::HashSet<_> = acknowledged.iter().map(String::as_str).collect();
    let untold: Vec<_> = stored.difference(&told).filter(|title| **title != "half way").collect();
    assert!(untold.is_empty(), "done, but its client was never told: {untold:?}");
    let all = stored.len();
    let complete =
        |hits: &[crate::harness::Hit]| hits.iter().filter(|hit| hit.nth == 1).count() == all;
    receiver.wait_until("every event", complete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_under_way_is_finished_before_the_end() {
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_secs(2))).await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    assert!(server.stop().await.success());
    server.restart().await;
    let delivery = server.settled(task["id"].as_str().expect("an id")).await.remove(0);
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(receiver.hits().len(), 1, "it was not sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stalls_does_not_hold_up_the_end() {
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_mins(1))).await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    let mut idle = TcpStream::connect(server.address()).await.expect("a connection");
    let mut stalled = TcpStream::connect(server.address()).await.expect("a connection");
    let head = "POST /api/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\
                content-type: application/json\r\nexpect: 100-continue\r\n\r\n";
    stalled.write_all(head.as_bytes()).await.expect("sent");
    stalled.read_exact(&mut [0; 25]).await.expect("100 Continue");
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    idle.read_exact(&mut [0; 12]).await.expect("an answer");
    server.terminate();
    // Ten seconds, and a moment for the process to end.
    let status = server.ended(Duration::from_millis(10_500)).await;
    assert!(status.success(), "{status}");
}
