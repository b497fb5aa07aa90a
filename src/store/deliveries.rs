//! Deliveries as people see them: one of them, its attempts, those of an event.
//!
//! Must not choose among many: that is `delivery_list`. Must not change one: see `delivery_edits` for
//! people, `claims` and `outcomes` for the engine.

use super::standing::{self, Waiting};
use super::webhooks::{self, Known};
use super::{Error, Result, Row, Tx};
use crate::model::{Attempt, Delivery, DeliveryStatus, Event, EventKind, Named, Reason, Time};

/// The id of a delivery: the order of its event and its webhook.
pub fn delivery_id(seq: i64, webhook: &str) -> String {
    format!("dlv_{seq}_{webhook}")
}

pub(super) fn parse_id(id: &str) -> Option<(i64, &str)> {
    let (seq, webhook) = id.strip_prefix("dlv_")?.split_once('_')?;
    let plain = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
    Some((seq.parse().ok().filter(|_| plain)?, webhook))
}

const SELECT: &str = "\
    SELECT d.seq, d.webhook_id, e.id, e.task_id, e.kind, e.version, d.status, d.due_ms, d.attempts,
           d.tries, e.at_ms, d.finished_ms, d.reason, d.reason_text,
           CASE WHEN d.status = 'pending' AND d.due_ms IS NULL THEN
               (SELECT MIN(b.seq) FROM deliveries b
                WHERE b.webhook_id = d.webhook_id AND b.task_id = d.task_id AND b.finished_ms IS NULL
                  AND (b.due_ms IS NOT NULL OR b.started_ms IS NOT NULL OR b.status = 'held'))
           END
    FROM deliveries d JOIN events e ON e.seq = d.seq
    WHERE ";

fn read(row: &Row<'_>, all: &[Known], now: Time) -> Result<Delivery> {
    let damaged = |what: &str| Error::Damaged(format!("a delivery has a damaged {what}"));
    let seq = row.int(0)?;
    let webhook_id = row.text(1)?;
    let known = webhooks::find(all, &webhook_id);
    let mut status = DeliveryStatus::parse(&row.text(6)?).ok_or_else(|| damaged("status"))?;
    let due = row.opt_int(7)?.map(Time);
    let code = |name: String| Reason::parse(&name).ok_or_else(|| damaged("reason"));
    let mut reason = row.opt_text(12)?.map(code).transpose()?.zip(row.opt_text(13)?);
    let mut next = None;
    match status {
        DeliveryStatus::Sending => {
            reason = Some((Reason::Sending, Reason::Sending.words().to_owned()));
        }
        DeliveryStatus::Pending | DeliveryStatus::Held => {
            let waiting = Waiting { due, tries: row.int(9)?, is_held: reason.is_some() };
            let what = standing::of(&waiting, known, now);
            if what.is_held {
                status = DeliveryStatus::Held;
            }
            next = what.next;
            reason = reason.or(Some((what.reason, what.text)));
        }
        DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Cancelled => {}
    }
    let (reason, reason_text) = reason.unzip();
    Ok(Delivery {
        id: delivery_id(seq, &webhook_id),
        event_id: row.text(2)?,
        task_id: row.text(3)?,
        task_title: None,
        event: EventKind::parse(&row.text(4)?).ok_or_else(|| damaged("event"))?,
        version: row.int(5)?,
        status,
        reason,
        reason_text,
        blocked_by: row.opt_int(14)?.map(|seq| delivery_id(seq, &webhook_id)),
        attempt_count: row.int(8)?,
        next_attempt_at: next,
        created_at: Time(row.int(10)?),
        finished_at: row.opt_int(11)?.map(Time),
        webhook_id,
    })
}

/// Whether a text is the id of a delivery, by its form.
pub fn is_delivery_id(text: &str) -> bool {
    parse_id(text).is_some()
}

/// One delivery.
pub fn find_delivery(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Option<Delivery>> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(None) };
    let all = webhooks::all(tx)?;
    find(tx, seq, webhook, &all, now)
}

/// Puts the titles of their tasks to deliveries: what is long in a task is not read.
pub fn name_tasks(tx: &mut Tx<'_>, deliveries: &mut [Delivery]) -> Result<()> {
    for delivery in deliveries {
        let beginning = tx.row(
            "SELECT substr(task, 1, ?2) FROM events WHERE id = ?1",
            &[(&delivery.event_id).into(), Event::TITLE_WITHIN.into()],
            |row| row.text(0),
        )?;
        delivery.task_title = beginning.as_deref().and_then(Event::title);
    }
    Ok(())
}

/// The delivery of an event for a webhook.
pub(super) fn find(
    tx: &mut Tx<'_>,
    seq: i64,
    webhook: &str,
    all: &[Known],
    now: Time,
) -> Result<Option<Delivery>> {
    tx.row(
        &format!("{SELECT} d.seq = ?1 AND d.webhook_id = ?2"),
        &[seq.into(), webhook.into()],
        |row| read(row, all, now),
    )
}

/// The attempts of a delivery, the first one first.
pub fn attempts(tx: &mut Tx<'_>, id: &str) -> Result<Vec<Attempt>> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(Vec::new()) };
    tx.rows(
        "SELECT number, started_ms, ms, status, error, excerpt, outcome
         FROM attempts WHERE seq = ?1 AND webhook_id = ?2 ORDER BY number",
        &[seq.into(), webhook.into()],
        |row| {
            Ok(Attempt {
                number: row.int(0)?,
                started_at: Time(row.int(1)?),
                ms: row.opt_int(2)?,
                status: row.opt_int(3)?,
                error: row.opt_text(4)?,
                excerpt: row.opt_text(5)?,
                outcome: row.text(6)?,
            })
        },
    )
}

/// The deliveries of one event, by webhook.
pub(super) fn of_event(tx: &mut Tx<'_>, seq: i64, now: Time) -> Result<Vec<Delivery>> {
    let all = webhooks::all(tx)?;
    tx.rows(&format!("{SELECT} d.seq = ?1 ORDER BY d.webhook_id"), &[seq.into()], |row| {
        read(row, &all, now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_back_and_nothing_else_is() {
        assert_eq!(parse_id(&delivery_id(42, "default")), Some((42, "default")));
        for bad in ["", "dlv_", "dlv_x_default", "dlv_-1_default", "dlv_+1_d", "evt_1_default"] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }
}
