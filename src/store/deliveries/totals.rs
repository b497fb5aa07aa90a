//! Totals: how many deliveries of each kind a webhook has, and how many of these have not ended; kept, since counting a
//! million takes long.
//!
//! Whoever makes, ends, revives or deletes a delivery says so here. Must not know why.

use std::sync::Arc;

use crate::model::{EventKind, Named};
use crate::store::engine::columns::{Row, Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::sums::Upsert;
use crate::store::engine::tx::Tx;
use crate::twin;

const OF: &str = "a delivery";

/// Adds to a total.
pub(crate) const ADD: Upsert =
    "INSERT INTO totals VALUES (?1, ?2, ?3, ?4) ON CONFLICT (webhook_id, kind) DO UPDATE
    SET n = n + excluded.n, unfinished = unfinished + excluded.unfinished";

/// How many deliveries of a kind a webhook has.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    pub(crate) webhook: Arc<str>,
    pub(crate) kind: EventKind,
    pub(crate) n: i64,
    /// Of these, how many have not ended.
    pub(crate) unfinished: i64,
}

/// An unfinished delivery was made.
pub(crate) fn made(tx: &mut Tx<'_>, webhook: &str, kind: EventKind) -> Result<()> {
    tx.add(ADD, (webhook, kind.as_str()), [1, 1])
}

/// One has ended.
pub(crate) fn ended(tx: &mut Tx<'_>, webhook: &str, kind: EventKind) -> Result<()> {
    let unfinished = if twin::is("totals-off") { 0 } else { -1 };
    tx.add(ADD, (webhook, kind.as_str()), [0, unfinished])
}

/// An update ends some of a webhook; answers how many.
pub(crate) fn end(
    tx: &mut Tx<'_>,
    webhook: &str,
    update: &str,
    args: &[Value<'_>],
) -> Result<usize> {
    let kinds = tx.rows(&format!("{update} RETURNING kind"), args, |row| row.named(OF, "kind"))?;
    for kind in &kinds {
        ended(tx, webhook, *kind)?;
    }
    Ok(kinds.len())
}

/// One that had ended is unfinished again.
pub(crate) fn revived(tx: &mut Tx<'_>, webhook: &str, kind: EventKind) -> Result<()> {
    tx.add(ADD, (webhook, kind.as_str()), [0, 1])
}

/// One that had ended was deleted.
pub(crate) fn deleted(tx: &mut Tx<'_>, webhook: &str, kind: EventKind) -> Result<()> {
    tx.add(ADD, (webhook, kind.as_str()), [-1, 0])
}

/// Of every webhook, also of those that are gone, or of one.
pub(crate) fn totals(tx: &mut Tx<'_>, webhook: Option<&str>) -> Result<Vec<Total>> {
    tx.write_sums()?;
    let select = "SELECT webhook_id, kind, n, unfinished FROM totals";
    let read = |row: &Row<'_>| {
        Ok(Total {
            webhook: Arc::from(row.str()?),
            kind: row.named("a total", "kind")?,
            n: row.next()?,
            unfinished: row.next()?,
        })
    };
    match webhook {
        None => tx.rows(select, &[], read),
        Some(id) => tx.rows(&format!("{select} WHERE webhook_id = ?1"), &[id.into()], read),
    }
}

/// How many deliveries have not ended, over all webhooks.
pub(crate) fn waiting_in_all(tx: &mut Tx<'_>) -> Result<i64> {
    tx.write_sums()?;
    let all = tx.row("SELECT SUM(unfinished) FROM totals", &[], only::<Option<i64>>)?;
    Ok(all.flatten().unwrap_or_default())
}

/// The webhooks that have deliveries which have not ended.
pub(crate) fn who_waits(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    tx.write_sums()?;
    let sql = "SELECT DISTINCT webhook_id FROM totals WHERE unfinished > 0";
    tx.rows(sql, &[], only)
}

/// Forgets those that have come to nothing, as of a webhook that is gone.
pub(crate) fn forget_empty(tx: &mut Tx<'_>) -> Result<()> {
    tx.write_sums()?;
    tx.execute("DELETE FROM totals WHERE n = 0", &[]).map(drop)
}
