//! The backlog: what waits and what is under way, for the metrics and for each webhook.
//!
//! Must not know of single deliveries.

use super::merge::{Span, UNFINISHED};
use super::totals::{Total, totals};
use crate::model::{DeliveryStatus, Time};
use crate::store::engine::columns::only;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// What waits, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Deliveries that wait.
    pub(crate) pending: i64,
    /// Requests under way.
    pub(crate) sending: i64,
    /// When the oldest unfinished event was committed.
    pub(crate) oldest: Option<Time>,
}

/// What waits, over all webhooks.
pub(crate) fn backlog(tx: &mut Tx<'_>) -> Result<Backlog> {
    let all = totals(tx, None)?;
    let is_sending = |_: &str, status, _| status == DeliveryStatus::Sending;
    let mut sending = 0;
    for run in all.iter().flat_map(|total| total.runs(&is_sending)) {
        sending += run.count(tx, Span::ALL)?;
    }
    let unfinished: i64 = all.iter().map(|total| total.unfinished).sum();
    Ok(Backlog { pending: unfinished - sending, sending, oldest: oldest(tx, &all)? })
}

/// How many deliveries of a webhook have not ended.
pub(crate) fn waiting(tx: &mut Tx<'_>, webhook: &str) -> Result<i64> {
    Ok(totals(tx, Some(webhook))?.iter().map(|total| total.unfinished).sum())
}

/// When the oldest delivery of a webhook that has not ended was committed.
pub(crate) fn oldest_waiting(tx: &mut Tx<'_>, webhook: &str) -> Result<Option<Time>> {
    let all = totals(tx, Some(webhook))?;
    oldest(tx, &all)
}

fn oldest(tx: &mut Tx<'_>, totals: &[Total]) -> Result<Option<Time>> {
    let is_unfinished = |_: &str, status, _| UNFINISHED.contains(&status);
    let mut oldest = None;
    for run in totals.iter().flat_map(|total| total.runs(&is_unfinished)) {
        let first = run.first(tx)?;
        oldest = oldest.into_iter().chain(first).min();
    }
    let Some(seq) = oldest else { return Ok(None) };
    tx.row("SELECT at_ms FROM events WHERE seq = ?1", &[seq.into()], only)
}
