//! Upkeep: the slow work beside the sending: recoveries, deleted webhooks, expiry, retention, free
//! pages, old keys and figures, alerts of long queues, the search index.
//!
//! A chore looks on a reader, where it must look for its work, and writes in steps of a few milliseconds, with a pause
//! as long as the step between them, so that nobody waits for it. It keeps nothing in memory that matters: after
//! a crash each chore finds in the database where it was. Must not know what a row looks like.
#![doc = include_str!("../docs/internals/upkeep.md")]

mod clock_pair;
mod recorder;
mod search;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::{self, Ids};
use crate::config::Retention;
use crate::delivery::health::Policy;
use crate::model::ALERTS_WEBHOOK;
use crate::store::{self, Action, AgedBy, Cutoffs, Job, Recovery, Removal, Store, Tx};

use clock_pair::ClockPair;
pub(crate) use recorder::Recorder;

/// Keys that are forgotten in one write.
const KEYS: i64 = 500;
/// Between two rounds of forgetting old keys, and old figures.
const MINUTE: Duration = Duration::from_mins(1);
/// Between two looks at how long the queues are.
const BACKLOG: Duration = Duration::from_secs(10);
/// The least time between two looks for work that was asked for (a recovery, a job, a removal) while something changes,
const LOOK_LEAST: Duration = Duration::from_millis(100);
/// and the most where nothing does.
const LOOK_MOST: Duration = Duration::from_secs(1);
/// The shortest time between two rounds.
const ROUND_LEAST: Duration = Duration::from_millis(200);
/// The longest time between two rounds of expiry.
const EXPIRY_MOST: Duration = MINUTE;
/// The longest time between two rounds of retention.
const RETENTION_MOST: Duration = Duration::from_mins(10);
/// The pause after a step: as long as the step took, within these.
const PAUSE_LEAST: Duration = Duration::from_millis(1);
const PAUSE_MOST: Duration = Duration::from_millis(100);

/// What is done in rounds.
#[derive(Clone, Copy, Debug)]
enum Chore {
    Keys,
    Retention,
    Expiry,
    Backlogs,
    Figures,
    Search,
}

/// Whether a chore met a fault lately. A fault shows in every other write too, so it is told once,
/// and there is always a next round.
#[derive(Debug, Default)]
struct Fault {
    is_there: bool,
}

impl Fault {
    /// Does one round. One that panics is a fault like any other: the next comes all the same, and so do
    /// those of the other chores.
    async fn watch(&mut self, round: impl Future<Output = store::Result<()>>) {
        let end = AssertUnwindSafe(round).catch_unwind().await.unwrap_or_else(|_| {
            Err(store::Error::Database("a fault of btk itself, told of above".to_owned()))
        });
        match end {
            Ok(()) => self.is_there = false,
            // The server is ending, which others say.
            Err(store::Error::Closed | store::Error::Broken(_)) => {}
            Err(error) => {
                if !self.is_there {
                    warn!("Upkeep of the database has to wait: {error}");
                }
                self.is_there = true;
            }
        }
    }
}

/// What upkeep works with.
pub(crate) struct Upkeep {
    /// Everything that lasts.
    pub(crate) store: Arc<Store>,
    /// Ids for alerts.
    pub(crate) ids: Arc<Ids>,
    /// What happens when a webhook does not work.
    pub(crate) policy: Policy,
    /// How long what has ended is kept.
    pub(crate) retention: Retention,
}

/// How often to look for what is older than a span: a tenth of it, within bounds.
fn round(span_ms: i64, most: Duration) -> Duration {
    let tenth = u64::try_from(span_ms / 10).unwrap_or_default();
    Duration::from_millis(tenth).clamp(ROUND_LEAST, most)
}

