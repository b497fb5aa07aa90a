//! Pace and room: how many requests may go to a webhook now, so that none floods its receiver and
//! none takes what belongs to its neighbours: a token bucket for the rate, and places for what is under way.
//!
//! Pure: time comes in as milliseconds of a clock that never steps back. Must not know of health
//! or of the database; what is under way is known to this process alone.
#![doc = include_str!("../../docs/internals/pace.md")]

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::model::Webhook;

/// Requests at a time to a webhook that answers.
const ROOM: usize = 32;
/// An answer within so many milliseconds comes sooner than a commit, under load.
const QUICK_MS: i64 = 20;
/// Deliveries claimed at a time for a webhook whose last answer was quick. Claimed are those under way, and those whose
/// claim is being committed: so many that a request leaves as soon as another has ended, and not a commit later.
const ROOM_QUICK: usize = 2 * ROOM;
/// Requests at a time to a webhook whose last attempt got no answer.
const ROOM_SILENT: usize = 2;
/// Bytes of tasks under way to all receivers together, beyond which each gets one request at a time:
/// slow receivers of large tasks must not fill the memory.
const BYTES_MOST: usize = 16 * 1024 * 1024;
/// Requests a second to Make, and at once. Make takes 300 in 10 seconds (Make Help Center,
/// "Webhooks", "Webhook processing rate"); this gives at most 25 + 250 in any 10 s.
const MAKE_RATE: u32 = 25;

/// How many requests a second a webhook gets, and at once; `None` = as fast as it answers.
pub(crate) fn rate(webhook: &Webhook) -> Option<u32> {
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
        let passed = f64::from(u32::try_from((now_ms - self.at_ms).max(0)).unwrap_or(u32::MAX));
        self.tokens = (self.tokens + passed * f64::from(rate) / 1_000.0).min(f64::from(rate));
        self.at_ms = now_ms;
    }

    /// Milliseconds until there is a whole token.
    #[expect(clippy::cast_possible_truncation, reason = "at most a second")]
    fn wait_ms(&self) -> i64 {
        ((1.0 - self.tokens).max(0.0) * 1_000.0 / f64::from(self.rate)).ceil() as i64
    }
}

/// How the last attempt was answered.
#[derive(Clone, Copy, Debug, Default)]
enum Answered {
    #[default]
    Slowly,
    Quickly,
    Never,
}

/// One webhook's room.
#[derive(Clone, Debug, Default)]
struct Gate {
    under_way: usize,
    /// Places for requests.
    requests: Option<Arc<Semaphore>>,
    answered: Answered,
    bucket: Option<Bucket>,
    /// When it last answered with 2xx.
    success_ms: Option<i64>,
    /// When the first request failed since.
    failing_ms: Option<i64>,
    /// When it last was not ready, if nothing has shown since that it is.
    not_ready_ms: Option<i64>,
    /// Something due was left for want of a place.
    is_short: bool,
    /// Nothing that is due waits, as far as the last look and the events since then tell. What is put in line again may
    /// wait all the same, for the look that follows.
    is_clear: bool,
    /// When an event was last put in line behind another of its task.
    joined_ms: Option<i64>,
}

/// How much may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Requests that may leave now.
    pub(crate) free: usize,
    /// If that is 0 for want of a token: milliseconds until there is one.
    pub(crate) wait_ms: Option<i64>,
    /// Whether no request is under way, as a probe needs.
    pub(crate) is_idle: bool,
}

/// What a request that has ended says of its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestEnd {
    /// Bytes of its task.
    pub(crate) bytes: usize,
    /// An answer came.
    pub(crate) is_answered: bool,
    /// How many milliseconds it took.
    pub(crate) ms: i64,
    /// It was a 2xx.
    pub(crate) is_success: bool,
    /// It failed in a way that speaks of the webhook: no answer, or one that says "later".
    pub(crate) is_failure: bool,
    /// Whether it shows a receiver that is ready; `None`: it says nothing of that.
    pub(crate) is_ready: Option<bool>,
    /// When it was handed over with its event; `None`: it waited before, and others may wait behind it.
    pub(crate) at_once_ms: Option<i64>,
    /// When it ended, by the same clock that never steps.
    pub(crate) now_ms: i64,
}

