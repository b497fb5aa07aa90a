//! What a receiver's answer means, and what becomes of a delivery, in words that a person can act on.
//!
//! Pure sentences; must not decide anything.

mod answers;

use http::StatusCode;

use crate::delivery::health::{Condition, Fate, Health};
use crate::delivery::retry;
use crate::model::{ALERTS_WEBHOOK, Delivery, OnReject, Outcome, Reason, Webhook, masked_url};

use answers::{advice, meaning};

/// Of an attempt that was under way when the server ended.
pub(crate) const INTERRUPTED: &str =
    "The server ended while this request was under way; it may have arrived.";
/// Of an attempt at which the server met a fault of its own.
pub(crate) const OWN_FAULT: &str = "The server met a fault of its own while sending.";
/// Of a delivery that waits, and whose webhook is no more.
pub(crate) const ENDS_SOON: &str = "Its webhook was deleted; it is being cancelled.";

/// What went wrong with an attempt; `None` if nothing did.
pub(crate) fn what_went_wrong(webhook: &Webhook, outcome: &Outcome) -> Option<String> {
    if outcome.is_success() {
        return None;
    }
    Some(match (&outcome.broken, outcome.status) {
        (Some(why), _) => why.clone(),
        (None, Some(status)) => {
            let said = match &outcome.location {
                Some(to) => format!("The receiver answered {} and points to {to}.", named(status)),
                None => format!("The receiver answered {}.", named(status)),
            };
            match meaning(webhook, outcome, status) {
                Some(meaning) => format!("{said} {meaning}"),
                None => said,
            }
        }
        (None, None) => "No answer came.".to_owned(),
    })
}

/// Why a delivery stands as it does after an attempt, unless it arrived or simply goes out again; `wrong`
/// is [`what_went_wrong`] with it.
pub(crate) fn after_attempt(
    fate: &Fate,
    webhook: &Webhook,
    outcome: &Outcome,
    wrong: &str,
) -> Option<(Reason, String)> {
    match fate {
        Fate::Delivered | Fate::Retry { .. } | Fate::Uncounted { .. } | Fate::Waits => None,
        Fate::HeldAlone { .. } => Some((Reason::RefusedAlone, why_alone(wrong))),
        Fate::Held => Some((Reason::Rejected, why_held(wrong))),
        Fate::Failed { reason: Reason::AttemptsUsed } => {
            Some((Reason::AttemptsUsed, why_used(webhook, wrong)))
        }
        Fate::Failed { reason } => Some((*reason, why_rejected(webhook, outcome, wrong))),
        Fate::Cancelled => {
            Some((Reason::WebhookDeleted, Reason::WebhookDeleted.words().to_owned()))
        }
    }
}

fn why_used(webhook: &Webhook, wrong: &str) -> String {
    let most = webhook.max_attempts;
    format!(
        "All {most} attempts failed; the last one: {wrong} Redeliver it when the receiver works again."
    )
}

fn why_rejected(webhook: &Webhook, outcome: &Outcome, wrong: &str) -> String {
    match advice(webhook, outcome) {
        Some(advice) => format!("{wrong} {advice}, then redeliver it."),
        None => format!(
            "{wrong} The receiver does not accept this body; its answer stands with the attempt. A \
             redelivery sends the same bytes, so change the receiver first."
        ),
    }
}

fn why_alone(wrong: &str) -> String {
    format!(
        "{wrong} Other events arrive, so the fault is with this one alone. It is tried again by \
         itself at the time shown; later changes of its task wait for it."
    )
}

fn why_held(wrong: &str) -> String {
    format!("{wrong} Its task waits until you redeliver or cancel this one (onReject is hold).")
}

/// Why what waits for a webhook that is not up is held.
pub(crate) fn why_not_up(health: &Health) -> String {
    let why = &health.why;
    match health.condition {
        Condition::Up => String::new(),
        Condition::Down => format!(
            "The webhook is down: {why} A single request looks at the time shown whether it is \
             back; then everything goes out in order."
        ),
        Condition::Misconfigured => format!(
            "The webhook does not let us in: {why} Mend it, then resume the webhook; everything \
             goes out in order."
        ),
        Condition::Gone => format!(
            "The receiver says that this webhook is gone: {why} Set its new address, or resume the \
             webhook if it is back; everything goes out in order."
        ),
    }
}

/// What is wrong with a webhook that refuses everything.
pub(crate) fn why_refusing(webhook: &Webhook, health: &Health) -> String {
    let refused = match webhook.on_reject {
        OnReject::Skip => "What it refuses has failed; recover it then.",
        OnReject::Hold => {
            "What it refuses is held with its task; send it again then, or set onReject to skip."
        }
    };
    format!(
        "The receiver refuses everything; the newest answer: {} Changes go on being sent, and the \
         first one that it takes ends this. Mend what it says. {refused}",
        health.why
    )
}

