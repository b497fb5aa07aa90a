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
//! Must not send anything, nor decide what a webhook wants.

use super::events::newest_by;
use super::{Error, Result, Row, Tx, Value, find_webhook, lanes, outbox};
use crate::model::{EventKind, Named, Origin, Reason, Task, Time, Webhook, names};

/// Events that one look takes in.
const WINDOW: i64 = 1_000;
/// Deliveries that one step puts in line.
const STEP: usize = 200;

names! {
    /// What is sent again: where a delivery stands, or that there is none.
    pub enum Again {
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

impl Again {
    /// Where a delivery stands that is stored like this; `None`: it goes out anyway.
    fn of(status: &str, reason: Option<&str>) -> Option<Again> {
        let is_rejected = reason == Some(Reason::Rejected.as_str());
        Again::parse(status).filter(|again| *again != Again::Held || is_rejected)
    }
}

/// What somebody wants to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Committed then or later.
    pub since: Time,
    /// Committed then or earlier.
    pub until: Time,
    /// In which states; never empty.
    pub states: Vec<Again>,
}

/// A recovery under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Of which webhook.
    pub webhook_id: String,
    /// When it was asked for.
    pub created: Time,
    /// What is sent again.
    pub wanted: Wanted,
    /// Deliveries put in line so far.
    pub queued: i64,
    /// The last event before all that are looked at.
    pub first: i64,
    /// The last event that was looked at.
    pub cursor: i64,
    /// The last event to look at.
    pub last: i64,
}

impl Recovery {
    /// How much of its way it has come, 0 to 1.
    pub fn progress(&self) -> f64 {
        progress(self.first, self.cursor, self.last)
    }
}

