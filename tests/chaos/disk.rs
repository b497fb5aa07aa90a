//! A disk that is full, and has room again: a file system of 8 MiB, which root can mount.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::witness::busy_receiver;
use crate::harness::{Receiver, Server, home};
use crate::power::whole;
use crate::rounds::{Plan, Proof, loaded};

/// After there is room again.
const HEALS_WITHIN: Duration = Duration::from_secs(2);

/// A small file system, until it is dropped.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Small> {
        let options = ["-t", "tmpfs", "-o", "size=8m", "tmpfs"];
        let done = Command::new("mount").args(options).arg(at).output().ok()?;
        done.status.success().then(|| Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).output());
    }
}

pub(crate) async fn full(plan: Plan) -> Proof {
    let mut proof = Proof::default();
    for _ in 0..plan.rounds {
        let home = home();
        let Some(_small) = Small::mount(home.path()) else {
            return Proof::left_out("a file system of 8 MiB can be mounted by root alone");
        };
        let receiver = Receiver::start(busy_receiver).await;
        let mut server = Server::start_in(home, &[("WEBHOOK_URL", &receiver.url())]).await;
        let load = loaded(&server).await;
        let filler = fill(server.home());
        // What the log has room for already is still taken.
        let large = json!({"title": "large", "description": "x".repeat(60_000)});
        let mut others = 0;
        while server.post("/api/tasks", &large).await.status == 201 {
            others += 1;
        }
        server.post("/api/tasks", &large).await.expect_error(503);
        server.get("/api/tasks?limit=1").await.expect(200);
        server.get("/readyz").await.expect(503);
        fs::remove_file(filler).expect("room again");
        let room = Instant::now();
        let task = json!({"title": "there is room"});
        while server.post("/api/tasks", &task).await.status != 201 {
            assert!(room.elapsed() < HEALS_WITHIN, "it does not heal");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut ledger = load.end().await;
        proof.rounds += 1;
        proof.note = format!("{} writes of others were refused in the last round", ledger.refused);
        ledger.others += others + 1;
        proof.add(&ledger, &server, &receiver).await;
        server.stop().await;
        whole(&server.home().join("btk.db"));
    }
    proof
}

/// Writes until there is no room.
fn fill(home: &Path) -> PathBuf {
    let path = home.join("filler");
    let mut file = File::create(&path).expect("a file");
    while file.write_all(&[0; 4096]).is_ok() {}
    path
}
