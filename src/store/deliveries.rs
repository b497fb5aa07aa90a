//! Deliveries as people see them: the list, one of them, its attempts, and sending it again.
//!
//! Must not claim or record: that is the dispatcher's side, in `claims`.

use super::{Error, Result, Row, Tx, Value};
use crate::model::{Attempt, Delivery, DeliveryStatus, EventKind, Time};

/// The id of a delivery: the order of its event and its webhook.
pub fn delivery_id(seq: i64, webhook: &str) -> String {
    format!("dlv_{seq}_{webhook}")
}

fn parse_id(id: &str) -> Option<(i64, &str)> {
    let (seq, webhook) = id.strip_prefix("dlv_")?.split_once('_')?;
    let plain = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
    Some((seq.parse().ok().filter(|_| plain)?, webhook))
}

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Where they stand.
    pub status: Option<DeliveryStatus>,
    /// What happened.
    pub kind: Option<EventKind>,
    /// Of this event alone.
    pub event_id: Option<String>,
    /// Of this task alone.
    pub task_id: Option<String>,
}

const SELECT: &str = "\
    SELECT d.seq, d.webhook_id, e.id, e.task_id, e.kind, e.version, d.status, d.due_ms, d.attempts,
           d.tries, e.at_ms, d.finished_ms, d.reason, d.reason_text,
           COALESCE(w.active, 0), COALESCE(w.wait_until_ms, 0),
           CASE WHEN d.status = 'pending' AND d.due_ms IS NULL THEN
               (SELECT MIN(b.seq) FROM deliveries b
                WHERE b.webhook_id = d.webhook_id AND b.task_id = d.task_id
                  AND b.finished_ms IS NULL AND (b.due_ms IS NOT NULL OR b.started_ms IS NOT NULL))
           END
    FROM deliveries d JOIN events e ON e.seq = d.seq LEFT JOIN webhooks w ON w.id = d.webhook_id
    WHERE ";

fn read(row: &Row<'_>, now: Time) -> Result<Delivery> {
    let damaged = |what: &str| Error::Database(format!("a delivery has a damaged {what}"));
    let seq = row.int(0)?;
    let webhook_id = row.text(1)?;
    let status = DeliveryStatus::parse(&row.text(6)?).ok_or_else(|| damaged("status"))?;
    let due = row.opt_int(7)?;
    let (active, wait_until) = (row.int(14)? == 1, row.int(15)?);
    let (reason, reason_text) = match status {
        DeliveryStatus::Delivered => (None, None),
        DeliveryStatus::Failed => (row.opt_text(12)?, row.opt_text(13)?),
        DeliveryStatus::Sending => {
            (Some("sending".to_owned()), Some("A request is under way.".to_owned()))
        }
        DeliveryStatus::Pending => {
            let (code, text) = why_pending(active, due, wait_until > now.0, row.int(9)?);
            (Some(code.to_owned()), Some(text.to_owned()))
        }
    };
    Ok(Delivery {
        id: delivery_id(seq, &webhook_id),
        event_id: row.text(2)?,
        task_id: row.text(3)?,
        event: EventKind::parse(&row.text(4)?).ok_or_else(|| damaged("event"))?,
        version: row.int(5)?,
        status,
        reason,
        reason_text,
        blocked_by: row.opt_int(16)?.map(|seq| delivery_id(seq, &webhook_id)),
        attempt_count: row.int(8)?,
        next_attempt_at: due.filter(|_| active).map(|due| Time(due.max(wait_until))),
        created_at: Time(row.int(10)?),
        finished_at: row.opt_int(11)?.map(Time),
        webhook_id,
    })
}

fn why_pending(
    active: bool,
    due: Option<i64>,
    quiet: bool,
    tries: i64,
) -> (&'static str, &'static str) {
    match (active, due) {
        (false, _) => ("no_url", "WEBHOOK_URL is not set; set it and restart, then this goes out."),
        (true, None) => ("waiting_turn", "An earlier change of the same task goes out first."),
        (true, Some(_)) if quiet => (
            "receiver_busy",
            "The receiver asked for a pause (Retry-After); this goes out after it.",
        ),
        (true, Some(_)) if tries > 0 => {
            ("retry", "The last attempt failed; the next one goes out at the time shown.")
        }
        (true, Some(_)) => ("due", "It goes out as soon as there is a free place."),
    }
}

impl DeliveryFilter {
    /// The conditions as SQL, with their values appended to `args`.
    fn conditions<'f>(&'f self, args: &mut Vec<Value<'f>>) -> String {
        let mut sql = String::from("1 = 1");
        let mut add = |condition: &str, value: Option<&'f str>| {
            if let Some(text) = value {
                args.push(Value::Text(text));
                sql.push_str(&format!(" AND {condition} = ?{}", args.len()));
            }
        };
        add("d.status", self.status.map(DeliveryStatus::as_str));
        add("e.kind", self.kind.map(EventKind::as_str));
        add("e.id", self.event_id.as_deref());
        add("e.task_id", self.task_id.as_deref());
        // What the status implies, so that its partial index is used.
        sql.push_str(match self.status {
            Some(DeliveryStatus::Failed) => " AND d.reason IS NOT NULL",
            Some(DeliveryStatus::Sending) => " AND d.started_ms IS NOT NULL",
            Some(DeliveryStatus::Pending) => " AND d.finished_ms IS NULL",
            _ => "",
        });
        sql
    }
}

