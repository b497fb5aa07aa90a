//! Pace and room: how many requests may go to a webhook now, so that none floods its receiver and
//! none takes what belongs to its neighbours.
//!
//! Pure: time comes in as milliseconds of a clock that never steps back. Must not know of health
//! or of the database; what is under way is known to this process alone.

use std::collections::HashMap;

use crate::model::Webhook;

/// Requests at a time to a webhook that answers.
const ROOM: usize = 32;
/// Requests at a time to a webhook whose last attempt got no answer.
const ROOM_SILENT: usize = 2;
/// Requests a second to Make, and at once. Make takes 300 in 10 seconds (Make Help Center,
/// "Webhooks", "Webhook processing rate"); this gives at most 25 + 250 in any 10 s.
const MAKE_RATE: u32 = 25;

/// How many requests a second a webhook gets, and at once; `None` = as fast as it answers.
pub fn rate(webhook: &Webhook) -> Option<u32> {
    match webhook.rate_per_second {
        Some(rate) => Some(rate),
        None => webhook.is_make().then_some(MAKE_RATE),
    }
}

/// Tokens: a request takes one, time brings them back.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    rate: u32,
    tokens: f64,
    at_ms: i64,
}

impl Bucket {
    fn refill(&mut self, rate: u32, now_ms: i64) {
        if self.rate != rate {
            // Another pace begins as a start does: with nothing in hand.
            *self = Bucket { rate, tokens: 0.0, at_ms: now_ms };
        }
        let passed = f64::from(u32::try_from(now_ms - self.at_ms).unwrap_or(u32::MAX));
        self.tokens = (self.tokens + passed * f64::from(rate) / 1_000.0).min(f64::from(rate));
        self.at_ms = now_ms;
    }

    /// Milliseconds until there is a whole token.
    #[expect(clippy::cast_possible_truncation, reason = "at most a second")]
    fn wait_ms(&self) -> i64 {
        ((1.0 - self.tokens).max(0.0) * 1_000.0 / f64::from(self.rate)).ceil() as i64
    }
}

/// One webhook's room.
#[derive(Clone, Debug, Default)]
struct Gate {
    under_way: usize,
    /// The last attempt got no answer.
    is_silent: bool,
    bucket: Option<Bucket>,
    /// When it last answered with 2xx.
    success_ms: Option<i64>,
    /// Something due was left for want of a place.
    is_short: bool,
}

/// How much may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Requests that may leave now.
    pub free: usize,
    /// If that is 0 for want of a token: milliseconds until there is one.
    pub wait_ms: Option<i64>,
    /// Whether no request is under way, as a probe needs.
    pub is_idle: bool,
}

/// The room of every webhook.
#[derive(Debug, Default)]
pub struct Gates(HashMap<String, Gate>);

