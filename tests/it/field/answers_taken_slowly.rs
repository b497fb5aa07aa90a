//! Clients that take a large answer so slowly that it lasts for hours, but never stop: what is held for them is taken from
//! nobody else.
//!
//! Seen as "slow read", the other side of "Slowloris".

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::hooks::{id, text, within};
use crate::harness::load::many_files;
use crate::harness::{Receiver, Reply, Server, eventually, quiet::QUIET};

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
/// which is more than a client has to, and comes again when it is cut. Says when it has something for the first time.
async fn slow(address: String, request: String, has_begun: mpsc::Sender<()>) {
    loop {
        // Not so often that it is its own haste that others wait for.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("an option");
        let Ok(mut stream) = socket.connect(address.parse().expect("an address")).await else {
            continue;
        };
        if stream.write_all(request.as_bytes()).await.is_err() {
            continue;
        }
        let mut piece = [0; 3_000];
        while let Ok(1..) = stream.read(&mut piece).await {
            let _is_told_once = has_begun.try_send(());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// So many of them, each of which asks so many times, when each has begun to take something.
async fn many_slow_ones(server: &Server, path: &str, n: usize, times: usize) -> JoinSet<()> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").repeat(times);
    let mut slow_ones = JoinSet::new();
    let mut begun = Vec::new();
    for _ in 0..n {
        let (has_begun, begins) = mpsc::channel(1);
        slow_ones.spawn(slow(server.address().to_owned(), request.clone(), has_begun));
        begun.push(begins);
    }
    for mut one in begun {
        let what = "a slow one begins";
        timeout(Duration::from_mins(1), one.recv()).await.expect(what).expect(what);
    }
    slow_ones
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_taken_slowly_hold_up_nobody() {
    let server = Server::start(&[]).await;
    let loud = QUIET.write().await;
    fill(&server).await;
    drop(loud);
    let _slow_ones = many_slow_ones(&server, "/api/tasks?limit=1000", 40, 10).await;
    for _ in 0..4 {
        let page = server.get("/api/tasks?limit=1000").await.expect(200).json();
        assert!(!page.as_array().expect("a page").is_empty());
        let all = server.get("/api/tasks").await.expect(200).json();
        assert_eq!(all.as_array().expect("a list").len(), TASKS, "all of them");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Nor do answers that are no lists hold more than their room: one task, many times.
#[tokio::test(flavor = "multi_thread")]
async fn one_large_task_taken_slowly_by_many_has_a_bound() {
    const SLOW: usize = 800;
    many_files();
    let server = Server::start(&[]).await;
    let _loud = QUIET.write().await;
    let large = json!({"title": "large", "description": "\u{1}".repeat(TEXT)});
    let task = server.create(&large).await;
    let path = format!("/api/tasks/{}", id(&task));
    let before = server.memory("VmHWM");
    let _slow_ones = many_slow_ones(&server, &path, SLOW, 3).await;
    // Whoever is told that the server is busy, before anything was done, gets what is asked for when it comes again.
    let answered = async |method: &str, body: Option<&Value>| {
        within(Duration::from_secs(90), "it is answered", async || {
            let call = server.call(method, &path);
            let answer = match body {
                Some(body) => call.json(body).send().await,
                None => call.send().await,
            };
            if answer.status == 200 {
                return Some(answer.json());
            }
            assert_eq!(answer.expect(503).json()["code"], "busy");
            None
        })
        .await
    };
    for n in 0..4 {
        let change = json!({"title": n.to_string()});
        let changed = answered("PATCH", Some(&change)).await;
        assert_eq!(changed["title"], change["title"]);
        assert_eq!(answered("GET", None).await, changed);
    }
    let more = server.memory("VmHWM") - before;
    // All of them at once are 235 MiB, beside what the system's buffers take.
    assert!(more < 70 * 1024, "{SLOW} slow ones took {more} KiB");
}

/// What became of an event at many webhooks is told within bounds too, and each delivery tells all of its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_many_webhooks_is_told_within_bounds() {
    const HOOKS: usize = 300;
    let receiver = Receiver::start(|_| Reply::status(400).body("a".repeat(4_000))).await;
    let _loud = QUIET.write().await;
    let server = Server::open(&[]).await;
    for n in 0..HOOKS {
        let url = format!("{}/{n}", receiver.url());
        server.hook(&json!({"url": url, "timeoutSeconds": 30, "maxAttempts": 1})).await;
    }
    let task = server.create(&json!({"title": "to all"})).await;
    let query = format!("taskId={}&status=failed&limit=1000", id(&task));
    let failed = eventually("all refused it", async || {
        Some(server.deliveries(&query).await).filter(|failed| failed.len() == HOOKS)
    })
    .await;
    let event = format!("/api/events/{}", text(&failed[0], "eventId"));
    let story = server.get(&event).await.expect(200).json();
    let told = story["webhooks"].as_array().expect("webhooks");
    let shown = |told: &&Value| told["delivery"]["attempts"][0]["excerpt"].is_string();
    assert_eq!((told.len(), told.iter().filter(shown).count()), (HOOKS, 1024 * 1024 / 4_000));
    for delivery in failed {
        let path = format!("/api/deliveries/{}", id(&delivery));
        let whole = server.get(&path).await.expect(200).json();
        assert!(whole["attempts"][0]["excerpt"].is_string(), "{whole}");
    }
}
