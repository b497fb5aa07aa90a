//! Changes that came before their webhook was set up, and so were never sent to it: what the start can
//! offer.
//!
//! Must not know how they are sent: that is a recovery.

use crate::model::{EventKind, Named, Origin, Time, Webhook};
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// How many of the newest events are looked at: more are told as "more than".
const LOOKED_AT: i64 = 10_000;

/// Changes that a webhook wants and was never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissedChanges {
    /// How many.
    pub(crate) count: usize,
    /// Whether there may be more, further back.
    pub(crate) is_more: bool,
    /// When the oldest of them was made.
    pub(crate) since: Time,
}

/// What a webhook without a filter was never sent of the newest events that are not older than
/// `oldest`; none if there is nothing.
pub(crate) fn earlier(
    tx: &mut Tx<'_>,
    webhook: &Webhook,
    oldest: Time,
) -> Result<Option<MissedChanges>> {
    let found = tx.rows(
        "SELECT e.kind, e.origin, e.at_ms
         FROM (SELECT seq, kind, origin, at_ms FROM events ORDER BY seq DESC LIMIT ?2) e
         WHERE e.at_ms >= ?3 AND NOT EXISTS
             (SELECT 1 FROM deliveries d WHERE d.seq = e.seq AND d.webhook_id = ?1)",
        &[Value::from(&webhook.id), LOOKED_AT.into(), oldest.0.into()],
        |row| Ok((row.next::<String>()?, row.next::<String>()?, row.next()?)),
    )?;
    let wanted = found.iter().filter(|(kind, origin, _)| {
        let (kind, origin) = (EventKind::parse(kind), Origin::parse("origin", origin).ok());
        kind.zip(origin).is_some_and(|(kind, origin)| webhook.wants_kind(kind, &origin).is_ok())
    });
    let times: Vec<i64> = wanted.map(|(_, _, at)| *at).collect();
    let Some(since) = times.iter().min() else { return Ok(None) };
    let all = tx.row(
        "SELECT COUNT(*) FROM (SELECT 1 FROM events LIMIT ?1) some",
        &[(LOOKED_AT + 1).into()],
        only::<i64>,
    )?;
    let is_more = all.is_some_and(|all| all > LOOKED_AT);
    Ok(Some(MissedChanges { count: times.len(), is_more, since: Time(*since) }))
}