/// Why what waits for a paused webhook is held.
pub(crate) fn why_paused(health: &Health) -> String {
    let paused = "Somebody paused the webhook; resume it, and everything goes out in order.";
    match health.condition {
        Condition::Up if !health.is_refusing() => paused.to_owned(),
        _ => format!("{paused} Before that: {}", health.why),
    }
}

/// What the answer to a test says, and what would become of a real event.
pub(crate) fn of_test(webhook: &Webhook, outcome: &Outcome) -> String {
    let Some(wrong) = what_went_wrong(webhook, outcome) else {
        let status = outcome.status.map(named).unwrap_or_default();
        return format!("The receiver took the sample ({status}); changes will arrive like it.");
    };
    if outcome.blocked {
        return wrong;
    }
    if retry::is_retryable(outcome) {
        return format!(
            "{wrong} A change would be tried again by itself, and wait until the receiver takes it."
        );
    }
    match (outcome.status, advice(webhook, outcome)) {
        (Some(410), Some(advice)) => format!("{wrong} {advice}. Changes wait until there is one."),
        (_, Some(advice)) => format!("{wrong} {advice}. Changes will not arrive before."),
        (_, None) => format!(
            "{wrong} The receiver does not accept this body: a change like it would be rejected."
        ),
    }
}

/// Where a delivery stands and what happens next, in words.
pub(crate) fn where_it_stands(delivery: &Delivery) -> String {
    let mut text = match (&delivery.reason_text, delivery.attempt_count) {
        (Some(why), _) => why.clone(),
        (None, 0 | 1) => "It arrived with the first attempt.".to_owned(),
        (None, many) => format!("It arrived with attempt {many}."),
    };
    if let Some(earlier) = &delivery.blocked_by {
        text.push_str(&format!(" {earlier} must end first."));
    }
    if let Some(at) = delivery.next_attempt_at {
        text.push_str(&format!(" The next request goes out at {at}."));
    }
    text
}

/// Why a webhook that would want an event has no delivery of it. `is_newer`: it was made later.
pub(crate) fn why_none(webhook: &str, is_newer: bool) -> String {
    let why = if is_newer {
        "The webhook was made after this change."
    } else {
        "The webhook wanted other changes or was not there when this one came, or what was sent is \
         no longer kept."
    };
    format!("{why} POST /api/webhooks/{webhook}/recover sends what it missed.")
}

/// Why what waits for a webhook of the settings is held when its setting is gone.
pub(crate) fn no_url(webhook: &str) -> String {
    let setting = if webhook == ALERTS_WEBHOOK { "ALERT_URL" } else { "WEBHOOK_URL" };
    format!("{setting} is not set; set it and restart, then this goes out.")
}

/// Why an event that was too old is no longer sent.
pub(crate) fn why_expired(max_age_ms: i64) -> String {
    let hours = max_age_ms / 3_600_000;
    let age = if hours > 0 { format!("{hours} h") } else { format!("{} s", max_age_ms / 1_000) };
    format!(
        "Its receiver did not take it within {age} (WEBHOOK_MAX_AGE). Redeliver it, or use recover, \
         when the receiver works again."
    )
}

/// The text of an alert: a webhook is down, refuses everything, or works again.
pub(crate) fn alert_of_condition(webhook: &Webhook, was: &Health, is: &Health) -> String {
    let (id, url) = (&webhook.id, masked_url(&webhook.url));
    match is.condition {
        Condition::Up if is.is_refusing() => {
            format!("Webhook {id} ({url}) takes nothing. {}", why_refusing(webhook, is))
        }
        Condition::Up if was.is_refusing() => {
            format!("Webhook {id} ({url}) works again. What it has refused waits for you.")
        }
        Condition::Up => {
            format!("Webhook {id} ({url}) works again. What was held is going out in order.")
        }
        _ => format!("Webhook {id} ({url}) is not up. {}", why_not_up(is)),
    }
}

/// The text of an alert: a delivery failed for good.
pub(crate) fn alert_of_failure(webhook: &str, delivery: &str, why: &str) -> String {
    format!(
        "Delivery {delivery} to webhook {webhook} failed: {why} Further failures of this webhook \
         are not told for a minute; GET /api/deliveries?status=failed lists all."
    )
}

/// The text of an alert: a delivery was refused and is held with its task.
pub(crate) fn alert_of_held(webhook: &str, delivery: &str, why: &str) -> String {
    format!(
        "Delivery {delivery} to webhook {webhook} was refused and is held: {why} Further ones of this \
         webhook are not told for a minute; GET /api/deliveries?status=held lists all."
    )
}

/// The text of an alert: much waits.
pub(crate) fn alert_of_backlog(webhook: &str, most: i64) -> String {
    format!(
        "More than {most} deliveries wait for webhook {webhook}. Nothing is lost; see whether it is \
         down, paused or slower than the changes come."
    )
}

/// A status with its usual name: `503 Service Unavailable`.
pub(crate) fn named(status: u16) -> String {
    StatusCode::from_u16(status).map_or_else(
        |_| status.to_string(),
        |known| match known.canonical_reason() {
            Some(name) => format!("{status} {name}"),
            None => status.to_string(),
        },
    )
}