/// Whether a text is the id of a delivery, by its form.
pub fn is_delivery_id(text: &str) -> bool {
    parse_id(text).is_some()
}

/// A page of at most `most` deliveries, the newest first, after the one with the id `after`, and
/// whether more follow.
pub fn page(
    tx: &mut Tx<'_>,
    filter: &DeliveryFilter,
    after: Option<&str>,
    most: usize,
    now: Time,
) -> Result<(Vec<Delivery>, bool)> {
    let (seq, webhook) = after.and_then(parse_id).unwrap_or((i64::MAX, ""));
    let mut args = Vec::new();
    let conditions = filter.conditions(&mut args);
    let n = args.len();
    args.push(seq.into());
    args.push(webhook.into());
    args.push(i64::try_from(most + 1).unwrap_or(i64::MAX).into());
    let mut found = tx.rows(
        &format!(
            "{SELECT} {conditions} AND (d.seq, d.webhook_id) < (?{}, ?{})
             ORDER BY d.seq DESC, d.webhook_id DESC LIMIT ?{}",
            n + 1,
            n + 2,
            n + 3
        ),
        &args,
        |row| read(row, now),
    )?;
    let more = found.len() > most;
    found.truncate(most);
    Ok((found, more))
}

/// How many deliveries a filter lets through.
pub fn count(tx: &mut Tx<'_>, filter: &DeliveryFilter) -> Result<i64> {
    let mut args = Vec::new();
    let conditions = filter.conditions(&mut args);
    let of_event = filter.kind.is_some() || filter.event_id.is_some() || filter.task_id.is_some();
    let events = if of_event { "JOIN events e ON e.seq = d.seq" } else { "" };
    let sql = format!("SELECT COUNT(*) FROM deliveries d {events} WHERE {conditions}");
    Ok(tx.row(&sql, &args, |row| row.int(0))?.unwrap_or_default())
}

/// One delivery.
pub fn find(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Option<Delivery>> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(None) };
    tx.row(
        &format!("{SELECT} d.seq = ?1 AND d.webhook_id = ?2"),
        &[seq.into(), webhook.into()],
        |row| read(row, now),
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

/// What came of asking for a delivery to be sent again.
#[derive(Clone, Debug)]
pub enum Redelivery {
    /// It waits for its turn.
    Queued(Box<Delivery>),
    /// There is no such delivery.
    Unknown,
    /// It has not ended yet, so there is nothing to repeat.
    Unfinished(DeliveryStatus),
}

/// Sends a finished delivery again: it rejoins its lane under its old place, next after the one
/// under way, with the same id and body; its attempts count on.
pub fn redeliver(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Redelivery> {
    let Some(delivery) = find(tx, id, now)? else { return Ok(Redelivery::Unknown) };
    if matches!(delivery.status, DeliveryStatus::Pending | DeliveryStatus::Sending) {
        return Ok(Redelivery::Unfinished(delivery.status));
    }
    let Some((seq, webhook)) = parse_id(id) else { return Ok(Redelivery::Unknown) };
    let holder = tx.row(
        "SELECT seq, status, tries FROM deliveries
         WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL
           AND (due_ms IS NOT NULL OR started_ms IS NOT NULL)",
        &[webhook.into(), Value::from(&delivery.task_id)],
        |row| Ok((row.int(0)?, row.text(1)?, row.int(2)?)),
    )?;
    let first = match holder {
        None => true,
        Some((other, status, 0)) if status == "pending" && other > seq => {
            tx.execute(
                "UPDATE deliveries SET due_ms = NULL WHERE seq = ?1 AND webhook_id = ?2",
                &[other.into(), webhook.into()],
            )?;
            true
        }
        Some(_) => false,
    };
    tx.execute(
        "UPDATE deliveries SET status = 'pending', due_ms = ?3, tries = 0, finished_ms = NULL,
             reason = NULL, reason_text = NULL
         WHERE seq = ?1 AND webhook_id = ?2",
        &[seq.into(), webhook.into(), first.then_some(now.0).into()],
    )?;
    tx.wake();
    Ok(match find(tx, id, now)? {
        Some(queued) => Redelivery::Queued(Box::new(queued)),
        None => Redelivery::Unknown,
    })
}

/// What waits, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that wait.
    pub pending: i64,
    /// Requests under way.
    pub sending: i64,
    /// When the oldest unfinished event was committed.
    pub oldest: Option<Time>,
}

/// Counts what waits.
pub fn backlog(tx: &mut Tx<'_>) -> Result<Backlog> {
    let sending =
        tx.row("SELECT COUNT(*) FROM deliveries WHERE started_ms IS NOT NULL", &[], |row| {
            row.int(0)
        })?;
    let unfinished = tx.row(
        "SELECT COUNT(*), MIN(seq) FROM deliveries WHERE finished_ms IS NULL",
        &[],
        |row| Ok((row.int(0)?, row.opt_int(1)?)),
    )?;
    let sending = sending.unwrap_or_default();
    let (all, oldest) = unfinished.unwrap_or_default();
    let oldest = match oldest {
        Some(seq) => {
            tx.row("SELECT at_ms FROM events WHERE seq = ?1", &[seq.into()], |row| row.int(0))?
        }
        None => None,
    };
    Ok(Backlog { pending: all - sending, sending, oldest: oldest.map(Time) })
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
