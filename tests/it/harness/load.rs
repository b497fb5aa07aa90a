//! Many writes at once, and what may be said of many requests that arrived: each event there, its
//! repeats the same, each task in order, and how many came within a span.
//!
//! It must not know how the program sends.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::arrivals::Arrivals;
use super::{Hit, Server};

const WRITERS: usize = 16;

/// As many files as this process may have: a test holds two thousand connections.
pub(crate) fn many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, most).expect("files");
    assert!(limit.maximum.is_none_or(|most| most >= 4_096), "too few files for this test");
}

/// Creates so many tasks and changes each so often, many at a time; returns their ids.
pub(crate) async fn flood(server: &Server, tasks: usize, changes: usize) -> Vec<String> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS.min(tasks) {
        let client = server.client();
        writers.spawn(async move {
            let mut made = Vec::new();
            for n in (writer..tasks).step_by(WRITERS) {
                let body = json!({"title": format!("task {n}")});
                let call = client.call("POST", "/api/tasks").json(&body);
                let task = call.send().await.expect(201).json();
                made.push(task["id"].as_str().expect("an id").to_owned());
            }
            // Turn by turn, so that the events of many tasks stand between two of one.
            for change in 0..changes {
                for id in &made {
                    let body = json!({"description": format!("change {change}")});
                    let call = client.call("PUT", &format!("/api/tasks/{id}")).json(&body);
                    call.send().await.expect(200);
                }
            }
            made
        });
    }
    writers.join_all().await.into_iter().flatten().collect()
}

/// The versions of one task as they arrived.
pub(crate) fn versions(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(Hit::version).collect()
}

/// Ends the test unless of each task the versions 1 to `last` arrived, in order, each under one id
/// of its own, each repeat with the same bytes. Returns the number of repeats.
#[track_caller]
pub(crate) fn all_in_order(hits: &[Hit], tasks: &[String], last: u64) -> usize {
    let mut arrivals = Arrivals::of(hits);
    for task in tasks {
        assert_eq!(arrivals.last_of(task), last, "{task}");
    }
    let others = arrivals.of_task.keys();
    assert_eq!(others.len(), 0, "of tasks that nobody made: {others:?}");
    let events = tasks.len() * usize::try_from(last).expect("small");
    assert_eq!(hits.len() - arrivals.repeats, events, "one id for one event");
    arrivals.repeats
}

/// The largest number of requests within any span of this length.
pub(crate) fn most_within(span: Duration, mut times: Vec<Instant>) -> usize {
    times.sort_unstable();
    let mut from = 0;
    let mut most = 0;
    for (to, time) in times.iter().enumerate() {
        while *time - times[from] >= span {
            from += 1;
        }
        most = most.max(to + 1 - from);
    }
    most
}
