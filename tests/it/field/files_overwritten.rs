//! The files of the database stay where they are and somebody else writes into them: `cp backup.db btk.db`, `: > btk.db-wal`.
//!
//! Seen in a trial: writes went on being acknowledged, and were lost at the next start or mixed with what had been copied.
//! Whoever goes through SQLite (a backup, a shell) is nobody else.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use serde_json::json;

use super::files_replaced::{post_until_gone, titles};
use crate::harness::{PATIENCE, Server};

/// What stands in the database of a server before anything happens to it; `copy.db` is a backup of that.
async fn begun() -> Server {
    let server = Server::start(&[]).await;
    server.create(&json!({"title": "in both"})).await;
    let sql = format!("VACUUM INTO '{}'", server.home().join("copy.db").display());
    shell(server.home()).execute_batch(&sql).expect("copied");
    // What the backup has not; most of it stands in the log alone.
    for n in 0..40 {
        let task = json!({"title": format!("later {n}"), "description": "d".repeat(9_000)});
        server.create(&task).await;
    }
    server
}

fn shell(home: &Path) -> Connection {
    let shell = Connection::open(home.join("btk.db")).expect("opened");
    shell.busy_timeout(PATIENCE).expect("patient");
    shell
}

/// What somebody does is noticed, with and without a client that writes; answers the titles that are
/// there at the next start, which finds nothing damaged.
async fn noticed(does: fn(&Path), says: &str) -> Vec<String> {
    let mut idle = begun().await;
    does(idle.home());
    assert_eq!(idle.ended(PATIENCE).await.code(), Some(1), "{says}");
    assert!(idle.output().contains(says), "{says}: {}", idle.output());

    let mut server = begun().await;
    let others = tokio::spawn(post_until_gone(server.client()));
    server.has_tasks(50).await;
    does(server.home());
    let changed = Instant::now();
    let said = server.wait_for_log("The database failed").await;
    assert!(said.contains("ERROR") && said.contains("Stop btk before"), "{said}");
    assert!(said.contains(says), "{said}");
    assert_eq!(server.ended(PATIENCE).await.code(), Some(1), "{says}");
    let acknowledged = others.await.expect("no panic");
    assert!(acknowledged.len() > 1, "{says}: it served before");
    // Between the last look and the answer lies next to nothing, but this machine may be busy.
    let late = acknowledged.iter().filter(|(_, at)| *at > changed + Duration::from_secs(1)).count();
    assert_eq!(late, 0, "{says}: acknowledged after it was to be noticed");

    server.restart().await;
    let database = shell(server.home());
    let state: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(state, "ok", "{says}");
    server.create(&json!({"title": "goes on"})).await;
    let mut titles = titles(&server.home().join("btk.db"));
    assert_eq!(titles.pop().as_deref(), Some("goes on"));
    titles
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_copied_over_the_database_is_what_stands_there_afterwards() {
    let copy = |home: &Path| {
        fs::copy(home.join("copy.db"), home.join("btk.db")).expect("copied");
    };
    assert_eq!(noticed(copy, "btk.db was overwritten").await, ["in both"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_emptied_ends_the_server() {
    let empty = |home: &Path| drop(File::create(home.join("btk.db")).expect("emptied"));
    assert!(noticed(empty, "btk.db was overwritten").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_short_or_overwritten_at_its_head_ends_the_server() {
    let cut = |home: &Path| {
        let file = OpenOptions::new().write(true).open(home.join("btk.db")).expect("opened");
        file.set_len(8_192).expect("cut");
    };
    let zeros = |home: &Path| {
        let file = OpenOptions::new().write(true).open(home.join("btk.db")).expect("opened");
        file.write_all_at(&[0; 512], 0).expect("overwritten");
    };
    for does in [cut as fn(&Path), zeros] {
        let mut server = begun().await;
        let others = tokio::spawn(post_until_gone(server.client()));
        does(server.home());
        let said = server.wait_for_log("The database failed").await;
        assert!(said.contains("btk.db was overwritten"), "{said}");
        assert_eq!(server.ended(PATIENCE).await.code(), Some(1));
        others.await.expect("no panic");
        // Nobody writes what the log holds into what stands there now.
        assert!(server.home().join("btk.db-wal.aside").exists());
        assert!(!server.home().join("btk.db-wal").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_emptied_ends_the_server_and_damages_nothing() {
    let empty = |home: &Path| drop(File::create(home.join("btk.db-wal")).expect("emptied"));
    noticed(empty, "btk.db-wal was emptied or overwritten").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_overwritten_ends_the_server_and_damages_nothing() {
    let overwrite = |home: &Path| {
        let file = OpenOptions::new().write(true).open(home.join("btk.db-wal")).expect("opened");
        file.write_all_at(&[7; 10_000], 0).expect("overwritten");
    };
    noticed(overwrite, "btk.db-wal was emptied or overwritten").await;
}

/// What others may do, again and again, for as long as is wanted.
fn others(home: &Path, is_wanted: &AtomicBool) -> u32 {
    let mut rounds = 0;
    while is_wanted.load(Ordering::Relaxed) {
        // Touched is not written into. While no shell is open, whose locks would go with this file.
        let file = File::open(home.join("btk.db")).expect("opened");
        let written = file.metadata().and_then(|found| found.modified()).expect("a time");
        file.set_modified(written + Duration::from_millis(1)).expect("touched");
        drop(file);
        let shell = shell(home);
        let backup = home.join(format!("backup-{rounds}.db"));
        for sql in [
            "PRAGMA wal_checkpoint(PASSIVE)",
            "BEGIN IMMEDIATE; UPDATE write_check SET n = n + 1; COMMIT",
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "UPDATE write_check SET n = n + 1",
            "PRAGMA wal_checkpoint(RESTART)",
            "PRAGMA incremental_vacuum",
            "PRAGMA wal_checkpoint(FULL)",
            &format!("VACUUM INTO '{}'", backup.display()),
        ] {
            match shell.execute_batch(sql) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
                end => end.expect(sql),
            }
        }
        rounds += 1;
    }
    rounds
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_shells_and_checkpoints_of_others_end_nothing() {
    let mut server = begun().await;
    let is_wanted = Arc::new(AtomicBool::new(true));
    let (home, wanted) = (server.shared_home(), Arc::clone(&is_wanted));
    let busy = thread::spawn(move || others(home.path(), &wanted));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let client = server.client();
            tokio::spawn(async move {
                for n in 0..100 {
                    let task =
                        json!({"title": format!("{writer} {n}"), "description": "d".repeat(9_000)});
                    let made =
                        client.call("POST", "/api/tasks").json(&task).send().await.expect(201);
                    if n % 2 == 0 {
                        let id = made.json()["id"].as_str().expect("an id").to_owned();
                        client.call("DELETE", &format!("/api/tasks/{id}")).send().await.expect(200);
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    is_wanted.store(false, Ordering::Relaxed);
    assert!(busy.join().expect("no panic") > 0);
    server.get("/readyz").await.expect(200);
    assert!(!server.output().contains("The database failed"), "{}", server.output());
    assert!(server.stop().await.success());
    assert_eq!(titles(&server.home().join("btk.db")).len(), 41 + 200);
}

/// The log is what a crash leaves; what becomes of it before the next start, nobody has seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_none_or_anothers_is_put_aside_at_the_start() {
    let zeros = |log: &Path| {
        let length = fs::metadata(log).expect("a log").len();
        fs::write(log, vec![0; usize::try_from(length).expect("a length")]).expect("overwritten");
    };
    let others = |log: &Path| {
        let path = log.with_file_name("other.db");
        let other = Connection::open(&path).expect("opened");
        let sql = "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; CREATE TABLE tasks (x)";
        other.execute_batch(sql).expect("written");
        fs::copy(path.with_file_name("other.db-wal"), log).expect("copied");
    };
    for (does, says) in [
        (zeros as fn(&Path), "btk.db-wal is no log of a database"),
        (others, "btk.db-wal is the log of another database"),
    ] {
        let mut server = begun().await;
        shell(server.home()).execute_batch("PRAGMA wal_checkpoint(FULL)").expect("copied");
        let title = "in the log alone";
        server.create(&json!({"title": title})).await;
        server.kill9();
        does(&server.home().join("btk.db-wal"));
        server.restart().await;
        server.wait_for_log(says).await;
        assert!(server.home().join("btk.db-wal.aside").exists());
        server.create(&json!({"title": "goes on"})).await;
        assert!(server.stop().await.success());
        let titles = titles(&server.home().join("btk.db"));
        assert_eq!(titles.len(), 42, "{says}: all but what stood there alone");
        assert!(!titles.iter().any(|kept| kept == title));
    }
}

/// Whoever meets it first: a look says so, a write ends with the system's SIGBUS. Nothing is lost by either.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_the_log_that_is_emptied_ends_the_server_and_loses_nothing() {
    let mut server = begun().await;
    let others = tokio::spawn(post_until_gone(server.client()));
    server.has_tasks(50).await;
    drop(File::create(server.home().join("btk.db-shm")).expect("emptied"));
    assert!(!server.ended(PATIENCE).await.success());
    let acknowledged = others.await.expect("no panic");
    server.restart().await;
    assert!(server.stop().await.success());
    let titles = titles(&server.home().join("btk.db"));
    for (title, _) in acknowledged {
        assert!(titles.contains(&title), "{title}");
    }
}
