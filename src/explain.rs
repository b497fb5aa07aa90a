//! What a receiver's answer means, and what becomes of a delivery, in words that a person can act on.
//!
//! Pure sentences; must not decide anything.

use http::StatusCode;
use serde::Serialize;

use crate::health::{Condition, Health};
use crate::model::{
    ALERTS_WEBHOOK, DEFAULT_WEBHOOK, Delivery, EventKind, Later, Named, OnReject, Outcome, Profile,
    Time, Webhook, masked_url,
};
use crate::retry;

/// What went wrong with an attempt; `None` if nothing did.
pub fn what_went_wrong(webhook: &Webhook, outcome: &Outcome) -> Option<String> {
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

/// What an answer means that its status alone does not tell.
fn meaning(webhook: &Webhook, outcome: &Outcome, status: u16) -> Option<&'static str> {
    match outcome.later {
        Some(Later::QueueFull) => Some(
            "Make's queue is full: turn the scenario on or let it work the queue off; nothing is lost meanwhile.",
        ),
        Some(Later::Starting) => {
            Some("n8n is still starting and has not taken it; it is sent again until n8n is up.")
        }
        Some(Later::NotBack) => Some(
            "Just before, the receiver was not ready: it counts as not back yet, and is asked again.",
        ),
        None if wants_tls(status, &outcome.excerpt) => Some(
            "It speaks HTTPS at this port: write https:// at the beginning of the webhook's URL.",
        ),
        None if webhook.is_make() => meaning_of_make(status),
        None if webhook.profile == Profile::N8n => meaning_of_n8n(status),
        None => None,
    }
}

/// What web servers answer, as a 400 or 426, to plain HTTP at a port that speaks TLS: nginx, Apache
/// and the server of Go.
fn wants_tls(status: u16, text: &str) -> bool {
    let words = [
        "plain HTTP request was sent to HTTPS port",
        "speaking plain HTTP to an SSL-enabled server port",
        "sent an HTTP request to an HTTPS server",
    ];
    matches!(status, 400 | 426) && words.iter().any(|known| text.contains(known))
}

/// Answers of n8n's webhooks.
fn meaning_of_n8n(status: u16) -> Option<&'static str> {
    Some(match status {
        401 | 403 => "n8n does not let us in: look at the authentication of its webhook node.",
        404 => {
            "n8n knows no active workflow at this address: activate the workflow, and use its \
             production URL (/webhook/…), not the one for tests (/webhook-test/…)."
        }
        405 => "n8n's webhook node takes another method: set its HTTP Method to POST.",
        413 => "The body is larger than n8n takes: raise N8N_PAYLOAD_SIZE_MAX there.",
        500 => "The workflow ran and failed; its executions in n8n say where.",
        _ => return None,
    })
}

/// Answers of Make's webhook gateway (Make Help Center, "Webhooks", "Error handling"; what the
/// statuses 401, 410 and 500 mean is known from its users).
fn meaning_of_make(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => {
            "A data structure is set on the webhook in Make and this body does not fit it: \
             redetermine the data structure, or remove it."
        }
        401 => "Make's API key is missing or wrong: set the header x-make-apikey.",
        403 => "Make does not let this address in: look at the webhook's IP restrictions.",
        404 | 410 => {
            "Make knows no such webhook: it was deleted, mistyped, or switched off after five days \
             without a scenario. Create it again and set the new address."
        }
        413 => "The body is larger than Make takes (5 MB).",
        429 => "Make takes 300 requests in 10 seconds; this was more, or the scenario's own limit.",
        500 => "The scenario ran and failed; its history in Make says where.",
        _ => return None,
    })
}

/// Why a failure is final and what to do about it. `reason` is `rejected` or `attempts_used`.
pub fn why_failed(webhook: &Webhook, outcome: &Outcome, reason: &str) -> String {
    let wrong = what_went_wrong(webhook, outcome).unwrap_or_default();
    if reason == "attempts_used" {
        let most = webhook.max_attempts;
        return format!(
            "All {most} attempts failed; the last one: {wrong} Redeliver it when the receiver works again."
        );
    }
    format!("{wrong} {}", advice(webhook, outcome))
}

