//! What a receiver's answer means, in words that a person can act on.
//!
//! Pure sentences; must not decide anything.

use http::StatusCode;

use crate::model::Outcome;

/// What went wrong with an attempt, as one sentence; `None` if nothing did.
pub fn what_went_wrong(outcome: &Outcome) -> Option<String> {
    if outcome.is_success() {
        return None;
    }
    Some(match (&outcome.broken, outcome.status) {
        (Some(why), _) => why.clone(),
        (None, Some(status)) => format!("The receiver answered {}.", named(status)),
        (None, None) => "No answer came.".to_owned(),
    })
}

/// Why a failure is final and what to do about it.
pub fn why_failed(outcome: &Outcome, reason: &str, attempts: u32) -> String {
    let wrong = what_went_wrong(outcome).unwrap_or_default();
    if reason == "attempts_used" {
        return format!(
            "All {attempts} attempts failed; the last one: {wrong} Redeliver it when the receiver works again."
        );
    }
    let advice = match outcome.status.unwrap_or_default() {
        300..=399 => {
            "Redirects are never followed: set WEBHOOK_URL to the final address, then redeliver it."
        }
        // Make Help Center, "Webhooks": a full queue is answered 400 with this text.
        400 if outcome.excerpt.starts_with("Queue is full") => {
            "Make's queue is full: let the scenario work it off, or turn it on, then redeliver it."
        }
        401 | 403 => {
            "The receiver does not let us in: check its key (WEBHOOK_HEADERS) and its address \
             rules, then redeliver it."
        }
        404 | 410 => "The receiver knows no such webhook: check WEBHOOK_URL, then redeliver it.",
        413 => "The body is larger than the receiver takes: raise its limit, then redeliver it.",
        _ => {
            "The receiver does not accept this body; its answer stands with the attempt. A \
             redelivery sends the same bytes, so change the receiver first."
        }
    };
    format!("{wrong} {advice}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = Outcome {
            ms: 1,
            status: Some(403),
            broken: None,
            excerpt: String::new(),
            retry_after_ms: None,
        };
        let said = why_failed(&refused, "rejected", 3);
        assert!(said.starts_with("The receiver answered 403 Forbidden. "), "{said}");
        assert!(said.contains("WEBHOOK_HEADERS"), "{said}");
        assert_eq!(named(299), "299");
    }
}
