//! One event and what became of it, for whoever asks.
//!
//! Events are written by the outbox and never change. Must not judge which webhook wants one.

use super::deliveries::{attempts, of_event};
use super::webhook_edits::list_webhooks;
use super::webhooks::Known;
use super::{Error, Result, Tx};
use crate::model::{Attempt, Delivery, Event, EventKind, Origin, TaskId, Time};

/// An event, its deliveries and who might have wanted it.
#[derive(Clone, Debug)]
pub struct Story {
    /// The event.
    pub event: Event,
    /// Its deliveries with their attempts, also those of webhooks that are gone.
    pub deliveries: Vec<(Delivery, Vec<Attempt>)>,
    /// The webhooks that are there, the oldest first.
    pub webhooks: Vec<Known>,
}

/// What became of an event; `None` if there is none of this id, or no longer.
pub fn story(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Option<Story>> {
    let damaged = |what: &str| Error::Database(format!("an event has a damaged {what}"));
    let found = tx.row(
        "SELECT seq, id, kind, origin, task_id, version, at_ms, task, before
         FROM events WHERE id = ?1",
        &[id.into()],
        |row| {
            let event = Event {
                id: row.text(1)?,
                kind: EventKind::parse(&row.text(2)?).ok_or_else(|| damaged("kind"))?,
                origin: Origin::parse("", &row.text(3)?).map_err(|_| damaged("origin"))?,
                task_id: TaskId::parse(&row.text(4)?).map_err(|_| damaged("task"))?,
                version: row.int(5)?,
                at: Time(row.int(6)?),
                snapshot: row.text(7)?,
                before: row.opt_text(8)?,
            };
            Ok((row.int(0)?, event))
        },
    )?;
    let Some((seq, event)) = found else { return Ok(None) };
    let mut deliveries = Vec::new();
    for delivery in of_event(tx, seq, now)? {
        let attempts = attempts(tx, &delivery.id)?;
        deliveries.push((delivery, attempts));
    }
    Ok(Some(Story { event, deliveries, webhooks: list_webhooks(tx)? }))
}
