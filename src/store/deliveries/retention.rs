//! Retention: what ended long ago goes, in small steps: deliveries with their attempts, then events
//! that have no delivery left.
//!
//! What waits, is held or is under way is never touched, nor its event. Must not know how long
//! anything is kept: that comes in as moments.

use super::totals;
use crate::model::Time;
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// Events that one look takes in.
const WINDOW: i64 = 200;
/// Rows of deliveries and attempts that one step deletes, about.
const ROWS: i64 = 500;
/// Events that one step deletes: each may be 100 KiB.
const EVENTS: i64 = 50;

/// Until when a thing must have ended to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cutoffs {
    /// Deliveries that arrived by then go.
    pub(crate) delivered: Time,
    /// Deliveries that failed or were cancelled by then go.
    pub(crate) failed: Time,
    /// Events that were committed by then go, once they have no delivery left.
    pub(crate) events: Time,
    /// The time of the look.
    pub(crate) now: Time,
}

impl Cutoffs {
    /// Whether nothing of an event can be due, nor of those after it. One from the future was
    /// written by a clock that was wrong, so it says nothing of those after it.
    fn is_young(&self, committed: Time) -> bool {
        let latest = self.delivered.max(self.failed).max(self.events);
        committed > latest && committed <= self.now
    }
}

/// Some events in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The last one before them.
    pub(crate) after: i64,
    /// The last one of them.
    pub(crate) up_to: i64,
    /// Whether something of them is due to go.
    pub(crate) has_old: bool,
}

/// Looks at the events after `after`. `None`: those that are left are too young.
pub(crate) fn look_for_old(
    tx: &mut Tx<'_>,
    after: i64,
    cutoffs: &Cutoffs,
) -> Result<Option<Stretch>> {
    let events = tx.rows_until(
        "SELECT seq, at_ms FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        &[after.into(), WINDOW.into()],
        |row| Ok((row.next::<i64>()?, row.next::<Time>()?)),
        |(_, at)| cutoffs.is_young(*at),
    )?;
    let last = events.iter().rev().find(|(_, at)| !cutoffs.is_young(*at));
    let Some((up_to, _)) = last.copied() else { return Ok(None) };
    let ended = tx.row(
        &format!("SELECT 1 FROM deliveries WHERE {ENDED} LIMIT 1"),
        &[after.into(), up_to.into(), cutoffs.delivered.0.into(), cutoffs.failed.0.into()],
        only::<i64>,
    )?;
    let bare = tx.row(
        &format!("SELECT 1 FROM events WHERE {BARE} LIMIT 1"),
        &[after.into(), up_to.into(), cutoffs.events.0.into()],
        only::<i64>,
    )?;
    Ok(Some(Stretch { after, up_to, has_old: ended.is_some() || bare.is_some() }))
}

/// Deliveries that are due to go.
const ENDED: &str = "seq > ?1 AND seq <= ?2 AND finished_ms IS NOT NULL
    AND ((status = 'delivered' AND finished_ms <= ?3)
         OR (status IN ('failed', 'cancelled') AND finished_ms <= ?4))";

/// Events that are due to go. Of what the search has not taken in, they are what tells.
const BARE: &str =
    "seq > ?1 AND seq <= ?2 AND at_ms <= ?3 AND seq <= (SELECT m.seq FROM search_mark m)
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = events.seq)";

/// Deletes a part of what is due to go; answers whether something may be left.
pub(crate) fn delete_old(tx: &mut Tx<'_>, stretch: &Stretch, cutoffs: &Cutoffs) -> Result<bool> {
    let (after, up_to) = (stretch.after, stretch.up_to);
    let mut rows = 0;
    let ended = tx.rows_until(
        &format!("SELECT seq, webhook_id, attempts, kind FROM deliveries WHERE {ENDED} LIMIT ?5"),
        &[
            after.into(),
            up_to.into(),
            cutoffs.delivered.0.into(),
            cutoffs.failed.0.into(),
            ROWS.into(),
        ],
        |row| {
            let (seq, webhook, attempts) =
                (row.next::<i64>()?, row.next::<String>()?, row.next::<i64>()?);
            Ok((seq, webhook, attempts, row.named("a delivery", "kind")?))
        },
        |(_, _, attempts, _)| {
            rows += 1 + attempts;
            rows >= ROWS
        },
    )?;
    for (seq, webhook, _, kind) in &ended {
        let key = [Value::from(*seq), Value::from(webhook)];
        tx.execute("DELETE FROM other_attempts WHERE seq = ?1 AND webhook_id = ?2", &key)?;
        tx.execute("DELETE FROM deliveries WHERE seq = ?1 AND webhook_id = ?2", &key)?;
        totals::deleted(tx, webhook, *kind)?;
    }
    if !ended.is_empty() {
        totals::forget_empty(tx)?;
    }
    if rows >= ROWS {
        return Ok(true);
    }
    let gone = tx.execute(
        &format!("DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE {BARE} LIMIT ?4)"),
        &[after.into(), up_to.into(), cutoffs.events.0.into(), EVENTS.into()],
    )?;
    Ok(i64::try_from(gone).unwrap_or(EVENTS) >= EVENTS)
}
