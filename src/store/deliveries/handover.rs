//! Handover: a delivery whose request may leave at once is written as `sending`, and its request leaves when that is on
//! disk: one commit, and no look at the queues, between a change and its webhook.
//!
//! Whatever else waits is left to the dispatcher's looks (`claims`), also after a crash. Must not know how a request is
//! sent.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::claims::{Claim, Now, bytes_of, claim_due};
use crate::delivery::pace::Gates;
use crate::lock::lock;
use crate::model::{Event, STEP_MS, Time};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::WebhookState;

/// Who takes what may leave at once.
pub(crate) struct Handover {
    /// How much may go to whom.
    pub(crate) gates: Arc<Mutex<Gates>>,
    /// Both clocks: a change may have waited for the writer since it was asked for.
    pub(crate) now: Box<dyn Fn() -> Now + Send + Sync>,
    /// Sends a claim that is on disk.
    pub(crate) send: Box<dyn Fn(Claim) + Send + Sync>,
    /// Waits at a stop for what is decided, too: its commit may be under way.
    pub(crate) tracker: TaskTracker,
    /// The clock that what is stored goes by.
    pub(crate) stored: StoredClock,
}

/// By how much the wall clock is ahead of the clock that never steps, as of the last look. What is stored goes by this: a
/// step of the wall clock counts from the next look on.
pub(crate) struct StoredClock(AtomicI64);

impl StoredClock {
    /// As it was at a look.
    pub(crate) fn new((now, steady_ms): Now) -> StoredClock {
        StoredClock(AtomicI64::new(now.0 - steady_ms))
    }

    /// What is stored has followed the wall clock to here.
    pub(crate) fn is(&self, (now, steady_ms): Now) {
        self.0.store(now.0 - steady_ms, Ordering::Relaxed);
    }

    fn at(&self, steady_ms: i64) -> Time {
        Time(self.0.load(Ordering::Relaxed).saturating_add(steady_ms))
    }
}

/// A claim that has its place and is not on disk yet.
struct Reserved {
    to: Arc<Handover>,
    claim: Option<Claim>,
    _token: TaskTrackerToken,
}

impl Reserved {
    fn leave(mut self) {
        if let Some(claim) = self.claim.take() {
            (self.to.send)(claim);
        }
    }
}

/// The transaction was undone.
impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(claim) = &self.claim {
            lock(&self.to.gates).give_back(&claim.webhook.id, claim.bytes());
        }
    }
}

/// Takes a place for the request of an event that is being written, to this webhook. If there is one, the request leaves when
/// the transaction is on disk, and this answers when it was claimed. The caller has made sure that nothing of its task is
/// before it.
pub(super) fn leave_at_once(
    tx: &mut Tx<'_>,
    known: &WebhookState,
    seq: i64,
    event: &Event,
    now: Time,
) -> Option<Time> {
    let to = tx.find_beside::<Handover>()?;
    if !known.is_sending() || known.is_recovering || known.wait_until > now {
        lock(&to.gates).set_backlog(&known.webhook.id, true);
        return None;
    }
    let (started, steady_ms) = (to.now)();
    let started = started.max(event.at);
    if !lock(&to.gates).take_at_once(&known.webhook, bytes_of(event), steady_ms) {
        return None;
    }
    let claim = Claim::first(&known.webhook, (seq, event), (started, steady_ms));
    send_after_commit(tx, &to, claim);
    Some(started)
}

/// When what was asked for then, and does not leave at once, is due: also where the wall clock was set back since.
pub(super) fn due(tx: &Tx<'_>, asked: Time) -> Time {
    tx.find_beside::<Handover>().map_or(asked, |to| asked.min((to.now)().0))
}

/// A moment as what is stored goes by it, if that is another clock than the one by which `at` was read; `steady_ms` is the
/// same moment by the clock that never steps.
pub(super) fn as_stored(tx: &Tx<'_>, at: Time, steady_ms: i64) -> Option<Time> {
    let stored = tx.find_beside::<Handover>()?.stored.at(steady_ms);
    Some(stored).filter(|stored| stored.ms_since(at).abs() > STEP_MS)
}

/// An event is being put in line behind another of its task, which is perhaps under way: the end of that is awaited.
pub(super) fn joins(tx: &Tx<'_>, webhook: &str) {
    if let Some(to) = tx.find_beside::<Handover>() {
        let (_, steady_ms) = (to.now)();
        lock(&to.gates).joined(webhook, steady_ms);
    }
}

/// Has what is due now sent, as far as there is room. Answers how many milliseconds there is nothing more to do, if it
/// knows.
pub(crate) fn send_due(
    tx: &mut Tx<'_>,
    to: &Arc<Handover>,
    (now, steady_ms): Now,
) -> Result<Option<i64>> {
    let found = claim_due(tx, now, steady_ms, &to.gates)?;
    for claim in found.claims {
        lock(&to.gates).take(&claim.webhook.id, claim.bytes());
        send_after_commit(tx, to, claim);
    }
    Ok(found.wait_ms)
}

/// Has a claim sent, whose place is taken, when the transaction is on disk. If it is undone, the place is free again.
fn send_after_commit(tx: &mut Tx<'_>, to: &Arc<Handover>, claim: Claim) {
    let reserved = Reserved { to: Arc::clone(to), claim: Some(claim), _token: to.tracker.token() };
    tx.after_commit(|| reserved.leave());
}
