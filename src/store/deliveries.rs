//! Deliveries as people see them: one of them, its attempts, those of an event.
//!
//! Must not choose among many: that is `list`. Must not change one: see `edits` for people, `claims` and `outcomes` for the engine.

pub(crate) mod backlog;
pub(crate) mod bulk;
pub(crate) mod bulk_steps;
pub(crate) mod claims;
pub(crate) mod edits;
pub(crate) mod expiry;
pub(crate) mod filter_text;
pub(crate) mod handover;
pub(crate) mod lanes;
pub(crate) mod list;
pub(crate) mod merge;
mod not_back;
pub(crate) mod outbox;
pub(crate) mod outcomes;
pub(crate) mod request;
pub(crate) mod retention;
pub(crate) mod search;
pub(crate) mod shown_status;
pub(crate) mod totals;

use self::shown_status::Unfinished;
use super::engine::error::Result;
use super::engine::tx::Tx;
use super::webhooks::{self, WebhookState};
use crate::model::{Attempt, Delivery, DeliveryStatus, Event, Named, Reason, Time};
use crate::store::engine::columns::{Row, only};

/// The id of a delivery: the order of its event and its webhook.
pub(crate) fn delivery_id(seq: i64, webhook: &str) -> String {
    format!("dlv_{seq}_{webhook}")
}

pub(super) fn parse_id(id: &str) -> Option<(i64, &str)> {
    let (seq, webhook) = id.strip_prefix("dlv_")?.split_once('_')?;
    let plain = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
    Some((seq.parse().ok().filter(|_| plain)?, webhook))
}

const SELECT: &str = "\
    SELECT d.seq, d.webhook_id, e.id, e.task_id, e.kind, e.version, d.attempts, e.at_ms, d.finished_ms,
           CASE WHEN d.status = 'pending' AND d.due_ms IS NULL THEN
               (SELECT MIN(b.seq) FROM deliveries b
                WHERE b.webhook_id = d.webhook_id AND b.task_id = d.task_id AND b.finished_ms IS NULL
                  AND (b.due_ms IS NOT NULL OR b.started_ms IS NOT NULL OR b.status = 'held'))
           END,
           d.status, d.reason, d.reason_text, d.due_ms, d.tries
    FROM deliveries d JOIN events e ON e.seq = d.seq
    WHERE ";

fn read(row: &Row<'_>, all: &[WebhookState], now: Time) -> Result<Delivery> {
    const OF: &str = "a delivery";
    let (seq, webhook_id) = (row.next()?, row.next::<String>()?);
    let id_of = |seq| delivery_id(seq, &webhook_id);
    let delivery = Delivery {
        id: id_of(seq),
        event_id: row.next()?,
        task_id: row.next()?,
        task_title: None,
        event: row.named(OF, "event")?,
        version: row.next()?,
        attempt_count: row.next()?,
        created_at: row.next()?,
        finished_at: row.next()?,
        blocked_by: row.next::<Option<i64>>()?.map(id_of),
        status: row.named(OF, "status")?,
        reason: row.parse_if(OF, "reason", Reason::parse)?,
        reason_text: row.next()?,
        next_attempt_at: None,
        webhook_id: String::new(),
    };
    let waiting = Unfinished {
        due: row.next()?,
        tries: row.next()?,
        is_held: delivery.reason.is_some() && delivery.reason_text.is_some(),
    };
    let known = webhooks::find(all, &webhook_id);
    Ok(shown(Delivery { webhook_id, ..delivery }, &waiting, known, now))
}

/// A delivery as it is stored, made what people see.
fn shown(
    stored: Delivery,
    waiting: &Unfinished,
    known: Option<&WebhookState>,
    now: Time,
) -> Delivery {
    let (reason, reason_text) = stored.reason.zip(stored.reason_text).unzip();
    match stored.status {
        DeliveryStatus::Sending => {
            let (reason, text) = (Reason::Sending, Reason::Sending.words().to_owned());
            Delivery { reason: Some(reason), reason_text: Some(text), ..stored }
        }
        DeliveryStatus::Pending | DeliveryStatus::Held => {
            let what = shown_status::of(waiting, known, now);
            Delivery {
                status: if what.is_held { DeliveryStatus::Held } else { stored.status },
                reason: reason.or(Some(what.reason)),
                reason_text: reason_text.or(Some(what.text)),
                next_attempt_at: what.next,
                ..stored
            }
        }
        DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Cancelled => {
            Delivery { reason, reason_text, ..stored }
        }
    }
}

/// Whether a text is the id of a delivery, by its form.
pub(crate) fn is_delivery_id(text: &str) -> bool {
    parse_id(text).is_some()
}

/// One delivery.
pub(crate) fn find_delivery(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Option<Delivery>> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(None) };
    let all = webhooks::all(tx)?;
    find(tx, seq, webhook, &all, now)
}

/// Puts the titles of their tasks to deliveries: what is long in a task is not read.
pub(crate) fn name_tasks(tx: &mut Tx<'_>, deliveries: &mut [Delivery]) -> Result<()> {
    for delivery in deliveries {
        let beginning = tx.row(
            "SELECT substr(task, 1, ?2) FROM events WHERE id = ?1",
            &[(&delivery.event_id).into(), Event::TITLE_WITHIN.into()],
            only::<String>,
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
    all: &[WebhookState],
    now: Time,
) -> Result<Option<Delivery>> {
    tx.row(
        &format!("{SELECT} d.seq = ?1 AND d.webhook_id = ?2"),
        &[seq.into(), webhook.into()],
        |row| read(row, all, now),
    )
}

/// The attempts of a delivery, the first one first.
pub(crate) fn attempts(tx: &mut Tx<'_>, id: &str) -> Result<Vec<Attempt>> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(Vec::new()) };
    tx.rows(
        "SELECT number, started_ms, ms, status, error, excerpt, outcome
         FROM attempts WHERE seq = ?1 AND webhook_id = ?2 ORDER BY number",
        &[seq.into(), webhook.into()],
        |row| {
            Ok(Attempt {
                number: row.next()?,
                started_at: row.next()?,
                ms: row.next()?,
                status: row.next()?,
                error: row.next()?,
                excerpt: row.next()?,
                outcome: row.named("an attempt", "outcome")?,
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