/// What is known of a webhook since the start of the process, by a clock that never steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Something that is due waited for a place.
    pub(crate) is_short: bool,
    /// A later event of its task may wait for its end.
    pub(crate) is_awaited: bool,
    /// When it last answered with 2xx.
    pub(crate) success_ms: Option<i64>,
    /// When the first request failed since.
    pub(crate) failing_ms: Option<i64>,
    /// When it last was not ready, if nothing has shown since that it is.
    pub(crate) not_ready_ms: Option<i64>,
}

/// The room of every webhook.
#[derive(Debug)]
pub(crate) struct Gates {
    each: HashMap<String, Gate>,
    /// Requests at a time over all webhooks: as many as the system gives files for.
    most: usize,
    under_way: usize,
    /// Of all tasks under way.
    bytes: usize,
    /// Something due was left because the most were under way.
    is_short: bool,
    /// The webhook that the last look did not come to.
    left: String,
    /// Bytes of the tasks that the look at hand has chosen and not yet taken.
    chosen: usize,
}

impl Default for Gates {
    fn default() -> Gates {
        Gates::new(usize::MAX)
    }
}

impl Gates {
    /// Gates through which at most so many requests go at a time.
    pub(crate) fn new(most: usize) -> Gates {
        Gates {
            each: HashMap::new(),
            most,
            under_way: 0,
            bytes: 0,
            is_short: false,
            left: String::new(),
            chosen: 0,
        }
    }

