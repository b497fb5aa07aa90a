//! Dispatcher: claims what is due, has it sent, records what came of it.
//!
//! What may leave at once comes from the commit of its event. All else it finds by a look in the database, the same after
//! a retry, a restart and a crash: a wake-up carries no data, and a timer stands behind each. Must not know of HTTP
//! handlers.
#![doc = include_str!("../docs/internals/dispatcher.md")]

mod log;
mod message;
#[cfg(test)]
mod tests;
mod wall_clock;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::clock::{self, Ids};
use crate::delivery::explain;
use crate::delivery::health::{Fate, Policy};
use crate::delivery::pace::Gates;
use crate::figures::{Answer, AttemptFigures, Figures};
use crate::lock::lock;
use crate::metrics::{Metrics, ResultLabel};
use crate::model::{Event, Named as _, Outcome, Webhook};
use crate::sender::Transport;
use crate::store::{self, AttemptRecord, Claim, Handover, Now, Recorded, Store, StoredClock, Tx};
use crate::twin;
use wall_clock::WallClock;

/// The timer behind every wake-up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A dispatcher that has not looked for so long has stopped, in milliseconds.
const SILENT_MS: u64 = 30_000;
/// The pause after a fault of the database.
const PAUSE: Duration = Duration::from_secs(1);
/// An outcome that the database refuses so often is not written down any more: that its attempt was a fault of ours is.
const REFUSALS_MOST: usize = 3;

/// What a dispatcher works with.
pub(crate) struct Services<T> {
    /// Where everything is found and written down.
    pub(crate) store: Arc<Store>,
    /// Makes the requests.
    pub(crate) sender: T,
    /// Chance, and ids for alerts.
    pub(crate) ids: Arc<Ids>,
    /// What is counted for monitoring.
    pub(crate) metrics: Arc<Metrics>,
    /// What is counted for the pages.
    pub(crate) figures: Arc<Figures>,
    /// What happens when a webhook does not work.
    pub(crate) policy: Policy,
    /// Requests under way at a time, over all webhooks.
    pub(crate) requests_most: usize,
}

/// [`Services`] and how it goes.
pub(crate) struct Dispatcher<T> {
    services: Services<T>,
    /// How much may go to whom. Locked for moments only.
    gates: Arc<Mutex<Gates>>,
    freed: Notify,
    born: Instant,
    /// When it last looked, in milliseconds since it was born.
    looked: AtomicU64,
}

impl<T: Transport> Dispatcher<T> {
    /// A dispatcher that has not begun.
    pub(crate) fn new(services: Services<T>) -> Dispatcher<T> {
        Dispatcher {
            gates: Arc::new(Mutex::new(Gates::new(services.requests_most))),
            services,
            freed: Notify::new(),
            born: Instant::now(),
            looked: AtomicU64::new(0),
        }
    }

    /// Whether it has looked for work lately.
    pub(crate) fn is_alive(&self) -> bool {
        let silent = self.age_ms().saturating_sub(self.looked.load(Ordering::Relaxed));
        silent < SILENT_MS
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Both clocks.
    fn now(&self) -> Now {
        WallClock::read().beside(self.born)
    }

    fn gates(&self) -> MutexGuard<'_, Gates> {
        lock(&self.gates)
    }

