//! The steps of a recovery: which events come next, and how they are put in line.
//!
//! Must not send anything, nor decide what a webhook wants.

use super::recoveries::{RecoverState, Recovery, RecoveryQuery, end_recovery, find_recovery};
use crate::model::{EventKind, Named, Origin, Task, Time, Webhook};
use crate::store::deliveries::{lanes, outbox};
use crate::store::engine::columns::{Row, damaged};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::find_webhook;

/// Events that one look takes in.
const WINDOW: i64 = 1_000;
/// Deliveries that one step puts in line.
const STEP: usize = 200;

/// What a look brought: events to put in line, among those up to `up_to`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecoveryLook {
    /// The events, in order.
    pub(crate) seqs: Vec<i64>,
    /// The last event that was looked at.
    pub(crate) up_to: i64,
}

/// Looks at some events after `after` up to `last` for those that a webhook is to be sent again.
/// `oldest`: an event from before is never unsent. Empty once the webhook is gone.
pub(crate) fn look_for_again(
    tx: &mut Tx<'_>,
    webhook: &str,
    wanted: &RecoveryQuery,
    oldest: Time,
    after: i64,
    last: i64,
) -> Result<RecoveryLook> {
    let Some(known) = find_webhook(tx, webhook)? else {
        return Ok(RecoveryLook { seqs: Vec::new(), up_to: last });
    };
    let takes_unsent = wanted.states.contains(&RecoverState::Unsent);
    let mut found = 0;
    // The task of an event, which may be long, is read only where it decides.
    let seen = tx.rows_until(
        "SELECT e.seq, e.at_ms, d.status, d.reason,
             CASE WHEN ?5 = 1 AND d.status IS NULL AND e.at_ms BETWEEN ?6 AND ?7 THEN e.task END,
             e.kind, e.origin
         FROM events e LEFT JOIN deliveries d ON d.seq = e.seq AND d.webhook_id = ?1
         WHERE e.seq > ?2 AND e.seq <= ?3 ORDER BY e.seq LIMIT ?4",
        &[
            webhook.into(),
            after.into(),
            last.into(),
            WINDOW.into(),
            takes_unsent.into(),
            wanted.since.max(oldest).0.into(),
            wanted.until.0.into(),
        ],
        |row| Ok((row.next()?, is_due(row, &known.webhook, wanted)?)),
        |(_, is_due)| {
            found += usize::from(*is_due);
            found >= STEP
        },
    )?;
    let is_all = found < STEP && i64::try_from(seen.len()).unwrap_or(WINDOW) < WINDOW;
    let up_to = seen.last().map(|(seq, _)| *seq).filter(|_| !is_all).unwrap_or(last);
    let seqs = seen.into_iter().filter(|(_, is_due)| *is_due).map(|(seq, _)| seq).collect();
    Ok(RecoveryLook { seqs, up_to })
}

fn is_due(row: &Row<'_>, webhook: &Webhook, wanted: &RecoveryQuery) -> Result<bool> {
    let at: Time = row.next()?;
    if at < wanted.since || at > wanted.until {
        return Ok(false);
    }
    let (status, reason) = (row.next::<Option<String>>()?, row.next::<Option<String>>()?);
    if let Some(status) = status {
        return Ok(wanted.takes(&status, reason.as_deref()));
    }
    match row.next::<Option<String>>()? {
        Some(task) => is_wanted(row, webhook, &task),
        None => Ok(false),
    }
}

fn is_wanted(row: &Row<'_>, webhook: &Webhook, snapshot: &str) -> Result<bool> {
    let kind = row.named("an event", "kind")?;
    let origin = row.parse("an event", "origin", |name| Origin::parse("origin", name).ok())?;
    if webhook.wants_kind(kind, &origin).is_err() {
        return Ok(false);
    }
    // An alert has no task; one that cannot be read is rather sent than lost.
    let Ok(task) = serde_json::from_str::<Task>(snapshot) else { return Ok(true) };
    Ok(webhook.wants(kind, &origin, &task).is_ok())
}

/// Puts in line what a look for this recovery found, and moves its cursor; answers whether the
/// recovery is through (or was ended meanwhile).
pub(crate) fn recover_step(
    tx: &mut Tx<'_>,
    recovery: &Recovery,
    due: &RecoveryLook,
    now: Time,
) -> Result<bool> {
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
    wanted: &RecoveryQuery,
    now: Time,
) -> Result<bool> {
    let event = tx.row(
        "SELECT e.task_id, e.at_ms, d.status, d.reason, e.kind
         FROM events e LEFT JOIN deliveries d ON d.seq = e.seq AND d.webhook_id = ?1
         WHERE e.seq = ?2",
        &[webhook.into(), seq.into()],
        |row| {
            let (task, at): (String, Time) = (row.next()?, row.next()?);
            let (status, reason) = (row.next::<Option<String>>()?, row.next::<Option<String>>()?);
            let stands = status.map(|status| (status, reason));
            Ok((task, at, stands, row.next::<String>()?))
        },
    )?;
    let Some((task, at, stands, kind)) = event else { return Ok(false) };
    let due = at.min(now);
    match stands {
        None => {
            let kind = EventKind::parse(&kind).ok_or_else(|| damaged("an event", "kind"))?;
            outbox::put_delivery(tx, seq, webhook, kind, &task, due)?;
            lanes::join(tx, webhook, &task, seq, due)?;
        }
        Some((status, reason)) => {
            if !wanted.takes(&status, reason.as_deref()) {
                return Ok(false);
            }
            lanes::rejoin(tx, webhook, &task, seq, due)?;
        }
    }
    Ok(true)
}
