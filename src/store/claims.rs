//! Claims: what the dispatcher takes, and how it writes down what came of it.
//!
//! A claim is committed before its request leaves, so that after a crash an attempt under way is
//! known to have been. Must not know how a request is sent, nor when to retry.

use std::sync::Arc;

use super::{Result, Tx, Value, webhooks};
use crate::model::{EventKind, Outcome, TaskId, Time, Webhook};
use crate::retry::{Decision, RETRY_AFTER_MOST_MS};

/// A delivery whose request is about to leave.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The order of its event.
    pub seq: i64,
    /// Where it goes, as the settings were at the claim.
    pub webhook: Arc<Webhook>,
    /// The `webhook-id`.
    pub event_id: String,
    /// What happened.
    pub kind: EventKind,
    /// Whose change it is.
    pub task_id: TaskId,
    /// The version of the task.
    pub version: i64,
    /// The task as JSON.
    pub snapshot: String,
    /// The number of this attempt: 1, 2, 3 … for ever.
    pub number: i64,
    /// The same among those that count towards the limit: 1, 2, 3 … `max_attempts`.
    pub attempt: u32,
    /// When its event was committed.
    pub created: Time,
    /// When it was claimed.
    pub started: Time,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct Record {
    /// What came back.
    pub outcome: Outcome,
    /// What follows from it.
    pub decision: Decision,
    /// In words: what went wrong, if something did.
    pub error: Option<String>,
    /// In words, for a failure: why it is final and what to do.
    pub reason_text: Option<String>,
    /// When it ended.
    pub ended: Time,
}

/// Claims what is due, earliest first, at most `most` in all; never two of one task.
pub fn claim_due(tx: &mut Tx<'_>, now: Time, most: usize) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for active in webhooks::active(tx)? {
        let room = i64::try_from(most - claims.len()).unwrap_or(0);
        if active.wait_until > now || room == 0 {
            continue;
        }
        let webhook = Arc::new(active.webhook);
        let due = tx.rows(
            "SELECT d.seq, e.id, e.kind, e.task_id, e.version, e.task, d.attempts, d.tries, e.at_ms
             FROM deliveries d JOIN events e ON e.seq = d.seq
             WHERE d.webhook_id = ?1 AND d.due_ms IS NOT NULL AND d.due_ms <= ?2
             ORDER BY d.due_ms, d.seq LIMIT ?3",
            &[Value::from(&webhook.id), now.0.into(), room.into()],
            |row| {
                let damaged =
                    |what| super::Error::Database(format!("an event has a damaged {what}"));
                Ok(Claim {
                    seq: row.int(0)?,
                    webhook: Arc::clone(&webhook),
                    event_id: row.text(1)?,
                    kind: EventKind::parse(&row.text(2)?).ok_or_else(|| damaged("kind"))?,
                    task_id: TaskId::parse(&row.text(3)?).map_err(|_| damaged("task id"))?,
                    version: row.int(4)?,
                    snapshot: row.text(5)?,
                    number: row.int(6)? + 1,
                    attempt: u32::try_from(row.int(7)?).unwrap_or(0) + 1,
                    created: Time(row.int(8)?),
                    started: now,
                })
            },
        )?;
        for claim in &due {
            tx.execute(
                "UPDATE deliveries SET status = 'sending', due_ms = NULL, started_ms = ?3,
                     attempts = attempts + 1, tries = tries + 1
                 WHERE seq = ?1 AND webhook_id = ?2",
                &[claim.seq.into(), Value::from(&webhook.id), now.0.into()],
            )?;
        }
        claims.extend(due);
    }
    Ok(claims)
}

/// When the next delivery is due, or the next receiver may be asked again; `None` if nothing waits.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Time>> {
    let due = tx.row(
        "SELECT MIN(CASE WHEN n.due_ms > n.wait_until_ms THEN n.due_ms ELSE n.wait_until_ms END)
         FROM (SELECT w.wait_until_ms,
                      (SELECT MIN(d.due_ms) FROM deliveries d
                       WHERE d.webhook_id = w.id AND d.due_ms IS NOT NULL) AS due_ms
               FROM webhooks w WHERE w.active = 1) n
         WHERE n.due_ms IS NOT NULL",
        &[],
        |row| row.opt_int(0),
    )?;
    Ok(due.flatten().map(Time))
}

