//! Lists of a hundred thousand tasks and a million deliveries, put into the file of a stopped server:
//! every filter answers at once, whatever the data looks like.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::hooks::id;
use crate::harness::million::{Shape, filled};
use crate::harness::{Receiver, Server, quiet::QUIET};

/// Every page answers within this time, in the middle of so many requests.
const QUICK: Duration = Duration::from_millis(200);
const SAMPLES: usize = 7;

/// The middle of some requests; prints it with what was found.
async fn middle(server: &Server, path: &str) -> Duration {
    let mut times = Vec::new();
    let mut found = String::new();
    for _ in 0..SAMPLES {
        let began = Instant::now();
        let answer = server.get(path).await.expect(200);
        times.push(began.elapsed());
        let shown = answer.json().as_array().map_or(0, Vec::len);
        found = format!("{shown} of {}", answer.header("x-total-count"));
    }
    times.sort();
    let middle = times[SAMPLES / 2];
    println!("{:>8.1} ms  {path}  ({found})", middle.as_secs_f64() * 1e3);
    middle
}

async fn measure(server: &Server, paths: &[String]) -> Vec<String> {
    let mut slow = Vec::new();
    for path in paths {
        let took = middle(server, path).await;
        if took > QUICK {
            slow.push(format!("{path}: {took:?}"));
        }
    }
    slow
}

/// Every filter of the list of deliveries.
async fn filters(server: &Server) -> Vec<String> {
    let hooks: Vec<Value> =
        server.get("/api/webhooks").await.expect(200).json().as_array().expect("a list").clone();
    let [first, .., last] = hooks.as_slice() else { panic!("{hooks:?}") };
    let (first, last) = (id(first), id(last));
    let all = server.deliveries("limit=1").await;
    let newest = all[0]["createdAt"].as_str().expect("a time").to_owned();
    let (day, hour) = (newest[..10].to_owned(), newest[..13].to_owned());
    let mut queries = vec![String::new(), "limit=1000".to_owned()];
    for status in ["pending", "sending", "delivered", "held", "failed", "cancelled"] {
        queries.push(format!("status={status}"));
        queries.push(format!("status={status}&webhookId={last}"));
    }
    queries.extend([
        format!("webhookId={first}"),
        format!("webhookId={last}"),
        "webhookId=nobody".to_owned(),
        "event=task_created".to_owned(),
        "event=task_deleted".to_owned(),
        "event=task_updated&status=failed".to_owned(),
        "event=evt_1000".to_owned(),
        "taskId=task_77".to_owned(),
        "taskId=task_77&status=failed".to_owned(),
        "taskId=task_50000".to_owned(),
        format!("since={day}"),
        format!("since={hour}:00:00Z"),
        format!("until={day}"),
        "until=2020-01-01".to_owned(),
        format!("since={day}&status=delivered&webhookId={last}"),
        format!("until={day}&status=failed"),
        format!("until={day}&event=task_updated"),
        "status=delivered&cursor=dlv_150000_default".to_owned(),
        "cursor=dlv_10_default".to_owned(),
        "q=offer".to_owned(),
        "q=MÜLLER".to_owned(),
        "q=no-such-words".to_owned(),
        "q=inactive".to_owned(),
        "q=inactive&status=failed".to_owned(),
        "q=no-such-words&status=held&limit=1000".to_owned(),
    ]);
    let mut paths: Vec<String> =
        queries.iter().map(|query| format!("/api/deliveries?{query}")).collect();
    let tasks: Vec<String> = (60..160).map(|n| format!("task_{n}")).collect();
    paths.push(format!("/api/deliveries/latest?taskId={}", tasks.join(",")));
    paths.push("/api/webhooks".to_owned());
    measure(server, &paths).await
}

/// Every filter and sort of the list of tasks, as a board asks.
async fn tasks(server: &Server) -> Vec<String> {
    let mut queries = vec![];
    for sort in ["createdAt", "updatedAt", "dueDate", "priority", "title"] {
        for minus in ["", "-"] {
            queries.push(format!("sort={minus}{sort}"));
            queries.push(format!("status=OPEN&sort={minus}{sort}"));
        }
    }
    for filter in [
        "q=offer",
        "q=MÜLLER",
        "q=no-such-words",
        "tag=team-7",
        "type=bug",
        "category=it",
        "priority=URGENT",
        "dueBefore=2026-01-01",
        "dueAfter=2027-01-01",
        "updatedSince=2020-01-01",
        "type=bug&category=it&priority=URGENT&tag=q1",
    ] {
        queries.push(filter.to_owned());
        queries.push(format!("status=OPEN&sort=-updatedAt&{filter}"));
        queries.push(format!("status=DONE&sort=dueDate&{filter}"));
    }
    let paths: Vec<String> =
        queries.iter().map(|query| format!("/api/tasks?limit=100&{query}")).collect();
    let slow = measure(server, &paths).await;
    for filter in ["", "&q=offer", "&category=it"] {
        let mut times = Vec::new();
        for _ in 0..SAMPLES {
            let began = Instant::now();
            let list = async |status: &str| {
                let path = format!("/api/tasks?status={status}&sort=-updatedAt&limit=100{filter}");
                server.get(&path).await.expect(200)
            };
            tokio::join!(list("OPEN"), list("IN_PROGRESS"), list("DONE"), list("CANCELLED"));
            times.push(began.elapsed());
        }
        times.sort();
        println!("{:>8.1} ms  a board{filter}", times[SAMPLES / 2].as_secs_f64() * 1e3);
    }
    slow
}

/// With `BTK_KEEP=<file>` a copy of the usual database is left there.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; cargo test --release --test it -- --ignored --nocapture a_million_listed"]
async fn a_million_listed() {
    let _loud = QUIET.write().await;
    let receiver = Receiver::ok().await;
    let mut slow = Vec::new();
    for shape in [Shape::Usual, Shape::Held, Shape::Rare, Shape::OneTask] {
        let server = filled(&receiver, shape).await;
        slow.extend(filters(&server).await);
        if shape == Shape::Usual {
            slow.extend(tasks(&server).await);
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