fn advice(webhook: &Webhook, outcome: &Outcome) -> &'static str {
    let is_default = webhook.id == DEFAULT_WEBHOOK;
    match outcome.status.unwrap_or_default() {
        304 => {
            "304 says that nothing has changed, which is no answer to a webhook: a cache or a proxy \
             before the receiver gives it. Let POST requests through there, then redeliver it."
        }
        300..=399 if is_default => {
            "Redirects are never followed: set WEBHOOK_URL to the final address, then redeliver it."
        }
        300..=399 => {
            "Redirects are never followed: set the webhook's url to the final address, then redeliver it."
        }
        402 => {
            "The receiver wants to be paid first: its plan or its quota is used up. Renew that, then \
             redeliver it."
        }
        401 | 403 if is_default => {
            "The receiver does not let us in: check its key (WEBHOOK_HEADERS) and its address \
             rules, then redeliver it."
        }
        401 | 403 => {
            "The receiver does not let us in: check its key (the webhook's headers) and its address \
             rules, then redeliver it."
        }
        404 if is_default => {
            "The receiver knows no such address: check WEBHOOK_URL, then redeliver it."
        }
        404 => "The receiver knows no such address: check the webhook's url, then redeliver it.",
        405 => {
            "Nothing takes a POST at this address: check its path, and the method that the receiver \
             is set to, then redeliver it."
        }
        407 => {
            "A proxy before the receiver wants a password, which is never sent: let requests to the \
             receiver pass it, then redeliver it."
        }
        408 => {
            "The receiver gave up waiting for the request: it is overloaded, or something between \
             holds the body up. Look at its time limit for reading, then redeliver it."
        }
        410 => "The receiver says that the webhook is gone: set a new address, then redeliver it.",
        413 => {
            "The body is larger than the receiver takes: raise its limit, or that of the proxy \
             before it, then redeliver it."
        }
        415 => {
            "The receiver does not take JSON (content-type: application/json) at this address: \
             check the address and what it expects, then redeliver it."
        }
        421 => {
            "The receiver does not serve this host name: check the host in the URL, and the names \
             that the receiver or its proxy knows, then redeliver it."
        }
        425 => {
            "The receiver fears a replay: a proxy before it passes TLS early data on (0-RTT), which \
             this server does not send. Switch that off there, then redeliver it."
        }
        426 => {
            "The receiver wants another protocol: most often https:// instead of http://. Change \
             the URL, then redeliver it."
        }
        431 => {
            "The request's headers are larger than the receiver takes: raise its limit or shorten \
             the webhook's own headers, then redeliver it."
        }
        _ => {
            "The receiver does not accept this body; its answer stands with the attempt. A \
             redelivery sends the same bytes, so change the receiver first."
        }
    }
}

/// Why an event is held although its webhook works.
pub fn why_alone(webhook: &Webhook, outcome: &Outcome) -> String {
    let wrong = what_went_wrong(webhook, outcome).unwrap_or_default();
    format!(
        "{wrong} Other events arrive, so the fault is with this one alone. It is tried again by \
         itself at the time shown; later changes of its task wait for it."
    )
}

/// Why a rejected event is held, and its task with it.
pub fn why_held(webhook: &Webhook, outcome: &Outcome) -> String {
    let wrong = what_went_wrong(webhook, outcome).unwrap_or_default();
    format!("{wrong} Its task waits until you redeliver or cancel this one (onReject is hold).")
}

