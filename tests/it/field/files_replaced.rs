//! The files of the database are taken away or replaced under the running server: a restore over it, a clean-up, an `rm`.
//!
//! Seen in a trial: writes went on being acknowledged into files that nobody would read again, and with the lock file gone a
//! second server started beside the first. "How To Corrupt An SQLite Database File", 2.4 and 4.2, says what comes of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Client, PATIENCE, Server, home};

/// Posts until the server is gone; the titles that were acknowledged, each with when.
pub(super) async fn post_until_gone(client: Client) -> Vec<(String, Instant)> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let title = format!("task {n}");
        match client.call("POST", "/api/tasks").json(&json!({"title": title})).attempt().await {
            Ok(answer) if answer.status == 201 => acknowledged.push((title, Instant::now())),
            Ok(answer) => assert!(answer.status >= 500, "{}", answer.status),
            Err(_gone) => break,
        }
    }
    acknowledged
}

pub(super) fn titles(database: &Path) -> Vec<String> {
    let database = Connection::open(database).expect("opened");
    let mut found = database.prepare("SELECT title FROM tasks").expect("tasks");
    let titles = found.query_map([], |row| row.get(0)).expect("rows");
    titles.collect::<Result<_, _>>().expect("titles")
}

/// What is done to the files, by whom it is noticed, and where the data is afterwards.
async fn taken(does: impl FnOnce(&Path) -> Option<PathBuf>, names: &str) {
    taken_from(Server::start(&[]).await, does, names).await;
}

