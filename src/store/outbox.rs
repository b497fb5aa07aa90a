//! The outbox: an event and a delivery for each webhook that wants it.
//!
//! Matching is decided here, at the commit, and nowhere else. Must not know how deliveries are sent.

use super::{Result, Tx, Value};
use crate::model::{Event, Time};

/// When the newest event was committed.
pub(super) fn last_time(tx: &mut Tx<'_>) -> Result<Option<Time>> {
    let sql = "SELECT at_ms FROM events ORDER BY seq DESC LIMIT 1";
    Ok(tx.row(sql, &[], |row| row.int(0))?.map(Time))
}

/// Writes an event and its deliveries, due `now`; answers its place in the order of commits.
pub(super) fn put(tx: &mut Tx<'_>, event: &Event, now: Time) -> Result<i64> {
    let seq = tx
        .row(
            "INSERT INTO events (id, kind, origin, task_id, version, at_ms, task)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING seq",
            &[
                Value::from(&event.id),
                event.kind.as_str().into(),
                event.origin.as_str().into(),
                event.task_id.as_str().into(),
                event.version.into(),
                event.at.0.into(),
                Value::from(&event.snapshot),
            ],
            |row| row.int(0),
        )?
        .unwrap_or_default();
    // Behind an unfinished delivery of the same task it has no turn yet: no due time.
    let made = tx.execute(
        "INSERT INTO deliveries (seq, webhook_id, task_id, status, due_ms, attempts, tries)
         SELECT ?1, w.id, ?2, 'pending',
             CASE WHEN EXISTS (SELECT 1 FROM deliveries d
                               WHERE d.webhook_id = w.id AND d.task_id = ?2 AND d.finished_ms IS NULL)
                  THEN NULL ELSE ?3 END,
             0, 0
         FROM webhooks w
         WHERE w.active = 1 AND strpos(',' || w.ignore_origin || ',', ',' || ?4 || ',') = 0",
        &[
            seq.into(),
            event.task_id.as_str().into(),
            now.0.into(),
            event.origin.as_str().into(),
        ],
    )?;
    if made > 0 {
        tx.wake();
    }
    Ok(seq)
}
