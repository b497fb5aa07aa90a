//! Clients that take a large answer so slowly that it lasts for hours, but never stop: what is held for them is taken from
//! nobody else.
//!
//! Seen as "slow read", the other side of "Slowloris".

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::harness::{Server, quiet::QUIET};

const TASKS: usize = 30;
/// Of control characters: six times as much in JSON, so that a few answers fill the room.
const TEXT: usize = 60_000;

async fn fill(server: &Server) {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let client = server.client();
        writers.spawn(async move {
            for n in (writer..TASKS).step_by(8) {
                let task = json!({"title": n.to_string(), "description": "\u{1}".repeat(TEXT)});
                client.call("POST", "/api/tasks").json(&task).send().await.expect(201);
            }
        });
    }
    writers.join_all().await;
}

/// Asks for the same so often that the answers cannot lie ready between the two sides, takes 30 KB of them in ten seconds,
/// which is more than a client has to, and comes again when it is cut.
async fn slow(address: String) {
    loop {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("an option");
        let Ok(mut stream) = socket.connect(address.parse().expect("an address")).await else {
            continue;
        };
        let request = "GET /api/tasks?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(10);
        if stream.write_all(request.as_bytes()).await.is_err() {
            continue;
        }
        let mut piece = [0; 3_000];
        while let Ok(1..) = stream.read(&mut piece).await {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_taken_slowly_hold_up_nobody() {
    let server = Server::start(&[]).await;
    let loud = QUIET.write().await;
    fill(&server).await;
    drop(loud);
    let mut slow_ones = JoinSet::new();
    for _ in 0..40 {
        slow_ones.spawn(slow(server.address().to_owned()));
    }
    for _ in 0..4 {
        let page = server.get("/api/tasks?limit=1000").await.expect(200).json();
        assert!(!page.as_array().expect("a page").is_empty());
        let all = server.get("/api/tasks").await.expect(200).json();
        assert_eq!(all.as_array().expect("a list").len(), TASKS, "all of them");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
