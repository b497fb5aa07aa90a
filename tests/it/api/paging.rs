//! Long lists: all at once as a stream, or page by page.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::harness::{Answer, Server, quiet::QUIET};

/// Creates `n` tasks over 16 connections; every third is `HIGH`, many share a due date.
async fn fill(server: &Server, n: usize, description: &str) {
    let mut workers = JoinSet::new();
    for worker in 0..16 {
        let client = server.client();
        let description = description.to_owned();
        workers.spawn(async move {
            for n in (worker..n).step_by(16) {
                let priority = if n % 3 == 0 { "HIGH" } else { "LOW" };
                let due = (n % 4 != 0).then(|| format!("2026-01-{:02}", n % 5 + 1));
                let task = json!({"title": format!("task {n}"), "priority": priority,
                    "dueDate": due, "description": description});
                client.call("POST", "/api/tasks").json(&task).send().await.expect(201);
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.expect("the worker ends well");
    }
}

fn ids(tasks: &Value) -> Vec<String> {
    let tasks = tasks.as_array().expect("an array");
    tasks.iter().map(|task| task["id"].as_str().expect("an id").to_owned()).collect()
}

/// The address of the next page: path and query of `Link: <…>; rel="next"`.
fn link(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    let url = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?.0;
    Some(url.find("/api/").map_or_else(|| url.to_owned(), |at| url[at..].to_owned()))
}

/// Walks a list by its cursors; returns all of it, and how many pages there were.
async fn walk(server: &Server, path: &str, limit: usize) -> (Vec<Value>, usize) {
    let first = format!("{path}{}limit={limit}", if path.contains('?') { '&' } else { '?' });
    let (mut found, mut pages, mut next) = (Vec::new(), 0, Some(first.clone()));
    while let Some(address) = next {
        let page = server.get(&address).await.expect(200);
        let items = page.json().as_array().expect("an array").clone();
        assert!(items.len() <= limit);
        pages += 1;
        assert!(pages < 1000, "the walk does not end");
        let cursor = page.header("x-next-cursor");
        assert_eq!(cursor.is_empty(), link(&page).is_none(), "cursor and link go together");
        assert!(cursor.is_empty() || items.len() == limit, "only the last page is short");
        found.extend(items);
        // Every second step by the header, the others by the link: both lead to the same place.
        next = match pages % 2 {
            0 => link(&page),
            _ => (!cursor.is_empty()).then(|| format!("{first}&cursor={cursor}")),
        };
    }
    (found, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_come_in_one_array_oldest_first() {
    let server = Server::start(&[]).await;
    let loud = QUIET.write().await;
    fill(&server, 1250, "d").await;
    drop(loud);
    let answer = server.get("/api/tasks").await.expect(200);
    let all = answer.json();
    assert_eq!(ids(&all).len(), 1250);
    assert_eq!(ids(&all).into_iter().collect::<HashSet<_>>().len(), 1250);
    assert_eq!(answer.header("x-total-count"), "1250");
    assert_eq!(answer.header("x-next-cursor"), "", "there is no next page");

    // Filters and sorting work on the stream as they do on a page.
    let high = server.get("/api/tasks?priority=HIGH&sort=-createdAt").await.expect(200).json();
    let newest_first = all.as_array().expect("an array").iter().rev();
    let expected = newest_first.filter(|task| task["priority"] == "HIGH").cloned().collect();
    assert_eq!(high, Value::Array(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_can_be_walked_and_shows_each_task_once() {
    let server = Server::start(&[]).await;
    fill(&server, 53, "d").await;
    for sort in ["createdAt", "updatedAt", "dueDate", "priority", "title"] {
        for path in [format!("/api/tasks?sort={sort}"), format!("/api/tasks?sort=-{sort}")] {
            let whole = server.get(&path).await.expect(200).json();
            let (walked, pages) = walk(&server, &path, 10).await;
            assert_eq!(Value::Array(walked), whole, "{path}");
            assert_eq!(pages, 6, "{path}");
        }
    }
    let (walked, _) = walk(&server, "/api/tasks?priority=HIGH", 5).await;
    assert_eq!(walked.len(), 18, "a filter holds on every page");
    assert!(walked.iter().all(|task| task["priority"] == "HIGH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_says_how_many_there_are() {
    let server = Server::start(&[]).await;
    fill(&server, 7, "d").await;
    let page = server.get("/api/tasks?limit=3").await.expect(200);
    assert_eq!(ids(&page.json()).len(), 3);
    assert_eq!(page.header("x-total-count"), "7");
    let filtered = server.get("/api/tasks?limit=1&priority=HIGH").await.expect(200);
    assert_eq!(filtered.header("x-total-count"), "3");
    let exact = server.get("/api/tasks?limit=7").await.expect(200);
    assert_eq!(exact.header("x-next-cursor"), "", "nothing is left");
    let empty = server.get("/api/tasks?tag=none&limit=3").await.expect(200);
    assert_eq!((empty.json(), empty.header("x-total-count")), (json!([]), "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_shows_each_task_once_while_others_come_and_go() {
    let server = Server::start(&[]).await;
    fill(&server, 30, "d").await;
    let before = ids(&server.get("/api/tasks").await.expect(200).json());
    let first = server.get("/api/tasks?limit=10").await.expect(200);
    let mut seen = ids(&first.json());
    // One that was seen and one that was not go away, and one comes.
    server.delete(&format!("/api/tasks/{}", before[9])).await.expect(200);
    server.delete(&format!("/api/tasks/{}", before[15])).await.expect(200);
    server.create(&json!({"title": "late"})).await;
    let mut next = link(&first);
    while let Some(address) = next {
        let page = server.get(&address).await.expect(200);
        seen.extend(ids(&page.json()));
        next = link(&page);
    }
    let mut expected = before.clone();
    expected.remove(15);
    assert_eq!(seen[..29], expected);
    assert_eq!(seen.len(), 30, "and the late one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_in_the_order_in_which_it_began() {
    let server = Server::start(&[]).await;
    fill(&server, 5, "d").await;
    let page = server.get("/api/tasks?limit=2&sort=title").await.expect(200);
    let cursor = page.header("x-next-cursor");
    let next = |sort: &str| format!("/api/tasks?limit=2&cursor={cursor}{sort}");
    let same = server.get(&next("&sort=title")).await.expect(200).json();
    for sort in ["", "&sort=-dueDate"] {
        assert_eq!(server.get(&next(sort)).await.expect(200).json(), same, "{sort:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_made_by_many_at_once_are_listed_by_their_times() {
    let server = Server::start(&[]).await;
    let loud = QUIET.write().await;
    fill(&server, 600, "d").await;
    drop(loud);
    for (sort, field) in [("createdAt", "createdAt"), ("updatedAt", "updatedAt")] {
        let all = server.get(&format!("/api/tasks?sort={sort}")).await.expect(200).json();
        let tasks = all.as_array().expect("an array");
        let turned =
            tasks.windows(2).filter(|pair| pair[0][field].as_str() > pair[1][field].as_str());
        assert_eq!(turned.count(), 0, "neighbours in the wrong order by {field}");
    }
    let plain = server.get("/api/tasks").await.expect(200).json();
    let sorted = server.get("/api/tasks?sort=createdAt").await.expect(200).json();
    assert_eq!(plain, sorted, "oldest first unless asked otherwise");
}

/// Asks for all tasks over a connection with little room, takes nothing for `pause`, then all.
async fn lazy(server: &Server, pause: Duration) -> Vec<u8> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an option");
    let address = server.address().parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let request = "GET /api/tasks HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    tokio::time::sleep(pause).await;
    let mut answer = Vec::new();
    // The end may come as a reset: what had arrived until then is what counts.
    stream.read_to_end(&mut answer).await.ok();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_for_ten_seconds_is_cut() {
    let server = Server::start(&[]).await;
    let loud = QUIET.write().await;
    fill(&server, 600, &"d".repeat(40_000)).await;
    drop(loud);
    let (patient, stalled) =
        tokio::join!(lazy(&server, Duration::from_secs(4)), lazy(&server, Duration::from_secs(14)));
    assert!(patient.len() > 600 * 40_000, "a pause of 4 s is no harm: {}", patient.len());
    let tail = String::from_utf8_lossy(&patient[patient.len() - 80..]).into_owned();
    assert!(tail.trim_end_matches("\r\n0\r\n\r\n").ends_with("}]"), "it ends in {tail:?}");
    assert!(stalled.len() + 40_000 < patient.len(), "a pause of 14 s is: {}", stalled.len());
    server.get("/healthz").await.expect(200);
}
