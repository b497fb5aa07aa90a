//! A quota, or a limit on the size of files (`ulimit -f`, `LimitFSIZE=`): as a full disk, not the end.
//!
//! Seen in a trial: SQLite knows of a full disk alone, so these were taken for a disk that fails, and the signal that comes with
//! the limit killed the process.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::harness::{Server, eventually};

fn limit(server: &Server, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).expect("a number")).expect("a process");
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(Some(pid), Resource::Fsize, limit).expect("a limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_the_size_of_files_is_said_survived_and_healed() {
    let mut server = Server::start(&[]).await;
    let body = json!({"title": "x", "description": "d".repeat(60_000)});
    server.create(&body).await;
    limit(&server, Some(1_000_000));
    // A write that fails makes the log be copied, which may give room for some more.
    let (mut taken, mut in_a_row) = (1, 0);
    while in_a_row < 5 {
        let answer = server.post("/api/tasks", &body).await;
        if answer.status == 201 {
            (taken, in_a_row) = (taken + 1, 0);
        } else {
            assert_eq!(answer.expect(503).json()["code"], "disk_full");
            in_a_row += 1;
        }
        assert!(taken < 100, "nothing limits it");
    }
    // What is left of it is too little for the smallest write, too.
    limit(&server, Some(4_096));
    let words = server.get("/readyz").await.expect_error(503);
    assert!(words.contains("quota"), "{words}");
    assert_eq!(server.get("/api/tasks").await.json().as_array().expect("a list").len(), taken);
    limit(&server, None);
    eventually("it heals", async || {
        (server.post("/api/tasks", &body).await.status == 201).then_some(())
    })
    .await;
    server.get("/readyz").await.expect(200);
    assert!(server.stop().await.success());
    server.restart().await;
    assert_eq!(server.get("/api/tasks").await.json().as_array().expect("a list").len(), taken + 1);
}
