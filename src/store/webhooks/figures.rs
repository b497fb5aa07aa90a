//! Figures of single webhooks, all at once, as the list of webhooks shows them.
//!
//! Read by spans that lie together, so that 500 webhooks cost a few milliseconds. Must not write.

use std::collections::HashMap;

use crate::figures::{Answer, HOUR, Hour, LagHistogram, MINUTE, TEN_MINUTES, start};
use crate::model::Time;
use crate::store::deliveries::backlog::oldest_waiting;
use crate::store::deliveries::totals::who_waits;
use crate::store::engine::columns::{Row, Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// Figures of one webhook.
#[derive(Debug, Default)]
pub(crate) struct OfWebhook {
    /// How many were delivered, by minute, over the last few.
    pub(crate) minutes: Vec<(Time, i64)>,
    /// Of the last hour.
    pub(crate) lags: LagHistogram,
    /// Of the last day.
    pub(crate) hours: Vec<Hour>,
    /// Its newest answer.
    pub(crate) last_answer: Option<Answer>,
    /// When the oldest of its events that have not ended was committed.
    pub(crate) oldest_waiting: Option<Time>,
}

/// The figures of every webhook that is there, the newest webhook first.
pub(crate) fn figures_of_webhooks(tx: &mut Tx<'_>, now: Time) -> Result<Vec<(String, OfWebhook)>> {
    let ids = tx.rows(
        "SELECT id FROM webhooks WHERE state = 'live' ORDER BY created_ms DESC, id DESC",
        &[],
        only::<String>,
    )?;
    let places: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
    let mut all: Vec<OfWebhook> = ids.iter().map(|_| OfWebhook::default()).collect();
    // There are up to 24 rows of each, so they are told apart without copying an id.
    let place = |row: &Row<'_>| -> Result<Option<usize>> { Ok(places.get(row.str()?).copied()) };
    // Up to the running span, so that what a clock that was ahead has written does not count.
    let spans = |seconds: i64, back: i64| -> [Value<'static>; 3] {
        let last = start(now, seconds);
        [seconds.into(), last.plus_ms(-back * seconds * 1_000).0.into(), last.0.into()]
    };
    let hours = tx.rows(
        "SELECT webhook_id, start_ms, attempts, delivered FROM webhook_figures
         WHERE seconds = ?1 AND start_ms >= ?2 AND start_ms <= ?3",
        &spans(HOUR, 23),
        |row| {
            let place = place(row)?;
            Ok((place, Hour { at: row.next()?, attempts: row.next()?, delivered: row.next()? }))
        },
    )?;
    for (place, hour) in hours {
        if let Some(of_it) = place.and_then(|place| all.get_mut(place)) {
            of_it.hours.push(hour);
        }
    }
    let lags = tx.rows(
        "SELECT webhook_id, lags FROM webhook_figures
         WHERE seconds = ?1 AND start_ms >= ?2 AND start_ms <= ?3",
        &spans(TEN_MINUTES, 6),
        |row| Ok((place(row)?, row.next::<String>()?)),
    )?;
    for (place, lags) in lags {
        if let Some(of_it) = place.and_then(|place| all.get_mut(place)) {
            of_it.lags.merge_text(&lags);
        }
    }
    let minutes = tx.rows(
        "SELECT webhook_id, start_ms, delivered FROM webhook_figures
         WHERE seconds = ?1 AND start_ms >= ?2 AND start_ms <= ?3",
        &spans(MINUTE, 5),
        |row| Ok((place(row)?, (row.next()?, row.next()?))),
    )?;
    for (place, minute) in minutes {
        if let Some(of_it) = place.and_then(|place| all.get_mut(place)) {
            of_it.minutes.push(minute);
        }
    }
    let answers =
        tx.rows("SELECT webhook_id, at_ms, status, ms, error FROM last_answers", &[], |row| {
            let place = place(row)?;
            let (at, status, ms) = (row.next()?, row.next()?, row.next()?);
            Ok((place, Answer { at, status, ms, error: row.next()? }))
        })?;
    for (place, answer) in answers {
        if let Some(of_it) = place.and_then(|place| all.get_mut(place)) {
            of_it.last_answer = Some(answer);
        }
    }
    for webhook in who_waits(tx)? {
        let of_it = places.get(webhook.as_str()).and_then(|place| all.get_mut(*place));
        if let Some(of_it) = of_it {
            of_it.oldest_waiting = oldest_waiting(tx, &webhook)?;
        }
    }
    Ok(ids.into_iter().zip(all).collect())
}
