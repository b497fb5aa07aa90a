//! What happens after an attempt: the retry rules, as a pure function.
//!
//! Must not know of time sources, SQL or sockets: it gets an outcome and counts, and decides.

use crate::model::{Outcome, Profile};

/// The longest wait that a receiver may ask for, in milliseconds: one hour.
pub const RETRY_AFTER_MOST_MS: i64 = 3_600_000;

/// What to do after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It arrived.
    Delivered,
    /// Again, this many milliseconds after the attempt ended.
    Retry {
        /// Milliseconds to wait.
        after_ms: i64,
    },
    /// The answer will not change by itself.
    Rejected,
    /// It was the last attempt.
    AttemptsUsed,
}

/// Decides after attempt `attempt` (1 …) of at most `max_attempts`.
///
/// Connection errors, timeouts, 5xx and 429 are retried after 1 s, 2 s, 4 s …; any other answer
/// is not, but for the full queue of Make. A `Retry-After` that is longer than the series wins.
pub fn after(outcome: &Outcome, attempt: u32, max_attempts: u32, profile: Profile) -> Decision {
    if outcome.is_success() {
        return Decision::Delivered;
    }
    let says_later = profile != Profile::Plain && is_full_queue(outcome);
    if !is_retryable(outcome) && !says_later {
        return Decision::Rejected;
    }
    if attempt >= max_attempts {
        return Decision::AttemptsUsed;
    }
    let series = 1_000_i64 << (attempt.saturating_sub(1)).min(12);
    let series = series.min(RETRY_AFTER_MOST_MS);
    Decision::Retry { after_ms: series.max(outcome.retry_after_ms.unwrap_or(0)) }
}

/// Whether the same request may well succeed later.
pub fn is_retryable(outcome: &Outcome) -> bool {
    match outcome.status {
        _ if outcome.is_success() => false,
        None => true,
        // A 2xx whose body broke: the receiver may not have finished its work.
        Some(status) => status == 429 || status >= 500 || (200..300).contains(&status),
    }
}

/// Whether Make says that the queue of its webhook is full: a 400 with this text, sometimes with a
/// full stop (Make Help Center, "Webhooks", "Error handling"). It counts as 429.
pub fn is_full_queue(outcome: &Outcome) -> bool {
    let text = outcome.excerpt.trim().trim_end_matches('.');
    outcome.status == Some(400) && text.eq_ignore_ascii_case("queue is full")
}

/// Reads `Retry-After` of a 429 or a 503: seconds, or an HTTP date compared to `now_ms`. Garbage
/// and the past are no wait; more than an hour is an hour. In milliseconds.
pub fn retry_after_ms(status: u16, value: Option<&str>, now_ms: i64) -> Option<i64> {
    if status != 429 && status != 503 {
        return None;
    }
    let value = value?.trim();
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let wait = if digits {
        // More digits than a number holds is still "very long".
        value.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1_000)
    } else {
        let at = httpdate::parse_http_date(value).ok()?;
        let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(at.as_millis()).ok()?.saturating_sub(now_ms)
    };
    (wait > 0).then(|| wait.min(RETRY_AFTER_MOST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(outcome: &Outcome, attempt: u32, most: u32) -> Decision {
        super::after(outcome, attempt, most, Profile::Auto)
    }

    fn answered(status: u16) -> Outcome {
        Outcome {
            ms: 5,
            status: Some(status),
            broken: None,
            excerpt: String::new(),
            retry_after_ms: None,
            blocked: false,
            ours: false,
        }
    }

    fn broken(status: Option<u16>) -> Outcome {
        Outcome { status, broken: Some("reset".into()), ..answered(0) }
    }

    #[test]
    fn only_2xx_is_success() {
        for status in [200, 201, 204, 299] {
            assert_eq!(after(&answered(status), 1, 3), Decision::Delivered);
        }
        for status in [301, 302, 400, 401, 403, 404, 408, 410, 413, 422, 425] {
            assert_eq!(after(&answered(status), 1, 3), Decision::Rejected, "{status}");
        }
    }

    #[test]
    fn the_series_is_one_two_four_seconds() {
        for status in [429, 500, 502, 503, 599] {
            for (attempt, wait) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
                let again = Decision::Retry { after_ms: wait };
                assert_eq!(after(&answered(status), attempt, 9), again);
            }
        }
        assert_eq!(after(&answered(500), 3, 3), Decision::AttemptsUsed);
        assert_eq!(after(&broken(None), 1, 3), Decision::Retry { after_ms: 1_000 });
        assert_eq!(after(&broken(Some(200)), 2, 3), Decision::Retry { after_ms: 2_000 });
        assert_eq!(
            after(&answered(500), 40, 99),
            Decision::Retry { after_ms: RETRY_AFTER_MOST_MS }
        );
    }

    #[test]
    fn makes_full_queue_means_later() {
        for text in ["Queue is full", "Queue is full.", " queue is full\n"] {
            let full = Outcome { excerpt: text.to_owned(), ..answered(400) };
            assert_eq!(after(&full, 1, 3), Decision::Retry { after_ms: 1_000 });
            assert_eq!(super::after(&full, 1, 3, Profile::Plain), Decision::Rejected);
        }
        let other = Outcome { excerpt: "Queue is full of fish".to_owned(), ..answered(400) };
        assert_eq!(after(&other, 1, 3), Decision::Rejected);
    }

    #[test]
    fn a_broken_refusal_stays_a_refusal() {
        assert_eq!(after(&broken(Some(404)), 1, 3), Decision::Rejected);
    }

    #[test]
    fn the_larger_of_series_and_retry_after_wins() {
        let asked = |ms| Outcome { retry_after_ms: Some(ms), ..answered(429) };
        assert_eq!(after(&asked(5_000), 1, 3), Decision::Retry { after_ms: 5_000 });
        assert_eq!(after(&asked(500), 2, 3), Decision::Retry { after_ms: 2_000 });
    }

    #[test]
    fn retry_after_is_read_with_care() {
        let now = 784_111_777_000; // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, wait) in [
            ("3", Some(3_000)),
            (" 3 ", Some(3_000)),
            ("0", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("1000000000", Some(RETRY_AFTER_MOST_MS)),
            ("99999999999999999999999", Some(RETRY_AFTER_MOST_MS)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", None),
        ] {
            assert_eq!(retry_after_ms(503, Some(value), now), wait, "{value}");
        }
        assert_eq!(retry_after_ms(500, Some("3"), now), None);
        assert_eq!(retry_after_ms(429, None, now), None);
    }
}
