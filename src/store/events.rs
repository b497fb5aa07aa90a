//! Events for whoever asks: one and what became of it, the list of those of tasks, and the place of a
//! time in their order.
//!
//! Events are written by the outbox and never change. Must not judge which webhook wants one.

use serde_json::value::RawValue;

use super::deliveries::{attempts, of_event};
use super::engine::error::Result;
use super::engine::tx::{PAGE_BYTES, Tx};
use super::webhooks::WebhookState;
use super::webhooks::list_webhooks;
use crate::model::{Attempt, Delivery, Event, EventKind, Origin, TaskId, Time};
use crate::store::engine::columns::{Row, Value, only};

/// Events that one request looks at: a kind may be rare, and there may be a million.
const LOOKED_MOST: usize = 5_000;

/// What [`read`] reads, of `events e`.
pub(super) const COLUMNS: &str =
    "e.seq, e.id, e.kind, e.origin, e.task_id, e.version, e.at_ms, e.task, e.before";

const OF: &str = "an event";

/// The order and the event of a row that begins with [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<(i64, Event)> {
    let (seq, id, kind) = (row.next()?, row.next()?, row.named(OF, "kind")?);
    Ok((seq, read_rest(row, id, kind)?))
}

fn read_rest(row: &Row<'_>, id: String, kind: EventKind) -> Result<Event> {
    Ok(Event {
        id,
        kind,
        origin: row.parse(OF, "origin", |name| Origin::parse("", name).ok())?,
        task_id: row.parse(OF, "task id", |id| TaskId::parse(id).ok())?,
        version: row.next()?,
        at: row.next()?,
        snapshot: row.json(OF, "task")?,
        before: row.parse_if(OF, "old value", json)?,
    })
}

/// JSON as it was written.
fn json(text: &str) -> Option<String> {
    serde_json::from_str::<&RawValue>(text).ok().map(|json| json.get().to_owned())
}

/// One event with its place in the order of commits; `None` if there is none of this id, or no
/// longer.
fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<(i64, Event)>> {
    tx.row(&format!("SELECT {COLUMNS} FROM events e WHERE e.id = ?1"), &[id.into()], read)
}

/// The event at a place in the order of commits.
pub(super) fn event_at(tx: &mut Tx<'_>, seq: i64) -> Result<Option<Event>> {
    let found =
        tx.row(&format!("SELECT {COLUMNS} FROM events e WHERE e.seq = ?1"), &[seq.into()], read)?;
    Ok(found.map(|(_, event)| event))
}

/// When the newest event of a task that is still kept was committed.
pub(super) fn last_told(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<Time>> {
    let sql = "SELECT at_ms FROM events WHERE task_id = ?1 ORDER BY seq DESC LIMIT 1";
    tx.row(sql, &[id.as_str().into()], only)
}

/// An event, its deliveries and who might have wanted it.
#[derive(Clone, Debug)]
pub(crate) struct EventReport {
    /// The event.
    pub(crate) event: Event,
    /// Its deliveries with their attempts, also those of webhooks that are gone. What receivers answered is cut where it
    /// is more than [`PAGE_BYTES`] in all.
    pub(crate) deliveries: Vec<(Delivery, Vec<Attempt>)>,
    /// The webhooks that are there, the oldest first.
    pub(crate) webhooks: Vec<WebhookState>,
}

/// What became of an event; `None` if there is none of this id, or no longer.
pub(crate) fn story(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Option<EventReport>> {
    let Some((seq, event)) = find(tx, id)? else { return Ok(None) };
    let (mut deliveries, mut bytes) = (Vec::new(), 0);
    for delivery in of_event(tx, seq, now)? {
        let mut attempts = attempts(tx, &delivery.id)?;
        for Attempt { excerpt, .. } in &mut attempts {
            bytes += excerpt.as_ref().map_or(0, String::len);
            if bytes > PAGE_BYTES {
                *excerpt = None;
            }
        }
        deliveries.push((delivery, attempts));
    }
    Ok(Some(EventReport { event, deliveries, webhooks: list_webhooks(tx)? }))
}

/// Which events a list shows. Alerts are in none: they tell of no task.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventFilter {
    /// What happened: any of these; empty = anything.
    pub(crate) kind: Vec<EventKind>,
    /// Of this task alone.
    pub(crate) task_id: Option<String>,
    /// Committed after this one, by its place in the order.
    pub(crate) since: Option<i64>,
}

/// Some events, the newest first.
#[derive(Clone, Debug)]
pub(crate) struct EventPage {
    /// The events.
    pub(crate) events: Vec<Event>,
    /// The last event that was looked at, where more may follow.
    pub(crate) next: Option<String>,
}

/// The place of an event in the order of commits.
pub(crate) fn event_seq(tx: &mut Tx<'_>, id: &str) -> Result<Option<i64>> {
    tx.row("SELECT seq FROM events WHERE id = ?1", &[id.into()], only)
}

/// A page of at most `most` events before the place `before`. It looks at no more than
/// [`LOOKED_MOST`], so it may have fewer, even none, and say where to go on.
pub(crate) fn list_events(
    tx: &mut Tx<'_>,
    filter: &EventFilter,
    before: Option<i64>,
    most: usize,
) -> Result<EventPage> {
    let mut args: Vec<Value<'_>> = vec![
        before.unwrap_or(i64::MAX).into(),
        filter.since.unwrap_or(0).into(),
        LOOKED_MOST.into(),
    ];
    args.extend(filter.task_id.as_deref().map(Value::Text));
    let (mut bytes, mut count) = (0, 0);
    let mut looked = tx.rows_until(
        &list_sql(filter),
        &args,
        |row| {
            let (_, id, kind) = (row.next::<i64>()?, row.next::<String>()?, row.named(OF, "kind")?);
            let is_wanted =
                filter.kind.contains(&kind) || (filter.kind.is_empty() && !kind.is_alert());
            let event = is_wanted.then(|| read_rest(row, id.clone(), kind)).transpose()?;
            Ok((id, event))
        },
        |(_, event)| {
            if let Some(Event { snapshot, before, .. }) = event {
                bytes += snapshot.get().len() + before.as_ref().map_or(0, String::len);
                count += 1;
            }
            count > most || bytes > PAGE_BYTES
        },
    )?;
    let is_cut = looked.len() == LOOKED_MOST || bytes > PAGE_BYTES || count > most;
    if count > most {
        // One more than asked for tells that there is a next page.
        looked.pop();
    }
    let next = looked.last().filter(|_| is_cut).map(|(id, _)| id.clone());
    Ok(EventPage { events: looked.into_iter().filter_map(|(_, event)| event).collect(), next })
}