/// How much of a way has been come, 0 to 1.
pub(super) fn progress(first: i64, cursor: i64, last: i64) -> f64 {
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
pub enum Begun {
    /// It runs.
    Runs(Recovery),
    /// There is no such webhook.
    Unknown,
    /// One runs already.
    Already,
}

/// What a look brought: events to put in line, among those up to `up_to`.
#[derive(Clone, Debug, Default)]
pub struct Due {
    /// The events, in order.
    pub seqs: Vec<i64>,
    /// The last event that was looked at.
    pub up_to: i64,
}

/// The last event before a span, and the last one of it: what there is to look at lies between.
pub fn events_between(tx: &mut Tx<'_>, since: Time, until: Time) -> Result<(i64, i64)> {
    let before = newest_by(tx, since.plus_ms(-1))?.unwrap_or_default();
    let last = newest_by(tx, until)?.unwrap_or_default();
    Ok((before, last.max(before)))
}

/// Begins a recovery, unless one of this webhook runs.
pub fn begin_recovery(tx: &mut Tx<'_>, webhook: &str, wanted: &Wanted, now: Time) -> Result<Begun> {
    if find_webhook(tx, webhook)?.is_none() {
        return Ok(Begun::Unknown);
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
        return Ok(Begun::Already);
    }
    tx.forget();
    tx.wake();
    let (webhook_id, wanted) = (webhook.to_owned(), wanted.clone());
    let cursor = first;
    Ok(Begun::Runs(Recovery { webhook_id, created: now, wanted, queued: 0, first, cursor, last }))
}

/// Ends a recovery, if one runs; what it has put in line stays there.
pub fn end_recovery(tx: &mut Tx<'_>, webhook: &str) -> Result<()> {
    tx.execute("DELETE FROM recoveries WHERE webhook_id = ?1", &[webhook.into()])?;
    tx.forget();
    tx.wake();
    Ok(())
}

const SELECT: &str = "\
    SELECT webhook_id, created_ms, since_ms, until_ms, states, queued, first, cursor, last
    FROM recoveries";

fn read(row: &Row<'_>) -> Result<Recovery> {
    let states = row.text(4)?;
    Ok(Recovery {
        webhook_id: row.text(0)?,
        created: Time(row.int(1)?),
        wanted: Wanted {
            since: Time(row.int(2)?),
            until: Time(row.int(3)?),
            states: states.split(',').filter_map(Again::parse).collect(),
        },
        queued: row.int(5)?,
        first: row.int(6)?,
        cursor: row.int(7)?,
        last: row.int(8)?,
    })
}

/// The recoveries that can go on: those whose webhook is there and not paused.
pub fn list_recoveries(tx: &mut Tx<'_>) -> Result<Vec<Recovery>> {
    let unpaused = "webhook_id IN (SELECT id FROM webhooks WHERE paused = 0 AND state = 'live')";
    tx.rows(&format!("{SELECT} WHERE {unpaused}"), &[], read)
}

/// The recovery of a webhook, if one is under way.
pub fn find_recovery(tx: &mut Tx<'_>, webhook: &str) -> Result<Option<Recovery>> {
    tx.row(&format!("{SELECT} WHERE webhook_id = ?1"), &[webhook.into()], read)
}

/// Looks at some events after `after` up to `last` for those that a webhook is to be sent again.
/// `oldest`: an event from before is never unsent. Empty once the webhook is gone.
pub fn look_for_again(
    tx: &mut Tx<'_>,
    webhook: &str,
    wanted: &Wanted,
    oldest: Time,
    after: i64,
    last: i64,
) -> Result<Due> {
    let Some(known) = find_webhook(tx, webhook)? else {
        return Ok(Due { seqs: Vec::new(), up_to: last });
    };
    let takes_unsent = wanted.states.contains(&Again::Unsent);
    let mut found = 0;
    // The task of an event, which may be long, is read only where it decides.
    let seen = tx.rows_until(
        "SELECT e.seq, e.at_ms, e.kind, e.origin, d.status,
             CASE WHEN ?5 = 1 AND d.status IS NULL AND e.at_ms BETWEEN ?6 AND ?7 THEN e.task END,
             d.reason
         FROM events e LEFT JOIN deliveries d ON d.seq = e.seq AND d.webhook_id = ?1
         WHERE e.seq > ?2 AND e.seq <= ?3 ORDER BY e.seq LIMIT ?4",
        &[
            webhook.into(),
            after.into(),
            last.into(),
            WINDOW.into(),
            i64::from(takes_unsent).into(),
            wanted.since.max(oldest).0.into(),
            wanted.until.0.into(),
        ],
        |row| Ok((row.int(0)?, is_due(row, &known.webhook, wanted)?)),
        |(_, is_due)| {
            found += usize::from(*is_due);
            found >= STEP
        },
    )?;
    let is_all = found < STEP && i64::try_from(seen.len()).unwrap_or(WINDOW) < WINDOW;
    let up_to = seen.last().map(|(seq, _)| *seq).filter(|_| !is_all).unwrap_or(last);
    let seqs = seen.into_iter().filter(|(_, is_due)| *is_due).map(|(seq, _)| seq).collect();
    Ok(Due { seqs, up_to })
}

fn is_due(row: &Row<'_>, webhook: &Webhook, wanted: &Wanted) -> Result<bool> {
    let at = Time(row.int(1)?);
    if at < wanted.since || at > wanted.until {
        return Ok(false);
    }
    if let Some(status) = row.opt_text(4)? {
        let again = Again::of(&status, row.opt_text(6)?.as_deref());
        return Ok(again.is_some_and(|again| wanted.states.contains(&again)));
    }
    match row.opt_text(5)? {
        Some(task) => is_wanted(row, webhook, &task),
        None => Ok(false),
    }
}

fn is_wanted(row: &Row<'_>, webhook: &Webhook, snapshot: &str) -> Result<bool> {
    let damaged = |what| Error::Damaged(format!("an event has a damaged {what}"));
    let kind = EventKind::parse(&row.text(2)?).ok_or_else(|| damaged("kind"))?;
    let origin = Origin::parse("origin", &row.text(3)?).map_err(|_| damaged("origin"))?;
    if webhook.wants_kind(kind, &origin).is_err() {
        return Ok(false);
    }
    // An alert has no task; one that cannot be read is rather sent than lost.
    let Ok(task) = serde_json::from_str::<Task>(snapshot) else { return Ok(true) };
    Ok(webhook.wants(kind, &origin, &task).is_ok())
}

/// Puts in line what a look for this recovery found, and moves its cursor; answers whether the
/// recovery is through (or was ended meanwhile).
pub fn recover_step(tx: &mut Tx<'_>, recovery: &Recovery, due: &Due, now: Time) -> Result<bool> {
    let id = recovery.webhook_id.as_str();
    // It may have been ended, and another begun, since the look.
    let is_same = find_recovery(tx, id)?
        .is_some_and(|now| (now.created, now.cursor) == (recovery.created, recovery.cursor));
    if !is_same {
        return Ok(true);
    }
    let mut queued = 0;
    for seq in &due.seqs {
        queued += i64::from(put_in_line(tx, id, *seq, &recovery.wanted, now)?);
    }
    if due.up_to >= recovery.last {
        end_recovery(tx, id)?;
        return Ok(true);
    }
    tx.execute(
        "UPDATE recoveries SET cursor = ?2, queued = queued + ?3 WHERE webhook_id = ?1",
        &[id.into(), due.up_to.into(), queued.into()],
    )?;
    Ok(false)
}

/// Due since its commit, so that what is older goes out first.
fn put_in_line(
    tx: &mut Tx<'_>,
    webhook: &str,
    seq: i64,
    wanted: &Wanted,
    now: Time,
) -> Result<bool> {
    let event = tx.row(
        "SELECT e.task_id, e.at_ms, d.status, e.kind, d.reason
         FROM events e LEFT JOIN deliveries d ON d.seq = e.seq AND d.webhook_id = ?1
         WHERE e.seq = ?2",
        &[webhook.into(), seq.into()],
        |row| {
            let reason = row.opt_text(4)?;
            let stands = row.opt_text(2)?.map(|status| (status, reason));
            Ok((row.text(0)?, row.int(1)?, stands, row.text(3)?))
        },
    )?;
    let Some((task, at, stands, kind)) = event else { return Ok(false) };
    let due = Time(at).min(now);
    match stands {
        None => {
            let kind = EventKind::parse(&kind)
                .ok_or_else(|| Error::Damaged("an event has a damaged kind".to_owned()))?;
            outbox::put_delivery(tx, seq, webhook, kind, &task, due)?;
            lanes::join(tx, webhook, &task, seq, due)?;
        }
        Some((status, reason)) => {
            let again = Again::of(&status, reason.as_deref());
            if again.is_none_or(|again| !wanted.states.contains(&again)) {
                return Ok(false);
            }
            lanes::rejoin(tx, webhook, &task, seq, due)?;
        }
    }
    Ok(true)
}