/// Why what waits for a webhook that is not up is held.
pub fn why_not_up(health: &Health) -> String {
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
pub fn why_refusing(webhook: &Webhook, health: &Health) -> String {
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
pub fn why_paused(health: &Health) -> String {
    let paused = "Somebody paused the webhook; resume it, and everything goes out in order.";
    match health.condition {
        Condition::Up if !health.is_refusing() => paused.to_owned(),
        _ => format!("{paused} Before that: {}", health.why),
    }
}

/// What the answer to a test says, and what would become of a real event.
pub fn of_test(webhook: &Webhook, outcome: &Outcome) -> String {
    let Some(wrong) = what_went_wrong(webhook, outcome) else {
        let status = outcome.status.map(named).unwrap_or_default();
        return format!("The receiver took the sample ({status}); changes will arrive like it.");
    };
    let then = match outcome.status.unwrap_or_default() {
        _ if outcome.blocked => return wrong,
        _ if retry::is_retryable(outcome) => {
            "A change would be tried again by itself, and wait until the receiver takes it."
        }
        304 => {
            "A cache or proxy before the receiver answers for it: let POST requests through there."
        }
        300..=399 => {
            "Redirects are never followed: set the final address, or changes will be rejected."
        }
        401 | 403 | 404 => {
            "Check the address, the key among the headers and the receiver's address rules; \
             changes will not arrive before."
        }
        410 => "Set a new address: changes wait until there is one.",
        _ => "The receiver does not accept this body: a change like it would be rejected.",
    };
    format!("{wrong} {then}")
}

/// Where a delivery stands and what happens next, in words.
pub fn where_it_stands(delivery: &Delivery) -> String {
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
pub fn why_none(webhook: &str, is_newer: bool) -> String {
    let why = if is_newer {
        "The webhook was made after this change."
    } else {
        "The webhook wanted other changes or was not there when this one came, or what was sent is \
         no longer kept."
    };
    format!("{why} POST /api/webhooks/{webhook}/recover sends what it missed.")
}

/// Why what waits for a webhook of the settings is held when its setting is gone.
pub fn no_url(webhook: &str) -> String {
    let setting = if webhook == ALERTS_WEBHOOK { "ALERT_URL" } else { "WEBHOOK_URL" };
    format!("{setting} is not set; set it and restart, then this goes out.")
}

/// Why what waited for a webhook that was deleted is cancelled.
pub const WEBHOOK_DELETED: &str =
    "Its webhook was deleted before this arrived; nothing is sent there any more.";

/// Why an event that was too old is no longer sent.
pub fn why_expired(max_age_ms: i64) -> String {
    let hours = max_age_ms / 3_600_000;
    let age = if hours > 0 { format!("{hours} h") } else { format!("{} s", max_age_ms / 1_000) };
    format!(
        "Its receiver did not take it within {age} (WEBHOOK_MAX_AGE). Redeliver it, or use recover, \
         when the receiver works again."
    )
}

/// The text of an alert: a webhook is down, refuses everything, or works again.
pub fn alert_of_condition(webhook: &Webhook, was: &Health, is: &Health) -> String {
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
pub fn alert_of_failure(webhook: &str, delivery: &str, why: &str) -> String {
    format!(
        "Delivery {delivery} to webhook {webhook} failed: {why} Further failures of this webhook \
         are not told for a minute; GET /api/deliveries?status=failed lists all."
    )
}

/// The text of an alert: a delivery was refused and is held with its task.
pub fn alert_of_held(webhook: &str, delivery: &str, why: &str) -> String {
    format!(
        "Delivery {delivery} to webhook {webhook} was refused and is held: {why} Further ones of this \
         webhook are not told for a minute; GET /api/deliveries?status=held lists all."
    )
}

/// The text of an alert: much waits.
pub fn alert_of_backlog(webhook: &str, most: i64) -> String {
    format!(
        "More than {most} deliveries wait for webhook {webhook}. Nothing is lost; see whether it is \
         down, paused or slower than the changes come."
    )
}

/// The body of an alert; tools in the manner of Slack show its `text`.
pub fn alert_body(kind: EventKind, webhook: &str, text: &str, now: Time) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'b> {
        text: &'b str,
        alert: &'b str,
        webhook_id: &'b str,
        at: Time,
    }
    let body = Body { text, alert: kind.as_str(), webhook_id: webhook, at: now };
    // Text and a time: nothing here that serde_json can refuse.
    serde_json::to_string(&body).unwrap_or_default()
}

/// A status with its usual name: `503 Service Unavailable`.
pub fn named(status: u16) -> String {
    StatusCode::from_u16(status).map_or_else(
        |_| status.to_string(),
        |known| match known.canonical_reason() {
            Some(name) => format!("{status} {name}"),
            None => status.to_string(),
        },
    )
}