impl Gates {
    /// The room of a webhook at `now_ms`.
    pub fn room(&mut self, webhook: &Webhook, now_ms: i64) -> Room {
        let gate = self.0.entry(webhook.id.clone()).or_default();
        let places = if gate.is_silent { ROOM_SILENT } else { ROOM };
        let mut free = places.saturating_sub(gate.under_way);
        let mut wait_ms = None;
        if let Some(rate) = rate(webhook) {
            let empty = Bucket { rate, tokens: 0.0, at_ms: now_ms };
            let bucket = gate.bucket.get_or_insert(empty);
            bucket.refill(rate, now_ms);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 1000"
            )]
            let tokens = bucket.tokens.floor() as usize;
            if tokens == 0 && free > 0 {
                wait_ms = Some(bucket.wait_ms());
            }
            free = free.min(tokens);
        } else {
            gate.bucket = None;
        }
        Room { free, wait_ms, is_idle: gate.under_way == 0 }
    }

    /// A request of a webhook leaves.
    pub fn take(&mut self, webhook_id: &str) {
        let gate = self.0.entry(webhook_id.to_owned()).or_default();
        gate.under_way += 1;
        if let Some(bucket) = &mut gate.bucket {
            bucket.tokens -= 1.0;
        }
    }

    /// Something due was left because no place was free: look again when one is.
    pub fn fell_short(&mut self, webhook_id: &str) {
        self.0.entry(webhook_id.to_owned()).or_default().is_short = true;
    }

    /// A request has ended. Answers whether something waits for its place.
    pub fn release(
        &mut self,
        webhook_id: &str,
        is_answered: bool,
        success_ms: Option<i64>,
    ) -> bool {
        let Some(gate) = self.0.get_mut(webhook_id) else { return false };
        gate.under_way = gate.under_way.saturating_sub(1);
        gate.is_silent = !is_answered;
        gate.success_ms = gate.success_ms.max(success_ms);
        std::mem::take(&mut gate.is_short)
    }

    /// When a webhook last answered with 2xx, by the wall clock; `None` if not since the start.
    pub fn last_success_ms(&self, webhook_id: &str) -> Option<i64> {
        self.0.get(webhook_id)?.success_ms
    }

    /// Forgets webhooks that are gone and have nothing under way.
    pub fn keep(&mut self, is_known: impl Fn(&str) -> bool) {
        self.0.retain(|id, gate| gate.under_way > 0 || is_known(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventKind, Filter, OnReject, Payload, Profile};

    fn webhook(profile: Profile, rate_per_second: Option<u32>) -> Webhook {
        Webhook {
            id: "wh_a".to_owned(),
            url: "https://e.org/".to_owned(),
            events: EventKind::OF_TASKS.to_vec(),
            source: None,
            description: None,
            headers: Vec::new(),
            secret: None,
            old_secret: None,
            payload: Payload::Full,
            filter: Filter::default(),
            ignore_origin: Vec::new(),
            profile,
            rate_per_second,
            timeout_seconds: 10,
            max_attempts: 3,
            on_reject: OnReject::Skip,
        }
    }

    #[test]
    fn a_silent_receiver_gets_two_at_a_time() {
        let (mut gates, plain) = (Gates::default(), webhook(Profile::Plain, None));
        assert_eq!(gates.room(&plain, 0).free, 32);
        (0..32).for_each(|_| gates.take("wh_a"));
        assert_eq!(gates.room(&plain, 0), Room { free: 0, wait_ms: None, is_idle: false });
        (0..31).for_each(|_| assert!(!gates.release("wh_a", false, None)));
        assert_eq!(gates.room(&plain, 0).free, 1);
        gates.fell_short("wh_a");
        assert!(gates.release("wh_a", true, Some(7)), "something waits for the place");
        assert_eq!(gates.room(&plain, 0), Room { free: 32, wait_ms: None, is_idle: true });
        assert_eq!(gates.last_success_ms("wh_a"), Some(7));
    }

    #[test]
    fn make_gets_at_most_275_requests_in_any_ten_seconds() {
        let (mut gates, make) = (Gates::default(), webhook(Profile::Make, None));
        let mut left = Vec::new();
        for now in (0..60_000).filter(|ms| ms % 7 == 0 && !(20_000..30_000).contains(ms)) {
            for _ in 0..gates.room(&make, now).free {
                gates.take("wh_a");
                gates.release("wh_a", true, None);
                left.push(now);
            }
        }
        for at in &left {
            let within = left.iter().filter(|other| (*at..*at + 10_000).contains(*other)).count();
            assert!(within <= 275, "{within} from {at} on");
        }
        assert!(left.len() > 1_100, "{}", left.len());
    }

    #[test]
    fn the_bucket_is_empty_at_a_start_and_after_another_pace() {
        let mut gates = Gates::default();
        let room = gates.room(&webhook(Profile::Auto, Some(10)), 5_000);
        assert_eq!((room.free, room.wait_ms), (0, Some(100)));
        assert_eq!(gates.room(&webhook(Profile::Auto, Some(10)), 6_000).free, 10);
        assert_eq!(gates.room(&webhook(Profile::Auto, Some(20)), 6_000).free, 0);
    }
}