fn list_sql(filter: &EventFilter) -> String {
    let of_task = if filter.task_id.is_some() { "e.task_id = ?4 AND" } else { "" };
    format!(
        "SELECT {COLUMNS} FROM events e WHERE {of_task} e.seq < ?1 AND e.seq > ?2
         ORDER BY e.seq DESC LIMIT ?3"
    )
}

/// How many events of a task there are after a place.
pub(crate) fn count_events(tx: &mut Tx<'_>, task_id: &str, since: Option<i64>) -> Result<i64> {
    let args = [task_id.into(), since.unwrap_or(0).into()];
    let sql = "SELECT COUNT(*) FROM events WHERE task_id = ?1 AND seq > ?2";
    Ok(tx.row(sql, &args, only)?.unwrap_or_default())
}

/// The first and the last place in the order of commits; both 0 while there is no event.
pub(super) fn ends(tx: &mut Tx<'_>) -> Result<(i64, i64)> {
    // Apart, each is one step into the table; together they would be a walk through all of it.
    let ends = tx.row(
        "SELECT (SELECT MIN(seq) FROM events), (SELECT MAX(seq) FROM events)",
        &[],
        |row| Ok(row.next::<Option<i64>>()?.zip(row.next()?)),
    )?;
    Ok(ends.flatten().unwrap_or_default())
}

/// The newest event committed by then, found by halving: times are in order, but for steps of the
/// clock.
pub(crate) fn newest_by(tx: &mut Tx<'_>, cutoff: Time) -> Result<Option<i64>> {
    let (mut low, mut high) = ends(tx)?;
    let mut newest = None;
    while low <= high {
        let middle = low + (high - low) / 2;
        let found = tx.row(
            "SELECT seq, at_ms FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1",
            &[middle.into()],
            |row| Ok((row.next::<i64>()?, row.next::<Time>()?)),
        )?;
        match found {
            Some((seq, at)) if at <= cutoff => {
                newest = Some(seq);
                low = seq + 1;
            }
            _ => high = middle - 1,
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    /// The last column of a line of a plan.
    fn detail(row: &Row<'_>) -> Result<String> {
        let [_, _, _] = [row.next::<i64>()?, row.next()?, row.next()?];
        row.next()
    }

    #[tokio::test]
    async fn a_list_looks_along_an_index_and_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("btk.db")).unwrap();
        for (task_id, meant) in [
            (None, "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (Some("a"), "SEARCH e USING INDEX events_by_task (task_id=? AND seq>? AND seq<?)"),
        ] {
            let filter = EventFilter { task_id: task_id.map(str::to_owned), ..Default::default() };
            let sql = format!("EXPLAIN QUERY PLAN {}", list_sql(&filter));
            let args: [Value<'_>; 4] = [i64::MAX.into(), 0_i64.into(), 1_i64.into(), "a".into()];
            let n = if task_id.is_some() { 4 } else { 3 };
            let plan = store.read(move |tx| tx.rows(&sql, &args[..n], detail)).await.unwrap();
            assert_eq!(plan, [meant]);
        }
        store.close();
    }
}
