//! A list of everything, taken slowly while others write: it is one picture, whatever it is sorted by. What was there all
//! the time is in it once, where it stood and as it was; and who takes it slowly holds up nobody and costs little memory.
//!
//! Seen with: <https://github.com/davidcelis/api-pagination/issues/60> (an item is deleted between two pages, and
//! another is never shown).

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::api::list::SORTS;
use crate::harness::hooks::id;
use crate::harness::{Server, eventually, quiet::QUIET};

const PRIORITIES: [&str; 4] = ["LOW", "NORMAL", "HIGH", "URGENT"];
const TASKS: usize = 200;
/// So long that the list cannot lie ready between the two sides.
const TEXT: usize = 60_000;

async fn fill(server: &Server, tasks: usize) {
    fill_with(server, tasks, "d").await;
}

/// Tasks whose description is all of one letter.
async fn fill_with(server: &Server, tasks: usize, letter: &'static str) {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let client = server.client();
        writers.spawn(async move {
            for n in (writer..tasks).step_by(8) {
                let task = json!({
                    "title": format!("{} task {n}", n * 7 % 10),
                    "description": letter.repeat(TEXT),
                    "priority": PRIORITIES[n % 4],
                    "status": if n % 3 == 0 { "DONE" } else { "OPEN" },
                    "dueDate": (n % 5 > 0).then(|| format!("2026-01-{:02}", n % 5)),
                });
                client.call("POST", "/api/tasks").json(&task).send().await.expect(201);
            }
        });
    }
    writers.join_all().await;
}

/// A list whose first bytes have come; its other end has little room for more.
struct Slow(TcpStream, Vec<u8>);

impl Slow {
    async fn begin(server: &Server, path: &str) -> Slow {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("an option");
        let address = server.address().parse().expect("an address");
        let mut stream = socket.connect(address).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut begun = vec![0; 2_000];
        stream.read_exact(&mut begun).await.expect("it begins");
        Slow(stream, begun)
    }

    /// The rest of it, and how many its head announced.
    async fn end(self) -> (Vec<Value>, usize) {
        let Slow(mut stream, mut answer) = self;
        stream.read_to_end(&mut answer).await.expect("the rest");
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
        let total = head.lines().find_map(|line| line.strip_prefix("x-total-count: "));
        let tasks = serde_json::from_str(body).expect("a whole array");
        (tasks, total.expect("a total").parse().expect("a number"))
    }
}

async fn list(server: &Server, path: &str) -> Vec<Value> {
    server.get(path).await.expect(200).json().as_array().expect("a list").clone()
}

