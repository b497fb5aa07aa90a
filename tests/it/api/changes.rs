//! The stream of changes: at once, after commits, at most four a second, until the server stops.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;

use crate::harness::{Server, eventually};

/// An open stream, after its head.
struct Stream(Lines<BufReader<TcpStream>>);

impl Stream {
    /// Opens one; answers its status too.
    async fn open(server: &Server) -> (u16, Self) {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let head = "GET /api/changes HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next_line().await.expect("a head").expect("a status");
        let status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        while lines.next_line().await.expect("a head").is_some_and(|line| !line.is_empty()) {}
        (status, Self(lines))
    }

    /// The next line that is a number or names an event; `None` at the end of the connection.
    async fn next(&mut self) -> Option<String> {
        loop {
            let line = self.0.next_line().await.ok().flatten()?;
            if line.starts_with("data: ") || line.starts_with("event: ") {
                return Some(line);
            }
        }
    }

    /// The next number.
    async fn number(&mut self) -> u64 {
        loop {
            let line = self.next().await.expect("the stream goes on");
            if let Some(number) = line.strip_prefix("data: ") {
                return number.parse().expect("a number");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_comes_at_once_and_after_each_change() {
    let server = Server::start(&[]).await;
    let (status, mut stream) = Stream::open(&server).await;
    assert_eq!(status, 200);
    let mut last = stream.number().await;
    for _ in 0..3 {
        server.create(&json!({"title": "a"})).await;
        let next = stream.number().await;
        assert!(next > last, "{last}, then {next}");
        last = next;
    }
    // Reading and a look at the health write nothing.
    server.get("/api/tasks").await.expect(200);
    server.get("/readyz").await.expect(200);
    let silence = tokio::time::timeout(Duration::from_secs(2), stream.next()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_are_told_at_most_four_times_a_second() {
    let server = Server::start(&[]).await;
    let (_, mut stream) = Stream::open(&server).await;
    let first = stream.number().await;
    let began = Instant::now();
    let (client, end) = (server.client(), began + Duration::from_secs(2));
    let writing = tokio::spawn(async move {
        while Instant::now() < end {
            let call = client.call("POST", "/api/tasks").json(&json!({"title": "a"}));
            call.send().await.expect(201);
        }
    });
    let (mut told, mut last) = (1, first);
    while Instant::now() < end {
        last = stream.number().await;
        told += 1;
    }
    writing.await.expect("written");
    let most = began.elapsed().as_secs_f64() * 4.0 + 2.0;
    assert!(f64::from(told) <= most, "{told} numbers, {most} may be");
    // The last one of a burst is never kept back.
    server.create(&json!({"title": "last"})).await;
    assert!(stream.number().await > last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_lives_and_says_so() {
    let server = Server::start(&[]).await;
    let (_, mut stream) = Stream::open(&server).await;
    stream.number().await;
    // The first figures of a new server are a commit as any other.
    let mut said = Instant::now();
    while stream.next().await.expect("it lives") != "event: alive" {
        said = Instant::now();
    }
    assert!((1.0..20.0).contains(&said.elapsed().as_secs_f64()), "{:?}", said.elapsed());
    let last = stream.number().await;
    server.create(&json!({"title": "a"})).await;
    assert!(stream.number().await > last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_up_no_stop_and_is_ended_by_it() {
    let mut server = Server::start(&[]).await;
    let (_, mut stream) = Stream::open(&server).await;
    stream.number().await;
    assert!(server.stop().await.success());
    let mut rest = String::new();
    stream.0.into_inner().read_to_string(&mut rest).await.expect("a whole end");
    assert!(rest.ends_with("0\r\n\r\n"), "the last chunk: {rest:?}");
    assert!(!server.output().contains("did not end in time"), "{}", server.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hundred_and_first_is_refused_until_one_goes() {
    let server = Server::start(&[]).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        let (status, stream) = Stream::open(&server).await;
        assert_eq!(status, 200);
        streams.push(stream);
    }
    let refused = server.get("/api/changes").await;
    refused.expect_error(503);
    assert_eq!(refused.json()["code"], "too_many_streams");
    assert!(!refused.header("retry-after").is_empty());
    // Everybody else is served as ever.
    server.create(&json!({"title": "a"})).await;
    streams.pop();
    eventually("a place again", async || (Stream::open(&server).await.0 == 200).then_some(()))
        .await;
    server.get("/api/changes?since=1").await.expect_error(400);
}