    /// The room of a webhook at `now_ms`; `chosen` requests are about to leave but not yet taken.
    pub(crate) fn room(&mut self, webhook: &Webhook, chosen: usize, now_ms: i64) -> Room {
        let gate = self.each.entry(webhook.id.clone()).or_default();
        // Where it gets tight, each webhook gets one at a time, so that none takes what is left.
        let is_tight =
            self.bytes + self.chosen > BYTES_MOST || self.under_way + chosen > self.most / 4 * 3;
        let places = match gate.answered {
            _ if is_tight => 1,
            Answered::Never => ROOM_SILENT,
            Answered::Slowly => ROOM,
            Answered::Quickly => ROOM_QUICK,
        };
        let left = self.most.saturating_sub(self.under_way + chosen);
        let mut free = places.saturating_sub(gate.under_way).min(left);
        self.is_short |= left == 0;
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

    /// A look ended before it came to this webhook.
    pub(crate) fn end_before(&mut self, webhook_id: &str) {
        webhook_id.clone_into(&mut self.left);
    }

    /// A look begins. Answers the webhook to begin with, so that all get their turn: this one, or the
    /// next in the order of ids. Empty: the first.
    pub(crate) fn begin_with(&mut self) -> String {
        self.chosen = 0;
        std::mem::take(&mut self.left)
    }

    /// The look has chosen requests with so many bytes of tasks.
    pub(crate) fn choose(&mut self, bytes: usize) {
        self.chosen += bytes;
    }

    /// A request of a webhook leaves, with a task of so many bytes.
    pub(crate) fn take(&mut self, webhook_id: &str, bytes: usize) {
        self.bytes += bytes;
        self.chosen = self.chosen.saturating_sub(bytes);
        self.under_way += 1;
        let gate = self.each.entry(webhook_id.to_owned()).or_default();
        gate.under_way += 1;
        if let Some(bucket) = &mut gate.bucket {
            bucket.tokens -= 1.0;
        }
    }

    /// Something due was left because no place was free: look again when one is.
    pub(crate) fn fell_short(&mut self, webhook_id: &str) {
        let gate = self.each.entry(webhook_id.to_owned()).or_default();
        (gate.is_short, gate.is_clear) = (true, false);
    }

    /// It has not: nothing that is due was left.
    pub(crate) fn was_enough(&mut self, webhook_id: &str) {
        let gate = self.each.entry(webhook_id.to_owned()).or_default();
        (gate.is_short, gate.is_clear) = (false, true);
    }

    /// Whether something is due that has no place: then nothing that comes later leaves before it.
    pub(crate) fn set_backlog(&mut self, webhook_id: &str, is_there: bool) {
        self.each.entry(webhook_id.to_owned()).or_default().is_clear = !is_there;
    }

    /// Takes a place for a request that nobody has waited for, with a task of so many bytes, at `now_ms`. It gets none
    /// before those that wait: what is not sent at once waits from now on.
    pub(crate) fn take_at_once(&mut self, webhook: &Webhook, bytes: usize, now_ms: i64) -> bool {
        let is_clear = self.each.get(&webhook.id).is_some_and(|gate| gate.is_clear);
        let has_place = is_clear && self.room(webhook, 0, now_ms).free > 0;
        if has_place {
            self.take(&webhook.id, bytes);
        } else if is_clear {
            self.set_backlog(&webhook.id, true);
        }
        has_place
    }

    /// At `now_ms`, an event was put in line behind another of its task.
    pub(crate) fn joined(&mut self, webhook_id: &str, now_ms: i64) {
        if let Some(gate) = self.each.get_mut(webhook_id) {
            gate.joined_ms = Some(now_ms);
        }
    }

    /// A request that has a place never leaves.
    pub(crate) fn give_back(&mut self, webhook_id: &str, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(gate) = self.each.get_mut(webhook_id) {
            gate.under_way = gate.under_way.saturating_sub(1);
            if let Some(bucket) = &mut gate.bucket {
                bucket.tokens += 1.0;
            }
        }
    }

    /// A request has ended.
    pub(crate) fn release(&mut self, webhook_id: &str, end: &RequestEnd) -> Seen {
        self.bytes = self.bytes.saturating_sub(end.bytes);
        self.under_way = self.under_way.saturating_sub(1);
        let is_short = std::mem::take(&mut self.is_short);
        let Some(gate) = self.each.get_mut(webhook_id) else {
            return Seen { is_awaited: true, ..Seen::default() };
        };
        gate.under_way = gate.under_way.saturating_sub(1);
        gate.answered = match end.is_answered {
            false => Answered::Never,
            true if end.ms > QUICK_MS => Answered::Slowly,
            true => Answered::Quickly,
        };
        if end.is_success {
            gate.success_ms = Some(end.now_ms);
            gate.failing_ms = None;
        } else if end.is_failure {
            gate.failing_ms = gate.failing_ms.or(Some(end.now_ms));
        }
        if let Some(is_ready) = end.is_ready {
            gate.not_ready_ms = (!is_ready).then_some(end.now_ms);
        }
        let is_first = |began: i64| gate.joined_ms.is_none_or(|at| at < began);
        Seen {
            is_awaited: !end.at_once_ms.is_some_and(is_first),
            is_short: std::mem::take(&mut gate.is_short) || is_short,
            success_ms: gate.success_ms,
            failing_ms: gate.failing_ms,
            not_ready_ms: gate.not_ready_ms,
        }
    }

    /// The places for requests to a webhook, of which each takes one while it is on its way.
    pub(crate) fn requests(&mut self, webhook_id: &str) -> Arc<Semaphore> {
        let gate = self.each.entry(webhook_id.to_owned()).or_default();
        Arc::clone(gate.requests.get_or_insert_with(|| Arc::new(Semaphore::new(ROOM))))
    }

    /// Forgets webhooks that are gone and have nothing under way.
    pub(crate) fn keep(&mut self, is_known: impl Fn(&str) -> bool) {
        self.each.retain(|id, gate| gate.under_way > 0 || is_known(id));
    }

    /// How many requests are under way.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// How many webhooks it knows.
    pub(crate) fn count(&self) -> usize {
        self.each.len()
    }
}

#[cfg(test)]
mod tests;