impl Upkeep {
    /// Works until `stop`. A step that is under way then is finished by the store, or not begun.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let kept = self.retention.delivered_ms.min(self.retention.failed_ms);
        let retention = round(kept, RETENTION_MOST);
        let expiry = round(self.policy.max_age_ms, EXPIRY_MOST);
        let work = async {
            tokio::join!(
                self.promptly(),
                self.every(Chore::Keys, MINUTE),
                self.every(Chore::Retention, retention),
                self.every(Chore::Expiry, expiry),
                self.every(Chore::Backlogs, BACKLOG),
                self.every(Chore::Figures, MINUTE),
                self.every(Chore::Search, search::ROUND),
            )
        };
        tokio::select! {
            () = stop.cancelled() => {},
            _ = work => {},
        }
    }

    /// A chore, again and again.
    async fn every(&self, chore: Chore, pause: Duration) {
        let (mut fault, mut clocks) = (Fault::default(), ClockPair::new(clock::now()));
        loop {
            let round = async {
                match chore {
                    Chore::Keys => self.forget_keys().await,
                    Chore::Retention => self.delete_old().await,
                    Chore::Expiry => self.expire(&mut clocks).await,
                    Chore::Backlogs => self.tell_of_backlogs().await,
                    Chore::Figures => self.forget_figures().await,
                    Chore::Search => self.fill_search_index(search::DUE).await,
                }
            };
            fault.watch(round).await;
            sleep(pause).await;
        }
    }

    /// What somebody asked for begins at once.
    async fn promptly(&self) {
        let mut changes = self.store.wake_ups();
        let (mut working, mut removing) = (Fault::default(), Fault::default());
        loop {
            changes.borrow_and_update();
            working.watch(self.work_off()).await;
            removing.watch(self.remove_deleted()).await;
            sleep(LOOK_LEAST).await;
            // If the store is gone, the server is ending.
            let _told_or_late = timeout(LOOK_MOST, changes.changed()).await;
        }
    }

    /// One write, then a pause as long as it took.
    async fn step<T, F>(&self, work: F) -> store::Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
    {
        let began = Instant::now();
        let value = self.store.write_patiently(work).await?;
        sleep(began.elapsed().clamp(PAUSE_LEAST, PAUSE_MOST)).await;
        Ok(value)
    }

    /// Side by side: a long recovery of one webhook does not keep the next one waiting.
    async fn work_off(&self) -> store::Result<()> {
        loop {
            let look =
                |tx: &mut Tx<'_>| Ok((store::list_recoveries(tx)?, store::running_jobs(tx)?));
            let (recoveries, jobs) = self.store.read(look).await?;
            if recoveries.is_empty() && jobs.is_empty() {
                return Ok(());
            }
            let mut end = Ok(());
            for recovery in recoveries {
                // One that meets a fault does not keep the others waiting.
                end = end.and(self.recover_some(recovery).await);
            }
            for job in jobs {
                end = end.and(self.step_job(job).await);
            }
            self.remove_deleted().await?;
            end?;
        }
    }

    /// Looks until there is something to do, and does it.
    async fn step_job(&self, job: Job) -> store::Result<()> {
        let mut after = job.cursor.clone();
        let found = loop {
            let (action, filter, last) = (job.action, job.filter.clone(), job.last);
            let (now, from) = (clock::now(), after.clone());
            let look =
                move |tx: &mut Tx<'_>| store::look_for_job(tx, action, &filter, &from, last, now);
            let found = self.store.search_patiently(look).await?;
            match &found.next {
                Some(next) if found.keys.is_empty() => after = next.clone(),
                _ => break found,
            }
        };
        let now = clock::now();
        if let Some(job) = self.step(move |tx| store::job_step(tx, &job, &found, now)).await? {
            let what = match job.action {
                Action::Redeliver => "are in line again",
                Action::Cancel => "are cancelled",
            };
            let why = if job.reason.is_some() { ", then its webhook was deleted" } else { "" };
            info!(
                "[WEBHOOK] Job job_{} is through: {} deliveries {what}{why}",
                job.num, job.changed
            );
        }
        Ok(())
    }

    async fn recover_some(&self, recovery: Recovery) -> store::Result<()> {
        let now = clock::now();
        let oldest = self.retention.unsent_since(now);
        let (id, wanted) = (recovery.webhook_id.clone(), recovery.wanted.clone());
        let (cursor, last) = (recovery.cursor, recovery.last);
        let look =
            move |tx: &mut Tx<'_>| store::look_for_again(tx, &id, &wanted, oldest, cursor, last);
        let due = self.store.search_patiently(look).await?;
        let id = recovery.webhook_id.clone();
        if self.step(move |tx| store::recover_step(tx, &recovery, &due, now)).await? {
            info!("[WEBHOOK] Webhook {id}: its recovery is in line and goes out in order");
        }
        Ok(())
    }

    async fn remove_deleted(&self) -> store::Result<()> {
        for webhook in self.store.read(store::deleted_webhooks).await? {
            loop {
                let (id, now) = (webhook.clone(), clock::now());
                if self.step(move |tx| store::remove_step(tx, &id, now)).await? != Removal::Goes {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn forget_keys(&self) -> store::Result<()> {
        let now = clock::now();
        while self.step(move |tx| store::forget_before(tx, now, KEYS)).await? > 0 {}
        Ok(())
    }

    async fn forget_figures(&self) -> store::Result<()> {
        let now = clock::now();
        while self.step(move |tx| store::forget_figures(tx, now)).await? > 0 {}
        Ok(())
    }

    async fn delete_old(&self) -> store::Result<()> {
        let now = clock::now();
        let Retention { delivered_ms, failed_ms } = self.retention;
        let cutoffs = Cutoffs {
            delivered: now.plus_ms(-delivered_ms),
            failed: now.plus_ms(-failed_ms),
            // The next event must not carry an earlier time than one that is gone.
            events: now.plus_ms(-delivered_ms.max(store::RACE_MS)),
            now,
        };
        let mut after = 0;
        loop {
            let look = move |tx: &mut Tx<'_>| store::look_for_old(tx, after, &cutoffs);
            let Some(stretch) = self.store.search_patiently(look).await? else { break };
            while stretch.has_old
                && self.step(move |tx| store::delete_old(tx, &stretch, &cutoffs)).await?
            {
            }
            after = stretch.up_to;
        }
        self.give_back_pages().await?;
        // What the search has not taken in stays until the next round.
        self.fill_search_index(0).await
    }

    async fn give_back_pages(&self) -> store::Result<()> {
        let mut pages = self.store.read(store::pages).await?;
        if !pages.are_many_free() {
            return Ok(());
        }
        let mut before = i64::MAX;
        // A file that cannot be made smaller stays as it is.
        while !pages.are_few_free() && pages.free < before {
            before = pages.free;
            pages = self
                .step(|tx| {
                    store::give_back(tx)?;
                    store::pages(tx)
                })
                .await?;
        }
        Ok(())
    }

    async fn expire(&self, clocks: &mut ClockPair) -> store::Result<()> {
        if !self.policy.recovers {
            return Ok(());
        }
        let (policy, now) = (self.policy, clock::now());
        let by = AgedBy { now, even_since: clocks.since(now) };
        let cutoff = now.plus_ms(-policy.max_age_ms);
        let Some(newest) = self.store.read(move |tx| store::newest_by(tx, cutoff)).await? else {
            return Ok(());
        };
        for webhook in self.store.read(store::webhooks_that_age).await? {
            let mut from = Some((i64::MIN, 0));
            while let Some(place) = from {
                let id = webhook.clone();
                let look = move |tx: &mut Tx<'_>| {
                    store::look_for_expired(tx, &policy, &id, newest, place, by)
                };
                let aged = self.store.search_patiently(look).await?;
                if aged.is_unlooked {
                    let id = webhook.clone();
                    self.step(move |tx| store::look_again(tx, &id, now)).await?;
                }
                from = aged.next;
                let mut lanes = aged.lanes;
                while !lanes.is_empty() {
                    let (id, alert_id) = (webhook.clone(), self.ids.event(now));
                    let end = move |tx: &mut Tx<'_>| {
                        store::expire_step(tx, &policy, &id, &lanes, &alert_id, by)
                    };
                    lanes = self.step(end).await?;
                }
            }
        }
        Ok(())
    }

    async fn tell_of_backlogs(&self) -> store::Result<()> {
        for known in self.store.read(store::list_webhooks).await? {
            let id = known.webhook.id.clone();
            if id == ALERTS_WEBHOOK {
                continue;
            }
            let count = id.clone();
            let waiting = self.store.read(move |tx| store::waiting(tx, &count)).await?;
            if store::is_behind(waiting, known.is_behind) != known.is_behind {
                let now = clock::now();
                let alert_id = self.ids.event(now);
                self.step(move |tx| store::tell_of_backlog(tx, &id, waiting, &alert_id, now))
                    .await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_round_that_panics_is_a_fault_and_the_next_one_comes() {
        let mut fault = Fault::default();
        fault.watch(async { panic!("as if") }).await;
        assert!(fault.is_there);
        fault.watch(async { Ok(()) }).await;
        assert!(!fault.is_there);
    }
}
