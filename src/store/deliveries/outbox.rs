//! The outbox: an event and a delivery for each webhook that wants it.
//!
//! Who wants an event is asked here, at its commit, of `Webhook::wants`. Must not know how deliveries are sent.

use std::sync::Arc;

use super::{handover, totals};
use crate::model::{Event, EventKind, Named, Task, Time, Webhook};
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::tasks::search_index;
use crate::store::webhooks::{self, Presence};
use crate::twin;

/// The newest event.
#[derive(Clone, Copy)]
pub(crate) struct LastEvent {
    /// Its place in the order of commits. No event that was removed had a later one; 0 before the first.
    seq: i64,
    /// When it was committed, if it is still there.
    pub(crate) at: Option<Time>,
}

/// The newest event, read once and then remembered: it is asked for at each change.
pub(crate) fn last_event(tx: &mut Tx<'_>) -> Result<LastEvent> {
    if let Some(last) = tx.recall::<LastEvent>() {
        return Ok(*last);
    }
    let sql = "SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1";
    let newest = tx.row(sql, &[], |row| Ok((row.next::<i64>()?, row.next::<Time>()?)))?;
    // Nothing goes that the search has not taken in, so its mark tells of what is gone.
    let gone = search_index::mark(tx)?;
    let seq = newest.map_or(gone, |(seq, _)| seq.max(gone));
    let last = LastEvent { seq, at: newest.map(|(_, at)| at) };
    tx.remember(Arc::new(last));
    Ok(last)
}

/// Writes an event and its deliveries: they leave at once, or are due `now`, or wait for those before them.
pub(crate) fn put(tx: &mut Tx<'_>, event: &Event, task: &Task, now: Time) -> Result<()> {
    let seq = put_event(tx, event)?;
    for known in webhooks::all(tx)?.iter() {
        let webhook = &known.webhook;
        let is_wanted = || webhook.wants(event.kind, &event.origin, task).is_ok();
        if known.presence == Presence::Live && is_wanted() {
            let task = event.task_id.as_str();
            if !is_free(tx, &webhook.id, task)? {
                handover::joins(tx, &webhook.id);
                insert(tx, seq, &webhook.id, event.kind, task, None)?;
            } else if let Some(started) = handover::leave_at_once(tx, known, seq, event, now) {
                insert_sending(tx, seq, webhook, event, started)?;
            } else {
                insert(tx, seq, &webhook.id, event.kind, task, Some(now))?;
                tx.wake();
            }
        }
    }
    Ok(())
}

/// Writes an event; answers its place in the order of commits.
pub(crate) fn put_event(tx: &mut Tx<'_>, event: &Event) -> Result<i64> {
    let seq = last_event(tx)?.seq + 1;
    tx.execute(
        "INSERT INTO events (seq, id, kind, origin, task_id, version, at_ms, task, before)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            seq.into(),
            Value::from(&event.id),
            event.kind.as_str().into(),
            event.origin.as_str().into(),
            event.task_id.as_str().into(),
            event.version.into(),
            event.at.0.into(),
            event.snapshot.get().into(),
            event.before.as_deref().into(),
        ],
    )?;
    tx.remember(Arc::new(LastEvent { seq, at: Some(event.at) }));
    Ok(seq)
}

/// Writes a delivery, due at `due`. Behind an unfinished one of the same task it has no turn yet: no due time.
pub(crate) fn put_delivery(
    tx: &mut Tx<'_>,
    seq: i64,
    webhook: &str,
    kind: EventKind,
    task: &str,
    due: Time,
) -> Result<()> {
    let due = is_free(tx, webhook, task)?.then_some(due);
    insert(tx, seq, webhook, kind, task, due)
}

/// Whether nothing of this task is on its way to this webhook.
fn is_free(tx: &mut Tx<'_>, webhook: &str, task: &str) -> Result<bool> {
    if twin::is("no-lanes") {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM deliveries
               WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL LIMIT 1";
    Ok(tx.row(sql, &[webhook.into(), task.into()], only::<i64>)?.is_none())
}

fn insert(
    tx: &mut Tx<'_>,
    seq: i64,
    webhook: &str,
    kind: EventKind,
    task: &str,
    due: Option<Time>,
) -> Result<()> {
    let due = due.map(|at| handover::due(tx, at));
    tx.execute(
        "INSERT INTO deliveries (seq, webhook_id, task_id, kind, status, due_ms, attempts, tries)
         VALUES (?1, ?2, ?3, ?4, 'pending', ?5, 0, 0)",
        &[seq.into(), webhook.into(), task.into(), kind.as_str().into(), due.map(|at| at.0).into()],
    )?;
    totals::made(tx, webhook, kind)
}

/// One whose first request leaves as soon as this is on disk.
fn insert_sending(
    tx: &mut Tx<'_>,
    seq: i64,
    webhook: &Webhook,
    event: &Event,
    started: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO deliveries (seq, webhook_id, task_id, kind, status, attempts, tries, first_ms, payload, started_ms)
         VALUES (?1, ?2, ?3, ?4, 'sending', 1, 1, ?5, ?6, ?5)",
        &[
            seq.into(),
            Value::from(&webhook.id),
            event.task_id.as_str().into(),
            event.kind.as_str().into(),
            started.0.into(),
            webhook.payload.as_str().into(),
        ],
    )?;
    totals::made(tx, &webhook.id, event.kind)
}
