//! What must hold of each request that leaves in a simulated world, and of what its answer says of a webhook.
//!
//! Must not make one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use tokio_util::task::TaskTracker;

use super::World;
use super::actors::PACE;
use crate::delivery::health::Condition;
use crate::model::Outcome;
use crate::store::tests::small_world::START;
use crate::store::{Claim, Handover, StoredClock, find_webhook};

/// Puts what is handed over where the world finds it.
pub(super) fn handover(steady_ms: Arc<AtomicI64>, handed: Arc<Mutex<Vec<Claim>>>) -> Handover {
    Handover {
        gates: Arc::default(),
        now: Box::new(move || {
            let steady_ms = steady_ms.load(Ordering::Relaxed);
            (START.plus_ms(steady_ms), steady_ms)
        }),
        tracker: TaskTracker::new(),
        send: Box::new(move |claim| handed.lock().unwrap().push(claim)),
        stored: StoredClock::new((START, 0)),
    }
}

impl World<'_> {
    pub(super) fn check_claim(&mut self, claim: &Claim) {
        let id = &claim.webhook.id;
        let known = self.tx(|tx| find_webhook(tx, id).unwrap()).unwrap();
        assert!(!known.health.is_paused, "sent to {id}, which is paused");
        let others = || self.under_way.iter().filter(|other| other.webhook.id == *id);
        if known.health.condition != Condition::Up {
            assert_eq!(others().count(), 0, "{id} is not up and gets more than one probe");
        }
        let task = &claim.event.task_id;
        assert!(others().all(|other| other.event.task_id != *task), "two of a task at a time");
        let earlier: Vec<i64> = self
            .connection
            .prepare_cached(
                "SELECT seq FROM deliveries
                 WHERE webhook_id = ?1 AND task_id = ?2 AND seq < ?3 AND finished_ms IS NULL",
            )
            .unwrap()
            .query_map((id, task.as_str(), claim.seq), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for seq in earlier {
            let may = self.rejoined.contains(&(id.clone(), seq));
            assert!(may, "event {} overtakes event {seq} of its task on {id}", claim.seq);
        }
        let bytes = format!("{} {:?}", claim.event.snapshot, claim.event.before);
        let first = self.bytes.entry(claim.event.id.clone()).or_insert_with(|| bytes.clone());
        assert_eq!(*first, bytes, "the same event, the same bytes");
        if id == "wh_b" {
            let now = self.steady_ms();
            self.left.push_back(now);
            while self.left.front().is_some_and(|at| *at <= now - 10_000) {
                self.left.pop_front();
            }
            let most = usize::try_from(PACE * 11).unwrap();
            assert!(self.left.len() <= most, "{} requests in 10 s", self.left.len());
        }
    }

    /// Who refuses everything is known to, and nobody else is.
    pub(super) fn check_refusals(
        &mut self,
        claim: &Claim,
        outcome: &Outcome,
        is_rejected: bool,
        is_same_url: bool,
    ) {
        let id = &claim.webhook.id;
        let health = self.tx(|tx| find_webhook(tx, id).unwrap()).unwrap().health;
        let refused = self.refusals.entry(id.clone()).or_default();
        if health.condition.needs_person() || outcome.is_success() && is_same_url {
            refused.clear();
        } else if is_rejected && is_same_url {
            refused.insert(claim.seq);
        }
        let is_many = refused.len() >= 10 && health.condition == Condition::Up;
        assert_eq!(health.is_refusing(), is_many, "{id}: {refused:?}, {health:?}");
    }
}
