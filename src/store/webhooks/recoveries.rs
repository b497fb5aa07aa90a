//! Recoveries: a job that puts older events of a webhook in line again, in small steps.
//!
//! The rules of a replay:
//! - What is sent again has the same `webhook-id` and the same task, keeps its attempts, and the
//!   number of the attempt goes on. It goes to the webhook's URL, with its headers and secret, as they
//!   are now. What was never attempted begins with attempt 1.
//! - The cursor and the deliveries that a step puts in line are written together, so a job goes on
//!   where it was after a crash.
//! - While a job runs, nothing of its webhook is sent: each task's events are in line in order of
//!   commit before the first one leaves. A pause of the webhook is a pause of the job.
//! - `unsent` is an event without a delivery that the webhook wants as it is set up now. An event as
//!   old as the shorter span of retention is none: its delivery may have been, and be forgotten.
//! - What waits or is under way anyway is left alone, and so is what came after the job was asked for.
//!
//! Must not look at events: that is `recovery_steps`.

use crate::model::{Named, Reason, Time, names};
use crate::store::engine::columns::{Row, Value};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events::newest_by;
use crate::store::webhooks::find_webhook;

names! {
    /// What is sent again: where a delivery stands, or that there is none.
    pub(crate) enum RecoverState {
        /// It failed.
        Failed = "failed",
        /// It was refused and is held, with its task, until a person lets it go.
        Held = "held",
        /// It was never put in line, though the webhook wants it.
        Unsent = "unsent",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It arrived.
        Delivered = "delivered",
    }
}

impl RecoverState {
    /// Where a delivery stands that is stored like this; `None`: it goes out anyway.
    fn of(status: &str, reason: Option<&str>) -> Option<RecoverState> {
        let is_rejected = reason == Some(Reason::Rejected.as_str());
        RecoverState::parse(status).filter(|again| *again != RecoverState::Held || is_rejected)
    }
}

/// What somebody wants to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecoveryQuery {
    /// Committed then or later.
    pub(crate) since: Time,
    /// Committed then or earlier.
    pub(crate) until: Time,
    /// In which states; never empty.
    pub(crate) states: Vec<RecoverState>,
}

impl RecoveryQuery {
    /// Whether a delivery that is stored like this is sent again.
    pub(crate) fn takes(&self, status: &str, reason: Option<&str>) -> bool {
        RecoverState::of(status, reason).is_some_and(|again| self.states.contains(&again))
    }
}

/// A recovery under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// Of which webhook.
    pub(crate) webhook_id: String,
    /// When it was asked for.
    pub(crate) created: Time,
    /// What is sent again.
    pub(crate) wanted: RecoveryQuery,
    /// Deliveries put in line so far.
    pub(crate) queued: i64,
    /// The last event before all that are looked at.
    pub(crate) first: i64,
    /// The last event that was looked at.
    pub(crate) cursor: i64,
    /// The last event to look at.
    pub(crate) last: i64,
}

impl Recovery {
    /// How much of its way it has come, 0 to 1.
    pub(crate) fn progress(&self) -> f64 {
        progress(self.first, self.cursor, self.last)
    }
}

/// How much of a way has been come, 0 to 1.
pub(crate) fn progress(first: i64, cursor: i64, last: i64) -> f64 {
    const PARTS: i32 = 10_000;
    let (come, whole) = (cursor - first, last - first);
    if come >= whole {
        return 1.0;
    }
    let parts = i32::try_from(come.saturating_mul(PARTS.into()) / whole);
    f64::from(parts.unwrap_or(PARTS)) / f64::from(PARTS)
}

/// What came of asking for a recovery.
#[derive(Clone, Debug)]
pub(crate) enum RecoveryStart {
    /// It runs.
    Runs(Recovery),
    /// There is no such webhook.
    Unknown,
    /// One runs already.
    Already,
}

/// The last event before a span, and the last one of it: what there is to look at lies between.
pub(crate) fn events_between(tx: &mut Tx<'_>, since: Time, until: Time) -> Result<(i64, i64)> {
    let before = newest_by(tx, since.plus_ms(-1))?.unwrap_or_default();
    let last = newest_by(tx, until)?.unwrap_or_default();
    Ok((before, last.max(before)))
}

/// Begins a recovery, unless one of this webhook runs.
pub(crate) fn begin_recovery(
    tx: &mut Tx<'_>,
    webhook: &str,
    wanted: &RecoveryQuery,
    now: Time,
) -> Result<RecoveryStart> {
    if find_webhook(tx, webhook)?.is_none() {
        return Ok(RecoveryStart::Unknown);
    }
    let (first, last) = events_between(tx, wanted.since, wanted.until)?;
    let states: Vec<&str> = wanted.states.iter().map(|again| again.as_str()).collect();
    let made = tx.execute(
        "INSERT INTO recoveries
             (webhook_id, created_ms, since_ms, until_ms, states, first, cursor, last, queued)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 0) ON CONFLICT (webhook_id) DO NOTHING",
        &[
            webhook.into(),
            now.0.into(),
            wanted.since.0.into(),
            wanted.until.0.into(),
            Value::from(&states.join(",")),
            first.into(),
            last.into(),
        ],
    )?;
    if made == 0 {
        return Ok(RecoveryStart::Already);
    }
    tx.forget();
    tx.wake();
    let (webhook_id, wanted) = (webhook.to_owned(), wanted.clone());
    let cursor = first;
    Ok(RecoveryStart::Runs(Recovery {
        webhook_id,
        created: now,
        wanted,
        queued: 0,
        first,
        cursor,
        last,
    }))
}

/// Ends a recovery, if one runs; what it has put in line stays there.
pub(crate) fn end_recovery(tx: &mut Tx<'_>, webhook: &str) -> Result<()> {
    tx.execute("DELETE FROM recoveries WHERE webhook_id = ?1", &[webhook.into()])?;
    tx.forget();
    tx.wake();
    Ok(())
}

const SELECT: &str = "\
    SELECT webhook_id, created_ms, since_ms, until_ms, states, queued, first, cursor, last
    FROM recoveries";

fn read(row: &Row<'_>) -> Result<Recovery> {
    Ok(Recovery {
        webhook_id: row.next()?,
        created: row.next()?,
        wanted: RecoveryQuery {
            since: row.next()?,
            until: row.next()?,
            states: row.str()?.split(',').filter_map(RecoverState::parse).collect(),
        },
        queued: row.next()?,
        first: row.next()?,
        cursor: row.next()?,
        last: row.next()?,
    })
}

/// The recoveries that can go on: those whose webhook is there and not paused.
pub(crate) fn list_recoveries(tx: &mut Tx<'_>) -> Result<Vec<Recovery>> {
    let unpaused = "webhook_id IN (SELECT id FROM webhooks WHERE paused = 0 AND state = 'live')";
    tx.rows(&format!("{SELECT} WHERE {unpaused}"), &[], read)
}

/// The recovery of a webhook, if one is under way.
pub(crate) fn find_recovery(tx: &mut Tx<'_>, webhook: &str) -> Result<Option<Recovery>> {
    tx.row(&format!("{SELECT} WHERE webhook_id = ?1"), &[webhook.into()], read)
}
