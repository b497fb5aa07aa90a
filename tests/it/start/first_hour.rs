//! What a newcomer stumbles over: an empty folder, a webhook that is set up after the first tasks, a
//! receiver on the same machine that is refused.

use std::fs;
use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::hooks::{LOCAL, text};
use crate::harness::{Receiver, Server, home};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_not_there_is_told_of() {
    let mut server = Server::start(&[]).await;
    let banner = server.output();
    let line = banner.lines().find(|line| line.contains("  Data  ")).expect("a line");
    assert!(line.ends_with("btk.db  (made anew: there was none)"), "{line}");
    server.stop().await;
    server.restart().await;
    assert!(!server.output().contains("made anew"), "{}", server.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_for_its_port_leaves_nothing_behind() {
    let other = Server::start(&[]).await;
    let (home, port) = (home(), other.address().rsplit(':').next().expect("a port").to_owned());
    let refused = Server::refused_in(home.clone(), &[("PORT", &port)]).await;
    assert!(refused.err.contains("cannot listen on"), "{}", refused.err);
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0);
    let server = Server::start_in(home, &[]).await;
    assert!(server.output().contains("made anew"), "{}", server.output());
}

/// Seen in a trial: an empty database stayed, and the next start did not say that there had been none.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_something_stands_in_the_way_of_leaves_no_database() {
    for (name, is_folder) in [("btk.db.lock", true), ("btk.db.lock", false), ("btk.db-wal", true)] {
        let home = home();
        let obstacle = home.path().join(name);
        if is_folder {
            fs::create_dir(&obstacle).expect("a folder");
        } else {
            fs::write(&obstacle, "my notes on locks").expect("written");
        }
        let refused = Server::refused_in(home.clone(), &[]).await;
        assert_eq!(refused.status.code(), Some(1), "{name}: {}", refused.err);
        assert!(refused.err.contains(&format!("{name} is a ")), "{name}: {}", refused.err);
        let left = fs::read_dir(home.path()).expect("a folder");
        let left: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(left, [name], "nothing but what was there");
        if is_folder {
            fs::remove_dir(&obstacle).expect("removed");
        } else {
            fs::remove_file(&obstacle).expect("removed");
        }
        let server = Server::start_in(home, &[]).await;
        assert!(server.output().contains("made anew"), "{name}: {}", server.output());
    }
}

/// A limit on the size of files stands for all that can fail once there is a database.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_after_it_has_made_its_database_takes_it_back() {
    for was_empty in [false, true] {
        let home = home();
        if was_empty {
            fs::write(home.path().join("btk.db"), "").expect("written");
        }
        let mut limited = Command::new("prlimit");
        limited.arg("--fsize=8192").arg(env!("CARGO_BIN_EXE_btk")).env_clear().env("PORT", "0");
        let refused = limited.current_dir(home.path()).output().expect("an end");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("btk.db cannot"), "{said}");
        let left = fs::read_dir(home.path()).expect("a folder").map(|entry| entry.expect("one"));
        let left: Vec<(String, u64)> = left
            .map(|file| (file.file_name().into_string(), file.metadata().expect("one").len()))
            .map(|(name, length)| (name.expect("text"), length))
            .collect();
        let was = if was_empty { vec![("btk.db".to_owned(), 0)] } else { Vec::new() };
        assert_eq!(left, was, "{said}");
        let server = Server::start_in(home, &[]).await;
        assert!(server.output().contains("made anew"), "{}", server.output());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_no_database_yet() {
    let home = home();
    fs::write(home.path().join("btk.db"), "").expect("written");
    let server = Server::start_in(home, &[]).await;
    assert!(server.output().contains("made anew"), "{}", server.output());
}

/// A shell with a transaction open, and one that keeps even readers out.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_beside_a_lock_of_another_program_says_of_which_file_and_what_to_do() {
    let mut server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "kept"})).await;
    assert!(server.stop().await.success());
    for with in ["BEGIN IMMEDIATE", "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE"] {
        let shell = Connection::open(server.home().join("btk.db")).expect("opened");
        shell.execute_batch(with).expect("the lock");
        let refused = Server::refused_in(server.shared_home(), &[]).await;
        assert_eq!(refused.status.code(), Some(1), "{with}: {}", refused.err);
        for part in ["btk.db cannot be", "another program has locked", "and start again"] {
            assert!(refused.err.contains(part), "{with}: {}", refused.err);
        }
        drop(shell);
    }
    server.restart().await;
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([task]));
}

/// After a start with a new `WEBHOOK_URL` the banner says what was never sent there, and the line that
/// sends it works as it is printed.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_recovered_is_told_of_with_the_line_that_does_it() {
    let receiver = Receiver::ok().await;
    let mut server = Server::start(&[]).await;
    assert!(!server.output().contains("Earlier"));
    for n in 0..3 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    // Such a change is not sent to WEBHOOK_URL in any case.
    let echo = json!({"event": "task_created", "task": {"title": "echo"}});
    server.stop().await;
    server.set("WEBHOOK_SECRET", "0123456789abcdef");
    server.restart().await;
    let incoming = server.call("POST", "/api/incoming-webhook?secret=0123456789abcdef");
    incoming.json(&echo).send().await.expect(200);
    server.stop().await;
    server.set("WEBHOOK_URL", &receiver.url());
    server.restart().await;
    let banner = server.output();
    let line = banner.lines().find(|line| line.contains("  Earlier  ")).expect("a line");
    assert!(line.contains("3 changes from before were never sent there"), "{line}");
    let url = line.split(" http://").nth(1).and_then(|rest| rest.split(' ').next());
    let (_, path) = url.expect("an address").split_once('/').expect("a path");
    let body = line.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    server.post(&format!("/{path}"), &body).await.expect(202);
    receiver.wait_for(3).await;
    server.total_is("status=delivered", 3).await;
    assert_eq!(receiver.hits().len(), 3);

    server.stop().await;
    server.restart().await;
    assert!(!server.output().contains("Earlier"), "nothing is new: {}", server.output());
}

/// The refusal says what to write where, and that works.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_on_this_machine_is_refused_with_the_line_that_allows_it() {
    let receiver = Receiver::ok().await;
    let url = format!("http://127.0.0.1:{}/hook", receiver.address().port());
    let mut server = Server::start(&[]).await;
    let refused = server.post("/api/webhooks", &json!({"url": url})).await;
    let said = refused.expect(400).json();
    let said = text(&said, "error");
    let setting = said.split("WEBHOOK_ALLOW_TARGETS=").nth(1).expect("the setting");
    let setting = setting.split(' ').next().expect("a value");
    assert!(said.contains(".env") && said.contains("start the server again"), "{said}");
    server.stop().await;
    server.set(LOCAL.0, setting);
    server.restart().await;
    server.post("/api/webhooks", &json!({"url": url})).await.expect(201);
    server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
}
