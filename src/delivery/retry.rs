//! What an answer means by itself, and how long to wait (backoff with jitter): the retry rules, as pure functions.
//! What becomes of the delivery is decided in `health`, which also knows how the webhook is doing.
//!
//! Must not know of time sources, SQL or sockets: it gets an outcome and counts, and decides.

use serde_json::Value;

use crate::model::{Later, Outcome, Profile};

/// The longest wait between two attempts, whoever asks for it, in milliseconds: one hour.
pub(crate) const LONGEST_WAIT_MS: i64 = 3_600_000;

/// For so long after it was not ready, a receiver that answers 404 is taken for one that still starts, in milliseconds.
const STARTING_MS: i64 = 60_000;

/// What to do after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It arrived.
    Delivered,
    /// Again, this many milliseconds after the attempt ended.
    Retry {
        /// Milliseconds to wait.
        after_ms: i64,
    },
    /// The answer will not change by itself. Whether it fails, is held or waits is up to `health`.
    Rejected,
    /// It was the last attempt.
    AttemptsUsed,
}

/// Decides after attempt `attempt` (1 …) of at most `max_attempts`.
///
/// Connection errors, timeouts, 5xx and 429 are retried after 1 s, 2 s, 4 s …; any other answer
/// is not, unless it means "later". A `Retry-After` that is longer than the series wins. A kept
/// connection that was cut says nothing of the receiver: a new one is tried at once.
pub(crate) fn after(outcome: &Outcome, attempt: u32, max_attempts: u32) -> Decision {
    if outcome.is_success() {
        return Decision::Delivered;
    }
    if !is_retryable(outcome) {
        return Decision::Rejected;
    }
    if attempt >= max_attempts {
        return Decision::AttemptsUsed;
    }
    let series = 1_000_i64 << (attempt.saturating_sub(1)).min(12);
    let series = if outcome.is_cut { 0 } else { series.min(LONGEST_WAIT_MS) };
    Decision::Retry { after_ms: series.max(outcome.retry_after_ms.unwrap_or(0)) }
}

/// Whether the same request may well succeed later.
pub(crate) fn is_retryable(outcome: &Outcome) -> bool {
    match outcome.status {
        _ if outcome.is_success() => false,
        _ if outcome.later.is_some() => true,
        None => true,
        // A 2xx whose body broke: the receiver may not have finished its work.
        Some(status) => status == 429 || status >= 500 || (200..300).contains(&status),
    }
}

/// What an answer means by its words, unless the receiver is said to be plain. An answer that means something counts
/// as 429.
///
/// Make's full queue is a 400 (Make Help Center, "Webhooks", "Error handling"); n8n answers 200 to
/// everything while it migrates its database at a start. Both come with and without full stops, and through
/// gateways as JSON.
pub(crate) fn meant(status: u16, text: &str, profile: Profile) -> Option<Later> {
    let is_asked = profile != Profile::Plain && matches!(status, 200..=299 | 400);
    let text = if is_asked { said(text) } else { String::new() };
    let says = |words: &str| text.eq_ignore_ascii_case(words);
    match status {
        _ if profile == Profile::Plain => None,
        400 if says("queue is full") => Some(Later::QueueFull),
        200..=299 if says("n8n is starting up. please wait") => Some(Later::Starting),
        _ => None,
    }
}

/// What a short answer says: as it is, as a JSON string, or as what an object of JSON has for a message.
fn said(text: &str) -> String {
    /// The longest answer that is taken for a few words, in bytes.
    const MOST: usize = 500;
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_json = text.len() <= MOST && text.starts_with(['"', '{']);
    let value = is_json.then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    let told = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => {
            let inner = [&value["message"], &value["error"], &value["error"]["message"]];
            inner.iter().find_map(|value| value.as_str()).map(str::to_owned)
        }
        _ => None,
    };
    let text = value.as_ref().and_then(told).unwrap_or_else(|| text.to_owned());
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '…' | '!')).to_owned()
}

/// An attempt that was made before, as far as it tells whether the receiver was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastAttempt {
    /// The receiver's HTTP status; none where no answer came.
    pub(crate) status: Option<i64>,
    /// It was delivered.
    pub(crate) is_delivered: bool,
    /// The beginning of the answer.
    pub(crate) excerpt: String,
}

