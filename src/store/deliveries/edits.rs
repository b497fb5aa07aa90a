//! Deliveries as people change them: sent again, cancelled.
//!
//! Must not send anything: what is due, the dispatcher finds.

use super::{find_delivery, parse_id};
use super::{lanes, totals};
use crate::model::{Delivery, DeliveryStatus, Named, Reason, Time};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::{self, Presence};

/// What came of asking for a change of a delivery.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// It was done; this is how the delivery stands.
    Done(Box<Delivery>),
    /// There is no such delivery.
    Unknown,
    /// It stands so that this makes no sense.
    NotNow(DeliveryStatus),
    /// Its webhook was deleted.
    NoWebhook,
}

/// Sends a finished or held delivery again. It rejoins its lane under its old place, next after the
/// one under way, with the same id and body and all its attempts before it; the number of its
/// attempts counts on.
pub(crate) fn redeliver(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Edit> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(Edit::Unknown) };
    let Some(delivery) = find_delivery(tx, id, now)? else { return Ok(Edit::Unknown) };
    let is_finished = delivery.finished_at.is_some();
    if !is_finished && !is_stored_as_held(&delivery) {
        return Ok(Edit::NotNow(delivery.status));
    }
    let known = webhooks::known(tx, webhook)?;
    if known.is_none_or(|known| known.presence == Presence::Deleted) {
        return Ok(Edit::NoWebhook);
    }
    lanes::rejoin(tx, webhook, &delivery.task_id, seq, now)?;
    done(tx, id, now)
}

/// Ends a delivery that waits; the next of its task has the turn.
pub(crate) fn cancel(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Edit> {
    let Some((seq, webhook)) = parse_id(id) else { return Ok(Edit::Unknown) };
    let Some(delivery) = find_delivery(tx, id, now)? else { return Ok(Edit::Unknown) };
    if !matches!(delivery.status, DeliveryStatus::Pending | DeliveryStatus::Held) {
        return Ok(Edit::NotNow(delivery.status));
    }
    cancel_waiting(tx, webhook, &delivery.task_id, seq, delivery.blocked_by.is_none(), now)?;
    done(tx, id, now)
}

/// Ends one that is not sent any more, with why and in which words; its lane is left alone.
pub(super) fn end_unsent(
    tx: &mut Tx<'_>,
    (webhook, seq): (&str, i64),
    status: DeliveryStatus,
    (reason, text): (Reason, &str),
    now: Time,
) -> Result<()> {
    let update = "UPDATE deliveries SET status = ?4, due_ms = NULL, finished_ms = ?3,
             reason = ?5, reason_text = ?6
         WHERE seq = ?1 AND webhook_id = ?2 AND finished_ms IS NULL";
    let (status, reason) = (status.as_str().into(), reason.as_str().into());
    let args = [seq.into(), webhook.into(), now.0.into(), status, reason, text.into()];
    totals::end(tx, webhook, update, &args)?;
    Ok(())
}

/// Ends one that waits; if it had the turn of its lane, the next one has it.
pub(crate) fn cancel_waiting(
    tx: &mut Tx<'_>,
    webhook: &str,
    task: &str,
    seq: i64,
    has_turn: bool,
    now: Time,
) -> Result<()> {
    let reason = Reason::ByPerson;
    end_unsent(tx, (webhook, seq), DeliveryStatus::Cancelled, (reason, reason.words()), now)?;
    if has_turn {
        lanes::give_turn(tx, webhook, task, now)?;
    }
    Ok(())
}

/// Whether it is held for its own sake, not for its webhook's.
fn is_stored_as_held(delivery: &Delivery) -> bool {
    delivery.status == DeliveryStatus::Held
        && delivery.reason.is_some_and(|reason| Reason::OWN.contains(&reason))
}

fn done(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<Edit> {
    Ok(match find_delivery(tx, id, now)? {
        Some(delivery) => Edit::Done(Box::new(delivery)),
        None => Edit::Unknown,
    })
}