/// The same with a server that has settings of its own.
async fn taken_from(mut server: Server, does: impl FnOnce(&Path) -> Option<PathBuf>, names: &str) {
    let home = server.home().to_owned();
    server.create(&json!({"title": "before"})).await;
    let others = tokio::spawn(post_until_gone(server.client()));
    server.has_tasks(10).await;
    let data = does(&home);
    let changed = Instant::now();
    let said = server.wait_for_log("The database failed").await;
    assert!(said.contains(names) && said.contains("ERROR"), "{names}: {said}");
    let status = server.ended(PATIENCE).await;
    assert_eq!(status.code(), Some(1), "{names}");
    let acknowledged = others.await.expect("no panic");
    assert!(acknowledged.len() > 1, "{names}: it served before");
    // Between the last look and the answer lies next to nothing, but this machine may be busy.
    let late = acknowledged.iter().filter(|(_, at)| *at > changed + Duration::from_secs(1)).count();
    assert_eq!(late, 0, "{names}: acknowledged after it was to be noticed");
    if let Some(data) = data {
        let kept = titles(&data);
        let lost: Vec<_> = acknowledged.iter().filter(|(title, _)| !kept.contains(title)).collect();
        assert!(lost.is_empty(), "{names}: {lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_deleted_ends_the_server_and_loses_nothing() {
    taken(
        |home| {
            fs::remove_file(home.join("btk.db-wal")).expect("removed");
            Some(home.join("btk.db"))
        },
        "btk.db-wal was taken away",
    )
    .await;
}

/// A reader that had not held the log yet made a new one in its place, and with it hid what was in the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_meets_a_deleted_log_first_hides_nothing() {
    for list in
        ["/api/tasks?sort=title", "/api/tasks?limit=1", "/api/tasks?limit=1&q=x", "/metrics"]
    {
        let mut server = Server::start(&[]).await;
        let home = server.home().to_owned();
        for n in 0..3 {
            server.create(&json!({"title": format!("task {n}")})).await;
        }
        let client = server.client();
        fs::remove_file(home.join("btk.db-wal")).expect("removed");
        drop(client.call("GET", list).attempt().await);
        assert_eq!(server.ended(PATIENCE).await.code(), Some(1), "{list}");
        assert!(server.wait_for_log("The database failed").await.contains("was taken away"));
        assert_eq!(titles(&home.join("btk.db")).len(), 3, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_the_log_that_is_deleted_ends_the_server_and_loses_nothing() {
    taken(
        |home| {
            fs::remove_file(home.join("btk.db-shm")).expect("removed");
            Some(home.join("btk.db"))
        },
        "btk.db-shm was taken away",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_file_that_is_deleted_ends_the_server_and_loses_nothing() {
    taken(
        |home| {
            fs::remove_file(home.join("btk.db.lock")).expect("removed");
            Some(home.join("btk.db"))
        },
        "btk.db.lock was taken away",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_moved_takes_what_was_acknowledged_with_it() {
    taken(
        |home| {
            fs::rename(home.join("btk.db"), home.join("moved.db")).expect("moved");
            Some(home.join("moved.db"))
        },
        "btk.db was taken away",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_moved_ends_the_server_and_loses_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    let (folder, aside) = (root.path().join("data"), root.path().join("data-2"));
    fs::create_dir(&folder).expect("a folder");
    let url = format!("sqlite:{}", folder.join("btk.db").display());
    let mut server = Server::start(&[("DATABASE_URL", &url)]).await;
    server.create(&json!({"title": "before"})).await;
    fs::rename(&folder, &aside).expect("moved");
    assert_eq!(server.ended(PATIENCE).await.code(), Some(1));
    assert_eq!(titles(&aside.join("btk.db")), ["before"]);
}

/// A release that is put in the place of another by its link, with a database in it and with none. In a trial the server
/// went on acknowledging into the old one, and the next start opened the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_its_folder_that_is_turned_ends_the_server_and_loses_nothing() {
    for is_there in [true, false] {
        let home = home();
        for release in ["releases/1", "releases/2"] {
            fs::create_dir_all(home.path().join(release)).expect("a folder");
        }
        if is_there {
            fs::write(home.path().join("releases/2/btk.db"), "").expect("written");
        }
        symlink("releases/1", home.path().join("current")).expect("a link");
        let url = [("DATABASE_URL", "sqlite:current/btk.db")];
        taken_from(
            Server::start_in(home, &url).await,
            |home| {
                // As `ln -sfn releases/2 current` does it.
                symlink("releases/2", home.join("next")).expect("a link");
                fs::rename(home.join("next"), home.join("current")).expect("turned");
                Some(home.join("releases/1/btk.db"))
            },
            "current/btk.db was turned away from",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_place_of_the_link_to_it_ends_the_server_and_loses_nothing() {
    let home = home();
    fs::create_dir(home.path().join("data")).expect("a folder");
    symlink("data/real.db", home.path().join("btk.db")).expect("a link");
    taken_from(
        Server::start_in(home, &[]).await,
        |home| {
            fs::write(home.join("other.db"), "").expect("written");
            fs::rename(home.join("other.db"), home.join("btk.db")).expect("replaced");
            Some(home.join("data/real.db"))
        },
        "btk.db was turned away from",
    )
    .await;
}

/// Another way to the same file is no other file.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_turned_to_the_same_file_changes_nothing() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    fs::create_dir(at("data")).expect("a folder");
    symlink("data", at("current")).expect("a link");
    let url = [("DATABASE_URL", "sqlite:current/btk.db")];
    let mut server = Server::start_in(home.clone(), &url).await;
    server.create(&json!({"title": "a"})).await;
    symlink(at("data"), at("next")).expect("a link");
    fs::rename(at("next"), at("current")).expect("turned");
    // Longer than it takes to notice.
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.create(&json!({"title": "b"})).await;
    assert!(server.stop().await.success());
    let mut kept = titles(&at("data/btk.db"));
    kept.sort();
    assert_eq!(kept, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_its_place_is_noticed_and_not_mixed_with_the_old_log() {
    let mut server = Server::start(&[]).await;
    let (database, copy) = (server.home().join("btk.db"), server.home().join("copy.db"));
    server.create(&json!({"title": "in both"})).await;
    let sql = format!("VACUUM INTO '{}'", copy.display());
    Connection::open(&database).expect("opened").execute_batch(&sql).expect("copied");
    for n in 0..50 {
        server.create(&json!({"title": format!("later {n}")})).await;
    }
    let busy = tokio::spawn(post_until_gone(server.client()));
    fs::rename(&copy, &database).expect("replaced");
    server.wait_for_log("btk.db was replaced by another file").await;
    assert_eq!(server.ended(PATIENCE).await.code(), Some(1));
    busy.await.expect("no panic");
    server.restart().await;
    let tasks = server.get("/api/tasks").await.expect(200).json();
    let titles: Vec<&Value> =
        tasks.as_array().expect("a list").iter().map(|t| &t["title"]).collect();
    assert_eq!(titles, ["in both"], "the copy as it was made, whole");
    let state: String = Connection::open(&database)
        .expect("opened")
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(state, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_and_still_it_is_noticed() {
    let mut server = Server::start(&[]).await;
    server.create(&json!({"title": "before"})).await;
    fs::remove_file(server.home().join("btk.db")).expect("removed");
    assert_eq!(server.ended(PATIENCE).await.code(), Some(1));
    assert!(server.output().contains("btk.db was taken away"), "{}", server.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_is_kept_out_by_the_database_itself() {
    let mut server = Server::start(&[]).await;
    server.create(&json!({"title": "a"})).await;
    let home = server.shared_home();
    // It stands still, so it notices nothing; its lock on the database holds.
    server.signal(Signal::STOP);
    fs::remove_file(home.path().join("btk.db.lock")).expect("removed");
    let refused = Server::refused_in(home.clone(), &[]).await;
    assert!(refused.err.contains("btk.db is held by another btk"), "{}", refused.err);
    // A link to the same file from elsewhere, too.
    let other = tempfile::tempdir_in(home.path()).expect("a folder");
    fs::hard_link(home.path().join("btk.db"), other.path().join("other.db")).expect("a link");
    let url = format!("sqlite:{}", other.path().join("other.db").display());
    let refused = Server::refused(&[("DATABASE_URL", &url)]).await;
    assert!(refused.err.contains("is held by another btk"), "{}", refused.err);
    server.signal(Signal::CONT);
    assert_eq!(server.ended(PATIENCE).await.code(), Some(1));
    // A backup and a shell are no servers.
    server.restart().await;
    let shell = Connection::open(home.path().join("btk.db")).expect("opened");
    let tasks: i64 =
        shell.query_row("SELECT COUNT(*) FROM tasks", [], |row| row.get(0)).expect("read");
    assert_eq!(tasks, 1);
    drop(shell);
    server.create(&json!({"title": "b"})).await;
}
