//! Little of what the system gives, 128 files or 96 MiB of memory, and two thousand clients that only take.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::harness::load::many_files;
use crate::harness::slow::{CALLS, times, two_thousand};
use crate::harness::witness::busy_receiver;
use crate::harness::{Receiver, Server, home};
use crate::rounds::{Plan, Proof, loaded};

/// Connections that are opened and left.
const IDLE: usize = 200;
const MEMORY: u64 = 96 * 1024 * 1024;
/// One of a hundred calls may take so long whatever it took before: a disk that is shared has such moments.
const MOMENT: Duration = Duration::from_millis(250);
/// How long the load lasts.
const LASTS: Duration = Duration::from_secs(3);

/// Connections that nobody uses take as many files as there are; clients that have something to say find room.
pub(crate) async fn files(plan: Plan) -> Proof {
    limited(plan, &["prlimit", "--nofile=128:128"], async |server| {
        let mut idle = Vec::new();
        for _ in 0..IDLE {
            idle.extend(TcpStream::connect(server.address()).await);
        }
        tokio::time::sleep(LASTS).await;
        server.get("/readyz").await.expect(200);
        0
    })
    .await
}

/// Others' calls take at most twice as long beside two thousand that are slow, and come again whenever they are cut.
pub(crate) async fn slow(plan: Plan) -> Proof {
    many_files();
    let mut notes = Vec::new();
    let mut proof = limited(plan, &[], async |server| {
        let without = Box::pin(times(server)).await;
        let _slow = two_thousand(server);
        tokio::time::sleep(LASTS).await;
        let with = Box::pin(times(server)).await;
        notes.push(format!("{} and {} ms", without[1].as_millis(), with[1].as_millis()));
        assert!(with[1] <= (without[1] * 2).max(MOMENT), "the 99th of others: {notes:?}");
        2 * CALLS
    })
    .await;
    proof.note = format!("the 99th of 100 calls took {} without and with them", notes.join(", "));
    proof
}

/// A control group of this process's own, until it is dropped.
struct Group(PathBuf);

impl Group {
    /// None where there are no control groups, or they are not ours to make.
    fn make() -> Option<Group> {
        let parent = Path::new("/sys/fs/cgroup/memory");
        let path = parent.join(format!("btk-chaos-{}", std::process::id()));
        fs::create_dir(&path).ok()?;
        let group = Group(path);
        fs::write(group.0.join("memory.limit_in_bytes"), MEMORY.to_string()).ok()?;
        Some(group)
    }

    fn most(&self) -> u64 {
        let said = fs::read_to_string(self.0.join("memory.max_usage_in_bytes")).unwrap_or_default();
        said.trim().parse().unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}

/// Whole lists of large tasks, many at once, beside writes.
pub(crate) async fn memory(plan: Plan) -> Proof {
    let Some(group) = Group::make() else {
        return Proof::left_out("control groups (v1) can be made by root alone");
    };
    let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", group.0.display());
    let mut proof = limited(plan, &["sh", "-c", &enter, "sh"], async |server| {
        let mut lists = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let client = server.client();
            lists.spawn(async move {
                let end = tokio::time::Instant::now() + LASTS;
                while tokio::time::Instant::now() < end {
                    // Where there is no room for it now, it is told so.
                    let list = client.call("GET", "/api/tasks").send().await;
                    assert!([200, 503].contains(&list.status), "{}", list.text());
                }
            });
        }
        while let Some(list) = lists.join_next().await {
            list.expect("no list is surprised");
        }
        0
    })
    .await;
    proof.note = format!("{} MiB at most", group.most() >> 20);
    proof
}

/// Load on a server with little, while something else goes on, which answers how many tasks it has made; it lives on.
async fn limited(
    plan: Plan,
    launcher: &[&str],
    mut meanwhile: impl AsyncFnMut(&Server) -> usize,
) -> Proof {
    let mut proof = Proof::default();
    for _ in 0..plan.rounds {
        let receiver = Receiver::start(busy_receiver).await;
        let settings = [("WEBHOOK_URL", receiver.url())];
        let settings = settings.each_ref().map(|(name, value)| (*name, &**value));
        let mut server = Server::start_by(launcher, home(), &settings).await;
        let load = loaded(&server).await;
        let others = meanwhile(&server).await;
        let mut ledger = load.end().await;
        ledger.others += others;
        assert!(server.has_ended().is_none(), "{}", server.output());
        proof.rounds += 1;
        proof.add(&ledger, &server, &receiver).await;
    }
    proof.loaded()
}
