//! Webhooks that were deleted: what still waits for them is cancelled in small steps, then the
//! webhook itself goes. What has ended stays as long as it would anyway.
//!
//! What is under way ends by itself: see `outcomes`. Must not delete a webhook that is wanted.

use crate::model::{Named, Reason, Time};
use crate::store::deliveries::totals;
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// Deliveries that one step cancels.
const STEP: i64 = 300;

/// What a step has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// More wait to be cancelled.
    Goes,
    /// Only requests under way are left.
    Waits,
    /// Nothing is left: the webhook is gone.
    Done,
}

/// The webhooks that were deleted and are still there.
pub(crate) fn deleted_webhooks(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    tx.rows("SELECT id FROM webhooks WHERE state = 'deleted'", &[], only)
}

/// Cancels some of what waits for a deleted webhook.
pub(crate) fn remove_step(tx: &mut Tx<'_>, webhook: &str, now: Time) -> Result<Removal> {
    // Whole lanes in a row, so nobody in them needs a turn any more.
    let cancelled = totals::end(
        tx,
        webhook,
        "UPDATE deliveries SET status = 'cancelled', due_ms = NULL, finished_ms = ?2,
             reason = ?3, reason_text = ?4
         WHERE webhook_id = ?1 AND seq IN
             (SELECT d.seq FROM deliveries d
              WHERE d.webhook_id = ?1 AND d.finished_ms IS NULL AND d.started_ms IS NULL
                AND EXISTS (SELECT 1 FROM webhooks w WHERE w.id = ?1 AND w.state = 'deleted')
              LIMIT ?5)",
        &[
            webhook.into(),
            now.0.into(),
            Reason::WebhookDeleted.as_str().into(),
            Reason::WebhookDeleted.words().into(),
            STEP.into(),
        ],
    )?;
    if i64::try_from(cancelled).unwrap_or(STEP) >= STEP {
        return Ok(Removal::Goes);
    }
    let gone = tx.execute(
        "DELETE FROM webhooks WHERE id = ?1 AND state = 'deleted' AND NOT EXISTS
             (SELECT 1 FROM deliveries d WHERE d.webhook_id = ?1 AND d.finished_ms IS NULL)",
        &[Value::from(webhook)],
    )?;
    if gone == 0 {
        return Ok(Removal::Waits);
    }
    tx.forget();
    Ok(Removal::Done)
}