/// Changes every seventh task in all that lists are sorted and filtered by.
async fn change_some(server: &Server, tasks: &[Value], round: usize) {
    for (n, task) in tasks.iter().enumerate().filter(|(n, _)| n % 7 == round % 7) {
        let other = json!({
            "title": format!("{} changed in {round}", (n + round) % 10),
            "priority": PRIORITIES[(n + round) % 4],
            "status": if task["status"] == "DONE" { "OPEN" } else { "DONE" },
            "dueDate": format!("2026-02-{:02}", (n + round) % 28 + 1),
        });
        server.change(task, &other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_one_picture_in_every_sort() {
    let server = Server::start(&[]).await;
    let _loud = QUIET.write().await;
    fill(&server, TASKS).await;
    for (round, sort) in SORTS.into_iter().enumerate() {
        let filter = ["", "&status=OPEN"][(round + round / 2) % 2];
        let path = format!("/api/tasks?sort={sort}{filter}");
        let mut before = list(&server, &path).await;
        let slow = Slow::begin(&server, &path).await;
        change_some(&server, &before, round).await;
        // One near the end goes, others come.
        let gone = before.remove(before.len() - 3);
        server.delete(&format!("/api/tasks/{}", id(&gone))).await.expect(200);
        for n in 0..2 {
            let new = json!({"title": format!("{n} new"), "description": "n".repeat(TEXT)});
            server.create(&new).await;
        }
        let (shown, total) = slow.end().await;
        assert_eq!(total, before.len() + 1, "{path}");
        let ids = |tasks: &[Value]| -> Vec<String> {
            tasks.iter().map(|task| id(task).to_owned()).collect()
        };
        assert!(ids(&shown) == ids(&before), "{path}: each once, where it stood");
        assert!(shown == before, "{path}: all as they were");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_goes_and_comes_again_is_shown_as_it_was_or_not_at_all() {
    let server = Server::start(&[("WEBHOOK_SECRET", "s")]).await;
    let _loud = QUIET.write().await;
    fill(&server, TASKS).await;
    let tell = async |event: &str, task: Value| {
        let body = json!({"event": event, "task": task});
        server.post("/api/incoming-webhook?secret=s", &body).await.expect(200);
    };
    tell("task_created", json!({"id": "again", "title": "as it was", "description": "d"})).await;
    let path = "/api/tasks?sort=createdAt";
    let mut before = list(&server, path).await;
    let slow = Slow::begin(&server, path).await;
    // The newest goes, and its number is given to another task; then to itself, after the other has gone.
    tell("task_deleted", json!({"id": "again"})).await;
    let other = server.create(&json!({"title": "in its place"})).await;
    let (shown, total) = slow.end().await;
    assert_eq!(total, before.len());
    let last = before.pop().expect("the one that went");
    assert!(shown == before, "without the one that went, and without the one in its place");

    server.delete(&format!("/api/tasks/{}", id(&other))).await.expect(200);
    tell("task_created", json!({"id": "again", "title": "here again"})).await;
    before.push(list(&server, path).await.pop().expect("the newest"));
    assert_eq!(before.last().expect("it")["title"], "here again");
    let slow = Slow::begin(&server, path).await;
    tell("task_deleted", json!({"id": "again"})).await;
    tell("task_created", json!({"id": "again", "title": "the third"})).await;
    let (shown, _) = slow.end().await;
    assert!(shown == before, "its number is its own again: as it was");
    assert_ne!(Some(&last), shown.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_list_slowly_holds_up_nobody() {
    let server = Server::start(&[]).await;
    let _loud = QUIET.write().await;
    fill(&server, TASKS).await;
    let mut slow = Vec::new();
    for n in 0..40 {
        slow.push(Slow::begin(&server, &format!("/api/tasks?sort={}", SORTS[n % 10])).await);
    }
    // With all of them under way, others are whole,
    assert_eq!(list(&server, "/api/tasks?sort=-priority").await.len(), TASKS);
    let (shown, total) = slow.pop().expect("the last").end().await;
    assert_eq!((shown.len(), total), (TASKS, TASKS));
    // and the log of the database is copied while they take nothing: after some megabytes of changes it begins anew.
    let before = times_begun(&server);
    for n in 0..100 {
        let task = json!({"title": n.to_string(), "description": "w".repeat(TEXT)});
        server.create(&task).await;
    }
    eventually("the log begins anew", async || {
        server.create(&json!({"title": "one more"})).await;
        (times_begun(&server) > before).then_some(())
    })
    .await;
    server.get("/readyz").await.expect(200);
}

/// How often the log has begun anew, as its head says (SQLite, "WAL-mode File Format", the checkpoint sequence number).
fn times_begun(server: &Server) -> u32 {
    let mut head = [0; 16];
    let mut log = File::open(server.home().join("btk.db-wal")).expect("the log");
    log.read_exact(&mut head).expect("its head");
    u32::from_be_bytes([head[12], head[13], head[14], head[15]])
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lists_at_once_have_a_bound_together() {
    many_lists_are_bounded("d").await;
}

/// In JSON such a letter takes six bytes for one.
#[tokio::test(flavor = "multi_thread")]
async fn many_lists_of_control_characters_have_the_same_bound() {
    many_lists_are_bounded("\u{1}").await;
}

async fn many_lists_are_bounded(letter: &'static str) {
    let server = Arc::new(Server::start(&[]).await);
    let _loud = QUIET.write().await;
    fill_with(&server, TASKS, letter).await;
    let before = server.memory("VmHWM");
    let mut lists = JoinSet::new();
    for n in 0..120 {
        let server = Arc::clone(&server);
        lists.spawn(async move {
            let path = match n % 4 {
                0 => format!("/api/tasks?limit=1000&sort={}", SORTS[n % 10]),
                1 => "/api/events?limit=1000".to_owned(),
                _ => format!("/api/tasks?sort={}", SORTS[n % 10]),
            };
            Slow::begin(&server, &path).await
        });
    }
    let all = lists.join_all().await;
    let more = server.memory("VmHWM") - before;
    // Each of them a megabyte or two, and what is sorted, would be some hundreds.
    assert!(more < 80 * 1024, "{} lists took {more} KiB", all.len());
    server.create(&json!({"title": "beside them"})).await;
}