/// Writes down how an attempt ended and gives the next of its task the turn.
pub fn record(tx: &mut Tx<'_>, claim: &Claim, end: &Record) -> Result<()> {
    let (status, outcome, due, finished, reason) = match &end.decision {
        Decision::Delivered => ("delivered", "delivered", None, Some(end.ended.0), None),
        Decision::Retry { after_ms } => {
            ("pending", "retry", Some(end.ended.plus_ms(*after_ms).0), None, None)
        }
        Decision::Failed { reason } => ("failed", "failed", None, Some(end.ended.0), Some(*reason)),
    };
    let webhook = claim.webhook.id.as_str();
    let updated = tx.execute(
        "UPDATE deliveries SET status = ?3, due_ms = ?4, finished_ms = ?5, reason = ?6,
             reason_text = ?7, started_ms = NULL
         WHERE seq = ?1 AND webhook_id = ?2 AND started_ms IS NOT NULL AND attempts = ?8",
        &[
            claim.seq.into(),
            webhook.into(),
            status.into(),
            due.into(),
            finished.into(),
            reason.into(),
            end.reason_text.as_deref().into(),
            claim.number.into(),
        ],
    )?;
    if updated == 0 {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO attempts (seq, webhook_id, number, started_ms, ms, status, error, excerpt, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            claim.seq.into(),
            webhook.into(),
            claim.number.into(),
            claim.started.0.into(),
            end.outcome.ms.into(),
            end.outcome.status.map(i64::from).into(),
            end.error.as_deref().into(),
            Some(end.outcome.excerpt.as_str()).filter(|text| !text.is_empty()).into(),
            outcome.into(),
        ],
    )?;
    if let Some(wait) = end.outcome.retry_after_ms {
        webhooks::wait_until(tx, webhook, end.ended.plus_ms(wait))?;
    }
    if finished.is_some() {
        give_turn(tx, webhook, claim.task_id.as_str(), end.ended)?;
    } else {
        tx.wake();
    }
    Ok(())
}

/// Gives the lowest waiting delivery of a lane its turn.
pub(super) fn give_turn(tx: &mut Tx<'_>, webhook: &str, task: &str, now: Time) -> Result<()> {
    let next = tx.row(
        "SELECT seq FROM deliveries
         WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL ORDER BY seq LIMIT 1",
        &[webhook.into(), task.into()],
        |row| row.int(0),
    )?;
    if let Some(seq) = next {
        tx.execute(
            "UPDATE deliveries SET due_ms = ?3 WHERE seq = ?1 AND webhook_id = ?2",
            &[seq.into(), webhook.into(), now.0.into()],
        )?;
        tx.wake();
    }
    Ok(())
}

/// The wall clock stepped back by `back_ms`: what waits for a time waits for the same span still.
pub fn shift_due(tx: &mut Tx<'_>, now: Time, back_ms: i64) -> Result<()> {
    tx.execute(
        "UPDATE deliveries SET due_ms = due_ms - ?2 WHERE due_ms IS NOT NULL AND due_ms > ?1",
        &[now.0.into(), back_ms.into()],
    )?;
    tx.execute(
        "UPDATE webhooks SET wait_until_ms = wait_until_ms - ?2 WHERE wait_until_ms > ?1",
        &[now.0.into(), back_ms.into()],
    )?;
    Ok(())
}

/// At a start: what was under way at a crash may have arrived. Its attempt is shown as `unknown`,
/// counts in the number but not towards the limit, and is made again at once. Answers how many
/// there were.
///
/// No wait is longer than an hour: what a wrong clock put off for longer is brought back to that.
pub fn restart(tx: &mut Tx<'_>, now: Time) -> Result<usize> {
    let latest = now.plus_ms(RETRY_AFTER_MOST_MS).0;
    tx.execute(
        "UPDATE deliveries SET due_ms = ?1 WHERE due_ms IS NOT NULL AND due_ms > ?1",
        &[latest.into()],
    )?;
    tx.execute(
        "UPDATE webhooks SET wait_until_ms = ?1 WHERE wait_until_ms > ?1",
        &[latest.into()],
    )?;
    tx.execute(
        "INSERT INTO attempts (seq, webhook_id, number, started_ms, error, outcome)
         SELECT seq, webhook_id, attempts, started_ms,
             'The server ended while this request was under way; it may have arrived.', 'unknown'
         FROM deliveries WHERE started_ms IS NOT NULL",
        &[],
    )?;
    tx.execute(
        "UPDATE deliveries SET status = 'pending', due_ms = ?1, tries = tries - 1, started_ms = NULL
         WHERE started_ms IS NOT NULL",
        &[now.0.into()],
    )
}
