//! `DATABASE_URL` names something that is no database of ours: a text file, a folder, the database of another program.
//!
//! Seen in a trial: each was set to mode 0600 and got a lock file beside it before it was refused (as root, that made `/etc`
//! unreadable), and another program's database was adopted and changed.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Server, home};

/// Everything in a folder: name, kind, mode, last change, digest of the content. Of the index of a log the name alone: in
/// that, each reader of a database that is in use leaves a mark.
fn all(folder: &Path) -> Vec<(PathBuf, u32, (i64, i64), u64)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            if path.to_string_lossy().ends_with("-shm") {
                return (path, 0, (0, 0), 0);
            }
            let seen = fs::symlink_metadata(&path).expect("there");
            let content = if seen.is_file() { fs::read(&path).expect("read") } else { Vec::new() };
            let mut digest = DefaultHasher::new();
            content.hash(&mut digest);
            (path, seen.mode(), (seen.mtime(), seen.mtime_nsec()), digest.finish())
        })
        .collect();
    found.sort();
    found
}

async fn refused(home: &Arc<TempDir>, name: &str) -> String {
    let before = all(home.path());
    let url = format!("sqlite:{name}");
    let refused = Server::refused_in(home.clone(), &[("DATABASE_URL", &url)]).await;
    assert_eq!(refused.status.code(), Some(1), "{name}: {}", refused.err);
    assert_eq!(all(home.path()), before, "{name} is left as it was");
    assert!(refused.err.contains(name.trim_end_matches('/')), "names {name}: {}", refused.err);
    assert!(!refused.out.contains("Listening"), "{name}: {}", refused.out);
    for internal in ["CREATE TABLE", "INSERT", "SELECT", "no such column"] {
        assert!(!refused.err.contains(internal), "{name}: {}", refused.err);
    }
    refused.err
}

fn with_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_refused_by_its_kind_and_left_as_it_is() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    fs::write(at("notes.txt"), "buy milk\n").expect("written");
    fs::write(at("long.txt"), "x".repeat(100_000)).expect("written");
    fs::write(at("half.db"), b"SQLite format 3\0 and no more").expect("written");
    fs::create_dir(at("folder")).expect("a folder");
    let made = Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo");
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
    symlink(at("notes.txt"), at("link-to-notes")).expect("a link");
    symlink("/dev/null", at("device")).expect("a link");
    for name in ["notes.txt", "long.txt", "half.db", "folder"] {
        with_mode(&at(name), if name == "folder" { 0o755 } else { 0o644 });
    }
    for (name, words) in [
        ("notes.txt", "is no SQLite database"),
        ("long.txt", "is no SQLite database"),
        ("half.db", "is no SQLite database"),
        ("link-to-notes", "is no SQLite database"),
        ("folder", "is a folder"),
        ("folder/", "is a folder"),
        (".", "is a folder"),
        ("pipe", "is a pipe"),
        ("socket", "is a socket"),
        ("device", "is a device"),
        ("notes.txt/btk.db", "Not a directory"),
        ("not-there/btk.db", "No such file"),
    ] {
        let said = refused(&home, name).await;
        assert!(said.contains(words), "{name}: {said}");
        assert!(said.contains("DATABASE_URL"), "{name} says what to do: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_another_program_is_not_adopted() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    let make = |name: &str, sql: &str| {
        Connection::open(at(name)).expect("a database").execute_batch(sql).expect("made");
        with_mode(&at(name), 0o644);
    };
    make("shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)");
    make("logged.db", "PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER)");
    // As Laravel and others have it: the name of our own table, with other columns.
    make(
        "site.db",
        "CREATE TABLE migrations (id INTEGER PRIMARY KEY, migration TEXT, batch INTEGER)",
    );
    make("marked.db", "PRAGMA application_id = 1234; CREATE TABLE migrations (number, checksum)");
    make("odd name?#%20.db", "CREATE TABLE orders (id INTEGER)");
    for name in ["shop.db", "logged.db", "site.db", "marked.db"] {
        let said = refused(&home, name).await;
        assert!(said.contains("another program"), "{name}: {said}");
    }
    assert!(refused(&home, "shop.db").await.contains("orders"), "its tables are named");

    // One that is in use, with all it has still in its log.
    let live = Connection::open(at("live.db")).expect("a database");
    live.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE live (id INTEGER)").expect("made");
    let said = refused(&home, "live.db").await;
    assert!(said.contains("another program") && said.contains("live"), "{said}");
    // By a link, too, beside which there is no log.
    symlink(at("live.db"), at("link-to-live")).expect("a link");
    let said = refused(&home, "link-to-live").await;
    assert!(said.contains("another program") && said.contains("live"), "{said}");
    live.execute_batch("INSERT INTO live VALUES (1)").expect("it works on");
}

