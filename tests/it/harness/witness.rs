//! Writers that keep what they were told, held in the end against what is there and what has arrived: nothing that was
//! acknowledged is lost, nothing that was refused is done, each event once under one id, in order, repeats the same.
//!
//! It must not know what befalls the server meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::arrivals::Arrivals;
use super::{Answer, Call, Client, Hit, Receiver, Reply, Server, eventually};

/// Changes of a task between its creation and its deletion.
const CHANGES: u64 = 4;
/// A writer's shortest pause after a refusal.
const REFUSED: Duration = Duration::from_millis(50);
/// How long after the last fault everything must have arrived.
const DRAINED_WITHIN: Duration = Duration::from_mins(1);

/// What a writer knows of one task.
#[derive(Debug, Default)]
struct Written {
    id: String,
    /// How many of its writes were acknowledged.
    acknowledged: u64,
    /// The answer to one more never came, or said that nobody knows: it may have been done.
    may_have_more: bool,
    /// The task as the last acknowledged write left it; null once it was deleted.
    last: Value,
}

/// What became of a write, as its writer was told.
enum Told {
    Done(Answer),
    /// Nothing was changed.
    Refused,
    /// Nobody knows.
    Unknown,
}

async fn told(call: Call) -> Told {
    match call.attempt().await {
        Err(_) => Told::Unknown,
        Ok(answer) => match answer.status {
            200 | 201 => Told::Done(answer),
            503 => {
                assert!(!answer.header("retry-after").is_empty(), "when? {}", answer.text());
                Told::Refused
            }
            500 if answer.json()["code"] == "unknown_outcome" => Told::Unknown,
            _ => panic!("{}: {}", answer.status, answer.text()),
        },
    }
}

/// Writers at work.
pub(crate) struct Load {
    writers: JoinSet<Ledger>,
    acknowledged: Arc<AtomicU64>,
    stop: CancellationToken,
}

impl Load {
    /// So many writers, each with a pause after each write. Each creates tasks, changes each four times and deletes
    /// every third, until the server is gone.
    pub(crate) fn begin(server: &Server, writers: usize, pause: Duration) -> Load {
        let (acknowledged, stop) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let began = Instant::now();
        let mut all = JoinSet::new();
        for number in 0..writers {
            let writer = Writer {
                client: server.client(),
                number,
                pause,
                acknowledged: Arc::clone(&acknowledged),
                began,
                stop: stop.clone(),
                ledger: Ledger::default(),
            };
            all.spawn(writer.run());
        }
        Load { writers: all, acknowledged, stop }
    }

    /// Waits until so many writes were acknowledged.
    pub(crate) async fn reaches(&self, n: u64) {
        let is_enough = || self.acknowledged.load(Ordering::Relaxed) >= n;
        eventually("enough is written", async || is_enough().then_some(())).await;
    }

    /// Lets the writers end what they are at, and answers what they know.
    pub(crate) async fn end(self) -> Ledger {
        self.stop.cancel();
        let ledgers = self.writers.join_all().await;
        let took = ledgers.iter().map(|ledger| ledger.took).max().unwrap_or_default();
        let mut all = Ledger::default();
        for ledger in ledgers {
            all.add(ledger);
        }
        Ledger { took, ..all }
    }
}

struct Writer {
    client: Client,
    number: usize,
    pause: Duration,
    acknowledged: Arc<AtomicU64>,
    began: Instant,
    stop: CancellationToken,
    ledger: Ledger,
}

impl Writer {
    async fn run(mut self) -> Ledger {
        for n in 0.. {
            if self.task(n).await.is_none() {
                break;
            }
        }
        self.ledger
    }

    /// A task from its creation on; `None` where there is no more to do.
    async fn task(&mut self, n: usize) -> Option<()> {
        let title = json!({"title": format!("writer {} task {n}", self.number)});
        let client = self.client.clone();
        let Some(answer) = self.write(|| client.call("POST", "/api/tasks").json(&title)).await
        else {
            self.ledger.others += 1;
            return None;
        };
        let last = answer?.json();
        let id = last["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/tasks/{id}");
        let mut task = Written { id, acknowledged: 1, may_have_more: false, last };
        let goes_on = self.changes(&mut task, &path, n).await;
        self.ledger.tasks.push(task);
        goes_on
    }

    async fn changes(&mut self, task: &mut Written, path: &str, n: usize) -> Option<()> {
        let client = self.client.clone();
        for change in 0..CHANGES {
            let status = if change % 2 == 0 { "IN_PROGRESS" } else { "DONE" };
            let body = json!({"description": format!("change {change}"), "status": status});
            let answer = self.write(|| client.call("PUT", path).json(&body)).await;
            task.may_have_more = answer.is_none();
            task.last = answer??.json();
            task.acknowledged += 1;
        }
        if n.is_multiple_of(3) {
            let answer = self.write(|| client.call("DELETE", path)).await;
            task.may_have_more = answer.is_none();
            answer??;
            task.acknowledged += 1;
            task.last = Value::Null;
        }
        Some(())
    }

