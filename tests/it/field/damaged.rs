//! A damaged database: pages overwritten by a bad disk, a file cut short by a copy that broke off, bytes that are no text.
//!
//! Seen in a trial: lists answered 500 `internal` while writes were acknowledged and readiness said 200.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Server, eventually, home};

/// A database with some hundred pages, of a server that has stopped.
async fn stopped() -> Arc<TempDir> {
    let home = home();
    let mut server = Server::start_in(home.clone(), &[]).await;
    for n in 0..30 {
        server
            .create(&json!({"title": format!("task {n}"), "description": "d".repeat(9_000)}))
            .await;
    }
    assert!(server.stop().await.success());
    home
}

/// Overwrites the first page of a table or an index.
fn overwrite(database: &Path, name: &str) {
    let connection = Connection::open(database).expect("opened");
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: i64 = connection.query_row(sql, [name], |row| row.get(0)).expect("a page");
    let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).expect("a size");
    drop(connection);
    let at = u64::try_from((page - 1) * size).expect("a place");
    let half = vec![0xa5; usize::try_from(size / 2).expect("a page")];
    let file = OpenOptions::new().write(true).open(database).expect("opened");
    file.write_all_at(&half, at).expect("overwritten");
}

/// It says so everywhere, and nothing is acknowledged; `readiness` is asked for until then.
async fn says_so(server: &Server) {
    let words = eventually("readiness tells of the damage", async || {
        let answer = server.get("/readyz").await;
        (answer.status == 503).then(|| answer.expect_error(503))
    })
    .await;
    for part in ["btk.db is damaged", "backup", "docs/production.md"] {
        assert!(words.contains(part), "{words}");
    }
    let refused = server.post("/api/tasks", &json!({"title": "x"})).await;
    assert_eq!(refused.expect(503).json()["code"], "damaged");
    let answer = server.get("/api/tasks").await;
    if answer.status != 200 {
        assert_eq!(answer.expect(503).json()["code"], "damaged");
    }
    server.get("/healthz").await.expect(200);
    let said = server.wait_for_log("is damaged").await;
    assert!(said.contains("ERROR") && said.contains("What was met"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_damaged_is_found_after_the_start() {
    for name in ["tasks", "events", "other_attempts"] {
        let home = stopped().await;
        overwrite(&home.path().join("btk.db"), name);
        let mut server = Server::start_in(home.clone(), &[]).await;
        says_so(&server).await;
        // A stop is a stop, and the next start says it again.
        assert!(server.stop().await.success(), "{name}");
        server.restart().await;
        says_so(&server).await;
    }
}

/// A row is damaged by SQL; a read of this path is the first to meet it, and it is said from then on.
async fn is_met(change: &str, path: &str) {
    let home = stopped().await;
    Connection::open(home.path().join("btk.db"))
        .expect("opened")
        .execute_batch(&format!("UPDATE {change}"))
        .expect("damaged");
    let server = Server::start_in(home, &[]).await;
    // A write does not meet an event. Behind it the search index is filled, which might be the first to meet a task.
    if change.starts_with("events") {
        server.create(&json!({"title": "nobody has met it yet"})).await;
    }
    let answer = server.get(&format!("/api/{path}")).await;
    assert_eq!(answer.expect(503).json()["code"], "damaged", "{change}");
    says_so(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_is_met_by_a_read_is_said_from_then_on() {
    for change in [
        "task = CAST(x'41ff42' AS TEXT)",
        "origin = CAST(x'61ff' AS TEXT)",
        "task = substr(task, 1, 20)",
        "before = '{\"title\":'",
    ] {
        is_met(&format!("events SET {change} WHERE seq = 7"), "events?limit=100").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_is_met_while_it_is_sorted_or_searched_is_said() {
    for (change, path) in [
        ("tasks SET title = CAST(x'41ff42' AS TEXT) WHERE num = 7", "tasks?sort=title&limit=5"),
        ("tasks SET description = CAST(x'41ff42' AS TEXT) WHERE num = 7", "tasks?q=zz&limit=5"),
        ("tasks SET tags = CAST(x'41ff42' AS TEXT) WHERE num = 7", "tasks?tag=a&limit=5"),
        (
            "events SET task = '{\"id\":\"x\"}', id = 'evt_damaged' WHERE seq = 7",
            "events/evt_damaged",
        ),
    ] {
        is_met(change, path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_took_away_is_damage() {
    for change in ["DROP TABLE events", "ALTER TABLE tasks RENAME COLUMN title TO name"] {
        let home = stopped().await;
        let server = Server::start_in(home.clone(), &[]).await;
        let shell = Connection::open(home.path().join("btk.db")).expect("opened");
        shell.execute_batch(change).expect("gone");
        let answer = server.post("/api/tasks", &json!({"title": "x"})).await;
        assert_eq!(answer.expect(503).json()["code"], "damaged", "{change}");
        says_so(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_opened_is_named_with_what_to_do() {
    let home = stopped().await;
    let database = home.path().join("btk.db");
    let file = OpenOptions::new().write(true).open(&database).expect("opened");
    file.write_all_at(&[0xa5; 3_000], 100).expect("overwritten");
    let refused = Server::refused_in(home.clone(), &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    for part in ["btk.db is damaged", "backup", "docs/production.md"] {
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    // Its head is gone, so that nothing shows whose it was.
    file.write_all_at(&[0; 100], 0).expect("overwritten");
    let refused = Server::refused_in(home, &[]).await;
    for part in ["btk.db is no SQLite database", "damaged", "backup"] {
        assert!(refused.err.contains(part), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_cut_short_is_not_opened() {
    let home = stopped().await;
    let database = home.path().join("btk.db");
    let length = fs::metadata(&database).expect("there").len();
    OpenOptions::new()
        .write(true)
        .open(&database)
        .and_then(|file| file.set_len(length / 2))
        .expect("cut");
    let refused = Server::refused_in(home.clone(), &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("btk.db is damaged"), "{}", refused.err);
    assert_eq!(fs::metadata(&database).expect("there").len(), length / 2);
}