impl PastAttempt {
    fn is_ready(&self, profile: Profile) -> Option<bool> {
        is_ready(self.status, self.is_delivered, |status| {
            meant(status, &self.excerpt, profile).is_some()
        })
    }
}

/// Whether an attempt shows a receiver that is ready. It does not, if no answer came, or one that says "later" by its
/// words, or a 2xx that broke off, or a gateway answered in its place. A 404 says nothing by itself.
fn is_ready(
    status: Option<i64>,
    is_delivered: bool,
    says_later: impl FnOnce(u16) -> bool,
) -> Option<bool> {
    match status {
        Some(404) => None,
        Some(200..=299) => Some(is_delivered),
        // Traefik, nginx and Kubernetes while a container starts; 520 to 530 are Cloudflare's.
        None | Some(502..=504 | 520..=530) => Some(false),
        Some(status) => Some(!u16::try_from(status).is_ok_and(says_later)),
    }
}

/// The same of an attempt that has just ended. A fault of this machine, an address that may not be reached and a kept
/// connection that was cut say nothing either.
pub(crate) fn shows_ready(outcome: &Outcome) -> Option<bool> {
    if outcome.is_local_fault || outcome.blocked || outcome.is_cut {
        return None;
    }
    is_ready(outcome.status.map(i64::from), outcome.is_success(), |_| outcome.later.is_some())
}

/// Whether a 404 means that the receiver is not back yet, `ago_ms` after it last was not ready, with nothing but 404s
/// since: so new events, too, do not take the minute in which n8n registers its workflows for their absence.
pub(crate) fn is_still_starting(ago_ms: i64, profile: Profile) -> bool {
    profile != Profile::Plain && ago_ms < STARTING_MS
}

/// Whether a 404 means that the receiver is not back yet: just before, it was not ready. `before` are
/// the attempts that were made, the newest first; 404s among them meant the same. So it is with n8n:
/// first nobody answers, or a gateway, then it is starting, then no workflow is registered.
pub(crate) fn is_not_back(outcome: &Outcome, before: &[PastAttempt], profile: Profile) -> bool {
    let last = before.iter().find_map(|attempt| attempt.is_ready(profile));
    outcome.status == Some(404) && last == Some(false)
}

