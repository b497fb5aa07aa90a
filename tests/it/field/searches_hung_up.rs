//! A hundred searches, sent and hung up: nobody waits for them any more, so nobody reads for them, and who looks up a single
//! task is not kept waiting by those who search through all.
//!
//! Seen with: <https://github.com/getodk/central/issues/1375>, <https://github.com/ClickHouse/ClickHouse/issues/1403>.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::hooks::id;
use crate::harness::{Server, eventually, quiet::QUIET};

/// Looks through every text and finds nothing.
const SEARCH: &str = "/api/tasks?limit=1&q=no-such-words";
const SEARCHES: usize = 100;

/// A server with a few megabytes of texts, and the id of one task.
async fn filled() -> (Server, String) {
    let server = Server::start(&[]).await;
    let one = id(&server.create(&json!({"title": "one"})).await).to_owned();
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let client = server.client();
        writers.spawn(async move {
            for n in 0..15 {
                let text = format!("Text {n} ").repeat(7_000);
                let task = json!({"title": format!("{writer}-{n}"), "description": text});
                client.call("POST", "/api/tasks").json(&task).send().await.expect(201);
            }
        });
    }
    writers.join_all().await;
    (server, one)
}

/// Sends a search and does not wait for its answer.
async fn ask(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    let mut request = String::new();
    write!(request, "GET {SEARCH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .expect("text");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Time of the processor that the server has used so far, in hundredths of a second.
fn worked(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("its state");
    let fields = stat.rsplit(')').next().expect("fields").split_ascii_whitespace();
    fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_whose_clients_are_gone_are_not_made() {
    let (server, one) = filled().await;
    let before = worked(&server);
    for _ in 0..20 {
        server.get(SEARCH).await.expect(200);
    }
    let twenty = worked(&server) - before;
    for is_half in [false, true] {
        let before = worked(&server);
        let mut all = Vec::new();
        for _ in 0..SEARCHES {
            all.push(ask(&server).await);
        }
        // Long enough for all to wait in line, not for many to be made.
        server.get(&format!("/api/tasks/{one}")).await.expect(200);
        let mut half_closed = Vec::new();
        for mut stream in all {
            if is_half {
                stream.shutdown().await.expect("half closed");
                half_closed.push(stream);
            }
        }
        // Behind the others in line: it has its answer when they are done with.
        server.get(SEARCH).await.expect(200);
        let spent = worked(&server) - before;
        // All of them would be five times as much.
        assert!(spent < 2 * twenty + 20, "half closed {is_half}: {spent}, 20 searches: {twenty}");
    }
}

/// Where one connection asks for many, a search is made at a time, and a moment after the hang-up the answer to one shows it.
#[tokio::test(flavor = "multi_thread")]
async fn searches_asked_for_at_once_are_not_made_for_who_has_gone() {
    let (server, _) = filled().await;
    let before = worked(&server);
    for _ in 0..20 {
        server.get(SEARCH).await.expect(200);
    }
    let twenty = worked(&server) - before;
    let before = worked(&server);
    for _ in 0..5 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let request = format!("GET {SEARCH} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.repeat(SEARCHES).as_bytes()).await.expect("sent");
    }
    eventually("it rests", async || {
        let before = worked(&server);
        tokio::time::sleep(Duration::from_millis(300)).await;
        (worked(&server) - before <= 2).then_some(())
    })
    .await;
    let spent = worked(&server) - before;
    // All of them would be 25 times as much.
    assert!(spent < 2 * twenty + 20, "{spent}, 20 searches: {twenty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn single_tasks_and_pages_of_lists_are_served_while_others_search() {
    let (server, one) = filled().await;
    let _loud = QUIET.write().await;
    let mut searches = JoinSet::new();
    for _ in 0..SEARCHES {
        let mut stream = ask(&server).await;
        searches.spawn(async move {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        });
    }
    // Once the first is answered, all the others wait.
    searches.join_next().await.expect("a search").expect("it ends well");
    for _ in 0..5 {
        server.get(&format!("/api/tasks/{one}")).await.expect(200);
    }
    server.get("/api/deliveries/dlv_1_default").await.expect_error(404);
    for list in ["tasks?limit=3", "deliveries?limit=20", "webhooks", "events?limit=5"] {
        server.get(&format!("/api/{list}")).await.expect(200);
    }
    server.get("/readyz").await.expect(200);
    server.get("/metrics").await.expect(200);
    let mut answered = 1;
    while let Some(end) = searches.try_join_next() {
        end.expect("it ends well");
        answered += 1;
    }
    assert!(answered < SEARCHES / 2, "{answered} searches were answered first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_hung_up_in_the_middle_ends() {
    let (server, _) = filled().await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let request = b"GET /api/tasks HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut head = [0; 1_000];
        stream.read_exact(&mut head).await.expect("the list begins");
    }
    // None of them goes on: soon the server has nothing to do.
    eventually("it rests", async || {
        let before = worked(&server);
        tokio::time::sleep(Duration::from_millis(300)).await;
        (worked(&server) - before <= 2).then_some(())
    })
    .await;
}
