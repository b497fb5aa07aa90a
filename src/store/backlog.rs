//! The backlog: what waits and what is under way, for the metrics and for each webhook.
//!
//! Must not know of single deliveries.

use super::{Result, Tx};
use crate::model::Time;

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

/// What waits, over all webhooks.
pub fn backlog(tx: &mut Tx<'_>) -> Result<Backlog> {
    let sending =
        tx.row("SELECT COUNT(*) FROM deliveries WHERE started_ms IS NOT NULL", &[], |row| {
            row.int(0)
        })?;
    let all = tx.row("SELECT SUM(unfinished) FROM backlogs", &[], |row| row.opt_int(0))?;
    let oldest =
        tx.row("SELECT MIN(seq) FROM deliveries WHERE finished_ms IS NULL", &[], |row| {
            row.opt_int(0)
        })?;
    let sending = sending.unwrap_or_default();
    let all = all.flatten().unwrap_or_default();
    let oldest = match oldest.flatten() {
        Some(seq) => {
            tx.row("SELECT at_ms FROM events WHERE seq = ?1", &[seq.into()], |row| row.int(0))?
        }
        None => None,
    };
    Ok(Backlog { pending: all - sending, sending, oldest: oldest.map(Time) })
}

/// How many deliveries of a webhook have not ended.
pub fn waiting(tx: &mut Tx<'_>, webhook: &str) -> Result<i64> {
    let waiting = tx.row(
        "SELECT unfinished FROM backlogs WHERE webhook_id = ?1",
        &[webhook.into()],
        |row| row.int(0),
    )?;
    Ok(waiting.unwrap_or_default())
}

/// How many deliveries have not ended, over all webhooks.
pub fn waiting_in_all(tx: &mut Tx<'_>) -> Result<i64> {
    let all = tx.row("SELECT SUM(unfinished) FROM backlogs", &[], |row| row.opt_int(0))?;
    Ok(all.flatten().unwrap_or_default())
}

/// The webhooks that have deliveries which have not ended.
pub fn who_waits(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    tx.rows("SELECT webhook_id FROM backlogs WHERE unfinished > 0", &[], |row| row.text(0))
}

/// When the oldest event of a webhook that has not ended was committed.
pub fn oldest_waiting(tx: &mut Tx<'_>, webhook_id: &str) -> Result<Option<Time>> {
    let oldest = tx.row(
        "SELECT MIN(seq) FROM deliveries WHERE webhook_id = ?1 AND finished_ms IS NULL",
        &[webhook_id.into()],
        |row| row.opt_int(0),
    )?;
    let Some(seq) = oldest.flatten() else { return Ok(None) };
    let at = tx.row("SELECT at_ms FROM events WHERE seq = ?1", &[seq.into()], |row| row.int(0))?;
    Ok(at.map(Time))
}
