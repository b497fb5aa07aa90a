//! What the request of a delivery is made of, for whoever wants to look at it.
//!
//! Must not make it, nor change anything.

use super::parse_id;
use crate::model::{Event, Named, Payload, Time};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events::event_at;
use crate::store::webhooks::{Presence, WebhookState, known};

/// A delivery as it is or was sent.
#[derive(Clone, Debug)]
pub(crate) struct SentRequest {
    /// What it tells.
    pub(crate) event: Event,
    /// To whom; `None` if the webhook was deleted.
    pub(crate) webhook: Option<WebhookState>,
    /// The body that it keeps; `None` before the first attempt.
    pub(crate) payload: Option<Payload>,
    /// The number of its newest attempt and when that began.
    pub(crate) attempt: Option<(i64, Time)>,
}

/// What a delivery's request is made of; `None` if there is no such delivery.
pub(crate) fn sent(tx: &mut Tx<'_>, id: &str) -> Result<Option<SentRequest>> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(None) };
    let args = [seq.into(), webhook.into()];
    let kept = tx.row(
        "SELECT payload, attempts, started_ms FROM deliveries WHERE seq = ?1 AND webhook_id = ?2",
        &args,
        |row| {
            let payload = row.parse_if("a delivery", "payload", Payload::parse)?;
            Ok((payload, row.next()?, row.next::<Option<Time>>()?))
        },
    )?;
    let Some((payload, attempts, started)) = kept else { return Ok(None) };
    // The one under way stands in the delivery, those that ended stand by themselves.
    let attempt = match started {
        Some(at) => Some((attempts, at)),
        None => tx.row(
            "SELECT number, started_ms FROM attempts WHERE seq = ?1 AND webhook_id = ?2
             ORDER BY number DESC LIMIT 1",
            &args,
            |row| Ok((row.next()?, row.next()?)),
        )?,
    };
    let Some(event) = event_at(tx, seq)? else { return Ok(None) };
    let webhook = known(tx, webhook)?.filter(|known| known.presence != Presence::Deleted);
    Ok(Some(SentRequest { event, webhook, payload, attempt }))
}
