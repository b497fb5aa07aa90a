//! Answers: what a receiver means by what it said, and what to do about it.
//!
//! Sentences and clauses without an end; must not know what becomes of the delivery.

use crate::model::{DEFAULT_WEBHOOK, Later, Outcome, Profile, Webhook};

/// What an answer means that its status alone does not tell.
pub(super) fn meaning(webhook: &Webhook, outcome: &Outcome, status: u16) -> Option<&'static str> {
    match outcome.later {
        Some(Later::QueueFull) => {
            Some("Make's queue is full: turn the scenario on or let it work the queue off.")
        }
        Some(Later::Starting) => Some("n8n is still starting and has not taken it."),
        Some(Later::NotBack) => {
            Some("Just before, the receiver was not ready: it counts as not back yet.")
        }
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

/// What to do about a refusal, to go on after; none where only the receiver knows.
pub(super) fn advice(webhook: &Webhook, outcome: &Outcome) -> Option<&'static str> {
    let is_default = webhook.id == DEFAULT_WEBHOOK;
    Some(match outcome.status.unwrap_or_default() {
        101 => {
            "The receiver changes to another protocol, as for a WebSocket: webhooks are not taken at \
             this address. Check its path"
        }
        304 => {
            "304 says that nothing has changed, which is no answer to a webhook: a cache or a proxy \
             before the receiver gives it. Let POST requests through there"
        }
        300..=399 if leads_nowhere(outcome) => {
            "Redirects are never followed, and this one names no address that could be set: see what \
             answers there, which most often is a proxy or a page to sign in"
        }
        300..=399 if leads_to_itself(outcome) => {
            "Redirects are never followed, and this one leads to where it came from: most often a \
             proxy does that which wants https://, a cookie or another host name. Look at its rules"
        }
        300..=399 if is_default => {
            "Redirects are never followed: set WEBHOOK_URL to the final address"
        }
        300..=399 => "Redirects are never followed: set the webhook's url to the final address",
        402 => "The receiver wants to be paid first: its plan or its quota is used up. Renew that",
        401 | 403 if is_default => {
            "The receiver does not let us in: check its key (WEBHOOK_HEADERS) and its address \
             rules"
        }
        401 | 403 => {
            "The receiver does not let us in: check its key (the webhook's headers) and its address \
             rules"
        }
        404 if is_default => "The receiver knows no such address: check WEBHOOK_URL",
        404 => "The receiver knows no such address: check the webhook's url",
        405 => {
            "Nothing takes a POST at this address: check its path, and the method that the receiver \
             is set to"
        }
        406 => {
            "The receiver has no form to answer in that it takes for wanted: any is, and none need \
             come. Look at what it is set to answer"
        }
        407 => {
            "A proxy before the receiver wants a password, which is never sent: let requests to the \
             receiver pass it"
        }
        408 => {
            "The receiver gave up waiting for the request: it is overloaded, or something between \
             holds the body up. Look at its time limit for reading"
        }
        409 | 423 => {
            "The receiver says that this does not go with what it holds now, or that it is locked: \
             look there"
        }
        411 => {
            "The receiver misses the length of the body, which is always sent (content-length): look \
             at what takes it off on the way"
        }
        412 | 428 => {
            "The receiver wants a condition such as If-Match, which webhooks have none of: lift that \
             for this address"
        }
        414 => {
            "The webhook's URL is longer than the receiver takes: shorten it, or raise the limit there"
        }
        410 => "The receiver says that the webhook is gone: set a new address",
        413 => {
            "The body is larger than the receiver takes: raise its limit, or that of the proxy \
             before it"
        }
        415 => {
            "The receiver does not take JSON (content-type: application/json) at this address: \
             check the address and what it expects"
        }
        421 => {
            "The receiver does not serve this host name: check the host in the URL, and the names \
             that the receiver or its proxy knows"
        }
        425 => {
            "The receiver fears a replay: a proxy before it passes TLS early data on (0-RTT), which \
             this server does not send. Switch that off there"
        }
        426 => {
            "The receiver wants another protocol: most often https:// instead of http://. Change \
             the URL"
        }
        431 => {
            "The request's headers are larger than the receiver takes: raise its limit or shorten \
             the webhook's own headers"
        }
        451 => {
            "The address is barred for legal reasons, at the receiver or on the way to it: ask who \
             runs it"
        }
        _ => return None,
    })
}

/// As `sender/location.rs` says it.
fn leads_nowhere(outcome: &Outcome) -> bool {
    outcome.location.as_ref().is_none_or(|to| to.starts_with("what is no address"))
}

/// As `sender/location.rs` says it.
fn leads_to_itself(outcome: &Outcome) -> bool {
    outcome.location.as_ref().is_some_and(|to| to.ends_with("(this very address)"))
}