/// Reads `Retry-After` of a 429 or a 503: seconds, or an HTTP date compared to `now_ms`. Garbage
/// and the past are no wait; more than an hour is an hour. In milliseconds.
pub(crate) fn retry_after_ms(status: u16, value: Option<&str>, now_ms: i64) -> Option<i64> {
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
    (wait > 0).then(|| wait.min(LONGEST_WAIT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Outcome {
        Outcome { status: Some(status), broken: None, ..Outcome::broken("") }
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
        assert_eq!(after(&answered(500), 40, 99), Decision::Retry { after_ms: LONGEST_WAIT_MS });
    }

    #[test]
    fn makes_full_queue_means_later() {
        let packed =
            [r#"{"message":"Queue is full."}"#, r#"{"error":{"message":"Queue is full"}}"#];
        let plain = ["Queue is full", "Queue is full.", " queue is full\n", "QUEUE IS FULL!"];
        for text in plain.into_iter().chain(packed) {
            for profile in [Profile::Auto, Profile::Make, Profile::N8n] {
                assert_eq!(meant(400, text, profile), Some(Later::QueueFull), "{text}");
            }
            assert_eq!(meant(400, text, Profile::Plain), None);
            assert_eq!(meant(200, text, Profile::Make), None);
        }
        assert_eq!(meant(400, "Queue is full of fish", Profile::Make), None);
        let full = Outcome { later: Some(Later::QueueFull), ..answered(400) };
        assert_eq!(after(&full, 1, 3), Decision::Retry { after_ms: 1_000 });
    }

    #[test]
    fn n8n_that_starts_means_later() {
        for text in [
            "n8n is starting up. Please wait",
            "n8n is starting up. Please wait...\n",
            "\u{feff}n8n is starting up. Please wait!",
            "\"n8n is starting up. Please wait\"",
            r#"{"code": 0, "message": "n8n is starting up. Please wait"}"#,
            r#"{"error":"n8n is starting up. Please wait."}"#,
        ] {
            for profile in [Profile::Auto, Profile::Make, Profile::N8n] {
                assert_eq!(meant(200, text, profile), Some(Later::Starting), "{text}");
            }
            assert_eq!(meant(200, text, Profile::Plain), None);
        }
        for other in [
            "Our n8n is starting up. Please wait",
            r#"{"task": "n8n is starting up. Please wait"}"#,
            r#"["n8n is starting up. Please wait"]"#,
            "{n8n is starting up. Please wait}",
        ] {
            assert_eq!(meant(200, other, Profile::N8n), None, "{other}");
        }
        let starting = Outcome { later: Some(Later::Starting), ..answered(200) };
        assert!(!starting.is_success());
        assert_eq!(after(&starting, 1, 3), Decision::Retry { after_ms: 1_000 });
        assert_eq!(after(&starting, 3, 3), Decision::AttemptsUsed);
    }

    fn earlier(status: Option<i64>, excerpt: &str) -> PastAttempt {
        PastAttempt { status, is_delivered: false, excerpt: excerpt.to_owned() }
    }

    #[test]
    fn a_404_right_after_a_receiver_was_not_ready_means_not_back_yet() {
        let is =
            |outcome: &Outcome, before: &[PastAttempt]| is_not_back(outcome, before, Profile::Auto);
        let (gone, none) = (answered(404), || earlier(None, ""));
        let missing = || earlier(Some(404), "not registered");
        let starting = || earlier(Some(200), "n8n is starting up. Please wait");
        for silence in [
            none(),
            starting(),
            earlier(Some(400), "Queue is full."),
            earlier(Some(200), "half of an ans"),
            earlier(Some(502), ""),
            earlier(Some(503), "Database is not ready!"),
            earlier(Some(504), ""),
            earlier(Some(521), ""),
        ] {
            assert!(is(&gone, std::slice::from_ref(&silence)), "{silence:?}");
            let mix = [missing(), missing(), silence.clone(), earlier(Some(500), "")];
            assert!(is(&gone, &mix), "404s meant the same: {silence:?}");
            assert!(!is(&answered(410), std::slice::from_ref(&silence)));
            assert!(!is(&answered(403), &[silence]));
        }
        assert!(!is(&gone, &[]), "the first attempt");
        assert!(!is(&gone, &[missing()]));
        let taken = PastAttempt { is_delivered: true, ..earlier(Some(200), "ok") };
        for there in
            [taken, earlier(Some(500), ""), earlier(Some(400), "no"), earlier(Some(429), "")]
        {
            assert!(!is(&gone, &[there.clone(), none()]), "somebody was there: {there:?}");
        }
        let full = [earlier(Some(400), "Queue is full.")];
        assert!(!is_not_back(&gone, &full, Profile::Plain), "it means what it says");
    }

    #[test]
    fn what_others_met_just_before_tells_of_a_start_too() {
        let later = Outcome { later: Some(Later::Starting), ..answered(200) };
        for (outcome, is_ready) in [
            (broken(None), Some(false)),
            (broken(Some(200)), Some(false)),
            (later, Some(false)),
            (answered(503), Some(false)),
            (answered(200), Some(true)),
            (answered(401), Some(true)),
            (answered(500), Some(true)),
            (answered(404), None),
            (Outcome { is_cut: true, ..broken(None) }, None),
            (Outcome { is_local_fault: true, ..broken(None) }, None),
            (Outcome { blocked: true, ..broken(None) }, None),
        ] {
            assert_eq!(shows_ready(&outcome), is_ready, "{outcome:?}");
        }
        assert!(
            is_still_starting(59_999, Profile::Auto) && !is_still_starting(60_000, Profile::N8n)
        );
        assert!(!is_still_starting(0, Profile::Plain));
    }

    #[test]
    fn a_kept_connection_that_was_cut_costs_an_attempt_but_no_wait() {
        let cut = Outcome { is_cut: true, ..broken(None) };
        assert_eq!(after(&cut, 1, 3), Decision::Retry { after_ms: 0 });
        assert_eq!(after(&cut, 3, 3), Decision::AttemptsUsed);
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
            ("1000000000", Some(LONGEST_WAIT_MS)),
            ("99999999999999999999999", Some(LONGEST_WAIT_MS)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", None),
        ] {
            assert_eq!(retry_after_ms(503, Some(value), now), wait, "{value}");
        }
        assert_eq!(retry_after_ms(500, Some("3"), now), None);
        assert_eq!(retry_after_ms(429, None, now), None);
    }
}
