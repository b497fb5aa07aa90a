//! The log lines of a delivery, word for word as promised.
//!
//! Must not decide anything; never shows a URL's path, a header's value or a secret.

use tracing::{info, warn};

use crate::delivery::explain;
use crate::delivery::health::{Condition, Fate};
use crate::model::{Named, Reason};
use crate::store::{AttemptRecord, Claim, Recorded, delivery_id};

/// An info line with the fields that every line of a delivery has.
macro_rules! say {
    ($claim:expr, $($words:tt)*) => {
        info!(
            event = $claim.event.kind.as_str(),
            task = $claim.event.task_id.as_str(),
            delivery = delivery_id($claim.seq, &$claim.webhook.id),
            attempt = $claim.number,
            $($words)*
        )
    };
}

/// What happened, and to which task.
fn told(claim: &Claim) -> (&str, &str) {
    (claim.event.kind.as_str(), claim.event.task_id.as_str())
}

/// A request is about to leave.
pub(super) fn sending(claim: &Claim) {
    let (event, task) = told(claim);
    let label = label(claim);
    say!(claim, "[WEBHOOK] Sending {event} for task {task} ({label})");
}

/// An attempt has ended.
pub(super) fn answer(claim: &Claim, why: Option<&str>) {
    if let Some(why) = why {
        let label = label(claim).replacen('a', "A", 1);
        say!(claim, "[WEBHOOK] {label} failed: {why}");
    }
}

/// What followed is written down.
pub(super) fn end(claim: &Claim, record: &AttemptRecord, recorded: &Recorded) {
    let (event, task) = told(claim);
    let status = record.outcome.status.unwrap_or_default();
    let most = claim.webhook.max_attempts;
    match &recorded.fate {
        Fate::Delivered => say!(claim, "[WEBHOOK] Successfully sent {event} for task {task}"),
        Fate::Retry { after_ms } | Fate::Uncounted { after_ms } => {
            say!(claim, "[WEBHOOK] Retrying in {after_ms}ms...");
        }
        Fate::HeldAlone { after_ms } => {
            if !claim.is_alone {
                say!(claim, "[WEBHOOK] All {most} attempts failed for {event}");
            }
            say!(
                claim,
                "[WEBHOOK] Other events arrive; this one is held. Retrying in {after_ms}ms..."
            );
        }
        Fate::Failed { reason: Reason::AttemptsUsed } => {
            say!(claim, "[WEBHOOK] All {most} attempts failed for {event}");
        }
        Fate::Waits if recorded.is_rejected => refusal(claim, status),
        Fate::Waits if record.outcome.blocked => {
            say!(claim, "[WEBHOOK] Nothing was sent to that address, not retrying");
        }
        Fate::Waits if claim.is_probe => {}
        Fate::Waits if claim.tries >= most => {
            say!(claim, "[WEBHOOK] All {most} attempts failed for {event}");
        }
        Fate::Waits => say!(claim, "[WEBHOOK] It waits until the webhook is up"),
        Fate::Failed { .. } | Fate::Held => refusal(claim, status),
        Fate::Cancelled => {
            say!(claim, "[WEBHOOK] Webhook {} was deleted, not retrying", claim.webhook.id);
        }
    }
    if let Some((was, is)) = &recorded.turned {
        let id = &claim.webhook.id;
        match is.condition {
            Condition::Up if is.is_refusing() => {
                warn!("[WEBHOOK] Webhook {id}: {}", explain::why_refusing(&claim.webhook, is));
            }
            Condition::Up if was.is_refusing() => {
                info!("[WEBHOOK] Webhook {id} takes changes again");
            }
            Condition::Up => info!("[WEBHOOK] Webhook {id} is up again; what was held goes out"),
            _ => warn!("[WEBHOOK] Webhook {id}: {}", explain::why_not_up(is)),
        }
    }
    if let Some(at) = recorded.probe_at.filter(|_| recorded.fate != Fate::Delivered) {
        let after = at.ms_since(record.ended).max(0);
        say!(claim, "[WEBHOOK] The next probe goes out in {after}ms");
    }
}

fn refusal(claim: &Claim, status: u16) {
    if (300..400).contains(&status) {
        say!(claim, "[WEBHOOK] Redirect {status} not followed, not retrying");
    } else if status > 0 {
        say!(claim, "[WEBHOOK] Client error {status}, not retrying");
    }
}

/// `attempt 1/3`; `attempt 4, probe` where one request looks whether the webhook or the event works
/// again; `attempt 4, again` once the numbers count on: after a redelivery or a restart.
fn label(claim: &Claim) -> String {
    let number = claim.number;
    if claim.is_probe || claim.is_alone {
        format!("attempt {number}, probe")
    } else if number == i64::from(claim.tries) {
        // The limit may have been lowered between two attempts.
        let most = claim.webhook.max_attempts.max(claim.tries);
        format!("attempt {number}/{most}")
    } else {
        format!("attempt {number}, again")
    }
}
