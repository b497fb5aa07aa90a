//! The floor of the database: tasks made, claimed and recorded as delivered by the product's own store and dispatcher, with
//! callers in place of clients and a transport that has every message answered at once. What the product takes beyond
//! this is HTTP.
//!
//! Must not know how a load is counted.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::driver::new_task;
use super::figures::{Note, now, write_notes};
use super::order::{Done, Order};
use super::process::answer_all;
use super::receiver::index_in;
use crate::clock::{self, Ids};
use crate::config::Config;
use crate::dispatcher::{Dispatcher, Services};
use crate::figures::Figures;
use crate::lock::lock;
use crate::metrics::Metrics;
use crate::model::{DEFAULT_WEBHOOK, Declared as _, NewTask, Origin, Outcome, Task, TaskInput};
use crate::sender::{Message, Transport};
use crate::store::{self, Change, Store, Tx};

/// More requests than are ever under way to one webhook.
const REQUESTS_MOST: usize = 256;
/// How often it is asked whether all is recorded.
const POLL: Duration = Duration::from_millis(5);

/// Has every message answered at once, and notes when that was.
struct AtOnce(Arc<Mutex<Vec<Note>>>);

impl Transport for AtOnce {
    async fn send(&self, message: &Message<'_>) -> Outcome {
        if let Some(index) = index_in(&message.body) {
            lock(&self.0).push(Note { index, at: now(), took: 0 });
        }
        Outcome { status: Some(200), broken: None, ..Outcome::broken("") }
    }
}

/// Runs until stdin is closed.
pub(super) async fn run(database: &Path) -> anyhow::Result<()> {
    let url = |name: &str| (name == "WEBHOOK_URL").then(|| "http://127.0.0.1:9/".to_owned());
    let config = Config::read(&url)?;
    let path = database.to_owned();
    let store = Arc::new(tokio::task::spawn_blocking(move || Store::open(&path)).await??);
    let (webhook, at) = (config.webhook, clock::now());
    let put =
        move |tx: &mut Tx<'_>| store::put_from_settings(tx, DEFAULT_WEBHOOK, webhook.as_ref(), at);
    store.write(put).await?;
    let (ids, arrivals) = (Arc::new(Ids::new()?), Arc::default());
    let dispatcher = Dispatcher::new(Services {
        store: Arc::clone(&store),
        sender: AtOnce(Arc::clone(&arrivals)),
        ids: Arc::clone(&ids),
        metrics: Arc::new(Metrics::new(prometheus_client::metrics::counter::Counter::default())),
        figures: Arc::new(Figures::default()),
        policy: config.policy,
        requests_most: REQUESTS_MOST,
    });
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(Arc::new(dispatcher).run(stop.clone(), tracker.clone()));
    let calls = Calls { store, ids, arrivals };
    answer_all(async |order: Order| calls.perform(&order).await).await?;
    stop.cancel();
    Ok(())
}

struct Calls {
    store: Arc<Store>,
    ids: Arc<Ids>,
    arrivals: Arc<Mutex<Vec<Note>>>,
}

impl Calls {
    /// Makes new tasks; the notes of what was delivered lie beside those of what was accepted.
    async fn perform(&self, order: &Order) -> anyhow::Result<Done> {
        let mut done = Done { began: now(), next: order.first, ..Done::default() };
        let end = Instant::now() + Duration::from_secs(order.step.seconds.into());
        let mut callers = JoinSet::new();
        for number in 0..order.step.connections {
            let (store, ids) = (Arc::clone(&self.store), Arc::clone(&self.ids));
            let (mut index, step) = (order.first + number, order.step.connections);
            callers.spawn(async move {
                let mut notes = Vec::new();
                while Instant::now() < end {
                    let before = now();
                    create(&store, &ids, index).await?;
                    let at = now();
                    notes.push(Note { index, at, took: at.saturating_sub(before) });
                    index += step;
                }
                anyhow::Ok((notes, index))
            });
        }
        let mut notes = Vec::new();
        while let Some(ended) = callers.join_next().await {
            let (its, next) = ended??;
            notes.extend(its);
            done.next = done.next.max(next);
        }
        while self.store.read(|tx| store::waiting(tx, DEFAULT_WEBHOOK)).await? > 0 {
            sleep(POLL).await;
        }
        done.accepted = u32::try_from(notes.len())?;
        write_notes(&order.notes, &notes)?;
        write_notes(&order.arrivals(), &lock(&self.arrivals))?;
        Ok(done)
    }
}

/// What the handler does with a body that it has read.
async fn create(store: &Store, ids: &Ids, index: u32) -> anyhow::Result<()> {
    let now = clock::now();
    let body: serde_json::Value = serde_json::from_slice(&new_task(index))?;
    let fields = body.as_object().context("a task is an object")?;
    let input = TaskInput::strictly(fields).and_then(NewTask::try_from);
    let input = input.map_err(|wrong| anyhow!("{wrong:?}"))?;
    let task = Task::create(ids.task(now), input, now, &mut || ids.attachment());
    let change = Change { event_id: ids.event(now), origin: Origin::api(), now };
    store.write(move |tx| store::create(tx, task.clone(), 0, change.clone())).await?;
    Ok(())
}
