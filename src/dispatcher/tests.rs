//! Faults of ours in the middle of a delivery: it is told of as one, made again, and holds up nobody.

use std::path::Path;
use std::sync::atomic::AtomicUsize;

use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::model::{
    Attempt, AttemptOutcome, DEFAULT_WEBHOOK, Declared as _, NewTask, Origin, Task, TaskInput,
};
use crate::sender::Message;
use crate::store::Change;

/// Has every message answered with 200, but panics so many times before.
struct Panics {
    times: usize,
    asked: AtomicUsize,
}

impl Transport for Panics {
    async fn send(&self, _: &Message<'_>) -> Outcome {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(asked >= self.times, "a transport that panics");
        Outcome { status: Some(200), broken: None, ..Outcome::broken("") }
    }
}

fn dispatcher(database: &Path, panics: usize) -> Arc<Dispatcher<Panics>> {
    Arc::new(Dispatcher::new(Services {
        store: Arc::new(Store::open(database).unwrap()),
        sender: Panics { times: panics, asked: AtomicUsize::new(0) },
        ids: Arc::new(Ids::new().unwrap()),
        metrics: Arc::new(Metrics::new(prometheus_client::metrics::counter::Counter::default())),
        figures: Arc::new(Figures::default()),
        policy: Policy {
            recovers: true,
            probe_first_ms: 1_000,
            probe_max_ms: 1_000,
            max_age_ms: i64::MAX,
        },
        requests_most: 8,
    }))
}

/// The attempts of the delivery of a new task, when it has arrived. Before, `change` is made to the database.
async fn attempts(panics: usize, change: &'static str) -> Vec<Attempt> {
    let folder = tempfile::tempdir().unwrap();
    let dispatcher = dispatcher(&folder.path().join("btk.db"), panics);
    let (store, ids) =
        (Arc::clone(&dispatcher.services.store), Arc::clone(&dispatcher.services.ids));
    let now = clock::now();
    let webhook = Webhook::new(DEFAULT_WEBHOOK, "http://127.0.0.1:9/");
    let put = move |tx: &mut Tx<'_>| {
        store::put_from_settings(tx, DEFAULT_WEBHOOK, Some(&webhook), now)?;
        tx.execute(change, &[]).map(drop)
    };
    store.write(put).await.unwrap();
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(Arc::clone(&dispatcher).run(stop.clone(), tracker.clone()));

    let fields = json!({"title": "a"});
    let input = TaskInput::strictly(fields.as_object().unwrap()).and_then(NewTask::try_from);
    let task = Task::create(ids.task(now), input.unwrap(), now, &mut || ids.attachment());
    let event = Change { event_id: ids.event(now), origin: Origin::api(), now };
    store.write(move |tx| store::create(tx, task.clone(), 0, event.clone())).await.unwrap();
    let arrives = async {
        while store.read(|tx| store::waiting(tx, DEFAULT_WEBHOOK)).await.unwrap() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_mins(1), arrives).await.expect("it arrives");
    let id = store::delivery_id(1, DEFAULT_WEBHOOK);
    let attempts = store.read(move |tx| store::attempts(tx, &id)).await.unwrap();
    stop.cancel();
    tracker.close();
    tracker.wait().await;
    store.close();
    attempts
}

fn is_own_fault_then_delivered(attempts: &[Attempt]) {
    let ends: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(ends, [AttemptOutcome::Retry, AttemptOutcome::Delivered], "{attempts:?}");
    assert_eq!(attempts[0].error.as_deref(), Some(explain::OWN_FAULT));
}

#[tokio::test]
async fn a_panic_in_the_middle_of_an_attempt_is_told_of_and_made_good() {
    is_own_fault_then_delivered(&attempts(1, "UPDATE write_check SET n = 0").await);
}

#[tokio::test]
async fn an_outcome_that_the_database_refuses_holds_up_nobody() {
    let refuses = "CREATE TRIGGER refuses BEFORE UPDATE ON deliveries
        WHEN NEW.status = 'delivered' AND NEW.attempts = 1 BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    is_own_fault_then_delivered(&attempts(0, refuses).await);
}
