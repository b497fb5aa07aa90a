//! Dispatcher: claims what is due, has it sent, records what came of it.
//!
//! The same path after a request, a retry, a restart and a crash: it looks in the database and
//! nowhere else. A wake-up carries no data, and a timer stands behind each. Must not know of HTTP
//! handlers; they meet only in the database.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::explain;
use crate::metrics::{Metrics, Result as Counted, ResultLabel};
use crate::model::{Event, Outcome, Time};
use crate::retry::{self, Decision};
use crate::sender::{Message, Sender};
use crate::store::{self, Claim, Record, Store};

/// Requests under way at a time, over all.
const PLACES: usize = 64;
/// The timer behind every wake-up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A dispatcher that has not looked for so long has stopped, in milliseconds.
const SILENT_MS: u64 = 30_000;
/// The pause after a fault of the database.
const PAUSE: Duration = Duration::from_secs(1);
/// A step back of the wall clock that is more than its usual correction.
const CLOCK_STEP_MS: i64 = 1_000;

/// What a dispatcher works with.
pub struct Dispatcher {
    store: Arc<Store>,
    sender: Sender,
    clock: Clock,
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
    freed: Notify,
    born: Instant,
    /// When it last looked, in milliseconds since it was born.
    looked: AtomicU64,
}

impl Dispatcher {
    /// A dispatcher that has not begun.
    pub fn new(
        store: Arc<Store>,
        sender: Sender,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Dispatcher {
        Dispatcher {
            store,
            sender,
            clock,
            metrics,
            places: Arc::new(Semaphore::new(PLACES)),
            freed: Notify::new(),
            born: Instant::now(),
            looked: AtomicU64::new(0),
        }
    }

    /// Whether it has looked for work lately.
    pub fn is_alive(&self) -> bool {
        let silent = self.age_ms().saturating_sub(self.looked.load(Ordering::Relaxed));
        silent < SILENT_MS
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Works until `stop`; what is under way then goes on in `tracker`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken, tracker: TaskTracker) {
        let mut changes = self.store.changes();
        let mut clock = Steady::new(self.clock.now());
        let mut was_faulty = false;
        while !stop.is_cancelled() {
            // Register for the wake-up first, then look: nothing can fall between.
            changes.borrow_and_update();
            let (wait, is_full) = match self.step(&mut clock, &tracker).await {
                Ok(looked) => {
                    if was_faulty {
                        warn!("[WEBHOOK] Sending goes on");
                    }
                    was_faulty = false;
                    looked
                }
                Err(store::Error::Closed | store::Error::Broken(_)) => return,
                Err(error) => {
                    if !was_faulty {
                        warn!("[WEBHOOK] Nothing can be sent for now: {error}");
                    }
                    was_faulty = true;
                    (PAUSE, false)
                }
            };
            // A look that failed was a look: the database is not its fault.
            self.looked.store(self.age_ms(), Ordering::Relaxed);
            tokio::select! {
                () = stop.cancelled() => return,
                told = changes.changed() => if told.is_err() { return },
                // With places left, all that was due has been claimed.
                () = self.freed.notified(), if is_full => {},
                () = sleep(wait) => {},
            }
        }
    }

    /// Claims for the free places and sends; answers how long it may sleep at most, and whether it
    /// must look again as soon as a place is free.
    async fn step(
        self: &Arc<Self>,
        clock: &mut Steady,
        tracker: &TaskTracker,
    ) -> store::Result<(Duration, bool)> {
        let now = self.clock.now();
        let back = clock.step_back(now);
        let free = self.places.available_permits();
        let (claims, next) = self
            .store
            .write_patiently(move |tx| {
                if back > 0 {
                    store::shift_due(tx, now, back)?;
                }
                let claims = store::claim_due(tx, now, free)?;
                // With every place taken, the next look is when one is free again.
                let next = if claims.len() < free { store::next_due(tx)? } else { None };
                Ok((claims, next))
            })
            .await?;
        clock.follow(now);
        let is_full = claims.len() == free;
        for claim in claims {
            // Only this loop takes places, and it claimed no more than were free.
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { break };
            let this = Arc::clone(self);
            tracker.spawn(async move { this.deliver(claim, place).await });
        }
        let wait = next.map_or(LOOK_AGAIN, |due| {
            Duration::from_millis(u64::try_from(due.ms_since(self.clock.now())).unwrap_or(0))
        });
        Ok((wait.min(LOOK_AGAIN), is_full))
    }

    async fn deliver(&self, claim: Claim, place: OwnedSemaphorePermit) {
        let (event, task) = (claim.kind.as_str(), claim.task_id.as_str());
        let delivery = store::delivery_id(claim.seq, &claim.webhook.id);
        let number = claim.number;
        info!(
            event,
            task,
            delivery,
            attempt = number,
            "[WEBHOOK] Sending {event} for task {task} ({})",
            label(&claim)
        );
        let sent =
            AssertUnwindSafe(async { self.sender.send(&message(&claim, self.clock.now())).await });
        // A delivery that is never recorded would stop its task for ever.
        let outcome = sent.catch_unwind().await.unwrap_or_else(|_| {
            Outcome::broken("The server met a fault of its own while sending.")
        });
        drop(place);
        self.freed.notify_one();
        let ended = self.clock.now();
        let most = claim.webhook.max_attempts;
        let decision = retry::after(&outcome, claim.attempt, most);
        let error = explain::what_went_wrong(&outcome);
        if let Some(why) = &error {
            info!(
                event,
                task,
                delivery,
                attempt = number,
                "[WEBHOOK] {} failed: {why}",
                capitalised(&label(&claim))
            );
        }
        let reason_text = match &decision {
            Decision::Failed { reason } => Some(explain::why_failed(&outcome, reason, most)),
            _ => None,
        };
        self.count(&claim, &outcome, &decision, ended);
        match &decision {
            Decision::Delivered => info!(
                event,
                task,
                delivery,
                attempt = number,
                "[WEBHOOK] Successfully sent {event} for task {task}"
            ),
            Decision::Retry { after_ms } => info!(
                event,
                task,
                delivery,
                attempt = number,
                "[WEBHOOK] Retrying in {after_ms}ms..."
            ),
            Decision::Failed { reason: "attempts_used" } => info!(
                event,
                task,
                delivery,
                attempt = number,
                "[WEBHOOK] All {most} attempts failed for {event}"
            ),
            Decision::Failed { .. } => {
                let status = outcome.status.unwrap_or_default();
                let what = if (300..400).contains(&status) {
                    format!("Redirect {status} not followed")
                } else {
                    format!("Client error {status}")
                };
                info!(event, task, delivery, attempt = number, "[WEBHOOK] {what}, not retrying");
            }
        }
        let record = Record { outcome, decision, error, reason_text, ended };
        self.write_down(claim, record).await;
    }

    fn count(&self, claim: &Claim, outcome: &Outcome, decision: &Decision, ended: Time) {
        let result = match decision {
            Decision::Delivered => Counted::delivered,
            Decision::Retry { .. } => Counted::retry,
            Decision::Failed { .. } => Counted::failed,
        };
        self.metrics.deliveries.get_or_create(&ResultLabel { result }).inc();
        self.metrics.attempt_duration.observe(seconds(outcome.ms));
        if result == Counted::delivered {
            self.metrics.delivery_lag.observe(seconds(ended.ms_since(claim.created)));
        }
    }

    /// Writes an outcome down, however long the disk stays full: sending again would be a repeat.
    /// If the server ends first, the delivery counts as under way at the next start.
    async fn write_down(&self, claim: Claim, record: Record) {
        let mut was_told = false;
        loop {
            let (claim, record) = (claim.clone(), record.clone());
            let written =
                self.store.write_patiently(move |tx| store::record(tx, &claim, &record)).await;
            match written {
                Ok(()) | Err(store::Error::Closed | store::Error::Broken(_)) => return,
                Err(error) => {
                    if !was_told {
                        warn!("[WEBHOOK] An outcome cannot be written down yet: {error}");
                    }
                    was_told = true;
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a delivery fit a float's 53 bits")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}

/// `attempt 1/3`, or `attempt 4, again` once the numbers count on: after a redelivery or a restart.
fn label(claim: &Claim) -> String {
    if claim.number == i64::from(claim.attempt) {
        // The limit may have been lowered between two attempts.
        let most = claim.webhook.max_attempts.max(claim.attempt);
        format!("attempt {}/{most}", claim.attempt)
    } else {
        format!("attempt {}, again", claim.number)
    }
}

fn capitalised(text: &str) -> String {
    text.replacen('a', "A", 1)
}

fn message(claim: &Claim, now: Time) -> Message<'_> {
    Message {
        url: &claim.webhook.url,
        headers: vec![
            ("webhook-id", claim.event_id.clone()),
            ("webhook-timestamp", (now.0 / 1_000).to_string()),
            ("x-btk-event", claim.kind.as_str().to_owned()),
            ("x-btk-delivery", store::delivery_id(claim.seq, &claim.webhook.id)),
            ("x-btk-attempt", claim.number.to_string()),
            ("x-btk-task-version", claim.version.to_string()),
        ],
        own_headers: &claim.webhook.headers,
        body: Bytes::from(Event::body(claim.kind, &claim.snapshot)),
    }
}

/// Sees the wall clock step back, by holding it against a clock that only goes forward.
struct Steady {
    wall: Time,
    since: Instant,
}

impl Steady {
    fn new(now: Time) -> Steady {
        Steady { wall: now, since: Instant::now() }
    }

    /// By how many milliseconds the wall clock has stepped back since the last look; 0 if it has
    /// not. Due times must follow, or a retry would wait for as long again.
    fn step_back(&self, now: Time) -> i64 {
        let passed = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let back = self.wall.plus_ms(passed).ms_since(now);
        if back > CLOCK_STEP_MS { back } else { 0 }
    }

    /// What was seen has been dealt with.
    fn follow(&mut self, now: Time) {
        *self = Steady::new(now);
    }
}