    /// The answer to a write that was done, asked again where it was refused. `Some(None)`: it was not done, and there is
    /// no more to do. `None`: nobody knows.
    async fn write(&mut self, call: impl Fn() -> Call) -> Option<Option<Answer>> {
        loop {
            if self.stop.is_cancelled() {
                return Some(None);
            }
            match told(call()).await {
                Told::Done(answer) => {
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    self.ledger.acknowledged += 1;
                    self.ledger.took = self.began.elapsed();
                    tokio::time::sleep(self.pause).await;
                    return Some(Some(answer));
                }
                Told::Refused => {
                    self.ledger.refused += 1;
                    tokio::time::sleep(self.pause.max(REFUSED)).await;
                }
                Told::Unknown => return None,
            }
        }
    }
}

/// What writers were told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    tasks: Vec<Written>,
    /// Tasks of which no writer knows the id: its answer was lost, or somebody else made them.
    pub(crate) others: usize,
    /// Writes that were acknowledged.
    pub(crate) acknowledged: u64,
    /// Writes that were refused with 503.
    pub(crate) refused: u64,
    /// Until the last of these was acknowledged.
    pub(crate) took: Duration,
}

impl Ledger {
    /// Adds what others were told.
    pub(crate) fn add(&mut self, other: Ledger) {
        self.tasks.extend(other.tasks);
        self.others += other.others;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.took += other.took;
    }

    /// Ends the test unless every promise was kept: what is there, what has arrived, and that nothing waits any more.
    /// Answers how many requests were repeats.
    pub(crate) async fn check(&self, server: &Server, receiver: &Receiver) -> usize {
        let lost = self.lost(server).await;
        assert!(lost.is_empty(), "{} of {}: {lost:#?}", lost.len(), self.tasks.len());
        drained(server).await;
        let hits = receiver.hits();
        for hit in self.unsure(&hits) {
            let id = hit.header("webhook-id");
            let event = server.get(&format!("/api/events/{id}")).await;
            assert_eq!(event.status, 200, "{id} was sent and is not there: {}", hit.event());
        }
        self.arrived(&hits)
    }

    /// Those of writes that nobody was told of.
    fn unsure<'h>(&self, hits: &'h [Hit]) -> Vec<&'h Hit> {
        let known: HashMap<_, _> =
            self.tasks.iter().map(|task| (task.id.as_str(), task.acknowledged)).collect();
        let is_unsure = |hit: &&Hit| {
            known.get(&*hit.task("id")).is_none_or(|acknowledged| hit.version() > *acknowledged)
        };
        hits.iter().filter(is_unsure).collect()
    }

    /// Each task that is not as its writer was told, in words.
    pub(crate) async fn lost(&self, server: &Server) -> Vec<String> {
        let mut lost = Vec::new();
        for task in &self.tasks {
            lost.extend(wrong(server, task).await);
        }
        lost
    }

    /// Every acknowledged write has arrived as an event, in order, with repeats that are the same.
    fn arrived(&self, hits: &[Hit]) -> usize {
        let mut arrivals = Arrivals::of(hits);
        for task in &self.tasks {
            let last = arrivals.last_of(&task.id);
            assert!(
                task.may_be_at(last),
                "undelivered, or never done: {task:?} arrived up to {last}"
            );
        }
        let others = arrivals.of_task;
        assert!(others.len() <= self.others, "{others:?}");
        assert!(others.values().all(|seen| seen.iter().all(|(version, _)| *version == 1)));
        arrivals.repeats
    }
}

impl Written {
    fn may_be_at(&self, version: u64) -> bool {
        let most = self.acknowledged + u64::from(self.may_have_more);
        (self.acknowledged..=most).contains(&version)
    }
}

/// How a task differs from what its writer was told; `None` if it does not.
async fn wrong(server: &Server, task: &Written) -> Option<String> {
    let answer = server.get(&format!("/api/tasks/{}", task.id)).await;
    if answer.status == 404 {
        let may_be_gone = task.may_have_more && task.acknowledged == CHANGES + 1;
        return (!may_be_gone && !task.last.is_null()).then(|| format!("lost: {task:?}"));
    }
    if task.last.is_null() {
        return Some(format!("its deletion is lost: {task:?}"));
    }
    let version = answer.header("etag").trim_matches('"').parse::<u64>().expect("a version");
    let is_wrong =
        !task.may_be_at(version) || (version == task.acknowledged && answer.json() != task.last);
    is_wrong.then(|| format!("it is at version {version}: {task:?}"))
}

/// Waits until nothing waits, and nothing has failed.
async fn drained(server: &Server) {
    let end = Instant::now() + DRAINED_WITHIN;
    for status in ["pending", "sending", "held"] {
        while !server.deliveries(&format!("status={status}&limit=1")).await.is_empty() {
            assert!(Instant::now() < end, "still {status} after {DRAINED_WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(server.deliveries("status=failed").await, Vec::<Value>::new());
}

/// How a receiver answers: four in a hundred first tries fail, and all take a moment, so that some are under way at
/// a fault.
pub(crate) fn busy_receiver(hit: &Hit) -> Reply {
    let id = hit.header("webhook-id").bytes();
    let dice = id.fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte)) % 100;
    let status = if hit.nth == 1 && dice < 4 { 500 } else { 200 };
    Reply::status(status).after(Duration::from_millis(u64::from(dice % 10)))
}
