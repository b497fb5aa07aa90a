//! What a rough place does to it: a full disk, another name for the same database, pages of other
//! sites, tasks that are large together.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Receiver, Server};

/// A file system of a few megabytes, taken away at the end.
struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    /// `None` where this user may not mount one.
    fn mount(place: &'p Path) -> Option<SmallDisk<'p>> {
        std::fs::create_dir(place).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(place)
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then_some(SmallDisk(place))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_survived_and_healed() {
    let home = tempfile::tempdir().expect("a folder");
    let place = home.path().join("disk");
    let Some(_disk) = SmallDisk::mount(&place) else {
        println!("left out: a full disk (mounting a small one needs root)");
        return;
    };
    let receiver = Receiver::ok().await;
    let database = format!("sqlite:{}", place.join("btk.db").display());
    let url = receiver.url();
    let server =
        Server::start(&[("DATABASE_URL", database.as_str()), ("WEBHOOK_URL", url.as_str())]).await;
    let kept = server.create(&json!({"title": "before"})).await;
    // Somebody else fills the disk, to the last block that a file can have.
    let filler = place.join("filler");
    let _full = std::fs::write(&filler, vec![0; 5 * 1024 * 1024]);
    let body = json!({"title": "x", "description": "d".repeat(60_000)});
    // A write that fails makes the log be copied, which may give room for some more; ten in a row
    // say that there is none left.
    let (mut taken, mut in_a_row) = (1, 0);
    let refused = loop {
        let _full = std::fs::write(place.join("rest"), vec![0; 4 * 1024 * 1024]);
        let answer = server.post("/api/tasks", &body).await;
        if answer.status == 201 {
            (taken, in_a_row) = (taken + 1, 0);
        } else {
            in_a_row += 1;
        }
        assert!(taken < 200, "the disk does not fill");
        if in_a_row == 10 {
            break answer;
        }
    };
    assert_eq!(refused.header("retry-after"), "10");
    let words = refused.expect_error(503);
    assert!(words.contains("disk is full"), "{words}");
    let path = format!("/api/tasks/{}", kept["id"].as_str().expect("an id"));
    server.get(&path).await.expect(200);
    // Nobody writes, and still it does not forget that there is no room.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    server.get("/readyz").await.expect(503);
    for name in [&filler, &place.join("rest")] {
        std::fs::remove_file(name).expect("removed");
    }
    let since = Instant::now();
    while server.post("/api/tasks", &body).await.status != 201 {
        assert!(since.elapsed() < Duration::from_secs(10), "it does not heal");
    }
    taken += 1;
    server.get("/readyz").await.expect(200);
    // What was acknowledged is there and arrives; what was refused is not.
    receiver.wait_for(taken).await;
    assert_eq!(server.get("/api/tasks").await.json().as_array().expect("a list").len(), taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_has_one_server_under_any_name() {
    let server = Server::start(&[]).await;
    let other = tempfile::tempdir().expect("a folder");
    let link = other.path().join("other.db");
    std::os::unix::fs::symlink(server.home().join("btk.db"), &link).expect("a link");
    let database = format!("sqlite:{}", link.display());
    let refused = Server::refused(&[("DATABASE_URL", database.as_str())]).await;
    assert!(refused.err.contains(&server.pid().to_string()), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let server = Server::start(&[]).await;
    let body = json!({"title": "a"});
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://elsewhere.example"),
        ("Origin", "null"),
    ] {
        let call = server.call("POST", "/api/tasks").json(&body).header(name, value);
        call.send().await.expect_error(403);
    }
    let host = server.address().trim_start_matches("http://").to_owned();
    let ours =
        server.call("POST", "/api/tasks").json(&body).header("Sec-Fetch-Site", "same-origin");
    ours.header("Origin", &format!("http://{host}")).send().await.expect(201);
    assert_eq!(server.get("/api/tasks").await.json().as_array().expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_tasks_are_listed_whole_in_smaller_pages() {
    let server = Server::start(&[]).await;
    let body = json!({"title": "x", "description": "d".repeat(65_536)});
    for _ in 0..40 {
        server.create(&body).await;
    }
    let all = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(all.as_array().expect("a list").len(), 40);
    let page = server.get("/api/tasks?limit=40").await.expect(200);
    let first = page.json().as_array().expect("a list").len();
    assert!(first < 40, "{first} tasks of 64 KiB on a page");
    let next = format!("/api/tasks?limit=40&cursor={}", page.header("x-next-cursor"));
    let second = server.get(&next).await.expect(200).json().as_array().expect("a list").len();
    assert!(second > 0 && first + second <= 40);
}