/// Nothing is made beside it: SQLite makes the index of a log that has none, also for one who only reads.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_program_that_was_killed_gets_no_file_beside_it() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    let live = Connection::open(at("live.db")).expect("a database");
    let killed = |name: &str| {
        fs::copy(at("live.db"), at(name)).expect("copied");
        fs::copy(at("live.db-wal"), at(&format!("{name}-wal"))).expect("copied");
        assert!(fs::metadata(at(&format!("{name}-wal"))).expect("a log").len() > 0);
    };
    live.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER)")
        .expect("made");
    killed("all-in-its-log.db");
    live.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO orders VALUES (1)")
        .expect("copied");
    killed("some-in-its-log.db");
    drop(live);
    for name in ["all-in-its-log.db", "some-in-its-log.db"] {
        let said = refused(&home, name).await;
        assert!(said.contains("another program") && said.contains("orders"), "{name}: {said}");
        assert!(!at(&format!("{name}-shm")).exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_and_an_older_database_of_ours_are_used_and_made_private() {
    let home = home();
    fs::write(home.path().join("empty.db"), "").expect("written");
    let database = home.path().join("empty.db");
    with_mode(&database, 0o644);
    let mut server = Server::start_in(home.clone(), &[("DATABASE_URL", "sqlite:empty.db")]).await;
    assert_eq!(mode(&database), 0o600);
    let task = server.create(&json!({"title": "kept"})).await;
    assert!(server.stop().await.success());
    // As versions before this one have left it: without a mark in its header.
    Connection::open(&database)
        .expect("opened")
        .execute_batch("PRAGMA application_id = 0")
        .expect("unmarked");
    for name in ["empty.db", "empty.db-wal"] {
        let path = home.path().join(name);
        fs::OpenOptions::new().append(true).create(true).open(&path).expect("there");
        with_mode(&path, 0o664);
    }
    server.restart().await;
    for name in ["empty.db", "empty.db-wal", "empty.db.lock"] {
        assert_eq!(mode(&home.path().join(name)), 0o600, "{name}");
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([task]));
    // Killed before anything of it was copied from the log.
    server.create(&json!({"title": "in the log"})).await;
    server.kill9();
    server.restart().await;
    let tasks = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(tasks.as_array().expect("a list").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_where_nothing_is_yet_is_followed() {
    let home = home();
    fs::create_dir(home.path().join("data")).expect("a folder");
    symlink(home.path().join("data/real.db"), home.path().join("btk.db")).expect("a link");
    let server = Server::start_in(home.clone(), &[]).await;
    server.create(&json!({"title": "a"})).await;
    assert!(home.path().join("data/real.db").is_file());
    assert!(home.path().join("data/real.db.lock").is_file(), "beside the database itself");
    assert!(fs::symlink_metadata(home.path().join("btk.db")).expect("there").is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_its_side_files_is_named_and_left() {
    for ending in ["-wal", "-shm", "-journal", ".lock"] {
        let home = home();
        let other = home.path().join("precious.txt");
        fs::write(&other, "precious").expect("written");
        let name = format!("btk.db{ending}");
        let path = home.path().join(&name);
        fs::create_dir(&path).expect("a folder");
        let said = Server::refused_in(home.clone(), &[]).await.err;
        assert!(said.contains(&format!("{name} is a folder")), "{said}");
        fs::remove_dir(&path).expect("removed");
        symlink(&other, &path).expect("a link");
        let said = Server::refused_in(home.clone(), &[]).await.err;
        assert!(said.contains(&format!("{name} is a link")), "{said}");
        assert_eq!(fs::read_to_string(&other).expect("there"), "precious");
        assert!(!said.contains("another btk"), "{said}");
        fs::remove_file(&path).expect("removed");
        Server::start_in(home, &[]).await;
    }
    let home = home();
    fs::write(home.path().join("btk.db.lock"), "my notes on locks").expect("written");
    let said = Server::refused_in(home.clone(), &[]).await.err;
    assert!(said.contains("btk.db.lock is a file of something else"), "{said}");
    let notes = fs::read_to_string(home.path().join("btk.db.lock")).expect("there");
    assert_eq!(notes, "my notes on locks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_user_that_can_be_written_is_used_and_warned_about() {
    if !rustix::process::geteuid().is_root() {
        println!("left out: a file of another user (giving one away needs root)");
        return;
    }
    let home = home();
    let database = home.path().join("btk.db");
    Server::start_in(home.clone(), &[]).await.create(&json!({"title": "a"})).await;
    for name in ["btk.db", "btk.db.lock"] {
        let path = home.path().join(name);
        std::os::unix::fs::chown(&path, Some(12_345), Some(12_345)).expect("given away");
    }
    with_mode(&database, 0o666);
    let server = Server::start_in(home.clone(), &[]).await;
    server.create(&json!({"title": "b"})).await;
    let said = server.wait_for_log("can be read or written by other users").await;
    assert!(said.contains("666") && said.contains("12345"), "{said}");
    assert_eq!(mode(&database), 0o666, "another user's file is left as it is");
    drop(server);
    // Nor is it needed that its mode could be changed: who has no rights beyond others' only writes.
    fs::remove_file(home.path().join("btk.db.lock")).expect("removed");
    with_mode(&home.path().join("btk.db-wal"), 0o666);
    with_mode(&home.path().join("btk.db-shm"), 0o666);
    let plain = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"];
    let server = Server::start_by(&plain, home.clone(), &[]).await;
    server.create(&json!({"title": "c"})).await;
    server.wait_for_log("can be read or written by other users").await;
    drop(server);
    // What root makes beside it is its owner's, who comes next.
    fs::remove_file(home.path().join("btk.db.lock")).expect("removed");
    with_mode(&database, 0o600);
    let server = Server::start_in(home.clone(), &[]).await;
    let lock = fs::metadata(home.path().join("btk.db.lock")).expect("there");
    assert_eq!((lock.uid(), lock.gid()), (12_345, 12_345));
    assert!(!server.output().contains("by other users"), "{}", server.output());
}
