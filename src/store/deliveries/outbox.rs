//! The outbox: an event and a delivery for each webhook that wants it.
//!
//! Matching is decided here, at the commit, and nowhere else. Must not know how deliveries are sent.

use crate::model::{Event, EventKind, Named, Task, Time};
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::{self, Presence};

/// When the newest event was committed.
pub(crate) fn last_time(tx: &mut Tx<'_>) -> Result<Option<Time>> {
    let sql = "SELECT at_ms FROM events ORDER BY seq DESC LIMIT 1";
    tx.row(sql, &[], only)
}

/// Writes an event and its deliveries, due `now`.
pub(crate) fn put(tx: &mut Tx<'_>, event: &Event, task: &Task, now: Time) -> Result<()> {
    let seq = put_event(tx, event)?;
    for known in webhooks::all(tx)?.iter() {
        let webhook = &known.webhook;
        let is_wanted = || webhook.wants(event.kind, &event.origin, task).is_ok();
        if known.presence == Presence::Live && is_wanted() {
            put_delivery(tx, seq, &webhook.id, event.kind, event.task_id.as_str(), now)?;
            tx.wake();
        }
    }
    Ok(())
}

/// Writes an event; answers its place in the order of commits.
pub(crate) fn put_event(tx: &mut Tx<'_>, event: &Event) -> Result<i64> {
    tx.insert(
        "INSERT INTO events (id, kind, origin, task_id, version, at_ms, task, before)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            Value::from(&event.id),
            event.kind.as_str().into(),
            event.origin.as_str().into(),
            event.task_id.as_str().into(),
            event.version.into(),
            event.at.0.into(),
            Value::from(&event.snapshot),
            event.before.as_deref().into(),
        ],
    )
}

/// Writes a delivery. Behind an unfinished one of the same task it has no turn yet: no due time.
pub(crate) fn put_delivery(
    tx: &mut Tx<'_>,
    seq: i64,
    webhook: &str,
    kind: EventKind,
    task: &str,
    now: Time,
) -> Result<()> {
    tx.execute(
        "INSERT INTO deliveries (seq, webhook_id, task_id, kind, status, due_ms, attempts, tries)
         VALUES (?1, ?2, ?3, ?5, 'pending',
             CASE WHEN EXISTS (SELECT 1 FROM deliveries d
                               WHERE d.webhook_id = ?2 AND d.task_id = ?3 AND d.finished_ms IS NULL)
                  THEN NULL ELSE ?4 END,
             0, 0)",
        &[seq.into(), webhook.into(), task.into(), now.0.into(), kind.as_str().into()],
    )?;
    Ok(())
}
