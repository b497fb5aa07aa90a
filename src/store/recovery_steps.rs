//! The steps of a recovery: which events come next, and how they are put in line.
//!
//! Must not send anything, nor decide what a webhook wants.

use super::recoveries::{Again, Recovery, Wanted, end_recovery, find_recovery};
use super::{Error, Result, Row, Tx, find_webhook, lanes, outbox};
use crate::model::{EventKind, Named, Origin, Task, Time, Webhook};

/// Events that one look takes in.
const WINDOW: i64 = 1_000;
/// Deliveries that one step puts in line.
const STEP: usize = 200;

/// What a look brought: events to put in line, among those up to `up_to`.
#[derive(Clone, Debug, Default)]
pub struct Due {
    /// The events, in order.
    pub seqs: Vec<i64>,
    /// The last event that was looked at.
    pub up_to: i64,
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
        return Ok(wanted.takes(&status, row.opt_text(6)?.as_deref()));
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
            if !wanted.takes(&status, reason.as_deref()) {
                return Ok(false);
            }
            lanes::rejoin(tx, webhook, &task, seq, due)?;
        }
    }
    Ok(true)
}