    /// Works until `stop`; what is under way then goes on in `tracker`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken, tracker: TaskTracker) {
        let attached = self.attach(&tracker);
        self.look_until(stop, &attached.handover).await;
    }

    /// From now on, what may leave at once is handed over as soon as it is on disk.
    fn attach(self: &Arc<Self>, tracker: &TaskTracker) -> Attached {
        let (dispatcher, delivering) = (Arc::clone(self), Arc::clone(self));
        let (spawner, runtime) = (tracker.clone(), Handle::current());
        let handover = Handover {
            gates: Arc::clone(&self.gates),
            now: Box::new(move || dispatcher.now()),
            send: Box::new(move |claim| {
                let delivering = Arc::clone(&delivering);
                spawner.spawn_on(async move { delivering.deliver(claim).await }, &runtime);
            }),
            tracker: tracker.clone(),
            stored: StoredClock::new(self.now()),
        };
        let (handover, store) = (Arc::new(handover), Arc::clone(&self.services.store));
        store.put_beside(Some(handover.clone()));
        Attached { handover, store }
    }

    async fn look_until(&self, stop: CancellationToken, handover: &Arc<Handover>) {
        let mut changes = self.services.store.wake_ups();
        let mut clock = WallClock::read();
        let mut was_faulty = false;
        while !stop.is_cancelled() {
            // Register for the wake-up first, then look: nothing can fall between.
            changes.borrow_and_update();
            let wait = match self.step(&mut clock, handover).await {
                Ok(wait) => {
                    if was_faulty {
                        warn!("[WEBHOOK] Sending goes on");
                    }
                    was_faulty = false;
                    wait
                }
                Err(store::Error::Closed | store::Error::Broken(_)) => return,
                Err(error) => {
                    if !was_faulty {
                        warn!("[WEBHOOK] Nothing can be sent for now: {error}");
                    }
                    was_faulty = true;
                    PAUSE
                }
            };
            // A look that failed was a look: the database is not its fault.
            self.looked.store(self.age_ms(), Ordering::Relaxed);
            tokio::select! {
                () = stop.cancelled() => return,
                told = changes.changed() => if told.is_err() { return },
                () = self.freed.notified() => {},
                () = sleep(wait) => {},
            }
        }
    }

    /// Claims what may leave and has it sent; answers how long it may sleep at most.
    async fn step(
        &self,
        clock: &mut WallClock,
        handover: &Arc<Handover>,
    ) -> store::Result<Duration> {
        let seen = WallClock::read();
        let (now, step) = (seen.beside(self.born), clock.step_to(&seen));
        let to = Arc::clone(handover);
        let look = move |tx: &mut Tx<'_>| {
            if let Some(step) = &step {
                store::follow_clock(tx, step)?;
            }
            to.stored.is(now);
            store::send_due(tx, &to, now)
        };
        let wait = self.services.store.write_patiently(look).await?;
        *clock = seen;
        let wait = wait.and_then(|ms| u64::try_from(ms).ok());
        Ok(wait.map_or(LOOK_AGAIN, Duration::from_millis).min(LOOK_AGAIN))
    }

    async fn deliver(&self, claim: Claim) {
        let requests = self.gates().requests(&claim.webhook.id);
        let sent = AssertUnwindSafe(async {
            // Never closed, so there will be one.
            let _place = requests.acquire().await;
            log::sending(&claim);
            let message = message::of(&claim, clock::now());
            let outcome = self.services.sender.send(&message).await;
            let why = explain::what_went_wrong(&claim.webhook, &outcome);
            log::answer(&claim, why.as_deref());
            (outcome, why)
        });
        // A delivery that is never recorded would keep its place, and stop its task for ever.
        let (outcome, why) = sent.catch_unwind().await.unwrap_or_else(|_| own_fault());
        let (ended, steady_ms) = self.now();
        let seen = self.gates().release(&claim.webhook.id, &claim.released(&outcome, steady_ms));
        if seen.is_short {
            self.freed.notify_one();
        }
        let claim = Arc::new(claim);
        let record = Arc::new(AttemptRecord {
            chance: self.services.ids.chance(),
            alert_id: self.services.ids.event(ended),
            ..AttemptRecord::of(&claim, (outcome, why), ended, steady_ms, seen)
        });
        if let Some(recorded) = self.write_down(&claim, &record, seen.is_awaited).await {
            self.count(&claim, &record, &recorded.fate);
            log::end(&claim, &record, &recorded);
        }
    }

    /// Sends an event that is in no database, to try a webhook out: beside lanes, pace, health and
    /// the log of deliveries.
    pub(crate) async fn try_out(&self, webhook: &Webhook, event: &Event) -> Outcome {
        self.services.sender.send(&message::of_test(webhook, event, clock::now())).await
    }

    fn count(&self, claim: &Claim, record: &AttemptRecord, fate: &Fate) {
        let (metrics, outcome) = (&self.services.metrics, &record.outcome);
        let lag_ms = record.lag_ms(claim);
        metrics.deliveries.get_or_create(&ResultLabel { result: fate.of_attempt().as_str() }).inc();
        metrics.attempt_duration.observe(seconds(outcome.ms));
        if *fate == Fate::Delivered {
            metrics.delivery_lag.observe(seconds(lag_ms));
        }
        self.services.figures.record(AttemptFigures {
            webhook_id: &claim.webhook.id,
            lag_ms: outcome.is_success().then_some(lag_ms),
            answer: Answer {
                at: record.ended,
                status: outcome.status.map(i64::from),
                ms: outcome.ms,
                error: record.why.clone(),
            },
        });
    }

    /// Writes an outcome down, however long the disk stays full: sending again would be a repeat.
    /// If the server ends first, the delivery counts as under way at the next start. What the database refuses for a
    /// fault of ours would hold up its task for ever, and is a repeat then.
    async fn write_down(
        &self,
        claim: &Arc<Claim>,
        record: &Arc<AttemptRecord>,
        is_awaited: bool,
    ) -> Option<Recorded> {
        if twin::is("outcome-lost") && claim.seq % 20 == 0 {
            return None;
        }
        let store = &self.services.store;
        let (mut is_logged, mut refusals) = (false, 0);
        let mut record = Arc::clone(record);
        loop {
            let (claim, record_now, policy) =
                (Arc::clone(claim), Arc::clone(&record), self.services.policy);
            let work = move |tx: &mut Tx<'_>| store::record(tx, &policy, &claim, &record_now);
            let end = if is_awaited {
                store.write_patiently(work).await
            } else {
                store.write_along(work).await
            };
            match end {
                Ok(recorded) => return recorded,
                Err(store::Error::Closed | store::Error::Broken(_) | store::Error::Damaged(_)) => {
                    return None;
                }
                Err(error) => {
                    if !is_logged {
                        warn!("[WEBHOOK] An outcome cannot be written down yet: {error}");
                    }
                    is_logged = true;
                    refusals += usize::from(matches!(error, store::Error::Database(_)));
                    if refusals == REFUSALS_MOST {
                        let (outcome, why) = own_fault();
                        record = Arc::new(AttemptRecord { outcome, why, ..(*record).clone() });
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// The end of an attempt that met a fault of ours, and what went wrong, in words.
fn own_fault() -> (Outcome, Option<String>) {
    let why = explain::OWN_FAULT;
    (Outcome::broken(why), Some(why.to_owned()))
}

/// While it is there, the store hands over.
struct Attached {
    handover: Arc<Handover>,
    store: Arc<Store>,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.store.put_beside(None);
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a delivery fit a float's 53 bits")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}
