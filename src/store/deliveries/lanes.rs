//! Lanes: whose turn it is among the unfinished deliveries of one task to one webhook, who joins, who is
//! next.
//!
//! A later event waits for the earlier: first in, first out (FIFO) within a lane. A delivery that may go out has a
//! `due_ms`. Must not know what is due when, nor why.
#![doc = include_str!("../../../docs/internals/lanes.md")]

use super::{handover, totals};
use crate::model::{Named, Reason, Time};
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// The delivery that has the turn of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holder {
    /// The order of its event.
    seq: i64,
    /// A request of it is under way, or it has failed some and the next one is near.
    is_under_way: bool,
}

/// What becomes of a delivery that joins its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It may go out.
    Now,
    /// It may go out, and the one that had the turn waits again.
    InsteadOf(i64),
    /// It waits for the one that has the turn.
    Waits,
}

/// A new delivery, or one that is sent again, joins its lane: those of a lower order go first, but
/// nothing takes the turn from one that is under way.
fn turn(seq: i64, holder: Option<Holder>) -> Turn {
    match holder {
        None => Turn::Now,
        Some(holder) if holder.seq > seq && !holder.is_under_way => Turn::InsteadOf(holder.seq),
        Some(_) => Turn::Waits,
    }
}

/// Puts an unfinished delivery into its lane, due at `due` if it is its turn; answers whether it is.
/// Its own row must not have the turn already.
pub(crate) fn join(
    tx: &mut Tx<'_>,
    webhook: &str,
    task: &str,
    seq: i64,
    due: Time,
) -> Result<bool> {
    // The first in the lane has the turn, unless one behind it was under way when it joined: then
    // that one keeps the turn. So the first is all that must be looked at, however long the lane is.
    let holder = tx.row(
        "SELECT seq, status, tries, due_ms FROM deliveries
         WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL AND seq <> ?3
         ORDER BY seq LIMIT 1",
        &[webhook.into(), task.into(), seq.into()],
        |row| {
            let (seq, status) = (row.next()?, row.str()?);
            let (tries, due) = (row.next::<i64>()?, row.next::<Option<i64>>()?);
            let has_begun = status == "pending" && (tries > 0 || due.is_none());
            Ok(Holder { seq, is_under_way: status == "sending" || has_begun })
        },
    )?;
    let turn = turn(seq, holder);
    if let Turn::InsteadOf(other) = turn {
        tx.execute(
            "UPDATE deliveries SET due_ms = NULL WHERE seq = ?1 AND webhook_id = ?2",
            &[other.into(), webhook.into()],
        )?;
    }
    let is_first = turn != Turn::Waits;
    let due = handover::due(tx, due);
    tx.execute(
        "UPDATE deliveries SET due_ms = ?3 WHERE seq = ?1 AND webhook_id = ?2",
        &[seq.into(), webhook.into(), is_first.then_some(due.0).into()],
    )?;
    Ok(is_first)
}

/// Gives the lowest waiting delivery of a lane its turn. If that one was rejected and is held, the
/// lane waits for a person.
pub(crate) fn give_turn(tx: &mut Tx<'_>, webhook: &str, task: &str, now: Time) -> Result<()> {
    let next = tx.row(
        "SELECT seq, reason FROM deliveries
         WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL ORDER BY seq LIMIT 1",
        &[webhook.into(), task.into()],
        |row| Ok((row.next::<i64>()?, row.next::<Option<String>>()?)),
    )?;
    if let Some((seq, reason)) = next
        && reason.as_deref() != Some(Reason::Rejected.as_str())
    {
        let due = handover::due(tx, now);
        tx.execute(
            "UPDATE deliveries SET due_ms = ?3
             WHERE seq = ?1 AND webhook_id = ?2 AND due_ms IS NULL AND started_ms IS NULL",
            &[seq.into(), webhook.into(), due.0.into()],
        )?;
        tx.wake();
    }
    Ok(())
}

/// A delivery that was under way now waits for long: what joined its lane with a lower order
/// meanwhile goes first.
pub(crate) fn let_earlier_pass(
    tx: &mut Tx<'_>,
    webhook: &str,
    task: &str,
    seq: i64,
    now: Time,
) -> Result<()> {
    tx.execute(
        "UPDATE deliveries SET due_ms = NULL
         WHERE seq = ?3 AND webhook_id = ?1 AND due_ms IS NOT NULL
           AND EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook_id = ?1 AND d.task_id = ?2
                       AND d.finished_ms IS NULL AND d.seq < ?3)",
        &[webhook.into(), task.into(), seq.into()],
    )?;
    let is_waiting = tx.row(
        "SELECT 1 FROM deliveries WHERE seq = ?2 AND webhook_id = ?1 AND due_ms IS NULL",
        &[webhook.into(), seq.into()],
        only::<i64>,
    )?;
    if is_waiting.is_some() {
        give_turn(tx, webhook, task, now)?;
    }
    tx.wake();
    Ok(())
}

/// Puts a finished or held delivery back into its lane under its old place, with all its attempts
/// before it, due at `due` at the earliest.
pub(crate) fn rejoin(
    tx: &mut Tx<'_>,
    webhook: &str,
    task: &str,
    seq: i64,
    due: Time,
) -> Result<()> {
    let was_first = tx.row(
        "SELECT seq FROM deliveries
         WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL ORDER BY seq LIMIT 1",
        &[webhook.into(), task.into()],
        only::<i64>,
    )?;
    let had_ended = tx.row(
        "SELECT kind FROM deliveries WHERE seq = ?1 AND webhook_id = ?2 AND finished_ms IS NOT NULL",
        &[seq.into(), Value::from(webhook)],
        |row| row.named("a delivery", "kind"),
    )?;
    if let Some(kind) = had_ended {
        totals::revived(tx, webhook, kind)?;
    }
    tx.execute(
        "UPDATE deliveries SET status = 'pending', due_ms = NULL, tries = 0, first_ms = NULL,
             finished_ms = NULL, reason = NULL, reason_text = NULL
         WHERE seq = ?1 AND webhook_id = ?2",
        &[seq.into(), Value::from(webhook)],
    )?;
    if was_first == Some(seq) {
        // Held, it had the turn all the time.
        give_turn(tx, webhook, task, due)?;
    } else {
        join(tx, webhook, task, seq, due)?;
    }
    tx.wake();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_goes_first_but_never_into_a_request_under_way() {
        let holder = |seq, is_under_way| Some(Holder { seq, is_under_way });
        assert_eq!(turn(5, None), Turn::Now);
        assert_eq!(turn(5, holder(4, false)), Turn::Waits);
        assert_eq!(turn(5, holder(6, false)), Turn::InsteadOf(6));
        assert_eq!(turn(5, holder(6, true)), Turn::Waits);
    }
}
